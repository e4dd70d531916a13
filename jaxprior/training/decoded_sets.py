"""Sets of training pictures that are decoded once and kept on disk, so that a training need not hold them in memory.

    ~/.cache/jaxprior/pictures/     or "pictures" in the folder that JAXPRIOR_CACHE names
        KEY/pixels.raw              uint8, [n, r, r, c], nothing else: its sha256 is that of a run's pictures
        KEY/pixels-32.raw           the same pictures at a lower resolution, which a growing network wanted
        KEY/about.json              shape, sha256, where the pictures come from, what is said about them
        KEY-without-HASH/           a set that lacks files which could not be read, while they cannot be read
        KEY.lock, KEY.part/         while a set is being decoded

A set's key is a hash of what its pixels depend on: the list of its files or of an archive's entries, with sizes and
times of modification, the resolution, the channels, and the version of decoding. What has changed is decoded anew.
A set appears under its key only when it is complete. What a killed process left is removed when the next set is made.
"""

import contextlib
import dataclasses
import errno
import fcntl
import hashlib
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL

from jaxprior.data.sources import ImageSource
from jaxprior.errors import ImageError
from jaxprior.system import files, runtime
from jaxprior.system.activity import doing
from jaxprior.system.amounts import size
from jaxprior.training.stored_pixels import PixelFile, StoredPixels, box_averaged


DECODING = 1
"""The version of decoding and fitting. It must be raised when the same file is to give other pixels than before."""

UNUSED_DAYS = 30
"""A set that no command has opened for so many days is removed when another one is made."""

PIXELS, ABOUT, PART = "pixels.raw", "about.json", ".part"

FIELDS = {"shape", "sha256", "asked", "skipped", "unread", "notes", "fitted"}
"""What `about.json` must have; the last four are those of `jaxprior.data.fitting_many.Account`."""

FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the system says where a disk or a user's share of it is full."""


def sets_folder() -> Path | None:
    """The folder of all decoded sets, which need not exist; None where `JAXPRIOR_CACHE` is "off"."""
    folder = runtime.user_cache()
    return None if folder is None else folder / "pictures"


def key_of(sources: Sequence[ImageSource], *, resolution: int, channels: int) -> str:
    """The name of the set that these pictures give, a hash of all that its pixels depend on.

    Arguments:
        sources: the pictures, in order.
        resolution, channels: of the decoded pictures.
    """
    digest = hashlib.sha256(json.dumps([DECODING, PIL.__version__, resolution, channels]).encode())
    archives: dict[Path, tuple] = {}
    for source in sources:
        if source.member is None:
            state = _state(source.path)
        else:
            if source.path not in archives:
                archives[source.path] = _state(source.path)
            state = (*archives[source.path], source.member.CRC, source.member.file_size)
        digest.update(repr((source.location, state)).encode())
    return digest.hexdigest()[:32]


def _state(path: Path) -> tuple[int, ...]:
    """Size and time of modification of a file; nothing of one that is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_size, found.st_mtime_ns


class NoRoom(ImageError):
    """The disk has no room for decoded pictures.

    Arguments:
        folder: on the disk.
        most: bytes that they take at most.
    """

    def __init__(self, folder: Path, most: int):
        free = shutil.disk_usage(folder).free
        super().__init__(
            f"{folder}: the decoded pictures take up to {size(most)} and {size(free)} are free there; make room, or "
            "let JAXPRIOR_CACHE name a folder on another disk."
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class DecodedSet:
    """A complete set on disk.

    Fields:
        folder: of the set.
        about: what its file `about.json` says.
    """

    folder: Path
    about: dict[str, Any]

    @property
    def bytes(self) -> int:
        """What all its files take on the disk."""
        return _bytes_in(self.folder)

    @property
    def source(self) -> str:
        """Where the pictures come from, for people."""
        place = self.about["asked"][1]
        return place if isinstance(place, str) else ", ".join(place)

    @property
    def days_unused(self) -> float:
        """Days since a command opened it last."""
        return (time.time() - (self.folder / ABOUT).stat().st_mtime) / 86400

    def pixels(self) -> StoredPixels:
        """Open the pixels. As long as they are open, the set is not removed by another process.

        Raises:
            OSError: it was removed meanwhile.
        """
        file = PixelFile(self.folder / PIXELS)
        with contextlib.suppress(OSError):  # a file system without locks
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove_leftovers(self.folder)  # nobody else has the set open
            fcntl.flock(file.handle, fcntl.LOCK_SH)
        with contextlib.suppress(OSError):  # a cache that others made may be open for reading only
            os.utime(self.folder / ABOUT)
        n, h, w, c = self.about["shape"]
        return StoredPixels((n, h, w, c), lambda: file, sha256=self.about["sha256"])


def find(key: str, usable: Callable[[DecodedSet], bool]) -> DecodedSet | None:
    """The set of this key that is complete and usable, or None.

    Arguments:
        key: see `key_of`.
        usable: whether a set that lacks unread files is still the best that can be had.
    """
    folder = sets_folder()
    places = [] if folder is None else sorted(folder.glob(f"{key}*"))
    found = (_opened(place) for place in places if place.suffix != PART)
    return next((one for one in found if one is not None and usable(one)), None)


def _opened(place: Path) -> DecodedSet | None:
    try:
        about = json.loads((place / ABOUT).read_text())
        n, h, w, c = about["shape"]
        whole = (place / PIXELS).stat().st_size == n * h * w * c and FIELDS <= about.keys()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return DecodedSet(folder=place, about=about) if whole else None


def make(
    key: str,
    pixels: Callable[[], Iterable[np.ndarray]],
    about: Callable[[], dict[str, Any]],
    *,
    usable: Callable[[DecodedSet], bool],
    shape: tuple[int, int, int, int],
    asked: list[Any],
) -> DecodedSet:
    """Decode a set and keep it, or wait for another process that does so.

    Arguments:
        key: of the set.
        pixels: begins to decode: returns the pictures, contiguous uint8 [h, w, c], one after the other.
        about: called when all are decoded; returns what is to be known of the set besides, JSON values.
        usable: see `find`.
        shape: (n, h, w, c); fewer than n pictures may turn out to be usable.
        asked: the words in which the pictures were asked for, JSON values; see `remove_unused`.

    Returns:
        the set.

    Raises:
        NoRoom: the disk is too full. OSError: the folder cannot be written to. What `pixels` raises.
    """
    folder = sets_folder()
    assert folder is not None
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{key}{PART}"
    with _locked(folder / f"{key}.lock"):
        if (found := find(key, usable)) is not None:
            return found
        shutil.rmtree(part, ignore_errors=True)
        remove_unused(folder, asked=asked)
        most = math.prod(shape)
        if shutil.disk_usage(folder).free < most:
            raise NoRoom(folder, most)
        part.mkdir()
        digest, count = hashlib.sha256(), 0

        def written() -> Generator[Any, None, None]:
            nonlocal count
            for picture in pixels():
                digest.update(picture.data)
                count += 1
                yield picture.data

        try:
            with contextlib.closing(written()) as content:
                files.write_atomically(part / PIXELS, content)
            said = {"shape": [count, *shape[1:]], "sha256": digest.hexdigest(), "asked": asked, **about()}
            files.write_json(part / ABOUT, said)
            place = folder / (f"{key}-without-{_hash(said['unread'])}" if said["unread"] else key)
            shutil.rmtree(place, ignore_errors=True)  # it is damaged if it is there
            os.rename(part, place)
            files.sync_folder(folder)
        except BaseException as error:
            shutil.rmtree(part, ignore_errors=True)
            if isinstance(error, OSError) and error.errno in FULL:
                raise NoRoom(folder, most) from None
            raise
        return DecodedSet(folder=place, about=said)


def _hash(value: Any) -> str:
    """Eight digits that stand for a JSON value."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:8]


