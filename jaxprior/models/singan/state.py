"""The state of a SinGAN training: where it starts, how a scale begins, and the pyramid in it."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.models.singan import Scale, ScalePlan, SinGan, reconstruct
from jaxprior.models.singan.config import SinganRecipe
from jaxprior.models.singan.losses import networks_at
from jaxprior.models.singan.scale import draw_noise
from jaxprior.training.players import adam_start, copied


PLAYERS = ("generator", "critic")


def init_state(recipe: SinganRecipe, scales: ScalePlan, key: jax.Array, *, coarsest: np.ndarray | None = None) -> dict:
    """The state at the start: networks, noise and amplitude of all scales, Adam's states, and the scale in training.

    Arguments:
        recipe: the settings.
        scales: the scales of the picture.
        key: where the weights and the noise come from.
        coarsest: the picture at the coarsest scale, [h, w, c]; needed if `z_rec` is "image".
    """
    state: dict = {"adam": {}, "scale": jnp.int32(0)}
    for n, size in enumerate(scales.sizes):
        g_key, d_key, noise_key = jax.random.split(jax.random.fold_in(key, n), 3)
        generator, critic = networks_at(recipe, n)
        part = {"generator": generator.init_variables(g_key), "critic": critic.init_variables(d_key)}
        if n:
            height, width = (side + 2 * recipe.noise_margin for side in size)
            noise = jnp.asarray(np.zeros((height, width, 3), np.float32))
        elif recipe.z_rec == "image":
            noise = jnp.asarray(coarsest)
        else:
            noise = draw_noise(recipe, noise_key, jnp.zeros((1, *size, 3)), n)[0]
        state[f"scale{n}"] = {**part, "noise": noise, "amplitude": jnp.float32(0 if n else 1)}
        state["adam"][f"scale{n}"] = start_adam(part)
    return state


def assemble(recipe: SinganRecipe, scales: ScalePlan, state: dict, count: int, image: np.ndarray) -> SinGan:
    """A pyramid of the coarsest `count` scales of a state; `image` is the picture at the last of them, [h, w, c]."""
    parts = []
    for n, size in enumerate(scales.sizes[:count]):
        generator, critic = networks_at(recipe, n)
        part = state[f"scale{n}"]
        parts.append(
            Scale(
                generator=generator, variables=part["generator"], critic=critic, critic_variables=part["critic"],
                amplitude=part["amplitude"], noise=part["noise"], size=size,
            )
        )  # fmt: skip
    return SinGan(
        scales=tuple(parts), image=jnp.asarray(image), factor=scales.step, resize=recipe.resize,
        padding=recipe.padding, coarse_noise_channels=recipe.coarse_noise_channels,
    )  # fmt: skip


def begin_scale(recipe: SinganRecipe, below: SinGan | None, scale: int, picture: jax.Array, state: dict) -> dict:
    """Begin a scale: set its weights, the amplitude of its noise, and Adam's states.

    Arguments:
        recipe: the settings.
        below: the frozen scales below, or None.
        scale: number of the scale.
        picture: the picture at this scale, [1, h, w, c].
        state: the state of the training.
    """
    own = state[f"scale{scale}"]
    if below is not None:
        same = recipe.width_at(scale) == recipe.width_at(scale - 1)
        if recipe.inherit != "never" and same:
            own = {**own, **copied({name: state[f"scale{scale - 1}"][name] for name in PLAYERS})}
        own = {**own, "amplitude": recipe.noise_amplitude * reconstruction_error(below, picture)}
    adam = {**state["adam"], f"scale{scale}": start_adam(own)}
    return {**state, f"scale{scale}": own, "adam": adam, "scale": jnp.int32(scale)}


@jax.jit
def reconstruction_error(below: SinGan, picture: jax.Array) -> jax.Array:
    """Root mean squared difference of a picture [1, h, w, c] from the enlarged reconstruction of the scales below."""
    remade = below.enlarge(reconstruct(below)[-1], (picture.shape[1], picture.shape[2]))
    return jnp.sqrt(jnp.mean(jnp.square(picture - remade)))


def start_adam(part: dict) -> dict:
    """Adam's states of both networks of a scale."""
    return {name: adam_start(part[name]["params"]) for name in PLAYERS}
