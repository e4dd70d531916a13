"""The programs that JAX compiles: each is announced when it is first needed, with the time that it took the last time.

JAX compiles a function when it is first called with arguments of certain shapes, which takes from seconds to minutes.
How long each program took is kept in `durations.json` in the folder of compiled programs (`runtime.cache_folder`).
"""

import contextlib
import hashlib
import re
import time
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from jaxprior.system import runtime
from jaxprior.system.activity import Activity, current_listener, doing
from jaxprior.system.provenance import device_name
from jaxprior.system.remembered import keep, read


FILE = "durations.json"

KEPT = 1000
"""Programs whose times are remembered; the oldest are forgotten."""

ADDRESS = re.compile("0x[0-9a-f]+")
"""Places in memory, which differ from process to process, in the descriptions of functions."""


@contextlib.contextmanager
def compiling(what: str, *arguments: Any) -> Iterator[None]:
    """Around a call of a compiled function: the first call of its kind in this process is announced.

    Arguments:
        what: is compiled, for people: "the step".
        arguments: everything on which the program depends. Of arrays only shape, type and place count.

    Example:
        >>> with compiling("the square", np.ones(3)):
        ...     squares = jax.jit(jax.numpy.square)(np.ones(3))
    """
    program = _program(what, arguments)
    if program in runtime.CALLED_PROGRAMS:
        yield
        return
    with remembered(f"compiling {what}", *program):
        yield
    runtime.CALLED_PROGRAMS.add(program)


@contextlib.contextmanager
def remembered(text: str, *key: Any, total: float | None = None, unit: str = "") -> Iterator[Activity]:
    """An activity that is announced with the time it took the last time on this machine.

    Arguments:
        text: what is being done, for people.
        key: everything on which the time depends; what is written as the same text is the same.
        total, unit: see `Activity`.
    """
    if current_listener() is None:
        yield Activity(text, total, unit)
        return
    name = _name(text, key)
    began = time.monotonic()
    with doing(text, total=total, unit=unit, last=read_durations().get(name), announced=True) as work:
        yield work
    write_duration(name, time.monotonic() - began)


def is_known(what: str, *arguments: Any) -> bool:
    """Whether a program was compiled on this machine before, so that it is read and not compiled the next time.

    Arguments:
        what, arguments: as for `compiling`. Shapes (`jax.ShapeDtypeStruct`) are enough.
    """
    return _name(f"compiling {what}", _program(what, arguments)) in read_durations()


def _program(what: str, arguments: tuple) -> tuple:
    """What identifies a compiled function."""
    leaves, structure = jax.tree.flatten(arguments)
    return what, structure, tuple(map(_outline, leaves))


def _name(text: str, key: tuple) -> str:
    """Under which a time is remembered."""
    return hashlib.sha256(ADDRESS.sub("", repr((text, device_name(), *key))).encode()).hexdigest()[:32]


def read_durations() -> dict[str, float]:
    """Return the seconds that programs took the last time; nothing where the file is missing or damaged."""
    return {name: float(seconds) for name, seconds in read(FILE).items() if isinstance(seconds, int | float)}


def write_duration(name: str, seconds: float) -> None:
    """Remember how long a program took. Where that is not possible, nothing happens."""
    keep(FILE, name, round(seconds, 1), most=KEPT)


def _outline(leaf: Any) -> tuple:
    """What a program depends on of an argument: shape, type and place of an array, the value of anything else."""
    if not hasattr(leaf, "dtype"):
        return (repr(leaf),)
    place = getattr(leaf, "sharding", None)  # arrays of NumPy and mere shapes have none: they will lie on the first
    devices = jax.local_devices()[:1] if place is None else list(place.device_set)
    return np.shape(leaf), str(leaf.dtype), str(place if len(devices) > 1 else devices[0])
