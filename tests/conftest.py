"""Shared test set-up: strict JAX, quick compilation, programs kept from one session to the next, common fixtures.

Most of the time of these tests would be XLA compiling programs that run for milliseconds. So XLA compiles with little
optimisation here, in this process and in those that tests start, and each program is compiled once: workers and later
sessions find it in pytest's cache folder. `XLA_FLAGS= pytest` optimises as users' programs are optimised, and
`pytest --cache-clear` begins with an empty folder.
"""

import gc
import os
import shutil
from pathlib import Path

from quick_compilation import QUICK_COMPILATION


os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAXPRIOR_CACHE", "off")
os.environ["JAXPRIOR_DATA"] = str(Path(__file__).parent / "nothing-installed")  # what the user has decides no test
os.environ.setdefault("XLA_FLAGS", QUICK_COMPILATION)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "0")

import jax
import jaxtyping
import numpy as np
import pytest
from checked_types import check_types


jax.config.update("jax_numpy_rank_promotion", "raise")
gc.set_threshold(100_000, 10, 10)  # JAX makes so many objects as it traces that Python would look at all of them often

MAPPINGS = 20_000
"""Of memory, after which compiled programs are given up: a process may have 65,530 on Linux, and XLA crashes then."""

KEPT_BYTES = 1 << 30
"""Of compiled programs in pytest's cache folder: when they take more, they are deleted, and kept anew from then on."""

GOLDEN = Path(__file__).parent / "golden"


def pytest_configure(config):
    """Check types, and keep compiled programs in pytest's cache folder, unless the user told JAX of another."""
    check_types()
    if "JAX_COMPILATION_CACHE_DIR" in os.environ or not hasattr(config, "cache"):  # inherited by xdist's workers
        return
    folder = config.cache.mkdir("programs")
    if sum(file.stat().st_size for file in folder.iterdir()) > KEPT_BYTES:
        shutil.rmtree(folder)
        folder.mkdir()
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)  # for the processes that tests start
    jax.config.update("jax_compilation_cache_dir", str(folder))


@pytest.fixture
def shared() -> Path:
    """The folder of real pictures and networks beside the checkout; tests that want it are skipped without it."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs the data folder ../shared, which does not come with the repository")
    return folder


@pytest.fixture
def batched(monkeypatch):
    """Solve many pictures at once, as accelerators do."""
    from jaxprior.restoration import placement

    monkeypatch.setattr(placement, "FIXED", ())


@pytest.fixture
def unchecked():
    """Calls as users' programs make them, whose types nobody checks: mistakes reach the package's own sentences."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def golden():
    """Reader of the small golden arrays in tests/golden: `golden("pggan_tiny")` -> mapping of arrays."""
    return lambda name: np.load(GOLDEN / f"{name}.npz", allow_pickle=False)


@pytest.fixture(autouse=True, scope="module")
def few_programs():
    """After the tests of a file, give up what was compiled for them if that has become much."""
    yield
    from jaxprior.system.runtime import forget_programs  # not before types are checked

    mappings = Path("/proc/self/maps")
    if mappings.exists() and len(mappings.read_bytes().splitlines()) > MAPPINGS:
        forget_programs()
