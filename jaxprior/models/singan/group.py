"""Recipe: SinGANs of several pictures of one size, trained together as one program (see `train`).

Each has its own networks; everything is mapped over them, and all draw the same noise, so that each becomes what it
would be alone but for rounding. This pays where one picture leaves the device idle: accelerators at the coarse scales.
"""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.errors import ImageError
from jaxprior.models import singan as pyramids
from jaxprior.models.singan import SinGan
from jaxprior.models.singan.recipe import SinganRecipe
from jaxprior.models.singan.scale import make_step
from jaxprior.models.singan.state import assemble, begin_scale, init_state
from jaxprior.training.evaluators import OwnPictures
from jaxprior.training.loop import Moment, Phase
from jaxprior.training.pictures import Pictures
from jaxprior.training.session import Plan, settings_of


SAMPLES, SHOWN = 8, 8
"""Random images of each network, and of how many networks a sheet shows them, a row each."""


def plan(recipe: SinganRecipe, pictures: Pictures, *, names: Sequence[str]) -> Plan:
    """Everything that `session.run` needs to train this recipe on each of several pictures.

    Arguments:
        recipe: the recipe.
        pictures: of one size.
        names: of their folders in the run folder; all different.

    Raises:
        ValueError: the pictures have no such pyramid, or names do not fit them.

    Example:
        >>> together = plan(PRESETS["singan"], Pictures(pixels), names=["balloons", "birds"])     # doctest: +SKIP
    """
    if len(set(names)) != len(pictures) or len(names) != len(pictures):
        raise ImageError(f"expected a name of its own for each of {len(pictures)} pictures, got {list(names)}")
    scales = recipe.scales(*pictures.pixels.shape[1:3])
    pyramid = [pyramids.build_pyramid(pixels, scales, method=recipe.resize) for pixels in pictures.pixels]
    reals = [np.stack(same) for same in zip(*pyramid, strict=True)]
    trained = partial(_trained, recipe, scales, reals)

    def init(key: jax.Array) -> dict:
        states = [init_state(recipe, scales, key, coarsest=own) for own in reals[0]]
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)

    def sample(state: dict, _moment: Moment) -> jax.Array:
        return _samples(trained(state), jax.random.key(recipe.seed + 1))

    def show(state: dict, moment: Moment) -> jax.Array:
        return jnp.concatenate(list(sample(state, moment)[:SHOWN]))

    return Plan(
        name="singan",
        settings=settings_of(recipe),
        phases=[_phase(recipe, scales, reals, n) for n in range(len(reals))],
        init=init,
        show=show,
        evaluator=OwnPictures(
            sample=sample,
            remake=lambda state, _moment: jax.vmap(pyramids.reconstruct)(trained(state))[-1][:, 0],
            pictures=lambda moment: reals[moment.phase_number],
        ),
        export=lambda state: trained(state).params(),
        card=lambda state: {"architecture": SinGan.architecture, "config": trained(state).config()},
        at_rest=np.float32,
        pictures=pictures,
        seed=recipe.seed,
        members=tuple(names),
    )


def _phase(recipe: SinganRecipe, scales: pyramids.Plan, reals: Sequence[np.ndarray], scale: int) -> Phase:
    """Training of one scale of all of them."""
    name, batch = f"scale{scale}", jnp.asarray(reals[scale][:, None])
    together = jax.jit(jax.vmap(make_step(recipe, scale), in_axes=(None, 0, 0, 0, None)), donate_argnums=1)

    def below(state: dict) -> SinGan | None:
        return assemble(recipe, scales, state, scale, reals[scale - 1]) if scale else None

    def begin(state):
        start = jax.vmap(lambda state, below, picture: begin_scale(recipe, below, scale, picture, state))
        return start(state, below(state), batch)

    def step(index, state, pictures, key):
        own = {"scale": state[name], "adam": state["adam"][name]}
        own, seen = together(index, own, below(state), pictures, key)
        state = {**state, name: own["scale"], "adam": {**state["adam"], name: own["adam"]}}
        return state, {figure: jnp.mean(values) for figure, values in seen.items()}

    return Phase(
        name=f"scale {scale} of 0 to {len(reals) - 1}",
        steps=recipe.steps,
        begin=begin,
        step=step,
        batch=lambda _index: batch,
        images_per_step=len(batch),
    )


@jax.jit
def _samples(models: SinGan, key: jax.Array) -> jax.Array:
    """Random images of every network, [k, SAMPLES, h, w, c]."""
    return jax.vmap(lambda model: pyramids.draw(model, key, count=SAMPLES))(models)


def _trained(recipe: SinganRecipe, scales: pyramids.Plan, reals: Sequence[np.ndarray], state: dict) -> SinGan:
    """The scales that are trained or in training, of all networks: leaves [k, ...]."""
    newest = int(state["scale"][0])
    return assemble(recipe, scales, state, newest + 1, reals[newest])
