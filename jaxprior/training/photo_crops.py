"""Random crops of photographs of any size, as networks that restore photographs are trained on.

Every photograph is cut into square pieces once, which cover it and overlap where its sides are no multiples of theirs.
All pieces have one size, so that they lie decoded in memory or in a file like any training pictures
(`jaxprior.training.decoded_sets`). A crop is a square at a random place of a piece. A batch is a function of its
number, and memory does not grow with the number of photographs.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from jaxprior.data import images
from jaxprior.data.decoding import upright_size
from jaxprior.data.fitting_many import Account, Fitted, threads_for
from jaxprior.data.sources import ImageSource
from jaxprior.errors import ImageError, JaxpriorWarning
from jaxprior.system.activity import doing
from jaxprior.system.amounts import plural
from jaxprior.system.in_order import in_order
from jaxprior.training.decoding import decoded
from jaxprior.training.pictures import Pictures, TrainingData, count_trained, draw
from jaxprior.training.settings import PictureInputs
from jaxprior.training.stored_pixels import StoredPixels


LONGEST = 2048
"""Pixels. A photograph whose longer side has more is shrunk to so many first: at the size at which cameras store them,
photographs are soft, and a network learns little from them."""

PLACES = 7
"""Distinguishes the random numbers of places from other ones of the same seed."""


@dataclass(frozen=True)
class PhotoPieces(Pictures):
    """Square pieces of photographs.

    Fields:
        counts: how many pieces each photograph has; they lie one after the other in `pixels`.
    """

    counts: tuple[int, ...] = ()

    def parted(self, held_out: int) -> tuple[np.ndarray | StoredPixels, np.ndarray | StoredPixels]:
        """Pieces that are trained on, and those of the last photographs, which are held out.

        Arguments:
            held_out: so many photographs, but no more than a quarter of all.

        Raises:
            ImageError: there are fewer than four photographs, too few for both.
        """
        trained = sum(self.counts[: count_trained(self.counts, held_out)])
        return self.pixels[:trained], self.pixels[trained:]


def load_pieces(
    source: str | Path,
    *,
    side: int,
    limit: int | None = None,
    in_memory: int | None = None,
    order: int | None = None,
) -> PhotoPieces:
    """Decode a folder or zip archive of photographs, and cut them into pieces.

    Arguments:
        source: a folder, a zip archive or a single photograph.
        side: of the pieces, in pixels. Smaller photographs are left out, and so are grey ones; `skipped` names them.
        limit: use only the first so many files.
        in_memory: see `jaxprior.training.pictures.load_pictures`.
        order: seed of a random order of the photographs; None for that of their names.

    Raises:
        ImageError: nothing usable is found, or there is no room for the pieces.

    Example:
        >>> load_pieces("photos", side=64).pixels[[0]].shape
        (1, 64, 64, 3)
    """
    found = images.list_images([source], limit=limit)
    photos, too_small = _sized(found, side)
    if order is not None:
        photos = [photos[number] for number in np.random.default_rng(order).permutation(len(photos))]
    pieces = [photo for photo, size in photos for _ in corners(size, side)]
    pixels, account = decoded(
        pieces,
        lambda account: _cut(photos, side, account),
        shape=(len(pieces), side, side, 3),
        asked=["pieces of photographs", str(Path(source).resolve()), side, limit, order],
        in_memory=in_memory,
        way="pieces of photographs",
    )
    unusable = {number for number, _, _ in account.skipped}
    counts, first = [], 0
    for _, size in photos:
        count = len(corners(size, side))
        counts += [] if first in unusable else [count]
        first += count
    skipped = (*too_small, *dict.fromkeys(why for _, _, why in account.skipped))
    if not len(pixels):
        files = f"{len(found)} {plural('file', len(found))}"
        raise ImageError(f"{source}: there is no usable photograph among its {files}; the first: {skipped[0]}")
    for sentence in account.note_sentences():
        warnings.warn(sentence, JaxpriorWarning, stacklevel=2)
    return PhotoPieces(pixels, skipped, counts=tuple(counts))


def read(inputs: PictureInputs, settings: Any, *, limit: int | None = None) -> TrainingData:
    """Read photographs as pieces of the side `settings.resolution`.

    The photographs are in a random order, always the same, so that the last ones, which are held out, are not those
    whose names come last: these are often of one kind.

    Arguments:
        inputs: where the photographs are; settings: of the training; limit: use only the first so many files.

    Raises:
        ImageError: see `load_pieces`; or there are fewer than four photographs.
    """
    found = load_pieces(inputs.data, side=settings.resolution, limit=limit, order=0)
    count_trained(found.counts, 1)
    kind = f"pieces of {len(found.counts)} photographs, each"
    return TrainingData(pictures=found, kind=kind, source=str(inputs.data))


def corners(size: tuple[int, int], side: int) -> list[tuple[int, int]]:
    """Upper left corners of the pieces of a photograph, which cover all of it.

    Arguments:
        size: its height and width in its file; side: of the pieces, no more than either of the two.

    Example:
        >>> corners((64, 100), 64)
        [(0, 0), (0, 36)]
    """

    def along(length: int) -> list[int]:
        count = -(-length // side)
        return [round(k * (length - side) / max(count - 1, 1)) for k in range(count)]

    height, width = shrunk_size(size)
    return [(top, left) for top in along(height) for left in along(width)]


def shrunk_size(size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of a photograph of a size, after it is shrunk to `LONGEST` where it is larger."""
    longest = max(size)
    height, width = (side if longest <= LONGEST else round(side * LONGEST / longest) for side in size)
    return height, width


