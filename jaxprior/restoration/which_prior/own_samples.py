"""What a prior's own samples say: a sheet of them to look at, and how well short inversions explain them.

A picture of 32 pixels is explained more easily than one of 256, and one prior's pictures more easily than another's. So
a figure of a photograph means little by itself. It is compared with what the same short inversions (`explaining`) reach
on the prior's own samples. These lie in the generator's range, so they are explained better than photographs, also
those of the prior's own kind; docs/which-prior.md says by how much.

The figures belong to one set of weights. They lie beside the weights in `explained.json`: bundled priors bring them
along, `describe_prior` makes them for installed ones, and those of any other prior are kept in the user's cache folder.
"""

import contextlib
import dataclasses
import functools
import json
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from PIL import Image

from jaxprior.data.images import save_png, to_uint8
from jaxprior.data.pixels import to_rgb
from jaxprior.data.sheets import grid
from jaxprior.errors import ArgumentError, WeightsError
from jaxprior.inversion.engine import NUMERICS_VERSION
from jaxprior.nn.latent import draw_codes
from jaxprior.restoration.banks import samples_at_once
from jaxprior.restoration.which_prior.explaining import GROUP, Explainer, require_finite, settings_of
from jaxprior.runs.kinds import WEIGHTS
from jaxprior.system import runtime
from jaxprior.system.activity import doing, steps_of
from jaxprior.system.files import write_json
from jaxprior.weights import loader, registry
from jaxprior.weights.priors import Prior, load_prior


FILE = "explained.json"
SHEET = "samples.png"
SAMPLES = 40
"""Samples on the sheet. The explanation of so many is measured at least."""
MORE_SAMPLES, SMALL = 96, 128
"""So many are measured where pictures have at most so many pixels a side: an inversion is quick there."""
KEY = 20261130
"""Of their codes, which are others than those of the sample bank."""
COLUMNS, TILE = 8, 128
"""Samples in a row of the sheet; larger ones are shrunk to so many pixels a side."""
ABOUT = (
    "How well short inversions explain the known pixels of this prior's own samples: PSNR in dB, and how smooth each "
    "sample is: PSNR of its thumbnail of 4x4 pixels. Measured on the prior's own samples, not on photographs, which "
    "are explained worse."
)
PERCENTS = (0, 5, 10, 25, 50, 75, 90, 95, 100)


@dataclasses.dataclass(frozen=True, kw_only=True)
class OwnSamples:
    """How well short inversions explain a prior's own samples.

    Smooth pictures are explained more easily than busy ones. So a picture is compared with own samples that are as
    smooth as it is: by the straight line through the samples' figures.

    Fields:
        psnr: of every sample, dB, in the order of the samples; of the first ones as long as it is being measured.
        smoothness: of every sample, dB; see `jaxprior.restoration.which_prior.explaining`.
        samples: how many are to be measured.
    """

    psnr: tuple[float, ...] = ()
    smoothness: tuple[float, ...] = ()
    samples: int = SAMPLES

    @property
    def whole(self) -> bool:
        """Whether all samples are measured."""
        return len(self.psnr) == self.samples

    @property
    def quantiles(self) -> dict[str, float]:
        """Of the samples' PSNR in dB, by per cent: "50" is the median."""
        return {str(one): round(float(np.percentile(self.psnr, one)), 3) for one in PERCENTS}

    def expected(self, smoothness: float) -> float:
        """The PSNR in dB that own samples of this smoothness reach."""
        intercept, slope = self._line
        return intercept + slope * smoothness

    def share_below(self, psnr: float, smoothness: float) -> float:
        """The share of the own samples that are explained worse than a picture, each by its own smoothness; 0 to 1."""
        return float(np.mean(self._beyond < psnr - self.expected(smoothness)))

    @functools.cached_property
    def _line(self) -> tuple[float, float]:
        """Intercept and slope; more smoothness makes nothing harder, and at most as much easier."""
        psnr, smoothness = np.array(self.psnr), np.array(self.smoothness)
        around = smoothness - smoothness.mean()
        slope = float(np.clip((around * psnr).sum() / max((around**2).sum(), 1e-6), 0, 1))
        return float(psnr.mean() - slope * smoothness.mean()), slope

    @functools.cached_property
    def _beyond(self) -> np.ndarray:
        """What every sample has more than is expected of it, dB."""
        return np.array(self.psnr) - np.array([self.expected(one) for one in self.smoothness])


