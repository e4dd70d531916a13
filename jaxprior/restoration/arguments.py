"""What `restore` and `invert` are given: checked before anything is compiled, and completed where that is safe.

A prior's name stands for the prior, one picture for a batch of one, and a random key in the old style for one in the
new. Everything else that does not fit is refused in one sentence.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior import protocols
from jaxprior.checks import as_array, described, is_array, is_float, is_traced, kind_of, one_of, whole_number
from jaxprior.data.masks import MaskSpec
from jaxprior.data.ranges import FARTHEST_OBSERVED, doubt, from_range, require_pictures
from jaxprior.errors import ArgumentError, ImageError
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.inversion.starts.given import GivenStart, check_given
from jaxprior.operators import Identity, Operator, batched, image_axes, take
from jaxprior.protocols import Restores
from jaxprior.restoration.merge_rule import MERGES
from jaxprior.restoration.restored_tasks import check_restores
from jaxprior.system.amounts import plural
from jaxprior.weights.cut import CutGenerator
from jaxprior.weights.priors import Prior, load_prior
from jaxprior.weights.refiners import OwnAnswer, check_fits
from jaxprior.weights.restorers import Restorer


Array = jax.Array

LARGEST_ID = 2**32 - 1
"""Ids are 32 bits, as the random keys that they are folded into take them."""


def refuse_tracing(function: str, *arguments: Any) -> None:
    """Say that a host driver cannot be compiled, if any argument is traced by a transformation of JAX.

    Raises:
        ArgumentError: naming what can be compiled.
    """
    if is_traced(*arguments):
        raise ArgumentError(
            f"`{function}` cannot be called inside `jax.jit`, `jax.vmap` or `jax.grad`, because it is a loop on the "
            "host that calls programs which it compiles itself; call it outside, and compile `Prior.generate`, an "
            "operator or a metric instead."
        )


def as_prior(prior: Any) -> Prior:
    """The prior that was given itself, or by its name, its file or its training run.

    Raises:
        ArgumentError: it is something else. WeightsError: there is none of this name.
    """
    if isinstance(prior, (str, Path)):
        return load_prior(prior)
    advice = "`jp.load_prior(name)` loads one, and its name serves as well"
    return kind_of("prior", prior, Prior, "a prior or the name of one", advice)


def as_task(task: Any) -> Operator:
    """The forward operator that was given, or `Identity()` for None.

    Raises:
        ArgumentError: it is something else; of a mask the sentence says how an operator is made of it.
    """
    if task is None:
        return Identity()
    advice = "`jp.Inpaint(mask)`, `jp.Colorize()` or `jp.SuperResolve(4)` makes one"
    if isinstance(task, MaskSpec):
        advice = "`jp.Inpaint(mask.draw(prior.resolution))` makes one of this mask"
    elif is_array(task):
        advice = "`jp.Inpaint(mask)` makes one of a mask"
    task = kind_of("task", task, (Operator, protocols.Operator), "a forward operator", advice)
    if not all(np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves(task)):
        raise ArgumentError(f"`task` must have arrays of finite numbers, but {task.label} has others; mend its arrays.")
    return task


def as_photos(photos: Any, prior: Prior, value_range: Any, *, name: str = "photos") -> Array:
    """Photos as a batch [b, *image_shape] of float32 in [-1, 1].

    Arguments:
        photos: a batch, or one photo without the axis b.
        prior: of whose images they must have the shape.
        value_range: what black and white are, or None for [-1, 1] unless the photos look like another range.
        name: of the argument, for messages.

    Raises:
        ImageError: another shape or range.
    """
    given = _in_range(photos, value_range, name)
    shape = tuple(prior.image_shape)
    batch = given[None] if tuple(given.shape) == shape else given
    if tuple(batch.shape[1:]) != shape:
        sides = ", ".join(map(str, shape))
        sentence = f"`{name}` must have the shape [b, {sides}] of this prior's images, got {list(given.shape)}"
        if len(shape) == 3 and shape[0] == shape[1] and shape[2] in (1, 3):
            grey = ", channels=1" if shape[2] == 1 else ""
            sentence += f"; `load_images(paths, size={shape[0]}{grey})` fits pictures"
        elif len(shape) == 4:
            sentence += f"; `load_volumes(paths, shape={shape[:3]})` reads volumes"
        raise ImageError(f"{sentence}.")
    _refuse_none(batch, name)
    _refuse_doubtful(batch, value_range, name)
    return jnp.asarray(batch, jnp.float32)


def as_observed(observed: Any, task: Operator, prior: Prior, value_range: Any) -> Array:
    """Observations of a task as a batch [b, ...] of float32.

    Arguments:
        observed: a batch, or one observation without the axis b. What it shows where a task has missing pixels, NaN for
            example, is not looked at.
        task: forward operator; what it makes of the prior's images has the shape of one observation.
        prior, value_range: see `as_photos`.

    Raises:
        ImageError: another shape or range.
    """
    given = as_array("observed", observed)
    given = given if value_range is None else from_range(given, value_range, "observed")
    if not (is_array(given) and is_float(given)):
        given = require_pictures(given, "observed")
    one = _shape_of_one(task, prior)
    batch = given[None] if tuple(given.shape) == one else given
    if tuple(batch.shape[1:]) != one:
        raise ImageError(
            f"`observed` must have the shape [b, {', '.join(map(str, one))}], which {task.label} makes of this prior's "
            f"images, got {list(given.shape)}."
        )
    _refuse_none(batch, "observed")
    batch = jnp.asarray(batch, jnp.float32)
    own = batched(task, len(batch))
    looked_at = jax.vmap(type(task).compared, (image_axes(own), 0))(own, batch)
    of_pictures = getattr(task, "observes_pictures", False)
    require_pictures(looked_at, "observed", farthest=FARTHEST_OBSERVED if of_pictures else np.inf)
    if of_pictures:
        _refuse_doubtful(looked_at, value_range, "observed")
    return batch


def as_ids(ids: Any, count: int) -> Array:
    """Ids of pictures as unsigned integers of 32 bits [count]; 0 ... count - 1 for None.

    Raises:
        ArgumentError: they are no whole numbers from 0 to 2^32 - 1, or not one for each picture.
    """
    if ids is None:
        return jnp.arange(count, dtype=jnp.uint32)
    expected = f"`ids` must be one whole number for each of {count} {plural('picture', count)}"
    try:
        values = np.asarray(as_array("ids", ids))
    except ValueError as error:  # lists of several lengths
        raise ArgumentError(f"{expected}.") from error
    if values.shape != (count,):
        raise ArgumentError(f"{expected}, got {list(values.shape)}.")
    if values.dtype.kind not in "iu" or not ((values >= 0) & (values <= LARGEST_ID)).all():
        raise ArgumentError(
            f"`ids` must be whole numbers from 0 to {LARGEST_ID}, got {described(values)} with others; "
            "`jp.images.pixels_id` makes them of pictures."
        )
    return jnp.asarray(values, jnp.uint32)


def check_answers(refine: Any, task: Any) -> None:
    """Refuse a restorer's answer for a task that it was not made for; everything else passes.

    Arguments:
        refine: as for `restore`; task: the forward operator.

    Raises:
        RunError: it does something else.
    """
    if isinstance(refine, OwnAnswer) and isinstance(network := refine.network, Restorer):
        check_restores(task, Restores(network.task, network.factor), network.name)


def check_method(
    prior: Prior, *, codes: Any, objective: Any, solve: Any, refine: Any, start: Any, merge: Any
) -> None:
    """Refuse what is no method for a prior; None stands for the prior's default.

    Raises:
        ArgumentError: an argument is something else. ValueError: a layer that the prior does not have, or a refiner of
            other pictures.
    """
    kinds = {"codes": protocols.Codes, "objective": Objective, "solve": Solve}
    for name, value in (("codes", codes), ("objective", objective), ("solve", solve)):
        if value is not None:
            kind_of(name, value, kinds[name], f"of the kind {_WANTED[name]}", _advice(name, value))
    if codes is not None:
        prior.channels(codes.layer)
    check_fits(refine, prior.image_shape)
    one_of("merge", merge, MERGES)
    if start is not None:
        check_start(start)


def check_start(start: Any) -> None:
    """Refuse what is no start; see `jaxprior.protocols.Start`.

    Raises:
        ArgumentError: it has not what a start has.
    """
    if not isinstance(start, type) and isinstance(start, (protocols.Start, GivenStart)):
        return
    advice = "`jp.RandomStart()` is one"
    if isinstance(start, str):
        advice = f"`jp.Solve(init={start!r})` chooses one by its name"
    elif isinstance(start, type):
        advice = f"write {start.__name__}(...) with its arguments"
    elif isinstance(start, dict) or is_array(start):
        advice = "`jp.GivenStart(latents)` begins on latents"
    raise ArgumentError(
        f"`start` must be a start with `name`, `ready` and `latents`, got {described(start)}; {advice}."
    )


def check_given_latents(
    start: Any, prior: Prior, *, codes: Any, pictures: int, starts: int, draws: int | None = None
) -> None:
    """Refuse a `GivenStart` whose latents do not fit; every other start passes. Nothing is computed.

    Arguments:
        draws: of each picture, which begin on the same latents; None if there are none.

    Raises:
        ArgumentError: see `check_given`; or every start has its own latents, and there are more or fewer draws.
    """
    if isinstance(start, GivenStart):
        cut = CutGenerator(
            module=prior.module, layer=codes.layer, params=prior.params, code_distribution=prior.code_distribution
        )
        wanted = jax.eval_shape(codes.init, cut, jax.random.key(0))
        check_given(start.given, wanted, pictures=pictures, starts=starts)
        per_start = np.ndim(start.given["z"]) == len(wanted["z"].shape) + 2
        if per_start and draws not in (None, starts):
            raise ArgumentError(
                f"`start` gives latents for each of {starts} starts, and {draws} draws of each picture would begin on "
                f"them, too: ask for {starts} draws, or give one set of latents for each picture."
            )


def check_running(batch_size: Any, memory: Any, devices: Any, progress: Any) -> None:
    """Refuse what does not say how to run: see `restore`.

    Raises:
        ArgumentError: a number that is none, no devices, or something that cannot be called.
    """
    if batch_size is not None:
        whole_number("batch_size", batch_size, least=1)
    if memory is not None and not (isinstance(memory, (int, float, np.number)) and memory > 0):
        raise ArgumentError(f"`memory` must be a positive number of bytes or None, got {described(memory)}.")
    listed = isinstance(devices, Sequence) and len(devices) and all(hasattr(one, "platform") for one in devices)
    if devices is not None and not listed:
        raise ArgumentError(f"`devices` must be a list of JAX's devices or None, got {described(devices)}.")
    if progress is not None and not isinstance(progress, bool) and not callable(progress):
        raise ArgumentError(f"`progress` must be True, a function or None, got {described(progress)}.")


_WANTED = {
    "codes": "jp.MultiCode, jp.SingleCode, jp.FeatureCode or jp.NetworkCode",
    "objective": "jp.Objective",
    "solve": "jp.Solve",
}
_FIRST = {"codes": ("MultiCode", "num_codes"), "objective": ("Objective", "pixel"), "solve": ("Solve", "steps")}


def _advice(name: str, value: Any) -> str:
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return "give the parts of a method apart, `restore(..., **method._asdict())`"
    kind, field = _FIRST[name]
    return f"write jp.{kind}({field}={value!r})" if isinstance(value, (int, str)) else f"jp.{kind}(...) makes one"


def _in_range(pictures: Any, value_range: Any, name: str) -> Any:
    if value_range is not None:
        pictures = from_range(pictures, value_range, name)
    return require_pictures(pictures, name)


def _refuse_none(batch: Any, name: str) -> None:
    if len(batch) == 0:
        raise ImageError(f"`{name}` holds no pictures: its shape is {list(batch.shape)}; give at least one.")


def _refuse_doubtful(pictures: Any, value_range: Any, name: str) -> None:
    """Refuse pictures that look like another range, unless the caller has told theirs."""
    why = None if value_range is not None else doubt(pictures)
    if why is not None:
        raise ImageError(
            f"`{name}` {why}, but pictures are expected in [-1, 1]; give `value_range=(0, 1)` to map them, or "
            "`value_range=(-1, 1)` if they are right."
        )


def _shape_of_one(task: Operator, prior: Prior) -> tuple[int, ...]:
    """The shape of one observation, from the abstract evaluation of the task on one of the prior's images."""
    image = jax.ShapeDtypeStruct(prior.image_shape, jnp.float32)
    return tuple(jax.eval_shape(lambda task, image: take(task, np.array(0)).apply(image), task, image).shape)
