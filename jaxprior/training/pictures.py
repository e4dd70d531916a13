"""Training pictures: decoded once, kept as uint8 in memory, drawn in an order that depends only on a seed.

A batch is a pure function of (seed, position), position being the number of pictures drawn so far. A checkpoint stores
the position and nothing else, and a resumed run sees exactly the pictures that it would have seen.
"""

import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from jaxprior.data import images
from jaxprior.data.fitted import FitCount
from jaxprior.data.notes import note_sentences
from jaxprior.errors import ImageError, JaxpriorWarning
from jaxprior.lazy_jax import Array, jax, jnp
from jaxprior.system.activity import steps_of
from jaxprior.training.settings import PictureInputs


@dataclass(frozen=True)
class Pictures:
    """Training pictures.

    Fields:
        pixels: uint8 [n, r, r, c]; or [1, h, w, c].
        skipped: sentences about files that could not be used.
        fitted: sentences about pictures that were cut or resized.
    """

    pixels: np.ndarray
    skipped: tuple[str, ...] = ()
    fitted: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pixels)

    def halved(self, times: int) -> "Pictures":
        """The same pictures, box-averaged `times` times by two, rounded to uint8."""
        if times == 0:
            return self
        factor, (n, r, _, c) = 1 << times, self.pixels.shape
        small = np.empty((n, r // factor, r // factor, c), np.uint8)
        for start in range(0, n, 4096):
            block = self.pixels[start : start + 4096].astype(np.float32)
            block = block.reshape(-1, r // factor, factor, r // factor, factor, c).mean(axis=(2, 4))
            small[start : start + 4096] = np.round(block)
        return Pictures(small, self.skipped, self.fitted)


def load_pictures(
    source: str | Path,
    *,
    resolution: int,
    channels: int = 3,
    limit: int | None = None,
) -> Pictures:
    """Decode a folder or zip archive of pictures to one array.

    Unusable files are left out and named in `skipped`. A `JaxpriorWarning` tells of pictures that were read in a
    special way, for example converted from another colour space.

    Arguments:
        source: a folder, a zip archive or a single picture.
        resolution: pixels of a side; pictures are cut to the centre square and resampled.
        channels: 3 for RGB, 1 for the brightness alone (luma, BT.601).
        limit: use only the first so many files.

    Raises:
        ImageError: when nothing usable is found.
    """
    sources = images.list_images([source], limit=limit)
    pixels = np.empty((len(sources), resolution, resolution, channels), np.uint8)
    used, skipped, notes, count = 0, [], [], FitCount()
    for i in steps_of("reading pictures", len(sources), unit="pictures"):
        item = sources[i]
        try:
            picture = images.read_picture(item.read())
            fitted = images.fit(picture.pixels, resolution)
            pixels[used] = images.to_grey(fitted) if channels == 1 else fitted
            used += 1
            notes.append((item.name, picture.notes))
            count.add(picture.pixels.shape[:2], resolution)
        except ImageError as error:
            skipped.append(f"{item.name}: {error}")
    if not used:
        raise ImageError(f"{source}: none of its {len(sources)} files is a usable picture; the first: {skipped[0]}")
    for sentence in note_sentences(notes):
        warnings.warn(sentence, JaxpriorWarning, stacklevel=2)
    return Pictures(pixels[:used], tuple(skipped), tuple(count.sentences()))


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """What a training is trained on, and what is said of it.

    Fields:
        pictures: what the training's `plan` is given.
        kind: what they are, in the plural, for people.
        source: where they come from, for the card of the trained weights.
        use: the command in which a network trained on them serves; None for that of the `Trainer`.
        notes: sentences on how they were read, which the command prints.
    """

    pictures: Pictures
    kind: str = "pictures"
    source: str
    use: str | None = None
    notes: tuple[str, ...] = ()


def read(inputs: PictureInputs, settings: Any, *, limit: int | None = None) -> TrainingData:
    """Read what most networks are trained on: square pictures of the side `settings.resolution`.

    Arguments:
        inputs: where the pictures are.
        settings: those of the training; `image_channels` is 3 where they have no such field.
        limit: use only the first so many files.

    Raises:
        ImageError: nothing usable is found.
    """
    channels = getattr(settings, "image_channels", 3)
    pictures = load_pictures(inputs.data, resolution=settings.resolution, channels=channels, limit=limit)
    return TrainingData(pictures=pictures, source=str(inputs.data))


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, size: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(size)


def draw(pixels: np.ndarray, position: int, size: int, *, seed: int) -> np.ndarray:
    """Pictures position ... position + size - 1 of an endless stream of shuffled epochs.

    Arguments:
        pixels: [n, ...].
        position: pictures drawn before.
        size: pictures wanted.
        seed: of the shuffling.

    Returns:
        Array [size, ...].
    """
    n = len(pixels)
    where = range(position, position + size)
    return pixels[[_order(seed, p // n, n)[p % n] for p in where]]


def draw_batch(pixels: np.ndarray, start: int, size: int, seed: int, index: int) -> np.ndarray:
    """Batch number `index` of a phase before whose first batch `start` pictures were drawn; see `draw`."""
    return draw(pixels, start + index * size, size, seed=seed)


def to_images(pictures: Array, flip_key: Array | None) -> Array:
    """uint8 pictures [b, r, r, c] -> [-1, 1]; with a key each is flipped left to right with probability 1/2."""
    if flip_key is not None:
        flip = jax.random.bernoulli(flip_key, 0.5, (len(pictures), 1, 1, 1))
        pictures = jnp.where(flip, pictures[:, :, ::-1], pictures)
    return pictures / 127.5 - 1.0
