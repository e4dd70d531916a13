"""What a prior's own samples say: a sheet of them to look at, and how well short inversions explain them.

A picture of 32 pixels is explained more easily than one of 256, and one prior's pictures more easily than another's. So
a figure of a photograph means little by itself. It is compared with what the same short inversions
(`jaxprior.restoration.explaining`) reach on the prior's own samples. These lie in the generator's range, so they are
explained better than photographs, also those of the prior's own kind; docs/which-prior.md says by how much.

The figures belong to one set of weights. They lie beside the weights in `explained.json`: bundled priors bring them
along, `describe_prior` makes them for installed ones, and those of any other prior are kept in the user's cache folder.
"""

import contextlib
import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from PIL import Image

from jaxprior.data.images import save_png, to_float, to_uint8
from jaxprior.data.pixels import to_rgb
from jaxprior.data.sheets import grid
from jaxprior.errors import ArgumentError
from jaxprior.inversion.engine import NUMERICS_VERSION
from jaxprior.nn.latent import draw_codes
from jaxprior.restoration.explaining import GROUP, Explainer, settings_of
from jaxprior.runs.kinds import WEIGHTS
from jaxprior.system import runtime
from jaxprior.system.activity import doing, steps_of
from jaxprior.system.files import write_json
from jaxprior.weights import loader
from jaxprior.weights.priors import Prior, load_prior


FILE = "explained.json"
SHEET = "samples.png"
SAMPLES = 48
"""Samples on the sheet, and those whose explanation is measured."""
KEY = 20261130
"""Of their codes, which are others than those of the sample bank."""
COLUMNS, TILE = 8, 128
"""Samples in a row of the sheet; larger ones are shrunk to so many pixels a side."""
ABOUT = (
    "How well short inversions explain the known pixels of this prior's own samples: PSNR in dB. Measured on the "
    "prior's own samples, not on photographs, which are explained worse."
)
PERCENTS = (0, 5, 10, 25, 50, 75, 90, 95, 100)


@dataclasses.dataclass(frozen=True, kw_only=True)
class OwnSamples:
    """How well short inversions explain a prior's own samples.

    Fields:
        psnr: of every sample, dB, in the order of the samples; fewer than `SAMPLES` as long as it is being measured.
    """

    psnr: tuple[float, ...]

    @property
    def whole(self) -> bool:
        """Whether all samples are measured."""
        return len(self.psnr) == SAMPLES

    def quantiles(self) -> dict[str, float]:
        """Of the samples' PSNR, by per cent: "50" is the median."""
        return {str(one): round(float(np.percentile(self.psnr, one)), 3) for one in PERCENTS}


def describe_prior(folder: Path) -> None:
    """Write beside a prior's weights what its own samples say: `samples.png` and `explained.json`.

    What is there already and belongs to these weights stays. Where it was stopped, it goes on.

    Arguments:
        folder: with the prior's `model.safetensors`.

    Raises:
        WeightsError: there are no weights, or damaged ones. ArgumentError: a prior whose images are no pictures.
        OSError: the folder cannot be written.

    Example:
        >>> describe_prior(Path("priors/bedroom256"))  # inverts for minutes # doctest: +SKIP
    """
    prior = load_prior(folder / WEIGHTS)
    if len(prior.image_shape) != 3:
        raise ArgumentError(f"{folder} holds a prior of volumes; expected one of pictures [h, w, c].")
    path = folder / FILE
    known = read(path, prior)
    if known is not None and known.whole and (folder / SHEET).is_file():
        return
    pictures = draw_samples(prior)
    if known is None or not (folder / SHEET).is_file():
        save_png(folder / SHEET, sheet_of(pictures))
    measure(prior, pictures, path=path, known=known)


