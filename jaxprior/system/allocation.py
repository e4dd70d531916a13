"""How the C library hands out memory, which decides how fast XLA computes on CPUs.

A compiled step takes all its temporary memory at once and gives it back at the end. glibc returns a block of that size
to the system at once, so every step gets fresh pages, each of which costs a page fault and is cleared: a tenth to a
quarter of the time of a large network (docs/performance.md).
"""

import ctypes
import sys


TRIM_THRESHOLD, TOP_PAD, MMAP_MAX, ARENA_MAX = -1, -2, -4, -8
"""Names of glibc's mallopt(3)."""

NEVER, PAD = -1, 64 << 20


def keep_freed_memory() -> bool:
    """Let this process keep memory that it has freed, for its next step. Call it before JAX computes anything.

    The whole process is affected: it stays as large as it has ever been. The command line does this; a program that
    imports jaxprior decides for itself.

    Returns:
        Whether there was something to set; only glibc on Linux has it.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    settings = ((MMAP_MAX, 0), (TRIM_THRESHOLD, NEVER), (TOP_PAD, PAD), (ARENA_MAX, 1))
    return all([mallopt(name, value) == 1 for name, value in settings])
