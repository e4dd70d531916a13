"""The second phase of an inversion with tuned codes: the generator is changed for each picture, the codes stay.

    phase 1   codes as always                           -> the pivot: latents of the codes
    phase 2   from the pivot, `TunedCode.steps` more    -> the same latents, and "change"

Both phases are solved by the same engine, so the change of a picture is found beside those of the other pictures of its
batch and touches none of them.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxprior.inversion import batching
from jaxprior.inversion.codes.tuned import CHANGE, TunedCode
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.inversion.state import BatchState
from jaxprior.operators import Operator
from jaxprior.restoration.entries import keys_of_entries
from jaxprior.restoration.save_points import SavePoint, packed, unpacked
from jaxprior.system.quick_programs import QUICKLY_COMPILED


if TYPE_CHECKING:
    from jaxprior.restoration.placement import Placement


Array = jax.Array
FIRST_STEP = 0.01
"""Root mean square of the first step of a change, as L-BFGS takes it."""


def solve_of_tuning(tuned: TunedCode, solve: Solve, shapes: Any) -> Solve:
    """How the second phase is solved: by L-BFGS, to the iterate that explains best what the first one looked at.

    Arguments:
        tuned: the codes.
        solve: of the first phase, from which precision and held-out pixels are taken.
        shapes: of the latents of one picture.
    """
    moving, every = (sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(part)) for part in (shapes[CHANGE], shapes))
    return replace(
        solve,
        steps=tuned.steps,
        optimizer="lbfgs",
        # L-BFGS's first step is a mean over all latents, and those of the codes do not move.
        learning_rate=FIRST_STEP * math.sqrt(moving / every),
        weight_rate=1.0,
        schedule="constant",
        keep="held_out" if solve.keep == "held_out" else "best",
        target_psnr=None,
        passes=1,
    )


def objective_of_tuning(objective: Objective) -> Objective:
    """What is minimised in the second phase: terms that look at the latents are left out, for the codes do not move."""
    return replace(objective, code_penalty=0.0, anchor=0.0, in_domain=None)


@partial(jax.jit, static_argnames="tuned", compiler_options=QUICKLY_COMPILED)
def no_changes(generator: Any, keys: Array, *, tuned: TunedCode) -> dict[str, dict[str, Array]]:
    """What the second phase begins with: a change for each of some keys [m], which changes nothing yet.

    Arguments:
        generator: cut where the codes say.
        keys: one random key per entry.
        tuned: the codes.
    """
    return jax.vmap(partial(tuned.no_change, generator))(keys)


def tune_starts(
    ready: "Placement",
    operator: Operator,
    observed: Array,
    keys: Array,
    pivot: dict[str, Any],
    *,
    slots: int,
    watch: Callable[[BatchState], None] | None = None,
    save_point: SavePoint | None = None,
) -> dict[str, Any]:
    """Tune the generator to every entry, whose codes have been found.

    Arguments:
        ready: where it is done.
        operator, observed, keys, slots, watch, save_point: as for `Placement.solve_starts`.
        pivot: what that returned.

    Returns:
        The same of both phases together.
    """
    codes, solve = ready.phases[1]
    entries = np.arange(len(observed) * ready.settings.starts)
    turn, _, saved = unpacked(None if save_point is None else save_point.load())

    def on_chunk(batch: BatchState) -> None:
        if save_point is not None and save_point.due():
            save_point.save(packed(ready.settings.passes, pivot, batch))
        if watch is not None:
            watch(batch)

    begun = {**pivot["latents"], CHANGE: _changes(ready, entries, keys)}
    objective = objective_of_tuning(ready.objective)
    found = batching.solve(
        ready.generator, objective, ready.problems(operator, observed, keys, entries, begun), size=slots,
        codes=codes, solve=solve, platform=ready.platform,
        on_chunk=on_chunk if save_point is not None or watch is not None else None,
        resume=saved if turn == ready.settings.passes else None,
    )  # fmt: skip
    return joined(pivot, found)


def _changes(ready: "Placement", entries: np.ndarray, keys: Array) -> Any:
    """The change of the generator on which the tuning of these entries begins: the given one, or none yet."""
    if (given := ready.given(entries, keys)) is not None:
        return given[CHANGE]
    rows, nth = np.divmod(entries, ready.settings.starts)
    assert ready.tuned is not None
    return jax.device_get(no_changes(ready.generator, keys_of_entries(keys, rows, nth), tuned=ready.tuned))


def joined(pivot: dict[str, Any], tuned: dict[str, Any]) -> dict[str, Any]:
    """What both phases found, as one inversion: steps and times are those of both, and the trace goes on. Errors to
    originals, if there are any, are those of the first phase.

    Arguments:
        pivot, tuned: what `jaxprior.inversion.batching.solve` returned in the first phase and in the second.
    """
    return {
        **tuned,
        "step": pivot["step"] + tuned["step"],
        "seconds": pivot["seconds"] + tuned["seconds"],
        "trace": np.concatenate([pivot["trace"], tuned["trace"][:, 1:]], axis=1),
        **{name: pivot[name] for name in ("errors",) if name in pivot},
    }