@dataclass(frozen=True)
class Crops:
    """Random squares of pieces.

    Fields:
        pieces: uint8 [n, s, s, c], in memory or in a file.
        side: of the squares, s at most.
        choose: of so many squares, at random places of as many pieces, the one with the most detail is taken, which is
            the largest mean difference between neighbours in a row.
    """

    pieces: np.ndarray | StoredPixels
    side: int
    choose: int = 1

    def batches(self, start: int, size: int, seed: int) -> Callable[[int], np.ndarray]:
        """index -> uint8 [size, side, side, c], before whose first batch `start` crops were drawn; as `draw_batch`."""

        def batch(index: int) -> np.ndarray:
            position, count = (start + index * size) * self.choose, size * self.choose
            pieces = draw(self.pieces, position, count, seed=seed)
            most = pieces.shape[1] - self.side + 1
            places = np.random.default_rng([seed, PLACES, position]).integers(0, most, (count, 2))
            cut = [
                piece[top : top + self.side, left : left + self.side]
                for piece, (top, left) in zip(pieces, places, strict=True)
            ]
            crops = np.stack(cut)
            if self.choose == 1:
                return crops
            detail = np.abs(np.diff(crops.astype(np.int16), axis=2)).mean(axis=(1, 2, 3)).reshape(size, self.choose)
            return crops[np.arange(size) * self.choose + detail.argmax(axis=1)]

        return batch


def _sized(sources: Sequence[ImageSource], side: int) -> tuple[list[tuple[ImageSource, tuple[int, int]]], list[str]]:
    """Photographs that are large enough, each with its height and width, and sentences about all others."""
    photos, skipped = [], []
    with doing("looking at photographs", total=len(sources), unit="photographs") as work:
        for number, source in enumerate(sources):
            try:
                size = upright_size(source.read(), name=source.name)
                if min(shrunk_size(size)) < side:
                    raise ImageError(
                        f"{source.name}: it is {size[1]}x{size[0]}; expected at least {side}x{side}, twice the side of "
                        "a crop."
                    )
                photos.append((source, size))
            except ImageError as error:
                skipped.append(str(error))
            work.moved(number + 1)
    return photos, skipped


def _cut(photos: Sequence[tuple[ImageSource, tuple[int, int]]], side: int, account: Account) -> Iterator[np.ndarray]:
    """Decode photographs in several threads and yield the pieces of those that can be used, in order."""
    number = 0
    with doing("reading photographs", total=len(photos), unit="photographs") as work:
        sources = [source for source, _ in photos]
        decodings = in_order(lambda one: _decode(*one), photos, threads=threads_for(sources))
        for done, ((source, size), photo) in enumerate(zip(photos, decodings, strict=True), 1):
            for place, (top, left) in enumerate(corners(size, side)):
                piece, notes = photo, photo.notes if place == 0 else ()
                if photo.pixels is not None:
                    pixels = np.ascontiguousarray(photo.pixels[top : top + side, left : left + side])
                    piece = Fitted(pixels=pixels, size=(side, side), notes=notes)
                    account.add(number, source.name, piece, side)
                    yield pixels
                else:
                    account.add(number, source.name, piece, side)
                number += 1
            work.moved(done)


def _decode(source: ImageSource, size: tuple[int, int]) -> Fitted:
    """A photograph, shrunk where it is very large; what is wrong with it is in the result."""
    try:
        data = source.read()
    except ImageError as error:
        return Fitted(error=str(error), unread=True)
    try:
        picture = images.read_picture(data)
        pixels = picture.pixels
        if pixels.shape[:2] != size:
            raise ImageError(f"it is {pixels.shape[1]}x{pixels.shape[0]}, but its head says {size[1]}x{size[0]}.")
        if (pixels == pixels[..., :1]).all():
            raise ImageError("it is grey; this training wants photographs in colour.")
    except ImageError as error:
        return Fitted(error=f"{source.name}: {error}")
    height, width = shrunk_size(size)
    if (height, width) != size:
        pixels = np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))
    return Fitted(pixels=pixels, size=size, notes=picture.notes)
