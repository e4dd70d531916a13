"""The state of a ConSinGAN training: where it starts, how a stage begins, and the trained network in it."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.models.consingan.augmenting import SHUFFLED_NOISE
from jaxprior.models.consingan.config import ConsinganRecipe
from jaxprior.models.consingan.model import ConSinGan
from jaxprior.models.consingan.networks import GrowingGenerator, draw_biases
from jaxprior.models.consingan.stage import networks_of
from jaxprior.models.singan import ScalePlan, reconstruct
from jaxprior.models.singan.networks import Critic
from jaxprior.models.singan.noise import draw_normals
from jaxprior.training.players import adam_start, copied


def init_state(recipe: ConsinganRecipe, scales: ScalePlan, coarsest: np.ndarray, key: jax.Array) -> dict:
    """The state at the start: networks, noises and amplitudes of all stages, Adam's states, and the stage in training.

    Adam has a state for each part of the generator. Stages above the first are copies of it until they begin.

    Arguments:
        recipe: the settings.
        scales: the scales of the picture.
        coarsest: the picture at the coarsest scale, [h, w, c].
        key: where the weights and the noises come from.
    """
    count = len(scales.sizes)
    parts, critic, noises = _drawn(*networks_of(recipe, 1), scales.sizes, key)
    parts |= {f"stage{n}": copied(parts["stage0"]) for n in range(1, count)}
    if recipe.z_rec == "image":
        own, weak = jnp.asarray(coarsest), recipe.starts_from == "shuffled"
        noises[0] = own + SHUFFLED_NOISE * noises[0] if weak else own
    return {
        "generator": parts,
        "critic": critic,
        "noise": {f"stage{n}": noise for n, noise in enumerate(noises)},
        "amplitudes": jnp.zeros(count).at[0].set(1),
        "adam": start_adam(parts, critic),
        "stage": jnp.int32(0),
    }


@partial(jax.jit, static_argnums=(0, 1, 2))
def _drawn(
    generator: GrowingGenerator, critic: Critic, sizes: tuple[tuple[int, int], ...], key: jax.Array
) -> tuple[dict, dict, list[jax.Array]]:
    """Draw the parameters of a generator of one stage and of the critic, and the noises of all stages."""
    *keys, noise_key = jax.random.split(key, 3)
    drawn = []
    for network, own in zip((generator, critic), keys, strict=True):
        weight_key, bias_key = jax.random.split(own)
        drawn.append(draw_biases(bias_key, network.init_variables(weight_key)["params"]))
    shapes = [generator.noise_shape(n, size) for n, size in enumerate(sizes)]
    return *drawn, [noise[0] for noise in draw_normals(noise_key, shapes, count=1)]


def assemble(
    recipe: ConsinganRecipe, scales: ScalePlan, state: dict, count: int, image: np.ndarray | jax.Array
) -> ConSinGan:
    """A model of the coarsest `count` stages of a state; `image` is the picture at the last of them, [h, w, c]."""
    generator, critic = networks_of(recipe, count)
    names = ("head", "tail", *(f"stage{n}" for n in range(count)))
    return ConSinGan(
        generator=generator, variables={"params": {name: state["generator"][name] for name in names}}, critic=critic,
        critic_variables={"params": state["critic"]}, amplitudes=state["amplitudes"][:count],
        noises=tuple(state["noise"][f"stage{n}"] for n in range(count)), sizes=scales.sizes[:count],
        image=jnp.asarray(image), starts_from=recipe.starts_from,
    )  # fmt: skip


def begin_stage(recipe: ConsinganRecipe, scales: ScalePlan, stage: int, picture: jax.Array, state: dict) -> dict:
    """Begin a stage: set its weights, the amplitude of its noise, and Adam's states.

    Arguments:
        recipe: the settings.
        scales: all scales of the training.
        stage: number of the stage.
        picture: the picture at the scale of the stage, [1, h, w, c].
        state: the state of the training.
    """
    state = {**state, "stage": jnp.int32(stage)}
    if stage:
        parts = {**state["generator"], f"stage{stage}": copied(state["generator"][f"stage{stage - 1}"])}
        state |= {"generator": parts, "amplitudes": state["amplitudes"].at[stage].set(0)}
        remade = reconstruct(assemble(recipe, scales, state, stage + 1, picture[0]))[-1]
        error = jnp.sqrt(jnp.mean(jnp.square(picture - remade)))
        state["amplitudes"] = state["amplitudes"].at[stage].set(recipe.noise_amplitude * error)
    return {**state, "adam": start_adam(state["generator"], state["critic"])}


def start_adam(parts: dict, critic: dict) -> dict:
    """Adam's states at the start of a phase: one for each part of the generator, and the critic's."""
    return {"generator": {name: adam_start(part) for name, part in parts.items()}, "critic": adam_start(critic)}
