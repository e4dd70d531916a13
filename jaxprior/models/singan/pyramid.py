"""Which scales a picture gets, and the picture at each of them.

Four rules; short is the short side of the picture once it is shrunk to at most `max_size`, all in float64:

    "singan"     factor r = (min_size / short)^(1 / (N - 1)), picture n has size ceil(size r^(N - 1 - n)); N follows
                 from `scale_factor` (Shaham et al., ICCV 2019, and its code)
    "seed002"    the same factor, but N = floor(log(min_size / short) / log(scale_factor)) + 1 and rounded sizes
    "consingan"  N is given; r^(1 + (S - 1) ln(S - n) / ln S) with S = N - 1, which puts more scales at the coarse end
                 (Hinz et al., WACV 2021, and its code)
    "consingan_geometric"   N is given; r^(N - 1 - n), the older rule, which that code keeps for harmonization

Rounding up makes the coarsest short side 26 as often as 25, where the power comes out a rounding error too large.
"""

import math
import typing
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jaxprior.checks import kind_of, real_number, whole_number
from jaxprior.models.singan.config import ScaleRule
from jaxprior.models.singan.resizing import official_floats, resize, scaled_size


RULES = typing.get_args(ScaleRule)
CONSINGAN_SCALES = {"consingan": 6, "consingan_geometric": 3}
"""Scales of each of ConSinGAN's rules, if nothing else is said."""


@dataclass(frozen=True)
class ScalePlan:
    """The scales of a pyramid, coarsest first. Made by `plan_scales`.

    Fields:
        rule: one of `RULES`.
        sizes: (height, width) of every scale.
        scales: factor from the finest scale to each; 1 is the finest.
        factor: r, from one scale to the next coarser one (of "consingan" a base, not a ratio).
        shrink: factor from the original picture to the finest scale.
    """

    rule: str
    sizes: tuple[tuple[int, int], ...]
    scales: tuple[float, ...]
    factor: float
    shrink: float

    @property
    def step(self) -> float | None:
        """Factor by which a drawing shrinks from scale to scale; None: the ratio of the sizes (see `resize`)."""
        return self.factor if self.rule == "singan" else None


def plan_scales(
    height: int,
    width: int,
    *,
    rule: str = "singan",
    num_scales: int | None = None,
    min_size: int = 25,
    max_size: int = 250,
    scale_factor: float = 0.75,
    skip: int = 0,
) -> ScalePlan:
    """Sizes and factors of a pyramid for a picture.

    Arguments:
        height, width: of the picture, in pixels.
        rule: one of `RULES`.
        num_scales: before `skip`; None lets the rule choose ("consingan": 6, "consingan_geometric": 3).
        min_size: pixels of the short side at the coarsest scale. max_size: of the long side at the finest; larger
            pictures are shrunk.
        scale_factor: wanted ratio of neighbouring scales, from which the rules find the number of scales.
        skip: so many of the coarsest scales are left out, the others stay as they are.

    Returns:
        A `ScalePlan`.

    Raises:
        ValueError: an unknown rule, or numbers that make no pyramid.

    Example:
        >>> plan_scales(250, 250).sizes[:2]
        ((25, 25), (32, 32))
    """
    sizes = {"height": height, "width": width, "min_size": min_size, "max_size": max_size, "skip": skip}
    for name, number in (sizes if num_scales is None else {**sizes, "num_scales": num_scales}).items():
        whole_number(name, number)
    real_number("scale_factor", scale_factor)
    if not isinstance(rule, str) or rule not in RULES:
        raise ValueError(f"scale rule: expected one of {', '.join(RULES)}, got {rule!r}")
    if not 0 < scale_factor < 1:
        raise ValueError(f"scale_factor: expected a number between 0 and 1, got {scale_factor}")
    if min(height, width) <= min_size or min_size < 1:
        raise ValueError(
            f"a picture of {width}x{height} pixels has no coarser scales: its short side must be longer than that of "
            f"the coarsest scale, `min_size`, which is {min_size}; give a larger picture, or a smaller `min_size`"
        )
    shrink = min(max_size / max(height, width), 1)
    finest = scaled_size((height, width), shrink) if rule != "seed002" else _rounded((height, width), shrink)
    if min(finest) <= min_size:
        raise ValueError(
            f"`max_size` of {max_size} shrinks a picture of {width}x{height} to {finest[1]}x{finest[0]} pixels, whose "
            f"short side must be longer than that of the coarsest scale, `min_size`, which is {min_size}"
        )
    count = num_scales or _count(rule, (height, width), finest, min_size, max_size, scale_factor)
    if count < 2 or not 0 <= skip < count:
        raise ValueError(f"expected at least 2 scales, and to skip fewer than there are, got {count} and {skip}")
    factor = math.pow(min_size / min(finest), 1 / (count - 1))
    scales = tuple(math.pow(factor, exponent) for exponent in _exponents(rule, count)[skip:])
    sized = _rounded if rule == "seed002" else scaled_size
    return ScalePlan(rule, tuple(sized(finest, scale) for scale in scales), scales, factor, shrink)


def build_pyramid(image: np.ndarray, plan: ScalePlan, *, method: str = "bicubic_u8") -> tuple[np.ndarray, ...]:
    """A picture at every scale of a plan.

    Arguments:
        image: uint8 [h, w, 3], of the size that the plan was made for.
        plan: of `plan_scales`.
        method: one of `resizing.RESIZES`. "bicubic_u8" truncates to 8 bits each time, as officially: the finest
            scale of a picture that needed no shrinking is up to two levels of 255 darker than the picture.

    Returns:
        float32 [h_n, w_n, 3] in [-1, 1] each, coarsest first.

    Raises:
        ValueError: not such an image, or one of another size.
    """
    kind_of("plan", plan, ScalePlan, "a plan of scales", "`plan_scales` makes one")
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3:
        raise ValueError(f"a pyramid wants a uint8 image [h, w, c], got {image.dtype} {image.shape}")
    sized = _rounded if plan.rule == "seed002" else scaled_size
    if sized(image.shape[:2], plan.shrink) != plan.sizes[-1]:
        raise ValueError(f"the plan ends at {plan.sizes[-1]}, which an image of {image.shape[:2]} does not shrink to")
    original = official_floats(image)
    exact = plan.rule != "seed002"
    finest = resize(original, plan.sizes[-1], scale=plan.shrink if exact else None, method=method)
    steps: Sequence[float | None] = plan.scales if exact else [None] * len(plan.sizes)
    images = [resize(finest, size, scale=s, method=method) for size, s in zip(plan.sizes, steps, strict=True)]
    if not exact or plan.rule in CONSINGAN_SCALES:
        images[-1] = finest  # The official ConSinGAN keeps it as it is.
    return tuple(image.astype(np.float32) for image in images)


def _count(rule: str, size, finest, min_size: int, max_size: int, scale_factor: float) -> int:
    if rule in CONSINGAN_SCALES:
        return CONSINGAN_SCALES[rule]
    if rule == "seed002":
        return math.floor(math.log(min_size / min(finest), scale_factor)) + 1
    below = math.ceil(math.log(min_size / min(size), scale_factor)) + 1
    above = math.ceil(math.log(min(max_size, max(size)) / max(size), scale_factor))
    return below - above + 1


def _exponents(rule: str, count: int) -> list[float]:
    last = count - 1
    if rule != "consingan" or count < 3:
        return [last - n for n in range(count)]
    return [((last - 1) / math.log(last)) * math.log(last - n) + 1 for n in range(last)] + [0]


def _rounded(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return round(size[0] * scale), round(size[1] * scale)
