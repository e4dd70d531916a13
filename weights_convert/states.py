"""State dicts in what a training saved, found in dicts of dicts whatever those are called, and what lies beside them.

    {"models": {"netG": {...}, "netD": {...}}, "epoch": 7}

`weights_convert.separation` tells apart what lies in one state dict.
"""

import itertools
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sized
from dataclasses import dataclass, field, replace

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.report import printable
from weights_convert.stand_ins import Described, StandIn
from weights_convert.tensors import as_number


MAX_ITEMS = 3_000_000  # entries of dicts that are looked at; a hostile file may put one dict into many
MAX_DEPTH = 8  # dicts around a state dict

WEIGHTS = ("weight", "bias", "kernel")
"""Last parts of the names of tensors."""


@dataclass(frozen=True, eq=False)
class State(Mapping[str, np.ndarray]):
    """The tensors of one network by the names that its architecture gives them, and what the file says beside them.

    Fields:
        tensors: the arrays by name.
        prefix: what stands before every name in the file; renamed: names that differ from the file's in other ways.
        others: entries of the same dict that are no tensors.
        around: numbers, texts and flags in the dicts around it; the nearest wins.
        settings: the same in dicts without tensors that lie beside it or around it, as "config": {...}, and in objects
            of settings.
        objects: the dicts and objects of settings that lie beside it or around it, by what the file calls them.
        elsewhere: the same of the whole file, also beside other networks.
        unknown: classes of the objects beside it or around it that cannot be read, in the same way.
        averaged: whether this is an average over the training, where the form of the file says it; else None.
    """

    tensors: Mapping[str, np.ndarray]
    prefix: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, object] = field(default_factory=dict)
    around: Mapping[str, object] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    objects: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    elsewhere: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    averaged: bool | None = None

    def __getitem__(self, name: str) -> np.ndarray:
        return self.tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)

    def in_file(self, name: str) -> str:
        """What the file calls a tensor, also one that it does not have."""
        return printable(self.renamed.get(name, self.prefix + name), 120)

    def check_tensors(self) -> None:
        """Refuse a state in which something else lies in the place of a tensor.

        Raises:
            WeightsError: an entry that is no tensor is called like a weight, or like a part of one of the layers.
        """
        layers = {name.replace("/", ".").split(".")[0] for name in self.tensors}
        for key, item in self.others.items():
            parts = key.removeprefix(self.prefix).replace("/", ".").split(".")
            is_one = key.startswith(self.prefix) and len(parts) > 1
            if is_one and (parts[-1] in WEIGHTS or parts[0] in layers):
                kind = item.dotted() if isinstance(item, StandIn) else type(item).__name__
                raise WeightsError(f"{printable(key, 120)} is an object of type {kind}; expected a tensor of numbers")

    def said(self, name: str) -> object:
        """The number, text or flag of this name beside the tensors or around them; None if there is none."""
        return self.others.get(name, self.around.get(name))


@dataclass(frozen=True)
class Unread:
    """Arrays that are no state dict of a known network.

    Fields:
        name: where they lie. kind: what holds them, for messages.
        shapes: of the arrays, or None where they were not kept.
    """

    name: str
    kind: str
    shapes: tuple[tuple[int, ...], ...] | None = None

    def may_be(self, state: Mapping[str, np.ndarray]) -> bool:
        """Whether these may be the weights of the same network, or a part of them, as far as their shapes tell."""
        if self.shapes is None:
            return True
        fitting = Counter(self.shapes) <= Counter(shapes_of(state.values()))
        return fitting and any(len(shape) > 1 for shape in self.shapes)

    def in_words(self, state: Mapping[str, np.ndarray]) -> str:
        """What they are, beside a network of which they may be the average."""
        whole = len(shapes_of(state.values()))
        if self.shapes is None or len(self.shapes) == whole:
            return self.kind
        return f"{self.kind}, and only {len(self.shapes)} of {whole}"


@dataclass(frozen=True)
class Found:
    """State dicts by name ("" for that of the whole file), names of what was passed over, and arrays among it."""

    states: dict[str, State]
    left_out: tuple[str, ...]
    unread: tuple[Unread, ...]


def shapes_of(arrays) -> tuple[tuple[int, ...], ...]:
    """Shapes of those arrays that are not single numbers."""
    return tuple(array.shape for array in arrays if array.ndim)


def join(*names: str) -> str:
    """Names of nested dicts as one."""
    return ".".join(name for name in names if name)


def unique(name: str, others: Container[str]) -> str:
    """A name that is not among others: it gets a number where it is."""
    numbered = (f"{name}#{number}" for number in itertools.count(2))
    return next(one for one in itertools.chain([name], numbered) if one not in others)


# Dicts of dicts.


def find_states(saved: object) -> Found:
    """Find the state dicts in what was saved.

    Arguments:
        saved: nested dicts, or a list of them, with arrays, numbers, texts, lists and stand-ins in them.
    Returns:
        Every dict that has arrays under names is a state, however deep it lies. Dicts in a list are named by their
        numbers, and so is a state dict under a number, such as the decay of an average.
    Raises:
        WeightsError: dicts without end.
    """
    walk = _Walk()
    if isinstance(saved, (list, tuple)):
        saved = {str(number): item for number, item in enumerate(saved) if isinstance(item, (dict, Described))}
    if isinstance(saved, dict):
        walk.visit(saved, "", State({}), MAX_DEPTH)
    states = {name: replace(state, elsewhere=walk.objects) for name, state in walk.states.items()}
    return Found(states, tuple(walk.left_out), tuple(walk.unread))


