"""The training of a ConSinGAN, one generator that grows over the scales of one picture (Hinz et al., WACV 2021).

Every scale is a phase: the generator gets a stage, a copy of the one below, whose noise gets as strong as what the
others do not yet reconstruct; the critic goes on; Adam starts afresh. The newest stages are trained together, the lower
the slower, and the rest is frozen.
"""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.models.consingan.augmenting import changed
from jaxprior.models.consingan.config import ConsinganRecipe
from jaxprior.models.consingan.model import ConSinGan
from jaxprior.models.consingan.stage import make_step
from jaxprior.models.consingan.starting import changed_pictures, draw_starting, starting_program
from jaxprior.models.consingan.state import assemble, begin_stage, init_state
from jaxprior.models.singan import ScalePlan as Scales
from jaxprior.models.singan import build_pyramid, draw, reconstruct
from jaxprior.models.singan.drawing import drawing_programs
from jaxprior.models.singan.planning import SAMPLES, only_picture, scale_phase, scales_of, single_image_plan
from jaxprior.system.ahead import shapes_of
from jaxprior.training.phases import Phase
from jaxprior.training.pictures import Pictures
from jaxprior.training.players import step_programs
from jaxprior.training.session import Plan


AT_ONCE = 4
"""So many images are drawn together, because the features of the finest scale are wide."""


def plan(recipe: ConsinganRecipe, pictures: Pictures) -> Plan:
    """Everything that `session.run` needs to train a ConSinGAN with these settings on one picture.

    Raises:
        ValueError: the picture has no such pyramid; or there are several pictures.

    Example:
        >>> session.run(  # trains for minutes # doctest: +SKIP
        ...     plan(PRESETS["consingan"], Pictures(pixels[None])), "runs/balloons", source="balloons.png"
        ... )
    """
    pixels = only_picture(pictures, ConSinGan.title)
    scales = scales_of(recipe, *pixels.shape[:2])
    reals = build_pyramid(pixels, scales, method=recipe.resize)
    return single_image_plan(
        recipe,
        pictures,
        name="consingan",
        phases=[_phase(recipe, scales, reals, n) for n in range(len(reals))],
        init=partial(init_state, recipe, scales, reals[0]),
        trained=partial(_trained, recipe, scales, reals),
        sample=_samples,
        remake=lambda model: reconstruct(model)[-1],
        reals=lambda stage: reals[stage][None],
    )


def _phase(recipe: ConsinganRecipe, scales: Scales, reals: Sequence[np.ndarray], stage: int) -> Phase:
    """The phase in which one stage is trained."""
    picture, step = jnp.asarray(reals[stage][None]), make_step(recipe, scales, stage)
    kind = recipe.starts_from

    def with_changed(index):
        chance = np.random.default_rng([recipe.seed, stage, index])
        return picture, changed(kind, reals[0], chance)[None]

    def programs_at_end(state):
        model = jax.eval_shape(lambda state: assemble(recipe, scales, state, stage + 1, reals[stage]), state)
        drawn, remade = drawing_programs(model, shapes_of(jax.random.key(0)), count=AT_ONCE)
        return [drawn if kind == "noise" else starting_program(model, count=AT_ONCE), remade]

    return scale_phase(
        recipe, reals, stage, step=step, programs=partial(step_programs, step), programs_at_end=programs_at_end,
        begin=lambda state: begin_stage(recipe, scales, stage, picture, state),
        batch=None if kind == "noise" else with_changed,
    )  # fmt: skip


def _samples(model: ConSinGan, key: jax.Array) -> np.ndarray:
    """Random images of the one network, [1, SAMPLES, h, w, c]; of changed pictures, if it starts from these."""

    def drawn(key: jax.Array) -> jax.Array:
        if model.starts_from == "noise":
            return draw(model, key, count=AT_ONCE)
        return draw_starting(model, changed_pictures(model, key, count=AT_ONCE), key)

    return np.concatenate([drawn(own) for own in jax.random.split(key, SAMPLES // AT_ONCE)])[None]


def _trained(recipe: ConsinganRecipe, scales: Scales, reals: Sequence[np.ndarray], state: dict) -> ConSinGan:
    """The generator with the stages that are trained or in training."""
    newest = int(state["stage"])
    return assemble(recipe, scales, state, newest + 1, reals[newest])
