"""Finding pictures in files, folders and zip archives, and reading their bytes. Nothing is decoded here.

Pictures are listed without being read. Thus a run over a hundred thousand pictures starts at once, and a damaged one
among them costs one failed row and not the run.
"""

import dataclasses
import io
import lzma
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from jaxprior.errors import ImageError


EXTENSIONS = frozenset(".png .apng .jpg .jpeg .jpe .jfif .webp .bmp .tif .tiff .ppm .pgm .pbm .pnm .pfm .gif".split())
"""The endings of files that are taken for pictures when a folder or an archive is searched."""

MAX_BYTES = 120_000_000
"""The most bytes of a file: about what a photograph of 64 million pixels takes as PNG. Some decoders copy the file."""

_READ_ERRORS = (OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)

PathLike = str | os.PathLike[str]


@dataclasses.dataclass(frozen=True)
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

    name: str
    stem: str
    path: Path
    member: zipfile.ZipInfo | None = None
    inside: str = ""

    def __post_init__(self):
        if not self.inside:
            object.__setattr__(self, "inside", self.path.name)

    @property
    def location(self) -> tuple[str, str]:
        """The absolute path of the file, and the entry of the archive or "": what all spellings have in common."""
        return os.path.abspath(self.path), "" if self.member is None else self.member.filename

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
            return _read_file(self.path) if self.member is None else _read_member(self.path, self.member)
        except ImageError as error:
            raise ImageError(f"{self.name}: {error}") from None
        except _READ_ERRORS as error:
            raise ImageError(f"{self.name}: it cannot be read ({_words(error)}).") from error


def list_images(paths: PathLike | Iterable[PathLike], *, limit: int | None = None) -> list[ImageSource]:
    """Find the pictures in files, folders and zip archives, without reading them.

    Folders and archives are searched with all their sub-folders, in the order of names. Hidden files, folders called
    `__MACOSX`, and files without the ending of a picture are left out. A file that is given by its own path is always
    listed.

    Arguments:
        paths: one path or several; a picture that is found twice is listed once, also if its path is spelled in two
            ways.
        limit: list only this many pictures, the first ones.

    Returns:
        the pictures, at least one.

    Raises:
        ImageError: a path does not exist, an archive is damaged, or no picture is found.

    Example:
        >>> for source in list_images(["photos", "photos.zip", "cat.png"], limit=100):
        ...     data = source.read()
    """
    if limit is not None and limit < 1:
        raise ImageError(f"limit: expected at least 1, got {limit}.")
    places = [Path(paths)] if isinstance(paths, (str, os.PathLike)) else [Path(path) for path in paths]
    found: dict[tuple[str, str], ImageSource] = {}
    for place in places:
        for source in _search(place):
            found.setdefault(source.location, source)
    if not found:
        where = ", ".join(str(place) for place in places) or "an empty list of paths"
        expected = " ".join(sorted(EXTENSIONS))
        raise ImageError(f"{where}: no pictures found; expected files ending in {expected}.")
    return list(found.values())[:limit]


def _search(place: Path) -> Iterator[ImageSource]:
    """Find the pictures of one path."""
    if place.is_dir():
        yield from _search_folder(place)
    elif not place.exists():
        raise ImageError(f"{place}: no such file or folder.")
    elif _is_archive(place):
        yield from _search_archive(place)
    else:
        yield file_source(place)


def _search_folder(folder: Path) -> Iterator[ImageSource]:
    """Find the pictures of a folder and its sub-folders, in the order of names."""
    files = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if _is_wanted(name)]
        files += [Path(parent, name) for name in names if _is_picture(PurePosixPath(name))]
    for inside in sorted((file.relative_to(folder) for file in files), key=lambda inside: inside.parts):
        yield dataclasses.replace(file_source(folder / inside), inside=inside.as_posix())


def _search_archive(archive: Path) -> Iterator[ImageSource]:
    """Find the pictures of a zip archive, in the order of names."""
    try:
        with zipfile.ZipFile(archive) as opened:
            members = {PurePosixPath(member.filename): member for member in opened.infolist()}  # the last of a name
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ImageError(f"{archive}: it is not a readable zip archive ({_words(error)}).") from error
    for inside, member in sorted(members.items(), key=lambda item: item[0].parts):
        if not member.is_dir() and _is_picture(inside):
            name = _printable(f"{archive.as_posix()}/{inside}")
            yield ImageSource(name, inside.stem, archive, member, inside.as_posix())


def file_source(path: Path) -> ImageSource:
    """Return the source of one file, which need not exist yet."""
    return ImageSource(_printable(path.as_posix()), path.stem, path)


def _printable(name: str) -> str:
    """Make a name fit for terminals and journals: control characters and bytes that are no UTF-8 become escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def _is_picture(path: PurePosixPath) -> bool:
    """Whether a file has the ending of a picture, and neither it nor a folder above it is to be left out."""
    return path.suffix.lower() in EXTENSIONS and all(_is_wanted(part) for part in path.parts)


def _is_wanted(name: str) -> bool:
    """Whether a file or folder is neither hidden nor one of those that macOS adds to archives."""
    return not name.startswith(".") and name != "__MACOSX"


def _is_archive(path: Path) -> bool:
    """Whether a path is a zip archive by its name or by its first bytes."""
    if path.suffix.lower() == ".zip":
        return True
    if not path.is_file():
        return False  # a pipe must not be opened, because that would wait for ever
    try:
        with open(path, "rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError:
        return False  # when the file is read as a picture, its error will say why


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


def _words(error: Exception) -> str:
    """Return what an error says, or its kind if it says nothing."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
