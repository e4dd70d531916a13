"""Restore pictures with a prior: the host drivers `restore` and `invert`, and the named settings.

Both run the same engine. They cut a set of pictures into batches of one compiled shape, pad the last one, give every
picture its own randomness from its id, and put the known pixels back. A result does not depend on a picture's place in
the batch.
"""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.inversion.engine import NUMERICS_VERSION, solve_batch
from jaxprior.inversion.latents import MultiCode
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.operators import Identity, Operator, batched, take
from jaxprior.priors import Prior
from jaxprior.runtime import enable_compilation_cache


__all__ = ["NUMERICS_VERSION", "PRESETS", "Method", "Result", "invert", "observe", "preset", "restore"]

Array = jax.Array
PRESETS = ("default", "mganprior", "thesis")


@dataclass(frozen=True, kw_only=True)
class Result:
    """What an inversion found; b pictures of r x r pixels.

    Fields:
        images: the generator's output, float32 [b, r, r, c], roughly in [-1, 1]: the lowest finite iterate, unless the
            settings keep the last.
        merged: the same with the known pixels of the observation put back, where the task has any.
        latents: pytree of what was optimised, leading axis b.
        loss: of the kept iterate [b]; infinite where no iterate was finite.
        diverged: bool [b], some iterate was not finite.
        trace: losses [b, steps + 1], before every iteration and at the end.
        seconds: wall time of every picture's batch, compilation included, divided by its pictures, [b].
    """

    images: Array
    merged: Array
    latents: Any
    loss: Array
    diverged: Array
    trace: Array
    seconds: np.ndarray


class Method(NamedTuple):
    """Codes, objective and solve: everything that an inversion depends on besides the pictures."""

    codes: MultiCode
    objective: Objective
    solve: Solve


def restore(
    prior: Prior,
    photos: Array,
    task: Operator | None = None,
    *,
    key: Array,
    codes: MultiCode | None = None,
    objective: Objective | None = None,
    solve: Solve | None = None,
    ids: Array | None = None,
    batch_size: int | None = None,
    progress: Callable[[int, int, int, int, float], None] | None = None,
) -> Result:
    """Degrade clean photos by a task and restore them: an evaluation.

    Arguments:
        prior: the trained generator.
        photos: float32 [b, r, r, c] in [-1, 1], r being the prior's resolution.
        task: forward operator; its arrays serve all photos or have a leading axis b. None reconstructs.
        key: all chance comes from it.
        codes, objective, solve: what is optimised, what is minimised, and how; the prior's defaults where None.
        ids: integers [b] that seed each picture's chance; 0 ... b - 1 by default.
        batch_size: pictures solved at once; all by default.
        progress: called with (pictures done, pictures, steps done, steps, mean loss of the running batch).

    Returns:
        A `Result`.

    Raises:
        ValueError: shapes that do not fit the prior or the task.

    Example:
        >>> prior = jp.load_prior()
        >>> hole = jp.parse_mask("center:0.25").draw(prior.resolution)
        >>> result = jp.restore(prior, photos, jp.Inpaint(hole), key=jax.random.key(0))
    """
    task = Identity() if task is None else task
    photos, ids = _checked(prior, photos, ids)
    observed = observe(task, photos, key=key, ids=ids)
    return invert(
        prior, observed, task, key=key, codes=codes, objective=objective, solve=solve, ids=ids,
        batch_size=batch_size, progress=progress,
    )  # fmt: skip


def invert(
    prior: Prior,
    observed: Array,
    task: Operator | None = None,
    *,
    key: Array,
    codes: MultiCode | None = None,
    objective: Objective | None = None,
    solve: Solve | None = None,
    ids: Array | None = None,
    batch_size: int | None = None,
    progress: Callable[[int, int, int, int, float], None] | None = None,
) -> Result:
    """Restore what was really observed: find the latents whose degraded image explains it.

    Arguments:
        observed: observations of the task [b, ...]; what they show at missing pixels is ignored.
        prior, task, key, codes, objective, solve, ids, batch_size, progress: as for `restore`.

    Returns:
        A `Result`.

    Raises:
        ValueError: shapes that do not fit the task.
    """
    enable_compilation_cache()
    task = Identity() if task is None else task
    default = preset("default", task, prior=prior)
    codes, objective, solve = codes or default.codes, objective or default.objective, solve or default.solve
    observed = jnp.asarray(observed, jnp.float32)
    b = len(observed)
    if b == 0:
        raise ValueError("`observed` holds no pictures: its shape is " + str(observed.shape))
    operator = batched(task, b)
    ids = _seeds(ids, b)
    generator = prior.split(codes.layer, precision=solve.precision)
    size = min(batch_size or b, b)
    parts = []
    for start in range(0, b, size):
        began = time.perf_counter()
        rows = np.minimum(np.arange(start, start + size), b - 1)  # the last picture pads the last batch
        real = min(size, b - start)

        def report(step: int, losses: Array, start: int = start, real: int = real) -> None:
            if progress is not None:
                progress(start, b, step, solve.steps, float(jnp.mean(losses[:real])))

        found = solve_batch(
            generator, objective, take(operator, rows), observed[rows],
            jax.vmap(jax.random.fold_in, (None, 0))(key, ids[rows]),
            codes=codes, solve=solve, on_chunk=report,
        )  # fmt: skip
        merged = jax.vmap(type(task).merge)(take(operator, rows), observed[rows], found["images"])
        part = jax.tree.map(lambda x, real=real: x[:real], {**found, "merged": merged})
        jax.block_until_ready(part)
        part["seconds"] = np.full(real, (time.perf_counter() - began) / real)
        parts.append(part)
        if progress is not None:
            progress(start + real, b, solve.steps, solve.steps, float(jnp.mean(part["loss"])))
    whole = parts[0] if len(parts) == 1 else jax.tree.map(lambda *x: jnp.concatenate(x), *parts)
    return Result(
        images=whole["images"],
        merged=whole["merged"],
        latents=whole["latents"],
        loss=whole["loss"],
        diverged=~jnp.all(jnp.isfinite(whole["trace"]), axis=1),
        trace=whole["trace"],
        seconds=np.asarray(whole["seconds"]),
    )


