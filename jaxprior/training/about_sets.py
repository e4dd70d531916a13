"""What `about.json` says of a set of decoded pictures, and whether it can be relied on."""

import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any


State = dict[str, int]
"""Size and time of modification of a file, a JSON value. A file that was changed differs in one of them at least."""


def state_of(path: Path) -> State | None:
    """The state of a file, None if it is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return {"bytes": found.st_size, "modified_ns": found.st_mtime_ns}


def is_whole(about: Any) -> bool:
    """Whether a JSON value has all that is said of a set, each of the right type.

    Arguments:
        about: "shape", "sha256" and "asked" of the pictures, and what the `to_json` of
            `jaxprior.data.fitting_many.Account` returns; other keys do not matter.
    """
    return isinstance(about, dict) and all(is_right(about.get(name)) for name, is_right in RIGHT.items())


def agrees(about: dict[str, Any], shape: tuple[int, int, int, int]) -> bool:
    """Whether a set is one of the pictures that are asked for.

    Arguments:
        about: what is said of it, whole.
        shape: (n, h, w, c) if all n pictures are usable.
    """
    count, *picture = about["shape"]
    numbers = [one[0] for one in (*about["skipped"], *about["notes"].values())] + about["unread"]
    complete = count + len(about["skipped"]) == shape[0]
    return complete and picture == list(shape[1:]) and all(number < shape[0] for number in numbers)


def bytes_of(about: dict[str, Any]) -> int:
    """How many bytes the pixels of a set have."""
    return math.prod(about["shape"])


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_word(value: Any) -> bool:
    return isinstance(value, str)


def _is_sha256(value: Any) -> bool:
    return _is_word(value) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _is_shape(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(map(_is_count, value)) and all(value[1:])


def _is_asked(value: Any) -> bool:
    """The kind of pictures and their place or places come first."""
    return isinstance(value, list) and len(value) > 1 and (_is_word(value[1]) or _list_of(_is_word)(value[1]))


def _list_of(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(is_right, value))


def _entry(*kinds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, list)
        and len(value) == len(kinds)
        and all(is_right(part) for is_right, part in zip(kinds, value, strict=True))
    )


def _are_notes(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_entry(_is_count, _is_word, _is_count), value.values()))


RIGHT: dict[str, Callable[[Any], bool]] = {
    "shape": _is_shape,
    "sha256": _is_sha256,
    "asked": _is_asked,
    "skipped": _list_of(_entry(_is_count, _is_word, _is_word)),
    "unread": _list_of(_is_count),
    "notes": _are_notes,
    "fitted": _list_of(_is_word),
}
"""What must be said of a set, and whether a value of it has the right type."""