def own_samples(prior: Prior, *, beside: Path | None = None) -> OwnSamples:
    """How well a prior's own samples are explained: as it is known, or measured now and kept in the user's cache.

    Arguments:
        prior: of pictures.
        beside: the file of its weights, if there is one.
    """
    places = [path.with_name(FILE) for path in ([] if beside is None else [beside]) + [*loader.bundled().values()]]
    cached = _cached(prior)
    for place in [*places, *([] if cached is None else [cached])]:
        if (known := read(place, prior)) is not None and known.whole:
            return known
    known = None if cached is None else read(cached, prior)
    return measure(prior, draw_samples(prior), path=cached, known=known)


def draw_samples(prior: Prior) -> np.ndarray:
    """The prior's samples that are shown and measured, uint8 [samples, h, w, c]."""
    codes = draw_codes(jax.random.key(KEY), (SAMPLES, prior.latent_dim), distribution=prior.code_distribution)
    generator, generate, parts = prior.split(1), jax.jit(lambda generator, z: generator(z)), []
    for first in steps_of("drawing the prior's samples", SAMPLES, GROUP, unit="samples"):
        parts.append(to_uint8(np.asarray(generate(generator, codes[first : first + GROUP]))))
    return np.concatenate(parts)


def sheet_of(pictures: np.ndarray) -> np.ndarray:
    """Samples [b, h, w, c] side by side on one page, uint8."""
    height, width = pictures.shape[1:3]
    shrink = max(height, width) / TILE
    size = (round(width / shrink), round(height / shrink))
    shown = [to_rgb(picture) for picture in pictures]
    if shrink > 1:
        shown = [np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BICUBIC)) for one in shown]
    return grid(shown, columns=COLUMNS)


def measure(prior: Prior, pictures: np.ndarray, *, path: Path | None, known: OwnSamples | None) -> OwnSamples:
    """Explain a prior's samples, and write after every few how well that went.

    Arguments:
        prior: whose samples they are.
        pictures: as `draw_samples` returns them.
        path: of the file; None where nothing is kept.
        known: what was measured before a stop.
    """
    found = list(known.psnr) if known is not None else []
    if path is not None and known is None:
        _keep(path, prior, OwnSamples(psnr=()))
    text = "measuring how well the prior explains its own samples"
    with doing(text, total=len(pictures), unit="samples", announced=True) as work:
        work.skip(len(found))
        explainer = Explainer(prior)
        for first in range(len(found), len(pictures), GROUP):
            some = to_float(pictures[first : first + GROUP])
            ids = np.arange(first, first + len(some), dtype=np.uint32)
            explained = explainer.explain(some, np.zeros(some.shape[:3], np.float32), ids)
            found += [round(float(one), 3) for one in explained.psnr]
            if path is not None:
                _keep(path, prior, OwnSamples(psnr=tuple(found)))
            work.moved(len(found))
    return OwnSamples(psnr=tuple(found))


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
        figures = tuple(float(one) for one in found["psnr"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    wanted = _identity(prior)
    if {name: found.get(name) for name in wanted} != wanted or not np.isfinite(figures).all():
        return None
    return OwnSamples(psnr=figures) if len(figures) <= SAMPLES else None


def _keep(path: Path, prior: Prior, known: OwnSamples) -> None:
    value: dict[str, Any] = {"about": ABOUT, **_identity(prior)}
    if known.whole:
        value["quantiles"] = known.quantiles()
    value["psnr"] = known.psnr
    write_json(path, value)


def _identity(prior: Prior) -> Mapping[str, Any]:
    """What the figures depend on."""
    return {
        "prior": prior.sha256,
        "settings": settings_of(prior),
        "numerics": NUMERICS_VERSION,
        "samples": SAMPLES,
        "key": KEY,
    }


def _cached(prior: Prior) -> Path | None:
    """Where figures are kept that lie beside no weights; None where nothing can be kept."""
    folder = runtime.cache_folder()
    if folder is None:
        return None
    with contextlib.suppress(OSError):
        (folder / "explained").mkdir(parents=True, exist_ok=True)
        return folder / "explained" / f"{prior.sha256[:32]}.json"
    return None
