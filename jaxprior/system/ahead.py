"""Compiling programs in threads of their own, while this thread still does what comes before them.

JAX keeps what such a thread has compiled, so that the call itself finds the program ready. Whoever calls a program
waits for the thread first; otherwise the same program would be compiled twice at the same time.
"""

import contextlib
import threading
from collections.abc import Callable, Hashable

from jaxprior.system import runtime


AT_ONCE = threading.BoundedSemaphore(2)
"""Programs that are compiled at the same time; the compiler itself uses several threads for a part of its work."""


def compile_ahead(program: Hashable, work: Callable[[], object]) -> None:
    """Begin to compile a program in a thread, unless that has been done before in this process.

    Arguments:
        program: what tells it from other programs.
        work: compiles it. Where that fails nothing is said: the call of the program itself will fail in the same way.
    """
    if program in runtime.COMPILED_AHEAD:
        return
    done = runtime.COMPILED_AHEAD[program] = threading.Event()

    def compile_it() -> None:
        try:
            with AT_ONCE:
                if threading.main_thread().is_alive():  # else the program has ended, and waits for its threads
                    with contextlib.suppress(Exception):
                        work()
        finally:
            done.set()

    threading.Thread(target=compile_it, name="jaxprior-compile").start()


def wait_for(program: Hashable) -> None:
    """Wait until a program is compiled, if a thread is compiling it."""
    if program in runtime.COMPILED_AHEAD:
        runtime.COMPILED_AHEAD[program].wait()
