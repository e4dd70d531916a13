"""Which prior for my picture? `rank_priors`: short inversions with every prior, compared with the prior's own samples.

The PSNR that a prior reaches says little by itself, because a picture of 32 pixels is explained more easily than one of
256, and a smooth picture more easily than a busy one. So each prior is asked how well it explains those of its own
samples that are as smooth as the picture (`jaxprior.restoration.own_samples`). The prior for which the picture is
least behind comes first.
"""

import contextlib
import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import jax
import numpy as np
from PIL import Image

from jaxprior.checks import kind_of
from jaxprior.data.images import check_sides
from jaxprior.data.pixels import pixels_id, to_grey, to_rgb, to_uint8
from jaxprior.data.sources import ImageSource
from jaxprior.errors import ArgumentError, ImageError, JaxpriorError, WeightsError
from jaxprior.restoration.arguments import refuse_tracing
from jaxprior.restoration.cut_photos import as_pixels
from jaxprior.restoration.explaining import GROUP, SEED, Explainer
from jaxprior.restoration.given_photos import as_photo, in_range, masks_of
from jaxprior.restoration.own_samples import OwnSamples, makes_pictures, own_samples
from jaxprior.restoration.ranked import SHOWN, PriorRanking, RankedPhoto, RankedPrior
from jaxprior.restoration.squares import Square, cut_mask, cut_square, place_square
from jaxprior.runs.display import Display
from jaxprior.system.activity import Activity, doing
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
    pictures, failed = _readable(photos, mask, value_range)
    sources, passed_over = _named(priors), {}
    found: dict[str, list[RankedPrior]] = {picture.name: [] for picture in pictures}
    text = f"explaining {'1 picture' if len(pictures) == 1 else f'{len(pictures)} pictures'}"
    with Display() if progress else contextlib.nullcontext():
        with doing(text, total=len(sources) * len(pictures), unit="inversions") as work:
            for name, source in sources.items():
                before = work.done
                try:
                    prior, beside = _loaded(source)
                    known = own_samples(prior, beside=beside)
                    _explain(name, prior, known, pictures, found, failed, work)
                except WeightsError as error:
                    passed_over[name] = str(error)
                work.moved(before + len(pictures))
    if len(passed_over) == len(sources):
        raise WeightsError(next(iter(passed_over.values()), "there is no prior to compare; name one"))
    ranked = [
        RankedPhoto(
            name=picture.name,
            picture=picture.shown(),
            priors=tuple(sorted(found[picture.name], key=lambda one: one.behind)),
        )
        for picture in pictures
        if picture.name not in failed
    ]
    if not ranked:
        raise ImageError("; ".join(failed.values()))
    return PriorRanking(photos=tuple(ranked), failed=failed, passed_over=passed_over)


