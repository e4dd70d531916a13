"""Objects of settings in a pickle, read as plain values: the `BaseConfig` of pytorch_GAN_zoo and Python's namespaces.

Their classes are empty, and their state is the dict of their attributes. Nothing is imported and nothing is called: the
object becomes a `Described` with those attributes that are plain values altogether; all others are left out.
"""

from collections.abc import Mapping
from typing import Any

from jaxprior.errors import WeightsError
from weights_convert.safe_unpickler import Constructor, Unfinished
from weights_convert.stand_ins import Described


MAX_DEPTH = 6  # lists and dicts in an attribute
MAX_VALUES = 20_000  # of one object
MAX_ALL_VALUES = 1_000_000  # of all objects in a pickle
MAX_TEXT = 1000  # characters

_NOT_PLAIN = object()


class _Settings(Unfinished):
    """Stands for an object until its state comes."""

    def __init__(self, name: str, spent: list[int]):
        self.name, self.spent = name, spent

    def finish(self, state: object) -> Described:
        if not isinstance(state, dict):
            raise WeightsError(f"the pickle gives an object of {self.name.replace(' ', '.')} a state that is no dict")
        reader = _Reader()
        values = reader.plain_items(state)
        self.spent[0] += MAX_VALUES - reader.left
        if self.spent[0] > MAX_ALL_VALUES:
            raise WeightsError(f"the pickle's objects of settings hold more than {MAX_ALL_VALUES} values")
        return Described(self.name, values)


def plain_values(items: Mapping[Any, object]) -> dict[str, object]:
    """Copies of those values that are plain altogether: numbers, texts, flags, and lists and dicts of them.

    Arguments:
        items: by name.
    """
    return _Reader().plain_items(items)


class _Reader:
    """Copies plain values, of which one list may hold another many times: the copies are counted."""

    def __init__(self):
        self.left = MAX_VALUES

    def plain_items(self, items: Mapping[Any, object]) -> dict[str, object]:
        """Copies of those values that are plain, under their names."""
        named = {key: self.plain(value, MAX_DEPTH) for key, value in items.items() if isinstance(key, str)}
        return {key: value for key, value in named.items() if value is not _NOT_PLAIN}

    def plain(self, value: object, depth: int) -> object:
        """A copy of a value, or `_NOT_PLAIN`."""
        self.left -= 1
        if self.left < 0 or depth < 0:
            return _NOT_PLAIN
        if isinstance(value, Described):  # settings in settings, of which only plain values are left
            value = value.attributes
        if value is None or type(value) in (bool, int, float):
            return value
        if isinstance(value, str):
            return value if len(value) <= MAX_TEXT else _NOT_PLAIN
        if isinstance(value, (list, tuple)):
            items = self._items(value, depth)
            return _NOT_PLAIN if items is None else items
        if isinstance(value, dict) and all(isinstance(key, str) and len(key) <= MAX_TEXT for key in value):
            items = self._items(value.values(), depth)
            return _NOT_PLAIN if items is None else dict(zip(value, items, strict=True))
        return _NOT_PLAIN

    def _items(self, values, depth: int) -> list | None:
        copies = []
        for value in values:
            copy = self.plain(value, depth - 1)
            if copy is _NOT_PLAIN:
                return None
            copies.append(copy)
        return copies


def _of_class(name: str, spent: list[int]) -> Constructor:
    def call(arguments: tuple) -> _Settings:
        if arguments:
            raise WeightsError(
                f"the pickle makes an object of {name.replace(' ', '.')} in a way that its code does not"
            )
        return _Settings(name, spent)

    return Constructor(name, call)


_CLASSES = ("models.utils.config BaseConfig", "argparse Namespace", "types SimpleNamespace")


def settings_objects() -> dict[str, Constructor]:
    """For the allow-list of one `safe_unpickler.Machine`: it counts the values of all objects in that pickle."""
    spent = [0]
    return {name: _of_class(name, spent) for name in _CLASSES}
