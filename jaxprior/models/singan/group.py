"""The training of SinGANs of several pictures of one size, together as one program (see `train`).

Each has its own networks; everything is mapped over them, and all draw the same noise, so that each becomes what it
would be alone but for rounding. This pays where one picture leaves the device idle: accelerators at the coarse scales.
"""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.errors import ImageError
from jaxprior.models.singan import ScalePlan as Scales
from jaxprior.models.singan import SinGan, build_pyramid, draw, reconstruct
from jaxprior.models.singan.config import SinganRecipe
from jaxprior.models.singan.planning import scale_phase, scales_of, single_image_plan
from jaxprior.models.singan.scale import make_step
from jaxprior.models.singan.state import assemble, begin_scale, init_state
from jaxprior.training.phases import Phase
from jaxprior.training.pictures import Pictures
from jaxprior.training.session import Plan


SAMPLES, SHOWN = 8, 8
"""How many random images of each network are drawn, and of how many networks a sheet shows them, a row each."""


def plan(recipe: SinganRecipe, pictures: Pictures, *, names: Sequence[str]) -> Plan:
    """Everything that `session.run` needs to train a SinGAN with these settings on each of several pictures.

    Arguments:
        recipe: the settings.
        pictures: of one size.
        names: their folders in the run folder, all different.

    Raises:
        ValueError: the pictures have no such pyramid, or names do not fit them.

    Example:
        >>> together = plan(  # needs two pictures # doctest: +SKIP
        ...     PRESETS["singan"], Pictures(pixels), names=["balloons", "birds"]
        ... )
    """
    if len(set(names)) != len(pictures) or len(names) != len(pictures):
        raise ImageError(f"expected a name of its own for each of {len(pictures)} pictures, got {list(names)}")
    scales = scales_of(recipe, *pictures.pixels.shape[1:3])
    pyramid = [build_pyramid(pixels, scales, method=recipe.resize) for pixels in pictures.pixels]
    reals = [np.stack(same) for same in zip(*pyramid, strict=True)]

    def init(key: jax.Array) -> dict:
        states = [init_state(recipe, scales, key, coarsest=own) for own in reals[0]]
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)

    return single_image_plan(
        recipe,
        pictures,
        name="singan",
        phases=[_phase(recipe, scales, reals, n) for n in range(len(reals))],
        init=init,
        trained=partial(_trained, recipe, scales, reals),
        sample=_samples,
        remake=lambda models: jax.vmap(reconstruct)(models)[-1][:, 0],
        reals=lambda scale: reals[scale],
        show=lambda samples: jnp.concatenate(list(samples[:SHOWN])),
        members=names,
    )


def _phase(recipe: SinganRecipe, scales: Scales, reals: Sequence[np.ndarray], scale: int) -> Phase:
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

    return scale_phase(recipe, reals, scale, begin=begin, step=step)


@jax.jit
def _samples(models: SinGan, key: jax.Array) -> jax.Array:
    """Random images of every network, [k, SAMPLES, h, w, c]."""
    return jax.vmap(lambda model: draw(model, key, count=SAMPLES))(models)


def _trained(recipe: SinganRecipe, scales: Scales, reals: Sequence[np.ndarray], state: dict) -> SinGan:
    """The scales that are trained or in training, of all networks: leaves [k, ...]."""
    newest = int(state["scale"][0])
    return assemble(recipe, scales, state, newest + 1, reals[newest])
