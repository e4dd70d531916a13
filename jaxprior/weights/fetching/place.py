"""The folders of the user's data folder, and working in one of them without another process doing the same."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from jaxprior.errors import RunError, WeightsError
from jaxprior.runs.lock import BeingWritten, only_writer
from jaxprior.system.files import make_folder


def make_place(folder: Path) -> Path:
    """Make a folder of the user's data folder; one that is there stays.

    Raises:
        WeightsError: a part of the path is a file, or cannot become a folder.
        OSError: the disk refuses.
    """
    try:
        return make_folder(folder)
    except RunError:
        in_the_way = next((place for place in (folder, *folder.parents) if place.is_file()), None)
        reason = f"{in_the_way} is a file" if in_the_way else "a part of this path is no folder and cannot become one"
        raise WeightsError(
            f"{folder} cannot be made: {reason}; remove what is in the way, or let JAXPRIOR_DATA name another folder."
        ) from None


@contextlib.contextmanager
def only_process(place: Path, name: str, *, busy: str) -> Iterator[None]:
    """Keep other processes from working on the same thing in a folder while the block runs.

    Arguments:
        place: the folder, made if it is missing.
        name: of what is worked on.
        busy: the sentence of the error where another process works on it.

    Raises:
        WeightsError: another process works on it, or see `make_place`. What the block raises stays as it is.
    """
    with contextlib.ExitStack() as lock:
        try:
            lock.enter_context(only_writer(make_place(place), f"-{name}"))
        except BeingWritten:
            raise WeightsError(busy) from None
        yield
