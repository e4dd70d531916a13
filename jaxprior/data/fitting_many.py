"""Many pictures that are decoded and fitted to one square by several threads, and what is said about them."""

import dataclasses
import itertools
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from jaxprior.data import images
from jaxprior.data.fitted import FitCount
from jaxprior.data.notes import note_sentence
from jaxprior.data.sources import ImageSource
from jaxprior.errors import ImageError
from jaxprior.system.activity import doing
from jaxprior.system.in_order import in_order


MOST_THREADS = 8
"""Each thread holds a whole photograph, which may take 450 MB, so that there is a limit."""

SMALL_FILE = 16_000
"""Bytes. Smaller pictures take Python longer than Pillow, so that several threads would only wait for each other."""

SIZED = 64
"""So many files tell whether the pictures are small."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fitted:
    """One picture, or why it cannot be used.

    Fields:
        pixels: uint8 [resolution, resolution, channels]; None if it cannot be used.
        size: its height and width in the file.
        notes: on how it was read.
        error: why it cannot be used.
        unread: whether its file could not be read at all, which may be otherwise another time.
    """

    pixels: np.ndarray | None = None
    size: tuple[int, int] = (0, 0)
    notes: tuple[str, ...] = ()
    error: str = ""
    unread: bool = False


class Account:
    """What is said about many pictures, collected in memory that does not grow with those that are in order.

    Fields:
        skipped: (number, name, why) of pictures that cannot be used.
        unread: numbers of those whose files could not be read.
        notes: note -> (number and name of its first picture, how many have it).
        fitted: counts what was cut or resized.
    """

    def __init__(self):
        self.skipped: list[tuple[int, str, str]] = []
        self.unread: list[int] = []
        self.notes: dict[str, tuple[int, str, int]] = {}
        self.fitted = FitCount()
        self._fitted_before: tuple[str, ...] = ()

    @classmethod
    def of(cls, kept: dict[str, Any], names: list[str]) -> "Account":
        """What `to_json` returned, with the names that the pictures have now.

        Arguments:
            kept: of the same pictures; other keys do not matter.
            names: of all pictures.
        """
        account = cls()
        account.skipped = [(i, names[i], why.replace(name, names[i])) for i, name, why in kept["skipped"]]
        account.unread = kept["unread"]
        account.notes = {note: (i, names[i], count) for note, (i, _, count) in kept["notes"].items()}
        account._fitted_before = tuple(kept["fitted"])
        return account

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        fitted = self.fitted_sentences()
        return {"skipped": self.skipped, "unread": self.unread, "notes": self.notes, "fitted": fitted}

    def add(self, number: int, name: str, picture: Fitted, resolution: int) -> None:
        """Take note of one picture."""
        if picture.pixels is None:
            self.skipped.append((number, name, picture.error))
            self.unread += [number] if picture.unread else []
            return
        self.fitted.add(picture.size, resolution)
        for note in picture.notes:
            first, named, count = self.notes.get(note, (number, name, 0))
            self.notes[note] = (first, named, count + 1)

    def note_sentences(self) -> list[str]:
        """A sentence for every note, each once."""
        return [note_sentence(note, name, count) for note, (_, name, count) in self.notes.items()]

    def fitted_sentences(self) -> list[str]:
        """What was cut or resized."""
        return [*self._fitted_before, *self.fitted.sentences()]


def fitted_pixels(
    sources: Sequence[ImageSource], *, resolution: int, channels: int, account: Account
) -> Iterator[np.ndarray]:
    """Decode pictures, fit each to a square, and yield the pixels of those that can be used, in order.

    It is an activity, "reading pictures", and it works ahead by a few pictures in several threads.

    Arguments:
        sources: the pictures.
        resolution: pixels of a side of the square.
        channels: 3 for RGB, 1 for the brightness alone (luma, BT.601).
        account: takes note of each picture.

    Returns:
        uint8 [resolution, resolution, channels], one after the other.

    Example:
        >>> account = Account()
        >>> sources = images.list_images("photos")
        >>> pixels = list(fitted_pixels(sources, resolution=64, channels=3, account=account))
    """

    def fitted(source: ImageSource) -> Fitted:
        return fit_picture(source, resolution, channels)

    with doing("reading pictures", total=len(sources), unit="pictures") as work:
        pictures = in_order(fitted, sources, threads=threads_for(sources))
        for number, (source, picture) in enumerate(zip(sources, pictures, strict=True)):
            account.add(number, source.name, picture, resolution)
            if picture.pixels is not None:
                yield picture.pixels
            work.moved(number + 1)


def fit_picture(source: ImageSource, resolution: int, channels: int) -> Fitted:
    """Read, decode and fit one picture; what is wrong with it is in the result."""
    try:
        data = source.read()
    except ImageError as error:
        return Fitted(error=f"{source.name}: {error}", unread=True)
    try:
        picture = images.read_picture(data)
        square = images.fit(picture.pixels, resolution)
        pixels = images.to_grey(square) if channels == 1 else square
    except ImageError as error:
        return Fitted(error=f"{source.name}: {error}")
    return Fitted(pixels=pixels, size=picture.pixels.shape[:2], notes=picture.notes)


def threads_for(sources: Sequence[ImageSource]) -> int:
    """How many threads read these pictures fastest: one if they are small, up to eight if they are photographs."""
    sizes = [size_of(source) for source in itertools.islice(sources, SIZED)]
    return 1 if sum(sizes) < SMALL_FILE * len(sizes) else min(os.cpu_count() or 1, MOST_THREADS)


def size_of(source: ImageSource) -> int:
    """Bytes of a picture's file, 0 if it is not there."""
    if source.member is not None:
        return source.member.file_size
    try:
        return os.stat(source.path).st_size
    except OSError:
        return 0
