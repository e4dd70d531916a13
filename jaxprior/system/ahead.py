"""Compiling programs in threads of their own, while this thread still does what comes before them.

JAX keeps what such a thread has compiled, so that the call itself finds the program ready. Whoever calls a program
waits for the thread first; otherwise the same program would be compiled twice at the same time.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jaxprior.lazy_jax import jax
from jaxprior.system import runtime


AT_ONCE = threading.BoundedSemaphore(2)
"""Programs that are compiled at the same time; the compiler itself uses several threads for a part of its work."""

WAITING = "/jaxprior/compile/waiting_for_a_thread"
"""Under this name JAX's monitoring is told how long a thread has waited for a program."""

LOOK = 0.1
"""Seconds between two looks at whether the wait for a program should end early."""


@dataclass(frozen=True)
class Program:
    """A compiled function, and what it will be called with.

    Fields:
        function: made by `jax.jit`.
        arguments: its positional arguments; of arrays their shapes are enough (`shapes_of`).
        options: its keyword arguments, which are static.

    Example:
        >>> double = Program(jax.jit(lambda x: 2 * x), (jax.ShapeDtypeStruct((), "float32"),)).compiled()
        >>> float(double(np.float32(3)))
        6.0
    """

    function: Any
    arguments: tuple
    options: Mapping[str, Hashable] = field(default_factory=dict)

    @property
    def name(self) -> Hashable:
        """What tells it from other programs."""
        leaves, structure = jax.tree.flatten(self.arguments)
        return self.function, structure, tuple(map(_outline, leaves)), tuple(sorted(self.options.items()))

    def compiled(self) -> Any:
        """Compile it, with the precision of this thread."""
        return self.function.lower(*self.arguments, **self.options).compile()

    def compile_ahead(self) -> Hashable:
        """Begin to compile it in a thread, with the precision of this one.

        Returns:
            its `name`, for `wait_for`.
        """
        name, precision = self.name, precision_here()

        def work() -> None:
            with jax.default_matmul_precision(precision):
                self.compiled()

        compile_ahead(name, work)
        return name


def compile_ahead(program: Hashable, work: Callable[[], object]) -> None:
    """Begin to compile a program in a thread, unless that has been done before in this process.

    Arguments:
        program: what tells it from other programs.
        work: compiles it. Where that fails nothing is said: the call of the program itself will fail in the same way.
    """
    done = threading.Event()
    if runtime.COMPILED_AHEAD.setdefault(program, done) is done:
        in_thread(work, done)


def in_thread(work: Callable[[], object], done: threading.Event | None = None) -> None:
    """Do something in a thread as soon as fewer than `AT_ONCE` others are at work; an error in it is not told.

    Arguments:
        work: what is done. When the program has ended meanwhile, it is left out.
        done: is set afterwards.
    """

    def do() -> None:
        try:
            with AT_ONCE:
                if threading.main_thread().is_alive():  # else the program has ended, and waits for its threads
                    with contextlib.suppress(Exception):
                        work()
        finally:
            _BUSY.discard(thread)
            if done is not None:
                done.set()

    thread = threading.Thread(target=do, name="jaxprior-compile")
    _BUSY.add(thread)
    thread.start()


_BUSY: set[threading.Thread] = set()


def is_busy() -> bool:
    """Whether threads are compiling at the moment. Python's own end waits for them."""
    return bool(_BUSY)


def is_ready(program: Hashable) -> bool:
    """Whether no thread is compiling a program, or will."""
    return program not in runtime.COMPILED_AHEAD or runtime.COMPILED_AHEAD[program].is_set()


def wait_for(program: Hashable, *, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Wait until a program is compiled, if a thread is compiling it. `CompileClock` counts the wait as compiling.

    Arguments:
        program: its name.
        should_stop: is asked now and then; when it is true, the wait ends early.
    """
    done = runtime.COMPILED_AHEAD.get(program)
    if done is None or done.is_set():
        return
    began = time.monotonic()
    while not done.wait(LOOK) and not should_stop():
        pass
    jax.monitoring.record_event_duration_secs(WAITING, time.monotonic() - began)


def precision_here() -> Any:
    """The precision of matrix products that this thread has chosen, of which others do not know."""
    return jax.config.jax_default_matmul_precision  # pyright: ignore[reportAttributeAccessIssue]  made at run time


def shapes_of(tree: Any) -> Any:
    """The same tree with shapes in place of its arrays, which a program is compiled for.

    Arguments:
        tree: of arrays of JAX or NumPy; everything else stays as it is. Arrays on several devices keep their places.
    """

    def shape_of(leaf: Any) -> Any:
        if not hasattr(leaf, "dtype"):
            return leaf
        place = getattr(leaf, "sharding", None)
        if place is not None and len(place.device_set) == 1:
            place = None  # an array whose place nobody has chosen; a chosen one would be another program
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place, weak_type=getattr(leaf, "weak_type", False))

    return jax.tree.map(shape_of, tree)


def _outline(leaf: Any) -> Hashable:
    """What a program depends on of an argument."""
    if not hasattr(leaf, "dtype"):
        return type(leaf)  # a number, which a program is given when it is called
    place = getattr(leaf, "sharding", None)
    spread = str(place) if place is not None and len(place.device_set) > 1 else None
    return tuple(leaf.shape), str(leaf.dtype), getattr(leaf, "weak_type", False), spread