def describe_prior(folder: Path) -> None:
    """Write beside a prior's weights what its own samples say: `samples.png` and `explained.json`.

    What is there already and belongs to these weights stays. Where it was stopped, it goes on.

    Arguments:
        folder: with the prior's `model.safetensors`.

    Raises:
        WeightsError: there are no weights, or damaged ones, or they make no pictures; a folder lies where one of the
            two files belongs, or the prior's own folder has been removed meanwhile.
        ArgumentError: a prior whose images are no square pictures.
        OSError: the disk is full, or the folder may not be written.

    Example:
        >>> describe_prior(Path("priors/bedroom256"))  # inverts for minutes # doctest: +SKIP
    """
    folder = Path(folder)
    prior = load_prior(folder / WEIGHTS)
    if not makes_pictures(prior.image_shape):
        raise ArgumentError(f"{folder} holds a prior of images {list(prior.image_shape)}; expected square pictures.")
    _describe(prior, folder)


def own_samples(prior: Prior, *, beside: Path | None = None) -> OwnSamples:
    """How well a prior's own samples are explained: as it is known, or measured now and kept for the next time.

    Arguments:
        prior: of square pictures.
        beside: the file of its weights, if there is one. Where it is that of an installed prior, what is measured is
            kept there, and otherwise in the user's cache folder.

    Raises:
        WeightsError, OSError: see `describe_prior`.
    """
    shipped, own = loader.bundled().values(), [] if beside is None else [beside]
    for weights in [*own, *shipped]:
        if (known := read(weights.with_name(FILE), prior)) is not None and known.whole:
            return known
    if beside is not None and beside in registry.installed_priors().values() and os.access(beside.parent, os.W_OK):
        return _describe(prior, beside.parent)
    path = _cached(prior)
    known = None if path is None else read(path, prior)
    if known is not None and known.whole:
        return known

    def keep(found: OwnSamples) -> None:
        with contextlib.suppress(OSError):  # then the next process measures it again
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                write(path, prior, found)

    return measure(prior, draw_samples(prior), known=known, keep=keep)


def makes_pictures(image_shape: tuple[int, ...]) -> bool:
    """Whether images of a shape are square pictures, [h, h, 1 or 3]."""
    return len(image_shape) == 3 and image_shape[0] == image_shape[1] and image_shape[-1] in (1, 3)


def _describe(prior: Prior, folder: Path) -> OwnSamples:
    """What `describe_prior` does, with a prior that is loaded."""
    path, sheet = folder / FILE, folder / SHEET
    known = read(path, prior)
    if known is not None and known.whole and sheet.is_file():
        return known
    for place in (path, sheet):
        if place.is_dir():
            raise WeightsError(f"{place} is a folder, where the file of this name belongs: remove or rename it")
    pictures = draw_samples(prior)
    try:
        if known is None or not sheet.is_file():
            save_png(sheet, sheet_of(pictures[:SAMPLES]))
        return measure(prior, pictures, known=known, keep=partial(write, path, prior))
    except FileNotFoundError:
        if folder.is_dir():
            raise
        raise WeightsError(f"{folder} was removed while the samples of its prior were measured") from None


def samples_of(prior: Prior) -> int:
    """How many of a prior's samples are measured."""
    return MORE_SAMPLES if max(prior.image_shape[:2]) <= SMALL else SAMPLES