def halved(pixels: StoredPixels, times: int) -> StoredPixels:
    """The pictures of a set at a lower resolution, each side halved so many times.

    They lie in a file of their own beside the set, which is made when the first of them is asked for.

    Arguments:
        pixels: all of a set.
        times: how often their sides are halved.

    Raises:
        ImageError: when a picture is asked for and the file cannot be made.
    """
    n, h, w, c = pixels.shape
    shape = (n, h >> times, w >> times, c)
    folder = pixels.file.path.parent
    path = folder / f"pixels-{w >> times}.raw"

    def opened() -> PixelFile:
        with contextlib.suppress(OSError):
            if path.stat().st_size == math.prod(shape):
                return PixelFile(path)
        try:
            with contextlib.closing(_shrunk(pixels, times)) as content:
                files.write_atomically(path, content)
            return PixelFile(path)
        except OSError as error:
            if error.errno in FULL:
                raise NoRoom(folder, math.prod(shape)) from None
            raise ImageError(
                f"{path} cannot be made ({error.strerror}): the pictures at {w >> times} pixels are kept there; let "
                "JAXPRIOR_CACHE name a folder that can be written to, and start the same command again."
            ) from error

    return StoredPixels(shape, opened)


def _shrunk(pixels: StoredPixels, times: int) -> Generator[Any, None, None]:
    """The pixels of all pictures at the lower resolution, block by block."""
    with doing(f"halving pictures to {pixels.shape[1] >> times} pixels", total=len(pixels), unit="pictures") as work:
        for block in pixels.blocks():
            yield box_averaged(block, 1 << times).data
            work.moved(work.done + len(block))


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of a set, after waiting for the process that holds it. It ends with the process."""
    with open(path, "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with doing("waiting for another process, which decodes the same pictures", announced=True):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def kept_sets() -> list[DecodedSet]:
    """All complete sets, the one that was used last first."""
    folder = sets_folder()
    if folder is None or not folder.is_dir():
        return []
    found = [_opened(place) for place in folder.iterdir() if place.is_dir() and place.suffix != PART]
    return sorted((one for one in found if one is not None), key=lambda one: one.days_unused)


def remove_unused(folder: Path, *, asked: list[Any]) -> None:
    """Remove sets that were not used for long or are out of date, and what killed processes left.

    A set is out of date when a new one is made that is asked for in the same words, because its source has changed.
    Sets that a process has open, and those that are being decoded, stay.

    Arguments:
        folder: of all sets.
        asked: the words in which the new set is asked for.
    """
    for place in folder.iterdir():
        if place.suffix == PART:
            with contextlib.suppress(OSError), open(place.with_suffix(".lock"), "a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(place, ignore_errors=True)
        elif place.is_dir() and (one := _opened(place)) is not None:
            if one.about.get("asked") == asked or one.days_unused > UNUSED_DAYS:
                remove(one)


def remove(one: DecodedSet) -> None:
    """Remove a set unless a process has it open."""
    with contextlib.suppress(OSError), open(one.folder / PIXELS, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (one.folder / ABOUT).unlink()  # from now on the set counts as incomplete
        shutil.rmtree(one.folder, ignore_errors=True)


def _remove_leftovers(folder: Path) -> None:
    """Remove temporary files of killed processes from a set that nobody else has open."""
    for path in folder.glob(".*"):
        path.unlink(missing_ok=True)


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
