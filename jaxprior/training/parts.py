"""Trainings of one kind of step, cut into phases: after each the judge measures and a checkpoint is kept."""

from collections.abc import Callable
from typing import Any

from jaxprior.training.loop import Phase


PARTS = 10


def cut_into_parts(step: Callable, batches: Callable, recipe: Any) -> list[Phase]:
    """Phases "part 1 of 10" and so on.

    Arguments:
        step: (index since the training began, state, batch, key) -> (state, metrics).
        batches: (pictures drawn before, pictures a step, seed) -> function of a batch's number.
        recipe: with `steps`, `batch_size` and `seed`.
    """
    phases, done = [], 0
    for part in range(1, PARTS + 1):
        steps = recipe.steps * part // PARTS - done
        phases.append(
            Phase(
                name=f"part {part} of {PARTS}",
                steps=steps,
                begin=lambda state: state,
                step=lambda index, *args, offset=done: step(index + offset, *args),
                batch=batches(done * recipe.batch_size, recipe.batch_size, recipe.seed),
                images_per_step=recipe.batch_size,
            )
        )
        done += steps
    return phases
