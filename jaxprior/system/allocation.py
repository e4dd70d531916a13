"""A setting of the C library's memory allocation that makes XLA faster on CPUs.

A compiled step allocates all its temporary memory at its start and frees it at its end. By default glibc returns a
freed block of that size to the operating system, so that the next step gets new pages. The system has to map and to
clear each of them, which takes a tenth to a quarter of the time of a large network's step (docs/performance.md).
"""

import ctypes
import sys


TRIM_THRESHOLD, TOP_PAD, MMAP_MAX, ARENA_MAX = -1, -2, -4, -8
"""Numbers of the parameters of glibc's function mallopt(3), from its header malloc.h."""

NEVER = -1
"""As a trim threshold: memory at the top of the heap is never returned to the system."""

PAD = 64 << 20
"""Bytes that the heap grows by beyond what is needed at the moment."""


def keep_freed_memory() -> bool:
    """Let this process keep the memory that it frees, so that its next step can use it again.

    Call this before JAX computes anything. It affects the whole process, which then stays as large as it has ever
    been. The command line calls it; a program that imports jaxprior decides for itself.

    Returns:
        True if the setting was made; False where the C library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    settings = ((MMAP_MAX, 0), (TRIM_THRESHOLD, NEVER), (TOP_PAD, PAD), (ARENA_MAX, 1))
    return all([mallopt(name, value) == 1 for name, value in settings])
