"""Which prior for my picture? `rank_priors`: short inversions with every prior, compared with the prior's own samples.

The PSNR that a prior reaches says little by itself, because a picture of 32 pixels is explained more easily than one of
256, and a smooth picture more easily than a busy one. So each prior is asked how well it explains those of its own
samples that are as smooth as the picture (`own_samples`). The prior for which the picture is least behind comes first.
"""

import contextlib
import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import jax
import numpy as np
from PIL import Image

from jaxprior.checks import kind_of
from jaxprior.data.images import check_sides
from jaxprior.data.pixels import pixels_id, to_grey, to_rgb, to_uint8
from jaxprior.data.sources import ImageSource
from jaxprior.errors import ArgumentError, ImageError, JaxpriorError, MaskError, WeightsError
from jaxprior.nn.latent import WEIGHTS
from jaxprior.restoration.arguments import refuse_tracing
from jaxprior.restoration.cut_photos import as_pixels
from jaxprior.restoration.given_photos import as_photo, in_range, masks_of
from jaxprior.restoration.squares import cut_mask, cut_square, place_square
from jaxprior.restoration.which_prior.explaining import GROUP, SEED, Explainer
from jaxprior.restoration.which_prior.own_samples import makes_pictures, own_samples
from jaxprior.restoration.which_prior.ranked import SHOWN, PriorRanking, RankedPhoto, RankedPrior
from jaxprior.runs.display import Display
from jaxprior.system.activity import Activity, doing, steps_of
from jaxprior.system.amounts import plural
from jaxprior.system.runtime import enable_compilation_cache
from jaxprior.weights import loader
from jaxprior.weights.priors import Prior, load_prior


LEAST_KNOWN = 0.05
"""The share of a picture that must be known."""


def rank_priors(
    photos: Any,
    priors: Any = None,
    *,
    mask: Any = None,
    value_range: tuple[float, float] | None = None,
    progress: bool = False,
) -> PriorRanking:
    """Say which priors explain photographs best, by short inversions of their centre squares.

    A prior explains its own samples better than any photograph, so figures are compared among priors. A prior of the
    right kind usually comes first; docs/which-prior.md says how often.

    Arguments:
        photos: one photograph [h, w, c], uint8 or floats in [-1, 1], c being 1 or 3, or the path of a picture file; or
            a list of them, whose sizes may differ.
        priors: what `load_prior` takes, or a prior itself; or a list of these. None for all that are bundled or
            installed.
        mask: what is missing of the photographs, as for `restore_photo`; None where nothing is. It is cut out with the
            centre square.
        value_range: what black and white are in photographs of floats, as for `restore_photo`.
        progress: show how far it is.

    Returns:
        A `PriorRanking`. Photographs and priors that cannot be used are named in it with the reason.

    Raises:
        ImageError, MaskError: no photograph can be used.
        WeightsError: no prior can be used.
        ArgumentError: an argument of another kind.

    Example:
        >>> ranking = jp.rank_priors("holiday.jpg")  # inverts for seconds # doctest: +SKIP
        >>> ranking.photos[0].priors[0].prior  # inverts for seconds # doctest: +SKIP
        'cats64'
    """
    refuse_tracing("rank_priors", photos, mask)
    kind_of("progress", progress, bool, "True or False")
    enable_compilation_cache()
    sources, passed_over = _usable(_named(priors))
    with Display() if progress else contextlib.nullcontext():
        pictures, failed = _readable(photos, mask, value_range, {source.shape for source in sources.values()})
        found: dict[str, list[RankedPrior]] = {picture.name: [] for picture in pictures}
        text = f"explaining {len(pictures)} {plural('picture', len(pictures))}"
        with doing(text, total=len(sources) * len(pictures), unit="inversions") as work:
            for name, source in sources.items():
                before = work.done
                try:
                    for picture, one in zip(pictures, _explained(name, source, pictures, work), strict=True):
                        found[picture.name].append(one)
                except WeightsError as error:
                    passed_over[name] = str(error)
                    work.moved(before + len(pictures))
    if all(name in passed_over for name in sources):
        raise WeightsError("; ".join(passed_over.values()))
    ranked = [
        RankedPhoto(
            name=picture.name,
            picture=picture.shown,
            priors=tuple(sorted(found[picture.name], key=lambda one: one.behind)),
        )
        for picture in pictures
    ]
    return PriorRanking(photos=tuple(ranked), failed=failed, passed_over=passed_over)


@dataclasses.dataclass(frozen=True)
class _Source:
    """A prior, or what it is loaded from, the file of its weights if it comes from one, and the shape of its images."""

    given: Any
    file: Path | None
    shape: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class _Photo:
    """The centre square of a photograph, as each shape of priors' images wants it: pixels and what is missing.

    The photograph itself is not kept: of many, that would be too much for the memory.
    """

    name: str
    shown: np.ndarray
    fitted: Mapping[tuple[int, ...], tuple[np.ndarray, np.ndarray]]


def _named(priors: Any) -> dict[str, Any]:
    """Priors, or what they are loaded from, by their names."""
    if priors is None:
        return dict(loader.named_priors())
    given = [priors] if isinstance(priors, str | Path | Prior) else list(priors)
    named = {}
    for i, one in enumerate(given):
        kind_of(f"priors[{i}]", one, (str, Path, Prior), "a prior or the name of one", "`jp.list_priors()` names some")
        name = one.card.get("name", f"priors[{i}]") if isinstance(one, Prior) else str(one)
        named[name if name not in named else f"{name} ({i + 1})"] = one
    return named