class _Walk:
    """Goes through nested dicts; keeps what it finds."""

    def __init__(self):
        self.states: dict[str, State] = {}
        self.objects: dict[str, Mapping[str, object]] = {}
        self.left_out: list[str] = []
        self.unread: list[Unread] = []
        self.items = 0
        self.known: dict[int, bool] = {}

    def visit(self, value: dict, path: str, outer: State, depth: int) -> None:
        """One dict, and those in it that hold named arrays; `outer` knows what the dicts around it say."""
        self.count(value)
        named = {str(key): item for key, item in value.items() if isinstance(key, str) or _is_numbered(key, item)}
        inner = {key: item for key, item in named.items() if self.has_states(item, depth - 1)}
        tensors = {key: item for key, item in named.items() if isinstance(item, np.ndarray)}
        others = {key: item for key, item in named.items() if key not in inner and key not in tensors}
        around = {**outer.around, **_plain(others), **_plain({key: number_of(item) for key, item in tensors.items()})}
        settings, objects, unknown = dict(outer.settings), dict(outer.objects), dict(outer.unknown)
        for key, item in others.items():
            inside = dict(self.settings_in(join(path, key), item, depth))
            settings.update(_plain(inside.get(join(path, key), {})))
            objects.update(inside)
            if isinstance(item, StandIn) and not isinstance(item, Described):
                unknown[join(path, key)] = item.dotted()
            self.pass_over(join(path, key), item)
        # Settings may hold tensors of one number, and then look like a state dict.
        objects.update({join(path, key): item for key, item in inner.items() if isinstance(item, dict)})
        self.objects.update(objects)
        state = State(tensors, others=others, around=around, settings=settings, objects=objects, unknown=unknown)
        if tensors:
            self.states[path] = state
        for key, item in inner.items():
            for name, one in [(key, item)] if isinstance(item, dict) else _numbered(key, item):
                if self.has_states(one, depth - 1):
                    self.visit(one, join(path, name), state, depth - 1)

    def settings_in(self, name: str, item: object, depth: int) -> Iterator[tuple[str, Mapping[str, object]]]:
        """A dict, an object or a list of settings, and those that lie in it, with their names."""
        items = item.attributes if isinstance(item, Described) else item
        if isinstance(items, (list, tuple)):
            self.count(items)
            items = {str(number): one for number, one in enumerate(items) if isinstance(one, (dict, Described))}
        if not isinstance(items, dict) or depth < 1:
            return
        self.count(items)
        named = {key: one for key, one in items.items() if isinstance(key, str)}
        yield name, named
        for key, one in named.items():
            yield from self.settings_in(join(name, key), one, depth - 1)

    def pass_over(self, name: str, item: object) -> None:
        """Something that is no tensor and no dict of tensors by name."""
        what = f" (an object of {item.dotted()})" if isinstance(item, StandIn) else ""
        self.left_out.append(printable(name) + what)
        self.note_arrays(name, item, MAX_DEPTH)

    def note_arrays(self, name: str, item: object, depth: int) -> None:
        """Keep where arrays are that have no names, or that went into an object."""
        if isinstance(item, StandIn) and item.holds_arrays:
            self.unread.append(Unread(name, f"an object of {item.dotted()}"))
        if not isinstance(item, (dict, list, tuple)) or not item or not depth:
            return
        self.count(item)
        values = list(item.values() if isinstance(item, dict) else item)
        if all(isinstance(array, np.ndarray) for array in values):
            self.unread.append(Unread(name, "a list of tensors without names", shapes_of(values)))
        elif isinstance(item, dict):
            for key, value in item.items():
                if isinstance(key, str):
                    self.note_arrays(join(name, key), value, depth - 1)

    def has_states(self, value: object, depth: int) -> bool:
        """Whether a value is a dict in which arrays have names, at whatever depth, or a list with such dicts."""
        if isinstance(value, (list, tuple)):
            self.count(value)
            return any(self.has_states(item, depth) for item in value if isinstance(item, dict))
        if not isinstance(value, dict) or depth < 1:
            return False
        if id(value) not in self.known:
            self.count(value)
            self.known[id(value)] = any(
                isinstance(item, np.ndarray) or self.has_states(item, depth - 1)
                for key, item in value.items()
                if isinstance(key, str) or _is_numbered(key, item)
            )
        return self.known[id(value)]

    def count(self, value: Sized) -> None:
        """Refuse files that put few dicts into many places, so that going through all of them has no end."""
        self.items += len(value)
        if self.items > MAX_ITEMS:
            raise WeightsError(f"the file holds more than {MAX_ITEMS} names in nested dicts; no checkpoint has so many")


def _numbered(name: str, items: list | tuple) -> list[tuple[str, dict]]:
    """The dicts in a list, each with the name of the list and its number in it."""
    return [(join(name, str(number)), item) for number, item in enumerate(items) if isinstance(item, dict)]


def _is_numbered(key: object, item: object) -> bool:
    """Whether a dict holds weights under a number. Optimisers number their tensors too, but call them otherwise."""
    if not isinstance(key, (int, float)) or not isinstance(item, dict):
        return False
    names = (name for name, array in item.items() if isinstance(name, str) and isinstance(array, np.ndarray))
    return any(name.replace("/", ".").split(".")[-1] in WEIGHTS for name in names)


def _plain(items: Mapping[str, object]) -> dict[str, object]:
    return {key: item for key, item in items.items() if isinstance(item, (bool, int, float, str))}


def number_of(array: np.ndarray) -> float | bool | None:
    """The number or the truth value in an array of one, or None."""
    return bool(array.item()) if array.size == 1 and array.dtype.kind == "b" else as_number(array)
