"""Files that survive a crash: each is written under a temporary name and renamed when it is complete.

And folders for results, which must not be taken for files by their names. Text that a user may have edited is read in
whatever form an editor saves UTF-8.
"""

import codecs
import contextlib
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from jaxprior.errors import RunError


FILE_ENDINGS = frozenset(
    ".png .apng .jpg .jpeg .jfif .webp .gif .bmp .tif .tiff .ppm .pgm .heic .heif .avif .jp2 .tga .psd .svg "
    ".mp4 .m4v .mov .avi .mkv .webm .mpg .mpeg .wmv .ogv "
    ".safetensors .pt .pth .ckpt .pkl .h5 .hdf5 .onnx .npy .npz .msgpack "
    ".html .htm .pdf .csv .tsv .txt .md .json .jsonl .toml .yaml .yml .xml .log .zip .tar .gz .tgz .7z".split()
)
"""Endings of names by which people and programs recognise files."""


def check_folder(path: str | os.PathLike) -> None:
    """Refuse a name for a folder of results that is a file or lies in one. Nothing is written.

    Arguments:
        path: of the folder, which need not exist.

    Raises:
        RunError: naming it.

    Example:
        >>> check_folder("runs/photos")
    """
    path = Path(path)
    if not path.is_dir() and any(place.is_file() for place in (path, *path.parents)):
        raise RunError(f"{path} lies in a file or is one: give another folder with -o.")


def check_plain_folder(path: str | os.PathLike, *, expected: str = "a folder") -> None:
    """Refuse also a name that looks like that of a file, where people might expect a file from the command.

    Arguments:
        path: of the folder. One that is there already may be called as it likes.
        expected: what the sentence says that is expected.

    Raises:
        RunError: a script that opened `clip.mp4` as a file would find a folder.
    """
    check_folder(path)
    path = Path(path)
    if path.suffix.lower() in FILE_ENDINGS and not path.is_dir():
        other = path.with_suffix("")
        raise RunError(f"{path} is named like a file; expected {expected}: give another name with -o, like {other}.")


def make_folder(path: str | os.PathLike) -> Path:
    """Make a folder for results, with the folders above it; one that is there stays.

    Raises:
        RunError: see `check_folder`; or a part of the path is no folder and cannot become one.
        OSError: the disk refuses.
    """
    check_folder(path)
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, FileNotFoundError, NotADirectoryError):  # a link to nowhere, or no ordinary file system
        raise RunError(
            f"{path} cannot be made: a part of this path is no folder, perhaps a link to a disk that is not there; "
            "give another folder with -o."
        ) from None
    return Path(path)


def holds_files(folder: str | os.PathLike) -> bool:
    """Return whether there is anything in a folder, without listing all of it; False where there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            return any(True for _ in entries)
    except (FileNotFoundError, NotADirectoryError):
        return False


def write_atomically(path: str | os.PathLike, content: bytes | Iterable[bytes]) -> None:
    """Write a file so that a reader finds either all of it or, at any moment before, none of it.

    The content goes into a temporary file of the same folder, which is forced to the disk and then renamed.

    Arguments:
        path: the file; its folder must exist, and an earlier file of this name is replaced.
        content: the bytes, in one piece or in several.

    Raises:
        OSError: the disk refuses. The earlier file stays as it was, and no temporary file is left behind.
    """
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    sync_folder(path.parent)  # the renaming itself must reach the disk as well


def read_text(path: str | os.PathLike) -> str:
    """Read a text file in UTF-8, with the byte-order mark that some editors write before it or without one.

    Arguments:
        path: the file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no text in UTF-8; a sentence says what it is.

    Example:
        >>> length = Path("recipe.toml").write_text("seed = 1", encoding="utf-8-sig")
        >>> read_text("recipe.toml")
        'seed = 1'
    """
    data = Path(path).read_bytes()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError("its text is encoded as UTF-16: save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is no text in UTF-8: save it as UTF-8") from None


def sync_folder(folder: str | os.PathLike) -> None:
    """Force the list of a folder's files to the disk, so that new names survive a crash of the machine."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: str | os.PathLike, value) -> None:
    """Write a value as an indented JSON file, in the way of `write_atomically`."""
    write_atomically(path, _json_bytes(value))


def keep_json(path: str | os.PathLike, value) -> None:
    """Write a value as `write_json` does, unless the file holds it already: many processes then write it once."""
    content = _json_bytes(value)
    try:
        held = Path(path).read_bytes()
    except OSError:
        held = None
    if held != content:
        write_atomically(path, content)


def _json_bytes(value) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()
