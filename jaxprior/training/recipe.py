"""What recipes have in common: number types and optimisers of their settings, and phases of equal steps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import jax.numpy as jnp
import optax

from jaxprior.system.ahead import shapes_of
from jaxprior.training.phases import Phase, Unit
from jaxprior.training.players import step_programs, warm_decay
from jaxprior.training.settings import Essentials, TrainingSettings


PARTS = 10


def dtype_of(settings: Essentials) -> jnp.dtype:
    """The number type in which convolutions are computed."""
    return jnp.bfloat16 if settings.precision == "bf16" else jnp.float32


def adam(settings: Essentials, share: float = 1.0) -> optax.GradientTransformation:
    """The optimiser, at a share of the learning rate. The share may be a traced array."""
    return optax.adam(share * settings.learning_rate, b1=settings.beta1, b2=settings.beta2)


def average_decay(settings: TrainingSettings, index):
    """The decay of the moving average at step `index` since the average began, counted from 0."""
    return warm_decay(settings.ema_decay, index, settings.ema_ramp)


def _unchanged(state: Any) -> Any:
    return state


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One of several stages of a training, which differ in what a step does.

    Fields:
        steps: how many.
        name: comes first in the names of its phases, such as "mse, ".
        before: steps of the training before it.
        begin: what happens to the state when it begins.
        parts: phases into which it is cut.
    """

    steps: int
    name: str = ""
    before: int = 0
    parts: int = PARTS
    begin: Callable[[Any], Any] = _unchanged


class OfSteps(Protocol):
    """The settings of a training that is so many equal steps long."""

    @property
    def steps(self) -> int:
        """How many."""
        ...

    @property
    def batch_size(self) -> int:
        """Pictures a step."""
        ...

    @property
    def seed(self) -> int:
        """Of everything random."""
        ...


def cut_into_parts(
    step: Callable,
    batches: Callable,
    recipe: OfSteps,
    *,
    frozen: tuple = (),
    stage: Stage | None = None,
    unit: Unit = "pictures",
) -> list[Phase]:
    """Phases "part 1 of 10" and so on: after each the evaluator measures, and a checkpoint is kept.

    Arguments:
        step: (index since the training or the stage began, state, batch, key, *frozen) -> (state, metrics).
        batches: (pictures drawn before, pictures a step, seed) -> function of a batch's number.
        recipe: the settings.
        frozen: what every step gets besides, for example networks that are not trained. They are arguments, because
            what a compiled step closes over becomes a part of the program.
        stage: which part of the training these steps are; None where they are all of it.
        unit: what progress counts, see `jaxprior.training.phases.Phase`.
    """
    stage = Stage(steps=recipe.steps) if stage is None else stage
    phases, done = [], 0
    for part in range(1, stage.parts + 1):
        steps = stage.steps * part // stage.parts - done
        phases.append(
            Phase(
                name=f"{stage.name}part {part} of {stage.parts}",
                steps=steps,
                begin=stage.begin if part == 1 else _unchanged,
                step=lambda index, *args, offset=done: step(index + offset, *args, *frozen),
                batch=batches((stage.before + done) * recipe.batch_size, recipe.batch_size, recipe.seed),
                images_per_step=recipe.batch_size,
                unit=unit,
                programs=lambda *shapes: step_programs(step, *shapes, *shapes_of(frozen)),
            )
        )
        done += steps
    return phases
