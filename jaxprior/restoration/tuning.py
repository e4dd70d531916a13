"""The second phase of an inversion with tuned codes: the generator is changed for each picture, the codes stay.

    phase 1   codes as always                           -> the pivot: latents of the codes
    phase 2   from the pivot, `TunedCode.steps` more    -> the same latents, and "change"

Both phases are solved by the same engine, so the change of a picture is found beside those of the other pictures of its
batch and touches none of them.
"""

import math
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np

from jaxprior.inversion.codes.tuned import CHANGE, TunedCode
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.system.quick_programs import QUICKLY_COMPILED


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


def joined(pivot: dict[str, Any], tuned: dict[str, Any]) -> dict[str, Any]:
    """What both phases found, as one inversion: steps and times are those of both, and the trace goes on.

    Arguments:
        pivot, tuned: what `jaxprior.inversion.batching.solve` returned in the first phase and in the second.
    """
    return {
        **tuned,
        "step": pivot["step"] + tuned["step"],
        "seconds": pivot["seconds"] + tuned["seconds"],
        "trace": np.concatenate([pivot["trace"], tuned["trace"][:, 1:]], axis=1),
    }
