"""Draws of many pictures: several inversions of each, moved on by Langevin dynamics, none of which are averaged.

The draws of a group go through batches of the shape in which the group's pictures were solved. So they need no more
memory, and their inversions no other program. Where draws are inversions of their own (`own_inversion`), they have
networks and programs of their own, and batches that hold as many draws as the group's memory does.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from jaxprior.inversion.batching import Truth
from jaxprior.inversion.starts.encoder import EncoderStart
from jaxprior.inversion.state import BatchState, named, nested
from jaxprior.operators import Operator, map_images, take
from jaxprior.restoration.draws import Draws, own_inversion
from jaxprior.restoration.placement import TOGETHER, Placement, Progress, SavePoint
from jaxprior.system.devices import Device
from jaxprior.weights.priors import Prior


Array = jax.Array
DRAW_STREAM = 0x64726177
"""Keeps the chance of draws apart from that of the picture of least error."""
STAGE, BEFORE = "stage", "before"
"""In what a save point keeps: which of several solvings is in flight, and what was found by those before it."""

Solving = Callable[[SavePoint | None, Sequence[dict]], dict[str, Any]]


def placement_of_draws(
    prior: Prior, method: Any, *, devices: Sequence[Device] | None, platform: str | None = None
) -> Placement | None:
    """Make ready what draws are solved with, where that is not what the method says; None where it is.

    Arguments:
        prior: the generator.
        method: a `jaxprior.restoration.presets.Method`.
        devices, platform: as for `Placement`.
    """
    own = own_inversion(
        method.draws, solve=method.solve, start=method.start, code_distribution=prior.code_distribution
    )
    if own is None:
        return None
    objective = method.objective
    if objective.needs_features:  # those terms look at the layer of the method's codes
        objective = replace(objective, anchor=0.0, in_domain=None)
    start = None if isinstance(method.start, EncoderStart) else method.start
    return Placement(
        prior, codes=own.codes, objective=objective, solve=own.solve, start=start, devices=devices, platform=platform
    )


def fitted_with_draws(
    placement: Placement, own: Placement | None, operator: Operator, observed: Any, *, size: int, memory: float | None
) -> tuple[Placement, int]:
    """As `Placement.fitted`, for pictures and their draws.

    Arguments:
        placement: where the pictures are solved.
        own: where their draws are, from `placement_of_draws`.
        operator, observed, size, memory: as for `Placement.fitted`.

    Raises:
        MemoryLimitError: not even one picture, or one draw, fits.
    """
    placement, size = placement.fitted(operator, observed, size=size, memory=memory)
    if own is None:
        return placement, size
    starts = placement.settings.starts
    one = own.with_settings(replace(own.settings, starts=1)).with_memory_plan(placement.memory_plan)
    one, entries = one.fitted(operator, observed, size=placement.group(size) * starts, memory=memory)
    if one.memory_plan != placement.memory_plan:
        placement = placement.with_memory_plan(one.memory_plan)
    return placement, size if placement.fixed else min(size, max(entries // starts, 1))


def draws_at_once(placement: Placement, own: Placement | None, *, size: int) -> int:
    """Draws that are solved in one batch.

    Arguments:
        placement, own: as for `fitted_with_draws`.
        size: pictures at once.

    Returns:
        as many as there are inversions in a group of pictures. A CPU gets eight single codes at most, and so many that
        the draws of one picture fill their batches, whatever else there is to solve.
    """
    if own is None or not own.fixed:
        return placement.group(size) * placement.settings.starts
    most = 1 if own.memory_plan.alone else TOGETHER
    batches = -(-own.settings.starts // most)
    return len(own.devices) * -(-own.settings.starts // batches)


def solve_with_draws(
    placement: Placement,
    draws: Draws | None,
    operator: Operator,
    observed: Array,
    keys: Array,
    *,
    size: int,
    own: Placement | None = None,
    progress: Progress | None = None,
    save_point: SavePoint | None = None,
    truth: Truth | None = None,
) -> dict[str, Any]:
    """Solve pictures, and draw other answers for them. Pictures that are equal in everything are drawn once.

    Arguments:
        placement: where they are solved.
        draws: how many answers are drawn, and how; None for none.
        operator, observed, keys, size, progress, save_point, truth: as for `Placement.solve`.
        own: where draws are solved if they are inversions of their own, see `placement_of_draws`. Then there are more
            candidates than draws, and those stay that explain best what is known.

    Returns:
        What `Placement.solve` returns, which draws do not change but for the seconds. Besides, if there are draws,
        "draws": their images [b, K, r, r, c].
    """
    if draws is None:
        options = {"progress": progress, "save_point": save_point, "truth": truth}
        return placement.solve(operator, observed, keys, size=size, **options)
    b, slots = len(observed), draws_at_once(placement, own, size=size)
    other = placement if own is None else own
    begun, moves = (other.with_settings(solve) for solve in draws.of(other.settings))
    begun = begun if own is None else own
    work = [one.settings.steps * one.settings.starts for one in (placement, begun, moves)]
    some, which = _different(operator, observed, keys)  # a group is padded with a picture that is in it already
    of_some = (take(operator, some), observed[some], jax.vmap(jax.random.fold_in, (0, None))(keys[some], DRAW_STREAM))

    def first(save_point: SavePoint | None, _: Sequence[dict]) -> dict[str, Any]:
        tell = None if progress is None else _told(progress, b, work, 0)
        options = {"progress": tell, "save_point": save_point, "truth": truth}
        return placement.solve(operator, observed, keys, size=size, **options)

    def inversions(save_point: SavePoint | None, _: Sequence[dict]) -> dict[str, Any]:
        tell = None if progress is None else _watched(_told(progress, b, work, 1), begun.settings.steps)
        return begun.solve_starts(*of_some, slots=slots, watch=tell, save_point=save_point)

    def random_moves(save_point: SavePoint | None, before: Sequence[dict]) -> dict[str, Any]:
        tell = None if progress is None else _watched(_told(progress, b, work, 2), moves.settings.steps)
        latents = chosen(before[1])["latents"]
        return moves.solve_starts(*of_some, slots=slots, latents=latents, watch=tell, save_point=save_point)

    def chosen(candidates: dict[str, Any]) -> dict[str, Any]:
        if own is None:
            return candidates
        losses = np.asarray(candidates["loss"]).reshape(len(some), -1)
        best = np.argsort(losses, axis=1, kind="stable")[:, : draws.count]
        entries = (best + losses.shape[1] * np.arange(len(some))[:, None]).reshape(-1)
        return {name: jax.tree.map(lambda x: x[entries], candidates[name]) for name in ("images", "latents")}

    found = in_stages([first, inversions, *([random_moves] if draws.moves else [])], save_point)
    images = np.asarray((found[-1] if draws.moves else chosen(found[-1]))["images"])
    seconds = [np.asarray(one["seconds"]).reshape(len(some), -1).sum(axis=1)[which] for one in found[1:]]
    return {
        **jax.device_put(found[0]),
        "seconds": np.sum([np.asarray(found[0]["seconds"]), *seconds], axis=0),
        "draws": images.reshape(len(some), draws.count, *images.shape[1:])[which],
    }


def _different(operator: Operator, observed: Array, keys: Array) -> tuple[np.ndarray, np.ndarray]:
    """Which pictures [n] differ from all before them, and for every picture [b] which of those n it is."""
    own = jax.tree.leaves(map_images(lambda array: array, operator, lambda _: None))  # what is shared is equal
    arrays = [np.asarray(leaf) for leaf in (*own, observed, jax.random.key_data(keys))]
    contents = [b"".join(array[i].tobytes() for array in arrays) for i in range(len(observed))]
    places = {content: place for place, content in reversed(list(enumerate(contents)))}
    some = np.array(sorted(places.values()))
    return some, np.searchsorted(some, [places[content] for content in contents])


def in_stages(stages: Sequence[Solving], save_point: SavePoint | None) -> list[dict[str, Any]]:
    """Solve one thing after the other, and go on where an interrupted process was.

    Arguments:
        stages: what is solved; each gets its save point and what those before it found.
        save_point: where it is kept what is in flight, and what was found before.

    Returns:
        What each has found.
    """
    saved = None if save_point is None else save_point.load()
    reached = 0 if saved is None else int(saved.get(STAGE, 0))
    found = [nested(_within(saved or {}, f"{BEFORE}/{number}/")) for number in range(reached)]
    for number, solve in list(enumerate(stages))[reached:]:
        place = save_point if save_point is None or number == 0 else StageSavePoint(save_point, number, list(found))
        found.append(solve(place, found))
    return found


@dataclass(frozen=True)
class StageSavePoint:
    """The save point of one of several solvings, which keeps what those before it found as well.

    Arguments:
        under: where everything is kept.
        number: which solving it is, from 1: the first one needs no such thing.
        before: what those before it found.
    """

    under: SavePoint
    number: int
    before: Sequence[dict[str, Any]]

    def due(self) -> bool:
        """See `SavePoint`."""
        return self.under.due()

    def save(self, arrays: dict[str, np.ndarray]) -> None:
        """See `SavePoint`."""
        found = {
            f"{BEFORE}/{number}/{name}": np.asarray(array)
            for number, one in enumerate(self.before)
            for name, array in named(one).items()
        }
        self.under.save({**arrays, **found, STAGE: np.array(self.number)})

    def load(self) -> Mapping[str, np.ndarray] | None:
        """See `SavePoint`; None if another solving is in flight."""
        saved = self.under.load()
        return None if saved is None or int(saved.get(STAGE, 0)) != self.number else saved


def _within(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _told(progress: Progress, pictures: int, work: Sequence[int], stage: int) -> Progress:
    """What tells of one of several solvings as a part of all steps. No picture is done before all of them are."""

    def tell(done: int, of: int, steps: int, total: int, loss: float) -> None:
        running = (done < of) * steps / max(total, 1)
        position = sum(work[:stage]) + work[stage] * (done + running) / of
        progress(0, pictures, int(position), sum(work), loss)

    return tell


def _watched(tell: Progress, steps: int) -> Callable[[BatchState], None]:
    """The same for a solving of which every start is looked at by itself.

    Arguments:
        tell: from `_told`; steps: of every start.
    """
    return lambda batch: tell(int(batch.ended.sum()), len(batch.ended), batch.steps, steps, batch.loss)


def spread_of(draws: Array | np.ndarray) -> Array:
    """How far draws lie apart at each pixel: their standard deviation, root mean square over the channels.

    Arguments:
        draws: pictures [b, K, *space, c].

    Returns:
        float32 [b, *space], with K - 1 in the denominator; 0 where K is 1.

    Example:
        >>> spread_of(np.zeros((2, 8, 64, 64, 3))).shape
        (2, 64, 64)
    """
    apart = np.asarray(draws, np.float32)
    apart = apart - apart[:, :1]  # so that equal draws have a spread of exactly 0
    variance = apart.var(axis=1, ddof=min(1, apart.shape[1] - 1))
    return jax.device_put(np.sqrt(variance.mean(axis=-1)))
