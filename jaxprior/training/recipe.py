"""What recipes have in common: the fields of every one, and phases of trainings that do the same step all along."""

from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
import optax

from jaxprior.training.loop import Phase
from jaxprior.training.players import warm_decay


PARTS = 10


@dataclass(frozen=True, kw_only=True)
class Essentials:
    """What every training depends on, be it on many pictures or on one.

    Fields:
        learning_rate, beta1, beta2: of Adam.
        precision: "fp32", "tf32" or "bf16" (convolutions only; parameters, losses and norms stay float32).
        seed: of everything random.
    """

    learning_rate: float = 2e-4
    beta1: float = 0.5
    beta2: float = 0.999
    precision: str = "fp32"
    seed: int = 0

    @property
    def dtype(self) -> jnp.dtype:
        """Of the convolutions."""
        return jnp.bfloat16 if self.precision == "bf16" else jnp.float32

    def adam(self, share: float = 1.0) -> optax.GradientTransformation:
        """The optimiser, at a share of the learning rate, which may be traced."""
        return optax.adam(share * self.learning_rate, b1=self.beta1, b2=self.beta2)


@dataclass(frozen=True, kw_only=True)
class Recipe(Essentials):
    """What every training on many pictures depends on, besides these and its networks.

    Fields:
        batch_size: pictures a step.
        ema_decay, ema_ramp: moving average; see `players.warm_decay`.
        mirror: flip every picture left to right with probability 1/2.
    """

    batch_size: int = 32
    ema_decay: float = 0.999
    ema_ramp: float = 10.0
    mirror: bool = True

    def decay(self, index):
        """Of the moving average, at a step since it began."""
        return warm_decay(self.ema_decay, index, self.ema_ramp)


def cut_into_parts(step: Callable, batches: Callable, recipe: Recipe) -> list[Phase]:
    """Phases "part 1 of 10" and so on: after each the evaluator measures, and a checkpoint is kept.

    Arguments:
        step: (index since the training began, state, batch, key) -> (state, metrics).
        batches: (pictures drawn before, pictures a step, seed) -> function of a batch's number.
        recipe: one with `steps`.
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
