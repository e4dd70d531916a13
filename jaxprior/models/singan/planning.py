"""What the trainings on one picture share: the sheet of samples, the figures, the phases, the saved weights."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.errors import ImageError
from jaxprior.models.singan import ScalePlan as Scales
from jaxprior.models.singan import plan_scales
from jaxprior.models.singan.config import PyramidRecipe
from jaxprior.models.singan.model import SingleImageModel
from jaxprior.system.ahead import Program
from jaxprior.training.evaluators import OwnPictures
from jaxprior.training.phases import Phase, no_programs
from jaxprior.training.pictures import Pictures
from jaxprior.training.session import Plan, settings_of


Model = TypeVar("Model", bound=SingleImageModel)
SAMPLES = 16
"""Random images of a sheet."""


def only_picture(pictures: Pictures, title: str) -> np.ndarray:
    """The one picture that a training is given, uint8 [h, w, 3].

    Raises:
        ImageError: there are several.
    """
    if len(pictures) != 1:
        raise ImageError(f"a {title} is trained on one picture, got {len(pictures)}")
    return pictures.pixels[0]


def scales_of(recipe: PyramidRecipe, height: int, width: int) -> Scales:
    """The scales of a picture of this size, in pixels.

    Raises:
        ValueError: it has none (see `singan.plan_scales`), or its coarsest scale is smaller than a patch.
    """
    found = plan_scales(
        height, width, rule=recipe.scale_rule, num_scales=recipe.num_scales, min_size=recipe.min_size,
        max_size=recipe.max_size, scale_factor=recipe.scale_factor,
    )  # fmt: skip
    if min(found.sizes[0]) < recipe.patch:
        h, w = found.sizes[0]
        raise ValueError(
            f"the coarsest scale of {w}x{h} pixels is smaller than a patch of {recipe.patch}: raise `min_size`"
        )
    return found


def single_image_plan(
    recipe: PyramidRecipe,
    pictures: Pictures,
    *,
    name: str,
    phases: list[Phase],
    init: Callable[[jax.Array], Any],
    trained: Callable[[Any], Model],
    sample: Callable[[Model, jax.Array], Any],
    remake: Callable[[Model], Any],
    reals: Callable[[int], Any],
    show: Callable[[Any], Any] | None = None,
    settings: dict | None = None,
    members: Sequence[str] = (),
) -> Plan:
    """Everything that `session.run` needs for a training on one picture, or on k pictures of one size at once.

    Arguments:
        recipe: the settings.
        pictures: as they were given.
        name: of the training, in `run.json`.
        phases, init: of the training, see `session.Plan`.
        trained: state -> the model in it.
        sample: (model, key) -> random images [k, n, h, w, c].
        remake: model -> reconstructed pictures [k, h, w, c].
        reals: number of a phase -> the pictures [k, h, w, c] that its networks learn.
        show: random images of all networks [k, n, h, w, c] -> the images [m, h, w, c] of a sheet; None shows those of
            the first network.
        settings: what `run.json` keeps besides the fields of `recipe`.
        members: names of the networks that are trained together, if there are several.
    """

    def drawn(state, _moment):
        return sample(trained(state), jax.random.key(recipe.seed + 1))

    return Plan(
        name=name,
        settings={**settings_of(recipe), **(settings or {})},
        phases=phases,
        init=init,
        show=lambda state, moment: show(drawn(state, moment)) if show else drawn(state, moment)[0],
        evaluator=OwnPictures(
            sample=drawn,
            remake=lambda state, _moment: remake(trained(state)),
            pictures=lambda moment: reals(moment.phase_number),
        ),
        export=lambda state: trained(state).params(),
        card=lambda state: _described(trained(state)),
        at_rest=np.float32,  # The networks are small, and the truncating resize tells a rounding error from a level.
        pictures=pictures,
        seed=recipe.seed,
        members=tuple(members),
    )


def scale_phase(
    recipe: PyramidRecipe,
    reals: Sequence[np.ndarray],
    scale: int,
    *,
    begin: Callable,
    step: Callable,
    programs: Callable[..., Sequence[Program]] = no_programs,
    programs_at_end: Callable[..., Sequence[Program]] = no_programs,
    batch: Callable[[int], Any] | None = None,
) -> Phase:
    """The phase in which a scale is trained.

    Arguments:
        recipe: the settings.
        reals: the picture at every scale, [h, w, c] each; of k pictures that are trained together [k, h, w, c].
        scale: its number.
        begin, step, programs, programs_at_end: see `Phase`.
        batch: the same; None gives the picture with an axis in front, or k of them.
    """
    real = reals[scale]
    shown = jnp.asarray(real[None] if real.ndim == 3 else real[:, None])
    return Phase(
        name=f"scale {scale} of 0 to {len(reals) - 1}",
        steps=recipe.steps,
        begin=begin,
        step=step,
        batch=batch or (lambda _index: shown),
        images_per_step=len(shown),
        unit="steps",
        programs=programs,
        programs_at_end=programs_at_end,
    )


def _described(model: SingleImageModel) -> dict:
    """What the card of the saved weights says."""
    return {"architecture": model.architecture, "config": model.config()}