def _usable(named: Mapping[str, Any]) -> tuple[dict[str, _Source], dict[str, str]]:
    """The priors that can be used as far as the heads of their files tell, and why others cannot.

    Raises:
        WeightsError: there are none.
    """
    found, passed_over = {}, {}
    for name, given in named.items():
        try:
            file = None if isinstance(given, Prior) else loader.find(given, role="prior")
            outline = given if file is None else loader.outline(file, role="prior")
            if outline.code_distribution == WEIGHTS:
                raise WeightsError(
                    f"{name} is an untrained network, which explains every photograph after enough steps and has no "
                    "samples of its own to compare with; only trained priors are ranked"
                )
            shape = tuple(outline.image_shape)
            if not makes_pictures(shape):
                raise WeightsError(f"{name} makes images {list(shape)}; only priors of square pictures are compared")
            found[name] = _Source(given, file, shape)
        except WeightsError as error:
            passed_over[name] = str(error)
    if not found:
        raise WeightsError("; ".join(passed_over.values()) or "there is no prior to compare; name one")
    return found, passed_over


def _readable(
    photos: Any, mask: Any, value_range: Any, shapes: Collection[tuple[int, ...]]
) -> tuple[list[_Photo], dict[str, str]]:
    """The photographs that can be used, and why others cannot.

    Raises:
        ImageError, MaskError: there are none.
    """
    one = isinstance(photos, str | Path | ImageSource) or (not isinstance(photos, list | tuple) and np.ndim(photos) < 4)
    given = [photos] if one else list(cast(Iterable[Any], photos))
    if not given:
        raise ImageError("`photos` holds no photographs; give at least one.")
    masks: list[Any] = list(mask) if isinstance(mask, list | tuple) or np.ndim(mask) == 3 else [mask] * len(given)
    if len(masks) != len(given):
        photographs = f"{len(given)} {plural('photograph', len(given))}"
        raise ArgumentError(f"`mask` must be one mask for each of {photographs}, got {len(masks)}.")
    found, failed, first = [], {}, None
    for i in steps_of("reading the photographs", len(given), unit="photographs"):
        place = "photos" if one else f"photos[{i}]"
        name = _name_of(given[i], place, [*failed, *(each.name for each in found)])
        try:
            found.append(_read(given[i], masks[i], name, value_range, shapes))
        except JaxpriorError as error:
            first = first or error
            failed[name] = str(error) if name in str(error) else f"{name}: {error}"
    if first is not None and not found:
        raise type(first)("; ".join(failed.values()))
    return found, failed


def _name_of(photo: Any, place: str, taken: Sequence[str]) -> str:
    name = photo.name if isinstance(photo, ImageSource) else str(photo) if isinstance(photo, str | Path) else place
    return name if name not in taken else f"{name} ({len(taken) + 1})"


def _read(photo: Any, mask: Any, name: str, value_range: Any, shapes: Collection[tuple[int, ...]]) -> _Photo:
    """Read a photograph and fit its centre square."""
    pixels = as_photo(photo, name)
    height, width = pixels.shape[:2]
    check_sides((height, width))
    missing = np.zeros((height, width), bool)
    if mask is not None:
        missing = masks_of(mask, [pixels], [name], jax.random.key(SEED))[0]
    pixels = as_pixels(in_range(pixels, missing, name, value_range), missing)
    square, fitted = place_square((0, 0, height, width), min(height, width), (height, width)), {}
    for shape in shapes:
        picture = cut_square(pixels, square, shape[0], missing=missing)
        hole = cut_mask(missing, square, shape[0]) > 0
        if (~hole).mean() < LEAST_KNOWN:
            raise MaskError(f"too little is known of it at {shape[0]} pixels a side to tell what it shows")
        fitted[shape] = (to_grey(picture) if shape[-1] == 1 else picture, hole)
    return _Photo(name, cut_square(pixels, square, SHOWN), fitted)


def _explained(name: str, source: _Source, photos: Sequence[_Photo], work: Activity) -> list[RankedPrior]:
    """How well a prior explains photographs, a few at a time.

    Raises:
        WeightsError: it cannot be loaded.
    """
    prior = load_prior(source.given) if source.file is not None else source.given
    known, explainer, found = own_samples(prior, beside=source.file), Explainer(prior), []
    for first in range(0, len(photos), GROUP):
        pictures, missing = zip(*(photo.fitted[source.shape] for photo in photos[first : first + GROUP]), strict=True)
        ids = np.array([pixels_id(to_rgb(picture)) for picture in pictures])
        explained = explainer.explain(np.stack(pictures), np.stack(missing), ids, work=work)
        for psnr, smoothness, image in zip(explained.psnr, explained.smoothness, explained.images, strict=True):
            expected = known.expected(float(smoothness))
            found.append(
                RankedPrior(
                    prior=name,
                    subject=str(prior.card.get("subject", "")),
                    psnr=float(psnr),
                    expected=expected,
                    behind=expected - float(psnr),
                    share_below=known.share_below(float(psnr), float(smoothness)),
                    picture=_shown(to_uint8(image)),
                )
            )
    return found


def _shown(picture: np.ndarray) -> np.ndarray:
    """A picture as it stands on a sheet."""
    return np.asarray(Image.fromarray(to_rgb(picture)).resize((SHOWN, SHOWN), Image.Resampling.BICUBIC))
