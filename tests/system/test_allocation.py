"""A process that keeps what it frees does not fault the same pages in again."""

import subprocess
import sys

import pytest


CODE = """
import resource, sys
import numpy as np
from jaxprior.system.allocation import keep_freed_memory

if sys.argv[1] == "keep" and not keep_freed_memory():
    print("no glibc")
    raise SystemExit
np.full(20_000_000, 1.0, np.float32)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    np.full(20_000_000, 1.0, np.float32)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> str:
    return subprocess.run([sys.executable, "-c", CODE, how], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_freed_memory_is_used_again():
    kept = faults("keep")
    if kept == "no glibc":
        pytest.skip("the C library has no mallopt")
    assert int(kept) < 1000
    assert int(faults("leave")) > 10 * int(kept) + 50  # huge pages or not
