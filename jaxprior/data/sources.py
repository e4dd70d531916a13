"""Finding pictures in files, folders and zip archives, and reading their bytes: nothing is decoded here.

Listing is lazy, so that a run over a hundred thousand pictures starts at once and one bad one is one failed
row.
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
MAX_BYTES = 120_000_000  # about a photograph of 64 million pixels as PNG; some decoders copy the file

_READ_ERRORS = (OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)

PathLike = str | os.PathLike[str]


@dataclasses.dataclass(frozen=True)
class ImageSource:
    """A picture that was found but not yet read: a file, or a member of a zip archive.

    Arguments:
        name: what reports and errors call it, e.g. "photos/cat.png" or "photos.zip/cats/cat.png"; printable.
        stem: the file's own name without folder and extension, e.g. "cat".
        path: the file, or the archive.
        member: the archive's entry, or None.
    """

    name: str
    stem: str
    path: Path
    member: zipfile.ZipInfo | None = None

    def read(self) -> bytes:
        """Read the undecoded bytes.

        Returns:
            the whole file.

        Raises:
            `ImageError` if it is missing, larger than 120 MB, encrypted or damaged.

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

    Folders and archives are searched through all levels, in the order of names; hidden files, `__MACOSX` and
    files without a picture's extension are passed over. A file that is named itself is always listed.

    Arguments:
        paths: one path or several; a path given twice counts once.
        limit: only the first so many.

    Returns:
        at least one `ImageSource`.

    Raises:
        `ImageError` if a path does not exist, an archive is damaged, or nothing is found.

    Example:
        >>> for source in list_images(["photos", "photos.zip", "cat.png"], limit=100):
        ...     data = source.read()
    """
    if limit is not None and limit < 1:
        raise ImageError(f"limit: expected at least 1, got {limit}.")
    places = [Path(paths)] if isinstance(paths, (str, os.PathLike)) else [Path(path) for path in paths]
    found: dict[str, ImageSource] = {}
    for place in places:
        for source in _search(place):
            found.setdefault(source.name, source)
    if not found:
        where = ", ".join(str(place) for place in places) or "an empty list of paths"
        expected = " ".join(sorted(EXTENSIONS))
        raise ImageError(f"{where}: no pictures found; expected files ending in {expected}.")
    return list(found.values())[:limit]


def _search(place: Path) -> Iterator[ImageSource]:
    if place.is_dir():
        yield from _search_folder(place)
    elif not place.exists():
        raise ImageError(f"{place}: no such file or folder.")
    elif _is_archive(place):
        yield from _search_archive(place)
    else:
        yield file_source(place)


def _search_folder(folder: Path) -> Iterator[ImageSource]:
    files = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if _is_wanted(name)]
        files += [Path(parent, name) for name in names if _is_picture(PurePosixPath(name))]
    yield from map(file_source, sorted(files, key=lambda file: file.relative_to(folder).parts))


def _search_archive(archive: Path) -> Iterator[ImageSource]:
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ImageError(f"{archive}: it is not a readable zip archive ({_words(error)}).") from error
    for member in sorted(members, key=lambda member: PurePosixPath(member.filename).parts):
        inside = PurePosixPath(member.filename)
        if not member.is_dir() and _is_picture(inside):
            yield ImageSource(_printable(f"{archive.as_posix()}/{inside}"), inside.stem, archive, member)


def file_source(path: Path) -> ImageSource:
    """Wrap one file, which need not exist yet."""
    return ImageSource(_printable(path.as_posix()), path.stem, path)


def _printable(name: str) -> str:
    """A name fit for terminals and journals: control characters and bytes that are no UTF-8 become escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def _is_picture(path: PurePosixPath) -> bool:
    return path.suffix.lower() in EXTENSIONS and all(_is_wanted(part) for part in path.parts)


def _is_wanted(name: str) -> bool:
    return not name.startswith(".") and name != "__MACOSX"


def _is_archive(path: Path) -> bool:
    if path.suffix.lower() == ".zip":
        return True
    if not path.is_file():
        return False  # opening a pipe would wait for ever
    try:
        with open(path, "rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError:
        return False  # reading it later gives the reason


def _read_file(path: Path) -> bytes:
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
    # Not through ZipFile, which would read the archive's whole directory again for every member.
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
        content = io.BytesIO()  # `read()` of a member takes twice the memory
        with zipfile.ZipExtFile(file, "r", member) as opened:
            shutil.copyfileobj(opened, content, 1 << 20)
        return content.getvalue()


def _require_size(size: int) -> None:
    if size > MAX_BYTES:
        raise ImageError(f"it has {size} bytes, more than the limit of {MAX_BYTES}; save it smaller or compressed.")


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
