"""Where pictures lie: in a folder, in a zip archive, or at a path that somebody gave.

Many pictures share one place, which holds what they have in common. Thus a picture of a listed folder is little more
than the name of its file, and a million of them fit in memory.
"""

import abc
import array
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any


Location = tuple[str, str]
"""What tells two pictures apart: the real path of the file, and the entry of the archive or ""."""


class Place(abc.ABC):
    """Where some pictures lie. Which of them is meant is said by a key that only the place understands."""

    @abc.abstractmethod
    def path(self, key: Any) -> Path:
        """Return the file of a picture, or the archive that contains it."""

    @abc.abstractmethod
    def stem(self, key: Any) -> str:
        """Return the name of a picture's file without folder and ending."""

    @abc.abstractmethod
    def inside(self, key: Any) -> str:
        """Return the path of a picture inside what was searched."""

    @abc.abstractmethod
    def member(self, key: Any) -> zipfile.ZipInfo | None:
        """Return the entry of an archive; None for a file."""

    @abc.abstractmethod
    def location(self, key: Any) -> Location:
        """Return what all ways to a picture have in common."""


class GivenPath(Place):
    """The place of one picture of which everything is given; the key is not used.

    Arguments:
        path, stem, member, inside: see `jaxprior.data.sources.ImageSource`.
    """

    def __init__(self, path: Path, stem: str, member: zipfile.ZipInfo | None, inside: str):
        self._path, self._stem, self._member, self._inside = path, stem, member, inside or path.name
        self._location: Location | None = None

    def path(self, key: None) -> Path:
        """Return the path as it was given."""
        return self._path

    def stem(self, key: None) -> str:
        """Return the stem as it was given."""
        return self._stem

    def inside(self, key: None) -> str:
        """Return the path inside as it was given, or the name of the file."""
        return self._inside

    def member(self, key: None) -> zipfile.ZipInfo | None:
        """Return the entry as it was given."""
        return self._member

    def location(self, key: None) -> Location:
        """Find the real path once, when it is first asked for."""
        if self._location is None:
            member = self._member
            place = location_of_file(self._path) if member is None else os.path.realpath(self._path)
            self._location = place, "" if member is None else member.filename
        return self._location


class Folder(Place):
    """One folder that was listed; the key of a picture is the name of its file.

    Arguments:
        prefix: the path of the folder as it was given, with "/" at its end; "" for the working folder.
        real: the real path of the folder.
        inside: the path of the folder inside of the one that was searched, with "/" at its end; "" for that one itself.
    """

    def __init__(self, prefix: str, real: str, inside: str = ""):
        self.prefix, self.real, self._inside = prefix, real, inside
        self._links: dict[str, str] = {}

    def inner(self, name: str) -> "Folder":
        """Return a folder in this one that is no link."""
        return Folder(f"{self.prefix}{name}/", os.path.join(self.real, name), f"{self._inside}{name}/")

    def linked(self, name: str) -> "Folder":
        """Return a folder to which a link in this one leads."""
        return Folder(f"{self.prefix}{name}/", os.path.realpath(self.prefix + name), f"{self._inside}{name}/")

    @property
    def text(self) -> str:
        """The path of the folder, with which it is opened."""
        return self.prefix or "."

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the folders between the one that was searched and the files of this one."""
        return tuple(self._inside.split("/")[:-1])

    def follow(self, name: str) -> None:
        """Take note that a file is a link."""
        self._links[name] = location_of_file(Path(self.prefix + name))

    def path(self, key: str) -> Path:
        """Return the path of the file below the folder as it was given."""
        return Path(self.prefix + key)

    def stem(self, key: str) -> str:
        """Return the name of the file without its ending."""
        return PurePosixPath(key).stem

    def inside(self, key: str) -> str:
        """Return the path of the file inside the folder that was searched."""
        return self._inside + key

    def member(self, key: str) -> None:
        """Return None, because there is no archive."""
        return None

    def location(self, key: str) -> Location:
        """Return the real path of the file; only of links it was asked of the file system."""
        return self._links.get(key) or os.path.join(self.real, key), ""


class Archive(Place):
    """A zip archive that was listed; the key of a picture is its number among the entries given here.

    The numbers of all entries lie in arrays, because an object of Python for each would take ten times the memory.

    Arguments:
        path: the archive.
        members: its pictures.
    """

    def __init__(self, path: Path, members: Sequence[zipfile.ZipInfo]):
        self._path, self.real = path, os.path.realpath(path)
        self._names = [member.filename for member in members]
        self._numbers = {
            name: array.array(code, [getattr(member, name) for member in members]) for name, code in _NUMBERS.items()
        }

    def path(self, key: int) -> Path:
        """Return the archive."""
        return self._path

    def stem(self, key: int) -> str:
        """Return the name of the entry without folder and ending."""
        return PurePosixPath(self.inside(key)).stem

    def inside(self, key: int) -> str:
        """Return the path of the entry inside the archive."""
        return path_of_entry(self._names[key])

    def member(self, key: int) -> zipfile.ZipInfo:
        """Make the entry of its numbers."""
        member = zipfile.ZipInfo(self._names[key])
        for name, numbers in self._numbers.items():
            setattr(member, name, numbers[key])
        return member

    def location(self, key: int) -> Location:
        """Return the real path of the archive and the name of the entry."""
        return self.real, self._names[key]


_NUMBERS = {
    "header_offset": "Q", "compress_size": "Q", "file_size": "Q", "CRC": "L", "compress_type": "H", "flag_bits": "H",
}  # fmt: skip
"""What is kept of every entry to read and check it, and the type of the array."""


def location_of_file(path: Path) -> str:
    """The real path of a file. A link counts as its file only if it has the same name."""
    target = os.path.realpath(path)
    if os.path.basename(target) != path.name:
        target = os.path.join(os.path.realpath(path.parent), path.name)
    return target


def path_of_entry(name: str) -> str:
    """The path of an entry inside its archive, with "/" between its parts and none without a meaning.

    Example:
        >>> path_of_entry("./cats\\\\1.png")
        'cats/1.png'
    """
    path = name.replace("\\", "/")
    parts = path.split("/")
    return str(PurePosixPath(path)) if "" in parts or "." in parts else path
