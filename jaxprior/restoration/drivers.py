"""Restore pictures with a prior: the host drivers `restore` and `invert`.

Both run the same engine, by an `Inverter` (`inverter.py`). It cuts a set of pictures into groups of one compiled shape,
pads the last one, spreads them over the devices, gives every picture its own randomness from its id, and puts the known
pixels back. A result does not depend on a picture's place in the batch.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.checks import random_key, whole_number
from jaxprior.data.inputs import noun_of
from jaxprior.errors import ArgumentError, ImageError
from jaxprior.inversion.batching import Truth
from jaxprior.inversion.engine import NUMERICS_VERSION
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.operators import Operator, batched, fitting, map_images
from jaxprior.protocols import Codes
from jaxprior.restoration.arguments import (
    as_ids,
    as_observed,
    as_photos,
    as_prior,
    as_task,
    check_answers,
    check_given_latents,
    check_method,
    check_running,
    refuse_tracing,
)
from jaxprior.restoration.draws import Draws, as_draws
from jaxprior.restoration.editing import edit, interpolate, render
from jaxprior.restoration.inverter import Inverter
from jaxprior.restoration.merge_rule import Merge
from jaxprior.restoration.named_settings import PRESETS
from jaxprior.restoration.placement import Progress
from jaxprior.restoration.presets import Method, completed, preset
from jaxprior.restoration.result import Result
from jaxprior.runs.progress import GroupProgress, shown
from jaxprior.system.devices import Device
from jaxprior.weights.priors import Prior


__all__ = [
    "NUMERICS_VERSION",
    "PRESETS",
    "Inverter",
    "Method",
    "Result",
    "edit",
    "interpolate",
    "invert",
    "observe",
    "preset",
    "render",
    "restore",
]

Array = jax.Array


def restore(
    prior: Prior | str | Path,
    photos: Array,
    task: Operator | None = None,
    *,
    key: Array,
    codes: Codes | None = None,
    objective: Objective | None = None,
    solve: Solve | None = None,
    refine: Any = None,
    start: Any = None,
    merge: Merge = "harmonic",
    draws: Draws | int | None = None,
    ids: Array | None = None,
    batch_size: int | None = None,
    memory: float | None = None,
    devices: Sequence[Device] | None = None,
    progress: Progress | bool | None = None,
    error_every: int | None = None,
    value_range: tuple[float, float] | None = None,
) -> Result:
    """Degrade clean photos by a task and restore them: an evaluation.

    Arguments:
        prior: the trained generator, or the name, file or training run that `load_prior` takes.
        photos: floats [b, *image_shape] in [-1, 1], of the shape of the prior's images; one photo without the axis b is
            a batch of one.
        task: forward operator; its arrays serve all photos or have a leading axis b. None reconstructs.
        key: one random key, from which all chance comes.
        codes, objective, solve: what is optimised, what is minimised, and how; the prior's defaults where None.
        refine: a network that repairs what was completed, see `load_refiner`; any callable pytree of images
            [b, h, w, c] in [-1, 1].
        start: where latents begin: `RandomStart()`, `BankStart()`, `GivenStart(latents)` or any other start (see
            `jaxprior.inversion.starts`); what `solve.init` names where None.
        merge: how known pixels and generated ones become one picture, for tasks that fill holes: "harmonic" without a
            seam, as thin holes are best filled from around and thick ones by the prior (see
            `jaxprior.restoration.merging`), or "paste", the generated pixels as they are. Volumes are always pasted.
        draws: how many different answers are made for every picture beside the one of least error, which stays what it
            is: each is an inversion of its own, which begins on another part of the prior's samples and then moves on
            at random among what explains the observation. Where the settings take an encoder's answer without any step,
            as the bundled priors' do for holes, each draw is the inversion of a single code, one of those that explain
            the observation best among twice as many; otherwise it is solved as the settings say (see
            `jaxprior.restoration.draws`). `Draws(count=..., moves=..., steps=...)` says more than a number.
        ids: whole numbers [b] from 0 to 2^32 - 1 that seed each picture's chance, equal ones alike; 0 ... b - 1 by
            default.
        batch_size: pictures solved at once on an accelerator; all by default. A CPU solves them one by one (single
            codes eight at a time), which is as fast there, so that no result depends on this number.
        memory: bytes that a step may need on each device, by default what an accelerator tells that it has. If the
            batch needs more, it becomes smaller, and if one picture still does, parts are computed twice (see
            `jaxprior.restoration.memory`).
        devices: over which the pictures are spread; by default all of this process, as far as there are pictures.
        progress: True shows how far it is: a bar on a terminal, and lines a few seconds apart everywhere else, in a
            notebook too. Or a function, which is called with (pictures done, pictures, steps done, steps, mean loss of
            the running group). With draws all pictures are one group.
        error_every: None, or so many iterations after which iterates are compared with the photos again and again, for
            `Result.errors`: a figure of how the true error falls. It changes no result; each comparison renders a
            picture, which takes about a third of a step. With `passes` above 1 it is refused; of codes that are tuned
            (`TunedCode`), the iterations before the tuning are compared.
        value_range: what black and white are in `photos`: (0, 1) and (0, 255) are mapped to (-1, 1), and with (-1, 1)
            they stay as they are. By default they must be in [-1, 1], and are refused if they look like [0, 1]: if they
            are floats whose darkest one lies between 0 and 0.5. A bright photo from a file does not, because its values
            are levels of [-1, 1].

    Returns:
        A `Result`; its images are in [-1, 1] always.

    Raises:
        ImageError: photos of another shape or range, or with values that are not finite.
        ArgumentError: any other argument of another kind, or called inside of `jit`, `vmap` or `grad`.
        ValueError: a task that does not fit the photos, or a layer that the prior does not have.
        MemoryLimitError: one picture does not fit, whatever is done.

    Example:
        >>> prior = jp.load_prior()
        >>> hole = jp.parse_mask("center:0.25").draw(prior.resolution)
        >>> result = jp.restore(  # inverts for minutes # doctest: +SKIP
        ...     prior, photos, jp.Inpaint(hole), key=jax.random.key(0)
        ... )
    """
    refuse_tracing("restore", prior, photos, task, key, ids, start)
    prior, task, key = as_prior(prior), as_task(task), random_key("key", key)
    task = fitting(task, prior.image_shape)
    photos = as_photos(photos, prior, value_range)
    truth = _truth(error_every, photos)
    ids = as_ids(ids, len(photos))
    observed = observe(task, photos, key=key, ids=ids)
    return _invert(
        prior, observed, task, key=key, codes=codes, objective=objective, solve=solve, refine=refine,
        start=start, merge=merge, draws=draws, ids=ids, batch_size=batch_size, memory=memory, devices=devices,
        progress=progress, truth=truth,
    )  # fmt: skip


def invert(
    prior: Prior | str | Path,
    observed: Array,
    task: Operator | None = None,
    *,
    key: Array,
    codes: Codes | None = None,
    objective: Objective | None = None,
    solve: Solve | None = None,
    refine: Any = None,
    start: Any = None,
    merge: Merge = "harmonic",
    draws: Draws | int | None = None,
    ids: Array | None = None,
    batch_size: int | None = None,
    memory: float | None = None,
    devices: Sequence[Device] | None = None,
    progress: Progress | bool | None = None,
    error_every: int | None = None,
    truth: Array | None = None,
    value_range: tuple[float, float] | None = None,
) -> Result:
    """Restore what was really observed: find the latents whose degraded image explains it.

    Arguments:
        observed: observations of the task [b, ...]; one without the axis b is a batch of one. What they show at missing
            pixels is ignored, NaN for example.
        prior, task, key, codes, objective, solve, refine, start, merge, draws, ids, batch_size, memory, devices,
            progress, error_every, value_range: as for `restore`.
        truth: the originals of the observations [b, *image_shape] in [-1, 1] (or `value_range`), where they are known:
            with `error_every`, iterates are compared with them for `Result.errors`. They decide nothing.

    Returns:
        A `Result`.

    Raises:
        ImageError: observations or originals of another shape or range, or with values that are not finite.
        ArgumentError, ValueError: as of `restore`.
        MemoryLimitError: one picture does not fit, whatever is done.

    Example:
        >>> result = jp.invert(  # inverts for minutes # doctest: +SKIP
        ...     prior, noisy, jp.Denoise(0.2), key=jax.random.key(0), error_every=25, truth=photos
        ... )
    """
    refuse_tracing("invert", prior, observed, task, key, ids, start, truth)
    prior, task, key = as_prior(prior), as_task(task), random_key("key", key)
    task = fitting(task, prior.image_shape)
    observed = as_observed(observed, task, prior, value_range)
    if (truth is None) != (error_every is None):
        raise ArgumentError(
            "`truth` and `error_every` belong together: iterates are compared with the originals `truth` every so many "
            "iterations. Give both, or neither."
        )
    compared = None if truth is None else _truth(error_every, as_photos(truth, prior, value_range, name="truth"))
    if compared is not None and len(compared.photos) != len(observed):
        raise ImageError(
            f"`truth` must hold the original of every observation: expected {len(observed)} pictures, got "
            f"{len(compared.photos)}."
        )
    return _invert(
        prior, observed, task, key=key, codes=codes, objective=objective, solve=solve, refine=refine,
        start=start, merge=merge, draws=draws, ids=as_ids(ids, len(observed)), batch_size=batch_size, memory=memory,
        devices=devices, progress=progress, truth=compared,
    )  # fmt: skip


def _truth(error_every: int | None, photos: Array) -> Truth | None:
    """The originals [b, h, w, c] to which iterates are compared; None where nobody asks for it."""
    if error_every is None:
        return None
    return Truth(np.asarray(photos), whole_number("error_every", error_every, least=1))


def _invert(
    prior: Prior, observed: Array, task: Operator, *, key: Array, codes: Any, objective: Any, solve: Any, refine: Any,
    start: Any, merge: Merge, draws: Draws | int | None, ids: Array, batch_size: int | None, memory: float | None,
    devices: Sequence[Device] | None, progress: Progress | bool | None, truth: Truth | None = None,
) -> Result:  # fmt: skip
    """Invert observations that have been checked."""
    draws = as_draws(draws)
    check_running(batch_size, memory, devices, progress)
    check_method(prior, codes=codes, objective=objective, solve=solve, refine=refine, start=start, merge=merge)
    method = completed(prior, task, codes=codes, objective=objective, solve=solve, start=start)
    method = method._replace(refine=refine, merge=merge, draws=draws)
    check_answers(refine, task)
    if truth is not None and method.solve.passes > 1:
        raise ArgumentError("`error_every` follows a single pass: take `passes=1`, or leave it out.")
    check_given_latents(
        start, prior, codes=method.codes, pictures=len(observed), starts=method.solve.starts,
        draws=None if draws is None else draws.count,
    )  # fmt: skip
    devices = jax.local_devices()[: len(observed)] if devices is None else devices
    noun = noun_of(prior.image_shape)
    with shown(task.label, len(observed), noun=noun) if progress is True else contextlib.nullcontext() as work:
        inverter, b = Inverter(prior, method, devices=devices), len(observed)
        one = map_images(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), batched(task, b))
        shape = jax.ShapeDtypeStruct(np.shape(observed)[1:], np.float32)
        inverter, batch_size = inverter.fitted(one, shape, wanted=min(batch_size or b, b), memory=memory)
        inverter.compile_ahead(one, shape, wanted=batch_size)
        tell = progress if callable(progress) else None
        if work is not None:
            together = inverter.placement.group(batch_size or b) if draws is None else b
            tell = GroupProgress(work, together)
        return inverter.invert(observed, task, key=key, ids=ids, batch_size=batch_size, progress=tell, truth=truth)


def observe(task: Operator, photos: Array | np.ndarray, *, key: Array, ids: Array | np.ndarray) -> Array:
    """Degrade clean photos [b, h, w, c], each with its own chance; returns observations [b, ...].

    Arguments:
        task: forward operator.
        photos: float32 in [-1, 1].
        key: all chance comes from it.
        ids: integers [b] that seed each picture's chance.
    """
    key = random_key("key", key)
    keys = jax.vmap(lambda i: jax.random.fold_in(jax.random.fold_in(key, i), 1))(jnp.asarray(ids, jnp.uint32))
    return task.observe(photos, key=keys)
