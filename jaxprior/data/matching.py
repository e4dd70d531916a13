"""Finding for every picture the file that belongs to it in another folder or archive: its original, or its mask.

Files are matched by where they lie, from the surest sign to the weakest:

1. the path inside the folder or archive that was given: `a/x.png` belongs to `a/x.png`;
2. that path without its ending: `a/x.JPG` and `a/x.png`;
3. that path as the end of the other one's whole path: of `jaxprior inpaint photos/a photos/b --reference originals`,
   `photos/a/x.png` belongs to `originals/a/x.png`;
4. the file name alone, and at last the file name without its ending.

A match counts only where the sign is unique on both sides. Where two pictures could have the same counterpart, or one
picture could have two, there is none, but an error that names them. So no file ever serves two pictures.
"""

import dataclasses
import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from jaxprior.errors import ImageError


NAMED = 3
"""How many files a message names."""

Location = tuple[str, str]
"""What tells two files apart, see `ImageSource.location`."""


@runtime_checkable
class Source(Protocol):
    """A picture or a volume that was found but not yet read, see `ImageSource` and `VolumeSource`."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    @property
    def path(self) -> Path:
        """The file, or the archive that contains it."""
        ...

    @property
    def member(self) -> Any:
        """The entry of the archive; None for a file."""
        ...

    @property
    def inside(self) -> str:
        """The path inside the folder or archive in which it was found."""
        ...

    @property
    def location(self) -> Location:
        """What all ways to it have in common."""
        ...


Sign = tuple[str, ...]
"""The parts of a path that two files must have in common, e.g. ("a", "x.png")."""


class Counterparts:
    """Which file of one place belongs to which of some pictures.

    Arguments:
        pictures: all pictures of the command, also those that this process does not work on, because they decide what
            is unique.
        others: the files of the place, from `jaxprior.data.listing.list_images`.
        place: what messages call the place, usually its path.
        kind: what the counterpart of a picture is, for messages: "original" or "mask".

    Attributes:
        by_name: the pairs (picture, counterpart) in folders of different names, which were found by their file names
            alone. The user should be told of them.

    Example:
        >>> from jaxprior.data.listing import list_images
        >>> photos = list_images("photos")
        >>> originals = Counterparts(photos, list_images("photos.zip"), place="photos.zip", kind="original")
        >>> originals.of(photos[0]).name
        'photos.zip/1.png'
    """

    def __init__(self, pictures: Iterable[Source], others: Iterable[Source], *, place: str, kind: str):
        self.place, self.kind = place, kind
        self.by_name: list[tuple[Source, Source]] = []
        self._levels = list(_levels(list(pictures), list(others)))
        self._found: dict[Location, Source] = {}
        self._owners: dict[Location, Source] = {}
        for level in self._levels:
            for picture, other in level.unique():
                if picture.location not in self._found and other.location not in self._owners:
                    self._found[picture.location] = other
                    self._owners[other.location] = picture
                    if level.names_only:
                        self.by_name.append((picture, other))

    def said_of_names(self) -> str:
        """A sentence on the counterparts that were found by their file names alone (see `by_name`)."""
        picture, other = self.by_name[0]
        number = len(self.by_name)
        count = f"1 {self.kind} was" if number == 1 else f"{number} {self.kind}s were"
        return f"{count} found by the file name alone, in another folder: {other.name} for {picture.name}."

    def of(self, picture: Source) -> Any:
        """Return the counterpart of a picture, as it stood among `others`.

        Raises:
            ImageError: there is none, or it is ambiguous; the sentence names the candidates.
        """
        found = self._found.get(picture.location)
        if found is not None:
            return found
        for level in self._levels:
            pictures, candidates = level.alike(picture)
            if candidates:
                raise ImageError(self._ambiguous(picture, pictures, candidates))
        name = picture.name.rpartition("/")[2]
        raise ImageError(f"{self.place} holds no {self.kind} for {name}, with this ending or another")

    def _ambiguous(self, picture: Source, pictures: list[Source], candidates: list[Source]) -> str:
        """The sentence for a picture without a counterpart of its own."""
        if len(candidates) > 1:
            which = f"it could be {_names(candidates, ' or ')}"
        else:
            rivals = [other for other in pictures if other.location != picture.location]
            owners = rivals or [self._owners[candidates[0].location]]
            which = f"{candidates[0].name} could also belong to {_names(owners, ' and ')}"
        return (
            f"its {self.kind} is ambiguous: {which}; give both the same path inside their folders, "
            f"here {picture.inside}, or names of their own."
        )


@dataclasses.dataclass(frozen=True)
class _Level:
    """One kind of sign: which pictures and which files of the place have which sign.

    Arguments:
        signs: of every picture that has one.
        pictures, others: what has a sign.
        names_only: whether folders count for nothing.
    """

    signs: dict[Location, Sign]
    pictures: dict[Sign, list[Source]]
    others: dict[Sign, list[Source]]
    names_only: bool

    def unique(self) -> Iterator[tuple[Source, Source]]:
        """Iterate over the pairs whose sign nothing else has."""
        for sign, pictures in self.pictures.items():
            others = self.others.get(sign, [])
            if len(pictures) == len(others) == 1:
                yield pictures[0], others[0]

    def alike(self, picture: Source) -> tuple[list[Source], list[Source]]:
        """Return the pictures and the files of the place that have the sign of a picture."""
        sign = self.signs.get(picture.location)
        return ([], []) if sign is None else (self.pictures[sign], self.others.get(sign, []))


def _levels(pictures: Sequence[Source], others: Sequence[Source]) -> Iterator[_Level]:
    """All levels, the surest first."""
    short, whole = _without_ending(_inside), _without_ending(_whole)
    for sign in (_inside, short):
        yield _level(pictures, others, sign, sign)
    given = {picture.location for picture in pictures}
    others = [other for other in others if other.location not in given]  # no picture is its own original by chance
    yield _level(pictures, others, partial(_longest_end, whole, set(map(short, others))), short)
    yield _level(pictures, others, short, partial(_longest_end, whole, set(map(short, pictures))))
    for sign in (_file_name, _without_ending(_file_name)):
        yield _level(pictures, others, sign, sign, names_only=True)


SignOf = Callable[[Source], Sign | None]


def _level(
    pictures: Iterable[Source],
    others: Iterable[Source],
    sign_of_picture: SignOf,
    sign_of_other: SignOf,
    names_only: bool = False,
) -> _Level:
    signs, by_sign, others_by_sign = {}, defaultdict(list), defaultdict(list)
    for picture in pictures:
        sign = sign_of_picture(picture)
        if sign is not None:
            signs[picture.location] = sign
            by_sign[sign].append(picture)
    for other in others:
        sign = sign_of_other(other)
        if sign is not None:
            others_by_sign[sign].append(other)
    return _Level(signs, by_sign, others_by_sign, names_only)


def _inside(source: Source) -> Sign:
    """The path inside the folder or archive in which a picture was found."""
    return _parts(source.inside)


def _file_name(source: Source) -> Sign:
    return _inside(source)[-1:]


def _whole(source: Source) -> Sign:
    """The whole path of a picture as it was given, links included, with the path inside its archive."""
    member = "" if source.member is None else source.inside
    return _parts(f"{os.path.abspath(source.path).replace(os.sep, '/')}/{member}")


def _without_ending(sign_of: Callable[[Source], Sign]) -> Callable[[Source], Sign]:
    def short(source: Source) -> Sign:
        *folders, name = sign_of(source)
        return (*folders, os.path.splitext(name)[0])

    return short


def _longest_end(whole: Callable[[Source], Sign], wanted: set[Sign], source: Source) -> Sign | None:
    """The longest end of a picture's whole path that is one of the wanted paths and has a folder; None without one."""
    parts = whole(source)
    ends = (parts[start:] for start in range(len(parts) - 1))
    return next((end for end in ends if end in wanted), None)


def _parts(path: str) -> Sign:
    """The parts of a path; an accented letter is the same whether it is written as one character or as two."""
    return tuple(part for part in unicodedata.normalize("NFC", path).split("/") if part not in ("", "."))


def _names(sources: Sequence[Source], joint: str) -> str:
    """The names of a few pictures in a sentence."""
    more = f", {len(sources) - NAMED} more" if len(sources) > NAMED else ""
    return joint.join(source.name for source in sources[:NAMED]) + more
