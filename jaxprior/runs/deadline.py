"""The time limit between a signal that asks a program to end and its end, kept by a thread.

Python's own signal handlers wait until the main thread executes Python again. The C part of Python, however, writes
the number of every signal into a socket as soon as the signal arrives (`signal.set_wakeup_fd`), and a thread can read
it there while the main thread is still inside a compilation.
"""

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator


GRACE = 8.0
"""Seconds that a program gets to end by itself; batch systems usually kill ten seconds after they sent SIGTERM."""


@contextlib.contextmanager
def deadline(on_deadline: Callable[[], None], *, grace: float = GRACE) -> Iterator[None]:
    """Call a function when a SIGINT or SIGTERM has come and the block has not been left in time.

    Only signals that have a Python handler are heard. Outside the main thread the block runs without a deadline.

    Arguments:
        on_deadline: what is called then, in another thread than the block's.
        grace: seconds from the signal to the call.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    left = threading.Event()

    def watch() -> None:
        while numbers := reader.recv(64):  # an empty answer means that the block was left
            if {signal.SIGINT, signal.SIGTERM} & set(numbers):
                if not left.wait(grace):
                    on_deadline()
                return

    watcher = threading.Thread(target=watch, name="jaxprior-deadline", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        left.set()
        signal.set_wakeup_fd(before)
        writer.close()
        watcher.join()
        reader.close()
