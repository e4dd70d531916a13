"""The folder of compiled programs: damaged files are replaced silently, copies serve elsewhere, its size is limited."""

import os
import subprocess
import sys
import time
from pathlib import Path

from jaxprior.system import program_cache


PROGRAM = """
import collections, sys
import jax, numpy as np
from jaxprior.system import runtime
runtime.enable_compilation_cache()
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
heard = collections.Counter()
jax.monitoring.register_event_listener(lambda event, **_details: heard.update([event.rsplit("/", 1)[-1]]))
jax.jit(lambda x: jax.numpy.sin(x) @ x)(np.ones((4, 4), "float32"))
print("read" if heard["cache_hits"] else "compiled")
"""


def run(folder: Path) -> str:
    """What a process does that compiles one program, with this folder of compiled programs: it reads or compiles it."""
    without = {name: value for name, value in os.environ.items() if not name.startswith("JAX_COMPILATION_CACHE")}
    environment = {**without, "JAXPRIOR_CACHE": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_a_program_is_read_also_from_a_copy_and_a_damaged_one_is_compiled_and_kept_anew(tmp_path):
    folder, copy = tmp_path / "programs", tmp_path / "elsewhere"
    assert run(folder) == "compiled"
    folder.rename(copy)
    assert run(copy) == "read"
    (path,) = program_cache.programs_in(copy)
    path.write_bytes(path.read_bytes()[:100])
    assert run(copy) == "compiled"
    assert run(copy) == "read"


def written(folder: Path, sizes: dict[str, int]) -> Path:
    """A folder of files of these sizes; the first was used the longest time ago."""
    folder.mkdir(exist_ok=True)
    for age, (name, size) in enumerate(reversed(sizes.items()), 1):
        (folder / name).write_bytes(bytes(size))
        os.utime(folder / name, (time.time() - 100 * age,) * 2)
    return folder


def test_the_programs_that_were_not_used_for_longest_are_removed_once_there_are_too_many(tmp_path):
    folder = written(tmp_path / "programs", {"a-1-cache": 40, "b-2-cache": 40, "c-3-cache": 40, "durations.json": 900})
    program_cache.prune(folder, limit=120)
    assert len(program_cache.programs_in(folder)) == 3
    (folder / program_cache.STAMP).unlink()
    program_cache.prune(folder, limit=110)
    assert [path.name for path in program_cache.programs_in(folder)] == ["b-2-cache", "c-3-cache"]
    program_cache.prune(folder, limit=10)  # it has looked today
    assert len(program_cache.programs_in(folder)) == 2
    assert program_cache.clear(folder) == 2
    assert (folder / "durations.json").exists()
