"""A stop takes effect within seconds, whatever the program is at.

Python's own signal handlers run between two Python instructions only: a compilation or a long step can hold them up for
a minute. What is finished is safe at any moment, so after a grace period the process simply ends.
"""

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator


GRACE = 8.0
"""Seconds from a signal to the end of the process; batch systems kill after ten and more."""


@contextlib.contextmanager
def ends_within(code: int, sentence: str, *, grace: float = GRACE) -> Iterator[None]:
    """End the process when a SIGINT or SIGTERM has come and the block has not been left by itself in time.

    Arguments:
        code: exit code.
        sentence: printed on standard error then.
        grace: seconds.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard, told = socket.socketpair()
    told.setblocking(False)
    before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)

    def watch() -> None:
        while numbers := heard.recv(64):  # nothing: the block was left
            if {signal.SIGINT, signal.SIGTERM} & set(numbers):
                if not left.wait(grace):
                    print(f"jaxprior: {sentence}", file=sys.stderr, flush=True)
                    os._exit(code)
                return

    left = threading.Event()
    watcher = threading.Thread(target=watch, name="jaxprior-deadline", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        left.set()
        signal.set_wakeup_fd(before)
        told.close()
        watcher.join()
        heard.close()
