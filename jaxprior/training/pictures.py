"""Training pictures: decoded once, uint8, drawn in an order that depends only on a seed.

A batch is a pure function of (seed, position), position being the number of pictures drawn so far. A checkpoint stores
the position and nothing else, and a resumed run sees exactly the pictures that it would have seen. Few pictures are
kept in memory, many in a file of the user's cache folder (`decoded_sets`), of which batches are read.
"""

import hashlib
import warnings
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from jaxprior.data import images
from jaxprior.data.fitting_many import fitted_pixels
from jaxprior.data.sources import ImageSource
from jaxprior.errors import ImageError, JaxpriorWarning
from jaxprior.lazy_jax import Array, jax, jnp
from jaxprior.system.amounts import plural
from jaxprior.training.decoding import decoded
from jaxprior.training.making_sets import halved
from jaxprior.training.settings import PictureInputs
from jaxprior.training.stored_pixels import StoredPixels, box_averaged


@dataclass(frozen=True)
class Pictures:
    """Training pictures.

    Fields:
        pixels: uint8 [n, r, r, c]; or [1, h, w, c]. Those of many pictures lie in a file.
        skipped: sentences about files that could not be used.
        fitted: sentences about pictures that were cut or resized.
    """

    pixels: np.ndarray | StoredPixels
    skipped: tuple[str, ...] = ()
    fitted: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pixels)

    @cached_property
    def sha256(self) -> str:
        """The sha256 of all pixels, hexadecimal."""
        if isinstance(self.pixels, StoredPixels):
            return self.pixels.sha256
        return hashlib.sha256(np.ascontiguousarray(self.pixels).data).hexdigest()

    @property
    def folder(self) -> Path | None:
        """Where the pixels lie decoded; None if they are in memory."""
        return self.pixels.file.path.parent if isinstance(self.pixels, StoredPixels) else None

    def halved(self, times: int) -> "Pictures":
        """The same pictures, box-averaged `times` times by two, rounded to uint8.

        Of pictures in a file they lie in a file too, which is made when the first of them is asked for.
        """
        if times == 0:
            return self
        if isinstance(self.pixels, StoredPixels):
            return Pictures(halved(self.pixels, times), self.skipped, self.fitted)
        factor, (n, r, _, c) = 1 << times, self.pixels.shape
        small = np.empty((n, r // factor, r // factor, c), np.uint8)
        for start in range(0, n, 256):
            small[start : start + 256] = box_averaged(self.pixels[start : start + 256], factor)
        return Pictures(small, self.skipped, self.fitted)


def load_pictures(
    source: str | Path,
    *,
    resolution: int,
    channels: int = 3,
    limit: int | None = None,
    in_memory: int | None = None,
) -> Pictures:
    """Decode a folder or zip archive of pictures.

    Up to 256 MiB of decoded pictures are kept in memory. More are decoded into a file of the user's cache folder, and
    `pixels` is a `StoredPixels`, which reads from it what is asked for. The next call with the same pictures opens that
    file; pictures that have changed are decoded anew. `JAXPRIOR_CACHE` names another folder, and with the word "off"
    everything is kept in memory.

    Unusable files are left out and named in `skipped`. A `JaxpriorWarning` tells of pictures that were read in a
    special way, for example converted from another colour space.

    Arguments:
        source: a folder, a zip archive or a single picture.
        resolution: pixels of a side; pictures are cut to the centre square and resampled.
        channels: 3 for RGB, 1 for the brightness alone (luma, BT.601).
        limit: use only the first so many files.
        in_memory: bytes of decoded pictures up to which they are kept in memory; None for 256 MiB.

    Raises:
        ImageError: when nothing usable is found, or there is room for the pictures neither on the disk nor in memory.

    Example:
        >>> pictures = load_pictures("photos", resolution=64)
        >>> pictures.pixels[[0]].shape
        (1, 64, 64, 3)
    """
    sources = images.list_images([source], limit=limit)
    asked = ["pictures", str(Path(source).resolve()), resolution, channels, limit]
    found, _ = decode_sources(
        sources, asked=asked, where=str(source), resolution=resolution, channels=channels, in_memory=in_memory
    )
    return found


def decode_sources(
    sources: Sequence[ImageSource],
    *,
    asked: list[Any],
    where: str,
    resolution: int,
    channels: int,
    in_memory: int | None = None,
) -> tuple[Pictures, list[int]]:
    """Decode pictures that were found; see `load_pictures`.

    Arguments:
        sources: the pictures.
        asked: the words in which they are asked for, see `jaxprior.training.decoding.decoded`.
        where: what errors call all of them.
        resolution, channels, in_memory: see `load_pictures`.

    Returns:
        (the pictures that are usable, their numbers among the sources).
    """
    pixels, account = decoded(
        sources,
        lambda account: fitted_pixels(sources, resolution=resolution, channels=channels, account=account),
        shape=(len(sources), resolution, resolution, channels),
        asked=asked,
        in_memory=in_memory,
    )
    if not len(pixels):
        first = account.skipped[0][2]
        raise ImageError(f"{where}: none of its {len(sources)} files is a usable picture; the first: {first}")
    for sentence in account.note_sentences():
        warnings.warn(sentence, JaxpriorWarning, stacklevel=3)
    left_out = {number for number, _, _ in account.skipped}
    kept = [number for number in range(len(sources)) if number not in left_out]
    return Pictures(pixels, tuple(why for _, _, why in account.skipped), tuple(account.fitted_sentences())), kept


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """What a training is trained on, and what is said of it.

    Fields:
        pictures: what the training's `plan` is given.
        kind: what they are, in the plural, for people.
        size: how large they are, for people; None for squares of the side that the settings say.
        source: where they come from, for the card of the trained weights.
        use: the command in which a network trained on them serves; None for that of the `Trainer`.
        notes: sentences on how they were read, which the command prints.
    """

    pictures: Pictures
    kind: str = "pictures"
    size: str | None = None
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


def count_trained(pictures: Sized, held_out: int) -> int:
    """How many of the pictures are trained on; those after them are held out, a quarter of all at most.

    Arguments:
        pictures: all that there are.
        held_out: so many should be held out.

    Raises:
        ImageError: there are fewer than four, too few for both.
    """
    if len(pictures) < 4:
        few = f"{len(pictures)} {plural('picture', len(pictures))} {'does' if len(pictures) == 1 else 'do'}"
        raise ImageError(f"{few} not suffice: some are trained on and some are held out.")
    return len(pictures) - min(held_out, len(pictures) // 4)


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, size: int) -> np.ndarray:
    """The order of an epoch. Four bytes a picture suffice, up to four thousand million pictures."""
    return np.random.default_rng([seed, epoch]).permutation(size).astype(np.uint32)


def draw(pixels: np.ndarray | StoredPixels, position: int, size: int, *, seed: int) -> np.ndarray:
    """Pictures position ... position + size - 1 of an endless stream of shuffled epochs.

    Arguments:
        pixels: [n, ...], in memory or in a file.
        position: pictures drawn before.
        size: pictures wanted.
        seed: of the shuffling.

    Returns:
        Array [size, ...].
    """
    n = len(pixels)
    where = range(position, position + size)
    return pixels[[_order(seed, p // n, n)[p % n] for p in where]]


def draw_batch(
    pixels: np.ndarray | StoredPixels, start: int, size: int, seed: int, index: int
) -> np.ndarray:
    """Batch number `index` of a phase before whose first batch `start` pictures were drawn; see `draw`."""
    return draw(pixels, start + index * size, size, seed=seed)


def to_images(pictures: Array, flip_key: Array | None) -> Array:
    """uint8 pictures [b, r, r, c] -> [-1, 1]; with a key each is flipped left to right with probability 1/2.

    Volumes [b, r, r, r, c] are flipped along the last of their three axes.
    """
    if flip_key is not None:
        flip = jax.random.bernoulli(flip_key, 0.5, (len(pictures),) + (1,) * (pictures.ndim - 1))
        pictures = jnp.where(flip, pictures[..., ::-1, :], pictures)
    return pictures / 127.5 - 1.0
