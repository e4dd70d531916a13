"""Where a picture comes from, a file or a member of a zip archive, and reading its bytes. Nothing is decoded here.

`jaxprior.data.listing` finds the pictures of folders and archives.
"""

import io
import lzma
import os
import shutil
import zipfile
import zlib
from pathlib import Path
from typing import Any

from jaxprior.data.places import GivenPath, Place
from jaxprior.errors import ImageError


MAX_BYTES = 120_000_000
"""The most bytes of a file: about what a photograph of 64 million pixels takes as PNG. Some decoders copy the file."""

_READ_ERRORS = (OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)

PathLike = str | os.PathLike[str]


class ImageSource:
    """A picture that was found but not yet read: a file, or a member of a zip archive.

    Arguments:
        name: what reports and errors call the picture, e.g. "photos/cat.png" or "photos.zip/cats/cat.png". It has
            printable characters only.
        stem: the name of the file without folder and extension, e.g. "cat".
        path: the file, or the archive that contains it.
        member: the entry of the archive; None for a file.
        inside: the path inside the folder or archive in which the picture was found, with "/" between its parts, e.g.
            "cats/cat.png"; by default the name of the file.
    """

    __slots__ = ("_key", "_name", "_place")

    def __init__(self, name: str, stem: str, path: Path, member: zipfile.ZipInfo | None = None, inside: str = ""):
        self._name, self._place, self._key = name, GivenPath(path, stem, member, inside), None

    @classmethod
    def at(cls, place: Place, key: Any, name: str) -> "ImageSource":
        """Return a picture of a place that many pictures share, see `jaxprior.data.places`."""
        source = cls.__new__(cls)
        source._name, source._place, source._key = name, place, key
        return source

    def renamed(self, name: str) -> "ImageSource":
        """Return the same picture under another name."""
        return ImageSource.at(self._place, self._key, name)

    @property
    def name(self) -> str:
        """What reports and errors call the picture."""
        return self._name

    @property
    def stem(self) -> str:
        """The name of the file without folder and extension."""
        return self._place.stem(self._key)

    @property
    def path(self) -> Path:
        """The file, or the archive that contains it."""
        return self._place.path(self._key)

    @property
    def member(self) -> zipfile.ZipInfo | None:
        """The entry of the archive, with what is needed to read it; None for a file."""
        return self._place.member(self._key)

    @property
    def inside(self) -> str:
        """The path inside the folder or archive in which the picture was found."""
        return self._place.inside(self._key)

    @property
    def location(self) -> tuple[str, str]:
        """The real path of the file, and the entry of the archive or "": what all ways to the picture have in common.

        A link counts as its file only if it has the same name.
        """
        return self._place.location(self._key)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ImageSource):
            return NotImplemented
        return self._told() == other._told()

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f"ImageSource(name={self.name!r}, path={str(self.path)!r}, inside={self.inside!r})"

    def _told(self) -> tuple:
        """What two descriptions of one picture have in common."""
        member = self.member
        return self.name, self.stem, self.path, self.inside, None if member is None else member.filename

    def read(self) -> bytes:
        """Read the bytes of the picture's file.

        Returns:
            the whole file, not decoded.

        Raises:
            ImageError: the file is missing, larger than 120 MB, encrypted or damaged.

        Example:
            >>> data = list_images("photos.zip")[0].read()
        """
        try:
            member = self.member
            return _read_file(self.path) if member is None else _read_member(self.path, member)
        except ImageError as error:
            raise ImageError(f"{self.name}: {error}") from None
        except _READ_ERRORS as error:
            raise ImageError(f"{self.name}: it cannot be read ({error_words(error)}).") from error


def file_source(path: Path) -> ImageSource:
    """Return the source of one file, which need not exist yet."""
    return ImageSource(printable(path.as_posix()), path.stem, path)


def printable(name: str) -> str:
    """Make a name fit for terminals and journals: control characters and bytes that are no UTF-8 become escapes."""
    if name.isprintable():
        return name
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def is_archive(path: Path) -> bool:
    """Whether a path is a zip archive by its name or by its first bytes."""
    return path.suffix.lower() == ".zip" or start_of(path).startswith(b"PK\x03\x04")


def start_of(path: Path) -> bytes:
    """Read the first 1024 bytes of a file, by which its kind is found; none of what cannot be read."""
    if not path.is_file():
        return b""  # a pipe must not be opened, because that would wait for ever
    try:
        with open(path, "rb") as file:
            return file.read(1024)
    except OSError:
        return b""  # when the file is read as a picture, its error will say why


def _read_file(path: Path) -> bytes:
    """Read a file, and refuse what is no ordinary one."""
    if path.is_dir():
        raise ImageError("it is a folder; expected a picture file.")
    if not path.exists():
        raise ImageError("no such file.")
    if not path.is_file():
        raise ImageError("it is a device or pipe; expected a picture file.")
    with open(path, "rb") as file:
        _require_size(os.fstat(file.fileno()).st_size)
        return file.read()


def _read_member(archive: Path, member: zipfile.ZipInfo) -> bytes:
    """Read one entry of a zip archive.

    `ZipFile` would read the directory of the whole archive again for every entry, so this function finds the data of
    the entry itself.
    """
    if member.flag_bits & 0x1:
        raise ImageError("it is encrypted; unpack the archive first.")
    _require_size(member.file_size)
    with open(archive, "rb") as file:
        file.seek(member.header_offset)
        header = file.read(30)
        if len(header) < 30 or header[:4] != b"PK\x03\x04":
            raise ImageError("the archive is damaged or has changed.")
        name_and_extra = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        file.seek(name_and_extra, os.SEEK_CUR)
        content = io.BytesIO()  # the method `read` of an entry would take twice the memory
        with zipfile.ZipExtFile(file, "r", member) as opened:
            shutil.copyfileobj(opened, content, 1 << 20)
        return content.getvalue()


def _require_size(size: int) -> None:
    """Refuse a file that is too large."""
    if size > MAX_BYTES:
        raise ImageError(f"it has {size} bytes, more than the limit of {MAX_BYTES}; save it smaller or compressed.")


def error_words(error: Exception) -> str:
    """Return what an error says, or its kind if it says nothing."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
