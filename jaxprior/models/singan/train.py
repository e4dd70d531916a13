"""Recipe: SinGAN, a pyramid of patch GANs on one picture (Shaham et al., ICCV 2019).

Every scale is a phase: the scales below are frozen, the new one inherits their weights, its noise gets as strong as
what the scales below cannot reconstruct, and Adam starts afresh. The official code reuses the last critic step's fake
in all generator steps although the weights change in between, which no current PyTorch allows; here it is made anew.
"""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.errors import ImageError
from jaxprior.models import singan as pyramids
from jaxprior.models.singan import SinGan
from jaxprior.models.singan.recipe import PRESETS as PRESETS
from jaxprior.models.singan.recipe import SinganRecipe
from jaxprior.models.singan.scale import make_step
from jaxprior.models.singan.state import assemble, begin_scale, init_state
from jaxprior.training.evaluators import OwnPictures
from jaxprior.training.loop import Moment, Phase
from jaxprior.training.pictures import Pictures
from jaxprior.training.session import Plan, settings_of


SAMPLES = 16


def plan(recipe: SinganRecipe, pictures: Pictures) -> Plan:
    """Everything that `session.run` needs to train this recipe on one picture.

    Raises:
        ValueError: the picture has no such pyramid; or there are several pictures.

    Example:
        >>> session.run(plan(PRESETS["singan"], Pictures(pixels[None])), "runs/balloons", source="balloons.png")
    """
    if len(pictures) != 1:
        raise ImageError(f"a SinGAN is trained on one picture, got {len(pictures)}")
    pixels = pictures.pixels[0]
    scales = recipe.scales(*pixels.shape[:2])
    reals = pyramids.build_pyramid(pixels, scales, method=recipe.resize)
    trained = partial(_trained, recipe, scales, reals)

    def sample(state: dict, _moment: Moment) -> jax.Array:
        return pyramids.draw(trained(state), jax.random.key(recipe.seed + 1), count=SAMPLES)

    return Plan(
        name="singan",
        settings=settings_of(recipe),
        phases=[_phase(recipe, scales, reals, n) for n in range(len(reals))],
        init=partial(init_state, recipe, scales, coarsest=reals[0]),
        show=sample,
        evaluator=OwnPictures(
            sample=lambda state, moment: sample(state, moment)[None],
            remake=lambda state, _moment: pyramids.reconstruct(trained(state))[-1],
            pictures=lambda moment: reals[moment.phase_number][None],
        ),
        export=lambda state: trained(state).params(),
        card=lambda state: {"architecture": SinGan.architecture, "config": trained(state).config()},
        at_rest=np.float32,  # small networks; the resize truncates, which tells a rounding error from a whole level
        pictures=pictures,
        seed=recipe.seed,
    )


def _phase(recipe: SinganRecipe, scales: pyramids.Plan, reals: Sequence[np.ndarray], scale: int) -> Phase:
    """Training of one scale."""
    name, compiled = f"scale{scale}", make_step(recipe, scale)
    picture = jnp.asarray(reals[scale][None])

    def below(state: dict) -> SinGan | None:
        return assemble(recipe, scales, state, scale, reals[scale - 1]) if scale else None

    def step(index, state, picture, key):
        own = {"scale": state[name], "adam": state["adam"][name]}
        own, seen = compiled(index, own, below(state), picture, key)
        return {**state, name: own["scale"], "adam": {**state["adam"], name: own["adam"]}}, seen

    return Phase(
        name=f"scale {scale} of 0 to {len(reals) - 1}",
        steps=recipe.steps,
        begin=lambda state: begin_scale(recipe, below(state), scale, picture, state),
        step=step,
        batch=lambda _index: picture,
        images_per_step=1,
    )


def _trained(recipe: SinganRecipe, scales: pyramids.Plan, reals: Sequence[np.ndarray], state: dict) -> SinGan:
    """The scales that are trained or in training."""
    newest = int(state["scale"])
    return assemble(recipe, scales, state, newest + 1, reals[newest])
