"""From the settings of a solve to its optimiser."""

from functools import partial

import jax
import optax

from jaxprior.inversion.optimizers.langevin import langevin
from jaxprior.inversion.optimizers.lbfgs import lbfgs
from jaxprior.inversion.solvers import Solve


MOMENTUM = 0.9
"""Of "nesterov"."""


def make_optimizer(solve: Solve) -> optax.GradientTransformationExtraArgs:
    """The optax optimiser of one image's latents; `update` takes the loss as `value`; see `takes_chances`."""
    if solve.optimizer == "langevin":
        return langevin(
            solve.learning_rate,
            temperature=solve.temperature,
            scales=lambda latents: _rates(latents, solve.weight_rate),
            begins_at_centre=lambda latents: _rates(latents, 1.0, codes=0.0),
        )
    if solve.optimizer == "lbfgs":
        return lbfgs(solve.learning_rate, scales=lambda latents: _rates(latents, solve.weight_rate))
    nesterov = partial(optax.sgd, momentum=MOMENTUM, nesterov=True)
    plain = {"adam": optax.adam, "sgd": optax.sgd, "nesterov": nesterov}[solve.optimizer](_rate(solve))
    if solve.weight_rate == 1.0:
        return optax.with_extra_args_support(plain)

    def rescale(updates, params=None):
        return jax.tree.map(lambda u, rate: u * rate, updates, _rates(updates, solve.weight_rate))

    return optax.with_extra_args_support(optax.chain(plain, optax.stateless(rescale)))


def takes_chances(solve: Solve) -> bool:
    """Whether `update` also takes a random `key`, how many values are `known`, and whether it is the `last` call."""
    return solve.optimizer == "langevin"


def _rate(solve: Solve) -> float | optax.Schedule:
    steps = max(solve.steps, 1)
    if solve.schedule == "cosine":
        return optax.cosine_decay_schedule(solve.learning_rate, steps)
    if solve.schedule == "ramp":
        up, down = max(steps // 20, 1), max(steps // 4, 1)
        rise = optax.linear_schedule(solve.learning_rate / up, solve.learning_rate, up)
        fall = optax.cosine_decay_schedule(solve.learning_rate, down)
        return optax.join_schedules([rise, fall], [steps - down])
    return solve.learning_rate


def _rates(latents: dict, weight_rate: float, *, codes: float = 1.0) -> dict:
    """Relative rate of every leaf: `codes` for the codes, `weight_rate` for the rest."""
    rates = {name: codes if name == "z" else weight_rate for name in latents}
    return {name: jax.tree.map(lambda _, rate=rates[name]: rate, part) for name, part in latents.items()}
