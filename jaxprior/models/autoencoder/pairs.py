"""Triples for networks that repair pictures: the damaged picture, the original, and where it was damaged.

They lie on the channel axis of one uint8 array [n, r, r, 7]: three of the input, three of the original, one of the
mask (255 = missing). So what a run of completions holds, and what a mask makes of plain pictures, is drawn, flipped
and kept like any other pictures.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from jaxprior.data import images
from jaxprior.data.fitting_many import Account
from jaxprior.data.masks import MaskSpec, parse_mask
from jaxprior.data.sources import file_source
from jaxprior.errors import ImageError
from jaxprior.lazy_jax import jax
from jaxprior.models.autoencoder.config import AutoencoderInputs, AutoencoderRecipe
from jaxprior.runs.kinds import what_it_is
from jaxprior.runs.runfolder import RunFolder
from jaxprior.system.activity import steps_of
from jaxprior.training.decoding import decoded
from jaxprior.training.pictures import Pictures, TrainingData, draw_batch, load_pictures
from jaxprior.training.stored_pixels import StoredPixels


EXPECTED = "a restoration run that was made with --clean or --reference, with a picture that is finished"
MASKS = 256
"""Masks of a random kind that are drawn once and then used in turn."""


def load_pairs(runs: Sequence[str | Path], *, resolution: int, limit: int | None = None) -> Pictures:
    """Read restoration runs: their restored pictures are inputs, their originals what should come out.

    Arguments:
        runs: run folders made with originals (`--clean` or `--reference`), of whose pictures those are read that the
            run's command names. Pictures of one name stand side by side.
        resolution: pixels of a side, that of the runs.
        limit: use only the first so many originals.

    Returns:
        Pictures [n, r, r, 7]. Without masks in a run all of a picture counts as missing.

    Raises:
        ImageError: a run without originals, a picture of another size, or one that cannot be read.
    """
    found = []
    for run in map(Path, runs):
        folder = RunFolder(run)
        files = sorted({row.file for row in folder.rows() if row.file is not None})
        originals = [name for name in files if folder.file("originals", name).is_file()]
        if not originals:
            raise ImageError(f"{run} holds no originals: it {what_it_is(run)}; expected {EXPECTED}.")
        found += [(name, run) for name in originals]
    names = sorted({name for name, _ in found})[:limit]
    chosen = sorted((name, i, run) for i, (name, run) in enumerate(found) if name in set(names))
    places = [(run, name) for name, _, run in chosen]
    files = [_place(run, kind, name) for run, name in places for kind in ("images", "originals", "masks")]

    def triples(_account: Account) -> Iterator[np.ndarray]:
        for i in steps_of("reading pairs", len(places), unit="pairs"):
            yield _triple(*places[i], resolution)

    pixels, _ = decoded(
        [file_source(path) for path in files],
        triples,
        shape=(len(places), resolution, resolution, 7),
        asked=["pairs", [str(Path(run).resolve()) for run in runs], resolution, limit],
    )
    return Pictures(pixels)


def read(inputs: AutoencoderInputs, settings: AutoencoderRecipe, *, limit: int | None = None) -> TrainingData:
    """Read what an autoencoder is trained on, at the resolution of its settings.

    Arguments:
        inputs: either runs or pictures.
        settings: those of the training; a mask belongs to pictures.
        limit: use only the first so many.

    Raises:
        ImageError: both or none are given, or a mask without pictures; or nothing can be read.
    """
    if (inputs.data is None) == (not inputs.pairs) or (inputs.data is None) != (settings.mask is None):
        raise ImageError("Give --pairs, runs to learn from; or --data, pictures, with --mask, what is missing.")
    if inputs.data is not None:
        pictures = load_pictures(inputs.data, resolution=settings.resolution, limit=limit)
        use = "jaxprior.load_refiner, from Python, of"
        said = None if (mask := mask_spec(settings)) is None else mask.statement(settings.resolution)
        return TrainingData(pictures=pictures, source=str(inputs.data), use=use, notes=() if said is None else (said,))
    pairs = load_pairs(inputs.pairs or (), resolution=settings.resolution, limit=limit)
    return TrainingData(pictures=pairs, kind="pairs", source=", ".join(map(str, inputs.pairs or ())))


def mask_spec(settings: AutoencoderRecipe) -> MaskSpec | None:
    """The specification of a training's mask; None where it has none."""
    if settings.mask is None:
        return None
    return parse_mask(settings.mask, means=settings.mask_means, invert=settings.invert_mask)


def _place(run: Path, kind: str, name: str) -> Path:
    return run / kind / f"{name}.png"


def _triple(run: Path, name: str, resolution: int) -> np.ndarray:
    """A pair of a run with its mask; without one all of the picture counts as missing."""
    triple = np.full((resolution, resolution, 7), 255, np.uint8)
    triple[..., :3] = _read(_place(run, "images", name), resolution)
    triple[..., 3:6] = _read(_place(run, "originals", name), resolution)
    if (mask := _place(run, "masks", name)).is_file():
        triple[..., 6] = _read(mask, resolution)[..., 0]
    return triple


def _read(path: Path, resolution: int) -> np.ndarray:
    pixels = images.load_image(path)
    if pixels.shape != (resolution, resolution, 3):
        raise ImageError(f"{path}: expected {resolution}x{resolution} pixels, got {pixels.shape[1]}x{pixels.shape[0]}.")
    return pixels


def draw_masks(spec: MaskSpec, size: int, *, seed: int) -> np.ndarray:
    """Masks uint8 [k, size, size, 1], 255 = missing: one if all are alike."""
    keys = jax.random.split(jax.random.key(seed), MASKS if spec.per_image else 1)
    return np.stack([np.uint8(255) * spec.draw(size, key).astype(np.uint8)[..., None] for key in keys])


def mean_filled(pictures: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Triples of plain pictures: what is missing is filled with the mean colour of what is known.

    Arguments:
        pictures: uint8 [b, r, r, 3].
        masks: uint8 [b, r, r, 1].

    Returns:
        uint8 [b, r, r, 7].
    """
    known = masks < 128
    total = np.sum(pictures * known, axis=(1, 2), keepdims=True, dtype=np.float64)
    mean = np.round(total / np.maximum(known.sum(axis=(1, 2), keepdims=True), 1)).astype(np.uint8)
    return np.concatenate([np.where(known, pictures, mean), pictures, masks], axis=-1)


@dataclass(frozen=True)
class Triples:
    """Where triples come from: they are there, or a mask makes them of plain pictures.

    Fields:
        pictures: uint8 [n, r, r, 7], or [n, r, r, 3] with masks; in memory or in a file.
        masks: [k, r, r, 1], or None.
    """

    pictures: np.ndarray | StoredPixels
    masks: np.ndarray | None = None

    def all(self) -> np.ndarray:
        """One triple a picture, in memory."""
        pictures = np.asarray(self.pictures)
        if self.masks is None:
            return pictures
        return mean_filled(pictures, self.masks[np.arange(len(pictures)) % len(self.masks)])

    def batches(self, start: int, size: int, seed: int) -> Callable[[int], np.ndarray]:
        """index -> triples [size, r, r, 7]; see `draw_batch`. A picture meets another mask every time."""
        pictures = partial(draw_batch, self.pictures, start, size, seed)
        if self.masks is None:
            return pictures
        masks = partial(draw_batch, self.masks, start, size, seed + 1)
        return lambda index: mean_filled(pictures(index), masks(index))
