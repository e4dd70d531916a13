"""Networks told apart in one state dict: several of them under prefixes, and a network inside of its wrappers.

    {"netG.layer0.weight": ..., "netD.layer0.weight": ...}     several networks in one dict
    {"module._orig_mod.layer0.weight": ...}                    a network inside of its wrappers

Nothing here depends on what networks and wrappers are called: the prefix of a network is whatever stands before the
names that its architecture is recognised by.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from weights_convert.report import printable
from weights_convert.states import Found, State, Unread, join, number_of, shapes_of, unique


MAX_PREFIX = 8  # wrappers around a network

WRAPPERS = ("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module")
"""Names that PyTorch's wrappers put before those of a network or of its parts. They say nothing of the network."""


def separate(name: str, state: State, recognise: Callable[[Mapping[str, np.ndarray]], bool]) -> Found | None:
    """Find a network in a state dict whose names have prefixes, once or several times.

    Arguments:
        name: of the state dict.
        state: its tensors.
        recognise: whether tensors are those of the wanted architecture, by their names.
    Returns:
        A state for every prefix behind which the architecture is, named by `name` and the prefix; all other tensors
        are passed over. None if it is nowhere.
    """
    for bare in ({key: key for key in state}, _without_wrappers(state)):
        groups: dict[str, dict[str, str]] = {}
        for key, shown in bare.items():
            for prefix in _prefixes(shown):
                groups.setdefault(prefix, {})[shown.removeprefix(prefix)] = key
        networks = {
            prefix: names
            for prefix, names in groups.items()
            if recognise({short: state[key] for short, key in names.items()})
        }
        if networks:
            return _split(name, state, networks)
    return None


def _split(name: str, state: State, networks: dict[str, dict[str, str]]) -> Found:
    states: dict[str, State] = {}
    taken: set[str] = set()
    for prefix in sorted(networks, key=len, reverse=True):  # the innermost first: a network may hold its own average
        own = {short: key for short, key in networks[prefix].items() if key not in taken}
        taken.update(own.values())
        parts = [part for part in prefix.replace("/", ".").split(".") if part]
        label = join(name, *(part for part in parts if part not in WRAPPERS))
        label = unique(join(name, *parts) if label in states else label, states)
        states[label] = replace(
            state,
            tensors={short: state[key] for short, key in own.items()},
            prefix=prefix,
            renamed={short: key for short, key in own.items() if key != prefix + short},
            averaged=_averaged(state, next(iter(own.values()), "")),
        )
    left_out, unread = [], []
    groups: dict[str, list[str]] = {}
    for key in state:
        if key not in taken:
            groups.setdefault(key.replace("/", ".").split(".")[0], []).append(key)
    for first, keys in groups.items():
        if len(keys) > 1:
            left_out.append(f"{join(name, printable(first))} ({len(keys)} tensors)")
            unread.append(Unread(join(name, first), "tensors of other names", shapes_of(state[key] for key in keys)))
        else:
            number = number_of(state[keys[0]])
            left_out.append(join(name, keys[0]) + ("" if number is None else f" = {number:g}"))
    return Found(dict(reversed(states.items())), tuple(left_out), tuple(unread))


def _averaged(state: Mapping[str, np.ndarray], key: str) -> bool | None:
    """Whether a tensor lies in PyTorch's `AveragedModel`, which counts beside `module` what it has averaged."""
    for prefix in _prefixes(key):
        if f"{prefix}n_averaged" in state and key.startswith(f"{prefix}module."):
            return bool(np.any(state[f"{prefix}n_averaged"] > 0))
    return None


def _prefixes(key: str) -> list[str]:
    """ "", "a.", "a.b." of "a.b.c"; "/" separates as well."""
    found = [""]
    for position, character in enumerate(key):
        if character in "./" and len(found) <= MAX_PREFIX:
            found.append(key[: position + 1])
    return found


def _without_wrappers(state: Mapping[str, np.ndarray]) -> dict[str, str]:
    """The file's names to those without the names of wrappers in them; nothing if two become one."""
    bare = {key: ".".join(part for part in key.split(".") if part not in WRAPPERS) for key in state}
    return bare if len(set(bare.values())) == len(bare) else {}