@dataclasses.dataclass(frozen=True)
class _Photo:
    """A photograph, uint8 [h, w, 3], and what is missing of it, bool [h, w]."""

    name: str
    pixels: np.ndarray
    missing: np.ndarray

    @property
    def square(self) -> Square:
        """Its centre square."""
        height, width = self.missing.shape
        return place_square((0, 0, height, width), min(height, width), (height, width))

    def at(self, size: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
        """The square, uint8 [size, size, channels], and what is missing of it, bool [size, size]."""
        missing = cut_mask(self.missing, self.square, size) > 0
        pixels = cut_square(self.pixels, self.square, size, missing=self.missing)
        return to_grey(pixels) if channels == 1 else pixels, missing

    def shown(self) -> np.ndarray:
        """The square as it stands on a sheet, mid-grey where it is missing."""
        return cut_square(self.pixels, self.square, SHOWN)


def _readable(photos: Any, mask: Any, value_range: Any) -> tuple[list[_Photo], dict[str, str]]:
    """The photographs that can be used, and why others cannot.

    Raises:
        ImageError: there are none.
    """
    one = isinstance(photos, str | Path | ImageSource) or (not isinstance(photos, list | tuple) and np.ndim(photos) < 4)
    given = [photos] if one else list(cast(Iterable[Any], photos))
    if not given:
        raise ImageError("`photos` holds no photographs; give at least one.")
    masks: list[Any] = list(mask) if isinstance(mask, list | tuple) or np.ndim(mask) == 3 else [mask] * len(given)
    if len(masks) != len(given):
        raise ArgumentError(f"`mask` must be one mask for each of {len(given)} photographs, got {len(masks)}.")
    found, failed, first = [], {}, None
    for i, (photo, missing) in enumerate(zip(given, masks, strict=True)):
        name = _name_of(photo, "photos" if one else f"photos[{i}]", [*failed, *(each.name for each in found)])
        try:
            found.append(_read(photo, missing, name, value_range))
        except JaxpriorError as error:
            first = first or error
            failed[name] = str(error) if name in str(error) else f"{name}: {error}"
    if first is not None and not found:
        raise first
    return found, failed


def _read(photo: Any, mask: Any, name: str, value_range: Any) -> _Photo:
    pixels = as_photo(photo, name)
    check_sides((pixels.shape[0], pixels.shape[1]))
    missing = np.zeros(pixels.shape[:2], bool)
    if mask is not None:
        missing = masks_of(mask, [pixels], [name], jax.random.key(SEED))[0]
    return _Photo(name, as_pixels(in_range(pixels, missing, name, value_range), missing), missing)


def _name_of(photo: Any, place: str, taken: Sequence[str]) -> str:
    name = photo.name if isinstance(photo, ImageSource) else str(photo) if isinstance(photo, str | Path) else place
    return name if name not in taken else f"{name} ({len(taken) + 1})"


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


def _loaded(source: Any) -> tuple[Prior, Path | None]:
    """A prior, and the file of its weights if it comes from one.

    Raises:
        WeightsError: it cannot be loaded, or its images are no square pictures.
    """
    path = None if isinstance(source, Prior) else loader.find(source, role="prior")
    prior = source if isinstance(source, Prior) else load_prior(source)
    if not makes_pictures(prior.image_shape):
        raise WeightsError(f"its images are {list(prior.image_shape)}; only priors of square pictures are compared")
    return prior, path


def _explain(
    name: str, prior: Prior, known: OwnSamples, photos: Sequence[_Photo], found: dict[str, list[RankedPrior]],
    failed: dict[str, str], work: Activity,
) -> None:  # fmt: skip
    """Explain photographs by a prior, a few at a time."""
    size, channels = prior.image_shape[1:]
    usable = []
    for photo in photos:
        picture, missing = photo.at(size, channels)
        if (~missing).mean() < LEAST_KNOWN:
            failed[photo.name] = f"{photo.name}: too little of it is known to tell what it shows"
        elif photo.name not in failed:
            usable.append((photo.name, picture, missing))
    if not usable:
        return
    explainer = Explainer(prior)
    for first in range(0, len(usable), GROUP):
        names, pictures, missing = zip(*usable[first : first + GROUP], strict=True)
        ids = np.array([pixels_id(to_rgb(picture)) for picture in pictures])
        explained = explainer.explain(np.stack(pictures), np.stack(missing), ids, work=work)
        for i, each in enumerate(names):
            psnr, smoothness = float(explained.psnr[i]), float(explained.smoothness[i])
            expected = known.expected(smoothness)
            found[each].append(
                RankedPrior(
                    prior=name,
                    subject=str(prior.card.get("subject", "")),
                    psnr=psnr,
                    expected=expected,
                    behind=expected - psnr,
                    share_below=known.share_below(psnr, smoothness),
                    picture=_shown(to_uint8(explained.images[i])),
                )
            )


def _shown(picture: np.ndarray) -> np.ndarray:
    """A picture as it stands on a sheet."""
    return np.asarray(Image.fromarray(to_rgb(picture)).resize((SHOWN, SHOWN), Image.Resampling.BICUBIC))