def observe(task: Operator, photos: Array, *, key: Array, ids: Array) -> Array:
    """Degrade clean photos [b, r, r, c], each with its own chance; returns observations [b, ...].

    Arguments:
        task: forward operator.
        photos: float32 in [-1, 1].
        key: all chance comes from it.
        ids: integers [b] that seed each picture's chance.
    """
    keys = jax.vmap(lambda i: jax.random.fold_in(jax.random.fold_in(key, i), 1))(jnp.asarray(ids, jnp.uint32))
    return task.observe(photos, key=keys)


def preset(name: str, task: Operator | None = None, *, prior: Prior) -> Method:
    """Named settings.

    Arguments:
        name: "default": the prior's card, the best measured for the task.
            "mganprior": the public code: SGD with rate 1, last iterate, l2; 20 codes at layer 8 for 3000 iterations,
            or 30 at layer 4 for inpainting. That code adds a VGG-16 distance; a network is not part of a preset: pass
            `Objective(features=...)`.
            "thesis": Adam, 20 codes, layer 8, 3000 iterations; the rate is not stated there, 0.05 is ours.
        task: forward operator; None reconstructs.
        prior: layers beyond its last are lowered to it.

    Raises:
        ValueError: unknown name.
    """
    task_name = (Identity() if task is None else task).name
    if name == "default":
        return _from_card(prior, task_name)
    if name == "mganprior":
        codes, layer = (30, 4) if task_name == "inpaint" else (20, 8)
        solve = Solve(steps=3000, optimizer="sgd", learning_rate=1.0, keep="last")
    elif name == "thesis":
        codes, layer = 20, 8
        solve = Solve(steps=3000, optimizer="adam", learning_rate=0.05)
    else:
        raise ValueError(f"unknown preset {name!r}; expected one of {PRESETS}")
    return Method(MultiCode(num_codes=codes, layer=min(layer, prior.num_layers)), Objective(), solve)


FALLBACK = {
    "codes": {"num_codes": 20, "layer": 8},
    "objective": {"pixel": "l2"},
    "solve": {"steps": 300, "optimizer": "adam", "learning_rate": 0.05},
}
"""Settings of a prior whose card states none, e.g. a freshly converted one."""


def _from_card(prior: Prior, task_name: str) -> Method:
    stated = {**FALLBACK, **prior.card.get("defaults", {}).get(task_name, {})}
    codes = MultiCode(**stated["codes"])
    codes = dataclasses.replace(codes, layer=min(codes.layer, prior.num_layers))
    objective = dict(stated["objective"])
    if objective.pop("features", None) == "critic":
        if prior.critic is None:
            raise ValueError(f"the defaults of {prior.card.get('name')} use its critic, which this prior lacks")
        objective["features"] = prior.critic
    return Method(codes, Objective(**objective), Solve(**stated["solve"]))


def _checked(prior: Prior, photos: Array, ids: Array | None) -> tuple[Array, Array]:
    photos = jnp.asarray(photos, jnp.float32)
    r, c = prior.resolution, prior.module.image_channels
    if photos.ndim != 4 or photos.shape[1:] != (r, r, c):
        raise ValueError(
            f"`photos` must have the shape [b, {r}, {r}, {c}] of this prior's images, got {list(photos.shape)}; "
            f"`load_images(paths, size={r})` fits pictures"
        )
    return photos, _seeds(ids, len(photos))


def _seeds(ids: Array | None, b: int) -> Array:
    return jnp.arange(b, dtype=jnp.uint32) if ids is None else jnp.asarray(ids, jnp.uint32)
