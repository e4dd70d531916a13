"""Making sets of decoded pictures on the disk. Each is whole or not there; `decoded_sets` says how they lie."""

import contextlib
import errno
import fcntl
import hashlib
import json
import math
import os
import shutil
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jaxprior.errors import ImageError
from jaxprior.system import files
from jaxprior.system.activity import doing
from jaxprior.system.amounts import size
from jaxprior.training.about_sets import State, state_of
from jaxprior.training.decoded_sets import ABOUT, PART, PIXELS, STATE, DecodedSet, find, remove_unused, sets_folder
from jaxprior.training.stored_pixels import PixelFile, StoredPixels, box_averaged


FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the system says where a disk or a user's share of it is full."""


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
            said[STATE] = state_of(part / PIXELS)
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

    They lie in a file of their own beside the set, which is made when the first of them is asked for. That is mostly
    the thread that compiles the next phase of a training ahead, and the training itself waits for it if need be.

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
    noted = path.with_suffix(".json")
    making = threading.Lock()

    def opened() -> PixelFile:
        with making:
            return open_or_make()

    def open_or_make() -> PixelFile:
        with contextlib.suppress(OSError):
            state = state_of(path)
            if state is not None and state["bytes"] == math.prod(shape) and state == _noted(noted):
                return PixelFile(path)
        try:
            with contextlib.closing(_shrunk(pixels, times)) as content:
                files.write_atomically(path, content)
            file = PixelFile(path)
            files.write_json(noted, state_of(path))
            return file
        except OSError as error:
            if error.errno in FULL:
                raise NoRoom(folder, math.prod(shape)) from None
            if not folder.is_dir():
                raise ImageError(
                    f"{folder} was removed during the training, and with it the decoded pictures: start the same "
                    "command again, which decodes them anew."
                ) from None
            raise ImageError(
                f"{path} cannot be made ({error.strerror}): the pictures at {w >> times} pixels are kept there; let "
                "JAXPRIOR_CACHE name a folder that can be written to, and start the same command again."
            ) from error

    return StoredPixels(shape, opened)


def _noted(path: Path) -> State | None:
    """The state of a file as it was noted when the file was made; None if the note is damaged.

    Raises:
        OSError: there is no note.
    """
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None


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
