"""Sets of training pictures that are decoded once and kept on disk, so that a training need not hold them in memory.

    ~/.cache/jaxprior/pictures/     or "pictures" in the folder that JAXPRIOR_CACHE names
        KEY/pixels.raw              uint8, [n, r, r, c], nothing else: its sha256 is that of a run's pictures
        KEY/pixels-32.raw           the same pictures at a lower resolution, which a growing network wanted
        KEY/pixels-32.json          size and time of modification of that file, without which it is made anew
        KEY/about.json              shape, sha256, where the pictures come from, what is said about them, and size and
                                    time of modification of pixels.raw, without which its sha256 is computed again
        KEY-without-HASH/           a set that lacks files which could not be read, while they cannot be read
        KEY.lock, KEY.part/         while a set is being decoded

A set's key is a hash of what its pixels depend on: the list of its files or of an archive's entries, with sizes and
times of modification, the resolution, the channels, and the version of decoding. What has changed is decoded anew.
A set appears under its key only when it is complete. What a killed process left is removed when the next set is made.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import PIL

from jaxprior.data.sources import ImageSource
from jaxprior.system import files, runtime
from jaxprior.training.about_sets import bytes_of, is_whole, state_of
from jaxprior.training.stored_pixels import PixelFile, StoredPixels
from jaxprior.weights.fetching.hashes import file_hash


DECODING = 1
"""The version of decoding and fitting. It must be raised when the same file is to give other pixels than before."""

UNUSED_DAYS = 30
"""A set that no command has opened for so many days is removed when another one is made."""

PIXELS, ABOUT, PART = "pixels.raw", "about.json", ".part"

STATE = "file"
"""Under which name `about.json` has the state of the file of pixels."""


def sets_folder() -> Path | None:
    """The folder of all decoded sets, which need not exist; None where `JAXPRIOR_CACHE` is "off"."""
    folder = runtime.user_cache()
    return None if folder is None else folder / "pictures"


def key_of(sources: Sequence[ImageSource], *, resolution: int, channels: int, way: str = "") -> str:
    """The name of the set that these pictures give, a hash of all that its pixels depend on.

    Arguments:
        sources: the pictures, in order.
        resolution, channels: of the decoded pictures.
        way: see `jaxprior.training.decoding.decoded`.
    """
    way_of = [way] if way else []
    digest = hashlib.sha256(json.dumps([DECODING, PIL.__version__, resolution, channels, *way_of]).encode())
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


    def is_intact(self) -> bool:
        """Whether the pixels are those that were decoded.

        They are if their file has kept its size and its time of modification. Of a file that was touched the sha256 is
        computed again, and if it is the same, the new time is noted.
        """
        path = self.folder / PIXELS
        if (state := state_of(path)) is not None and self.about.get(STATE) == state:
            return True
        try:
            if file_hash(path) != self.about["sha256"]:
                return False
        except OSError:
            return False
        with contextlib.suppress(OSError):  # it is computed again the next time
            files.write_json(self.folder / ABOUT, {**self.about, STATE: state})
        return True


def find(key: str, usable: Callable[[DecodedSet], bool]) -> DecodedSet | None:
    """The set of this key that is complete, usable and intact, or None.

    Arguments:
        key: see `key_of`.
        usable: whether it is one of the pictures that are wanted, and still the best that can be had if it lacks files
            which could not be read.
    """
    folder = sets_folder()
    places = [] if folder is None else sorted(folder.glob(f"{key}*"))
    found = (opened_set(place) for place in places if place.suffix != PART)
    return next((one for one in found if one is not None and usable(one) and one.is_intact()), None)


def opened_set(place: Path) -> DecodedSet | None:
    """The set in a folder, or None if it is not complete."""
    try:
        about = json.loads((place / ABOUT).read_text())
        whole = is_whole(about) and (place / PIXELS).stat().st_size == bytes_of(about)
    except (OSError, ValueError, RecursionError):
        return None
    return DecodedSet(folder=place, about=about) if whole else None


def kept_sets() -> list[DecodedSet]:
    """All complete sets, the one that was used last first."""
    folder = sets_folder()
    if folder is None or not folder.is_dir():
        return []
    found = [opened_set(place) for place in folder.iterdir() if place.is_dir() and place.suffix != PART]
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
        with contextlib.suppress(OSError):  # it is locked, or another process removes it
            if place.suffix == PART:
                with open(place.with_suffix(".lock"), "a") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(place, ignore_errors=True)
            elif place.is_dir() and (one := opened_set(place)) is not None:
                if one.about["asked"] == asked or one.days_unused > UNUSED_DAYS:
                    _remove(one)


def _remove(one: DecodedSet) -> None:
    """Remove a set; an OSError says that a process has it open."""
    with open(one.folder / PIXELS, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (one.folder / ABOUT).unlink()  # from now on the set counts as incomplete
        shutil.rmtree(one.folder, ignore_errors=True)


def _remove_leftovers(folder: Path) -> None:
    """Remove temporary files of killed processes from a set that nobody else has open."""
    for path in folder.glob(".*"):
        path.unlink(missing_ok=True)


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
