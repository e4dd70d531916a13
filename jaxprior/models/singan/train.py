"""The training of a SinGAN, a pyramid of patch GANs on one picture (Shaham et al., ICCV 2019).

Every scale is a phase: the scales below are frozen, the new one inherits their weights, its noise gets as strong as
what the scales below cannot reconstruct, and Adam starts afresh. The official code reuses the last critic step's fake
in all generator steps although the weights change in between, which no current PyTorch allows; here it is made anew.
"""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.models.singan import ScalePlan as Scales
from jaxprior.models.singan import SinGan, build_pyramid, draw, reconstruct
from jaxprior.models.singan.config import SinganRecipe
from jaxprior.models.singan.drawing import drawing_programs
from jaxprior.models.singan.planning import SAMPLES, only_picture, scale_phase, scales_of, single_image_plan
from jaxprior.models.singan.scale import make_step
from jaxprior.models.singan.state import assemble, begin_scale, init_state, reconstruction_error
from jaxprior.system.ahead import Program, shapes_of
from jaxprior.training.phases import Phase
from jaxprior.training.pictures import Pictures
from jaxprior.training.session import Plan


def plan(recipe: SinganRecipe, pictures: Pictures) -> Plan:
    """Everything that `session.run` needs to train a SinGAN with these settings on one picture.

    Raises:
        ValueError: the picture has no such pyramid; or there are several pictures.

    Example:
        >>> session.run(  # trains for minutes # doctest: +SKIP
        ...     plan(PRESETS["singan"], Pictures(pixels[None])), "runs/balloons", source="balloons.png"
        ... )
    """
    pixels = only_picture(pictures, SinGan.title)
    scales = scales_of(recipe, *pixels.shape[:2])
    reals = build_pyramid(pixels, scales, method=recipe.resize)
    return single_image_plan(
        recipe,
        pictures,
        name="singan",
        phases=[_phase(recipe, scales, reals, n) for n in range(len(reals))],
        init=partial(init_state, recipe, scales, coarsest=reals[0]),
        trained=partial(_trained, recipe, scales, reals),
        sample=lambda model, key: np.asarray(draw(model, key, count=SAMPLES))[None],
        remake=lambda model: reconstruct(model)[-1],
        reals=lambda scale: reals[scale][None],
    )


def _phase(recipe: SinganRecipe, scales: Scales, reals: Sequence[np.ndarray], scale: int) -> Phase:
    """The phase in which one scale is trained."""
    name, compiled = f"scale{scale}", make_step(recipe, scale)
    picture = jnp.asarray(reals[scale][None])

    def below(state: dict) -> SinGan | None:
        return assemble(recipe, scales, state, scale, reals[scale - 1]) if scale else None

    def step(index, state, picture, key):
        own = {"scale": state[name], "adam": state["adam"][name]}
        own, seen = compiled(index, own, below(state), picture, key)
        return {**state, name: own["scale"], "adam": {**state["adam"], name: own["adam"]}}, seen

    def programs(state, batch, key):
        own = {"scale": state[name], "adam": state["adam"][name]}
        return [Program(compiled, (0, own, below(state), batch, key))]

    def programs_at_end(state):
        model = assemble(recipe, scales, state, scale + 1, reals[scale])
        drawn = drawing_programs(model, shapes_of(jax.random.key(0)), count=SAMPLES)
        next_one = reals[scale + 1 : scale + 2]
        return [*drawn, *(Program(reconstruction_error, (model, shapes_of(real[None]))) for real in next_one)]

    return scale_phase(
        recipe, reals, scale, step=step, programs=programs, programs_at_end=programs_at_end,
        begin=lambda state: begin_scale(recipe, below(state), scale, picture, state),
    )  # fmt: skip


def _trained(recipe: SinganRecipe, scales: Scales, reals: Sequence[np.ndarray], state: dict) -> SinGan:
    """The pyramid of the scales that are trained or in training."""
    newest = int(state["scale"])
    return assemble(recipe, scales, state, newest + 1, reals[newest])