def draw_samples(prior: Prior) -> np.ndarray:
    """The prior's samples that are shown and measured, uint8 [samples, h, w, c]; the sheet shows the first ones.

    Raises:
        WeightsError: they are no pictures, so that there is nothing to measure.
    """
    count = samples_of(prior)
    codes = draw_codes(jax.random.key(KEY), (count, prior.latent_dim), distribution=prior.code_distribution)
    generator, generate, parts = prior.split(1), jax.jit(lambda generator, z: generator(z)), []
    size = min(GROUP, samples_at_once(prior.image_shape))
    for first in steps_of("drawing the prior's samples", count, size, unit="samples"):
        images = np.asarray(generate(generator, codes[first : first + size]))
        require_finite(prior, images)
        parts.append(to_uint8(images))
    pictures = np.concatenate(parts)
    if (pictures == pictures[:, :1, :1]).all():
        name = prior.card.get("name", "the prior")
        raise WeightsError(f"{name} makes only pictures of a single colour, with which no photograph can be compared")
    return pictures


def sheet_of(pictures: np.ndarray) -> np.ndarray:
    """Samples [b, h, w, c] side by side on one page, uint8."""
    height, width = pictures.shape[1:3]
    shrink = max(height, width) / TILE
    size = (round(width / shrink), round(height / shrink))
    shown = [to_rgb(picture) for picture in pictures]
    if shrink > 1:
        shown = [np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BICUBIC)) for one in shown]
    return grid(shown, columns=COLUMNS)


def measure(
    prior: Prior, pictures: np.ndarray, *, known: OwnSamples | None, keep: Callable[[OwnSamples], None]
) -> OwnSamples:
    """Explain a prior's samples.

    Arguments:
        prior: whose samples they are.
        pictures: as `draw_samples` returns them.
        known: what was measured before a stop.
        keep: is told after every few samples what is known by then.
    """
    found = OwnSamples(samples=len(pictures)) if known is None else known
    if known is None:
        keep(found)
    text = "measuring how well the prior explains its own samples"
    with doing(text, total=len(pictures), unit="samples", announced=True) as work:
        work.skip(len(found.psnr))
        explainer = Explainer(prior)
        for first in range(len(found.psnr), len(pictures), GROUP):
            some = pictures[first : first + GROUP]
            ids = np.arange(first, first + len(some))
            explained = explainer.explain(some, np.zeros(some.shape[:3], bool), ids, work=work)
            found = dataclasses.replace(
                found,
                psnr=(*found.psnr, *map(float, explained.psnr)),
                smoothness=(*found.smoothness, *map(float, explained.smoothness)),
            )
            keep(found)
    return found


def read(path: Path, prior: Prior) -> OwnSamples | None:
    """What a file says of a prior's samples.

    Arguments:
        path: of the file, which need not exist.
        prior: whose samples they must be.

    Returns:
        what was measured, perhaps of some of the samples only; None where there is no file, where it is damaged, or
        where it is about other weights or was measured by other settings.
    """
    try:
        found = json.loads(path.read_bytes())
        figures = [tuple(float(one) for one in found[name]) for name in ("psnr", "smoothness")]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    wanted, count = _identity(prior), samples_of(prior)
    if {name: found.get(name) for name in wanted} != wanted or not len(figures[0]) == len(figures[1]) <= count:
        return None
    known = OwnSamples(psnr=figures[0], smoothness=figures[1], samples=count)
    return known if np.isfinite(figures).all() else None


def write(path: Path, prior: Prior, known: OwnSamples) -> None:
    """Write what is known of a prior's samples.

    Arguments:
        path: of the file, whose folder exists.
        prior: whose samples they are.
        known: perhaps of some of the samples only, then it is gone on with.
    """
    value: dict[str, Any] = {"about": ABOUT, **_identity(prior)}
    if known.whole:
        value["quantiles"] = known.quantiles
    value |= {"psnr": known.psnr, "smoothness": known.smoothness}
    write_json(path, value)


def _identity(prior: Prior) -> Mapping[str, Any]:
    """What the figures depend on."""
    return {
        "prior": prior.sha256,
        "settings": settings_of(prior),
        "numerics": NUMERICS_VERSION,
        "samples": samples_of(prior),
        "key": KEY,
    }


def _cached(prior: Prior) -> Path | None:
    """Where figures are kept that lie beside no weights; None where nothing can be kept."""
    folder = runtime.cache_folder()
    return None if folder is None else folder / "explained" / f"{prior.sha256[:32]}.json"
