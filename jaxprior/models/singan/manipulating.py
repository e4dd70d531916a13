"""Pictures made to look like what a SinGAN was trained on (Shaham et al., ICCV 2019, sections 4.2 to 4.4).

    paint        clip art -> a picture                                    injection
    harmonize    something pasted into the picture takes its look         injection, kept outside a mask
    edit         moved and copied regions melt into the picture           the same, with a wider mask

What lies outside the mask stays as the reference has it. The official code puts the model's own picture there, which
is the same if the reference was made from it, and something else if not. A ConSinGAN that was trained on changed
pictures does the last two as well (Hinz et al., WACV 2021): the picture enters at its
coarsest scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np

from jaxprior.checks import random_key
from jaxprior.models.singan.blending import blend, check_covers, soft_mask
from jaxprior.models.singan.colors import color_centers
from jaxprior.models.singan.fitting import Fitting, fit_mask, fit_reference
from jaxprior.models.singan.injecting import at_scale, check_start_scales, check_variants, inject, start_from
from jaxprior.models.singan.model import SingleImageModel, require_model, with_image_scales


Array = jax.Array
HARMONIZE_RADIUS, EDIT_RADIUS, SIGMA = 7, 20, 5.0
COLORS = 5
"""Number of colors of the official quantization."""


@dataclass(frozen=True, kw_only=True)
class Manipulated:
    """The result of a manipulation.

    Fields:
        images: [s, count, h, w, c], about in [-1, 1], for s start scales.
        masked: the same, with the reference outside the mask; None of `paint`.
        start_scales: s numbers.
        reference: the fitted reference, [h, w, c] in [-1, 1]; fitting: what was done to it.
        mask: as it was used, [h, w] in [0, 1]; None of `paint`.
    """

    images: Array
    masked: Array | None = None
    start_scales: tuple[int, ...]
    reference: np.ndarray
    fitting: Fitting
    mask: np.ndarray | None = None


def paint(
    model: SingleImageModel,
    image: np.ndarray,
    key: Array,
    *,
    start_scales: Sequence[int] | None = None,
    count: int = 1,
    colors: int | None = None,
) -> Manipulated:
    """Turn a painting or clip art into a picture like the model's.

    Arguments:
        model: the trained pyramid.
        image: the painting, [h, w, c], uint8 or floats in [-1, 1], of any size: see `fitting.fit_reference`.
        key: where all chance comes from.
        start_scales: where it enters, 1 to the last scale; None tries all, which is the official advice.
        count: number of variants.
        colors: snap what enters to so many colors of the model's picture at that scale; officially 5, or not at all.

    Raises:
        ValueError: a start scale that does not exist, or a painting or number of colors that cannot be used.

    Example:
        >>> paint(  # needs a trained model # doctest: +SKIP
        ...     model, load_image("trees.png"), jax.random.key(0)
        ... ).images[2, 0]
    """
    pyramid = with_image_scales(model)
    start_scales = check_start_scales(pyramid, start_scales)
    reference, fitting = fit_reference(model, image)
    centers = None
    if colors is not None:
        centers = [color_centers(at_scale(pyramid, model.image, n), colors) for n in start_scales]
    images = inject(model, reference, key, start_scales=start_scales, count=count, centers=centers)
    return Manipulated(images=images, start_scales=start_scales, reference=reference, fitting=fitting)


def harmonize(
    model: SingleImageModel,
    image: np.ndarray,
    mask: np.ndarray,
    *,
    key: Array,
    start_scales: Sequence[int] | None = None,
    count: int = 1,
    radius: int = HARMONIZE_RADIUS,
    sigma: float = SIGMA,
) -> Manipulated:
    """Give what was pasted into a picture that picture's look.

    Arguments:
        model: the pyramid trained on the picture; or a ConSinGAN trained on it with the preset "consingan-harmonize"
            or "consingan-edit".
        image: the picture with something pasted in, [h, w, c], uint8 or floats in [-1, 1], of any size: see
            `fitting.fit_reference`.
        mask: of the same size, [h, w]; above 0.5 is what was pasted.
        key: where all chance comes from.
        start_scales: where the picture enters, 1 to the last scale; None tries all. Fine ones change texture only. A
            ConSinGAN takes it at the coarsest scale, 0, and makes one image of it, if it was trained to harmonize.
        count: number of variants.
        radius, sigma: by which the mask is widened and blurred, in pixels of the finest scale. The defaults are the
            official ones for 250 pixels; for smaller pictures smaller ones make sense, in proportion.

    Raises:
        ValueError: a start scale that does not exist, a picture that cannot be used, or a mask of another size or
            with nothing in it.

    Example:
        >>> harmonize(model, pasted, mask, key=jax.random.key(0)).masked[2, 0]  # needs a trained model # doctest: +SKIP
    """
    start_scales = check_start_scales(require_model(model), start_scales)
    check_variants(model, count)
    image, mask = np.asarray(image), np.asarray(mask)
    check_covers(mask, image)
    reference, fitting = fit_reference(model, image)
    soft = soft_mask(fit_mask(model, mask), radius=radius, sigma=sigma)
    if model.starts_from == "noise":
        images = inject(model, reference, key, start_scales=start_scales, count=count)
    else:
        images = start_from(model, fitting.cut(image), random_key("key", key), count=count)
    return Manipulated(
        images=images,
        masked=blend(reference, images, soft),
        start_scales=start_scales,
        reference=reference,
        fitting=fitting,
        mask=soft,
    )


def edit(
    model: SingleImageModel,
    image: np.ndarray,
    mask: np.ndarray,
    *,
    key: Array,
    start_scales: Sequence[int] | None = None,
    count: int = 1,
    radius: int = EDIT_RADIUS,
    sigma: float = SIGMA,
) -> Manipulated:
    """Make regions of a picture that were copied, moved or covered melt into it.

    Arguments:
        model: the pyramid trained on the picture.
        image: the edited picture. mask: 1 where it was edited.
        key, start_scales, count, radius, sigma: see `harmonize`, from which it differs by the wider mask only.

    Example:
        >>> edit(  # needs a trained model # doctest: +SKIP
        ...     model, edited, mask, key=jax.random.key(0), start_scales=(4,)
        ... ).masked
    """
    return harmonize(
        model, image, mask, key=key, start_scales=start_scales, count=count, radius=radius, sigma=sigma
    )
