"""Shared test set-up: strict JAX, no compilation cache of the user's, fixtures for data outside the repository."""

import os
from pathlib import Path


os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAXPRIOR_CACHE", "off")

import jax
import numpy as np
import pytest

from jaxprior.system.runtime import forget_programs


jax.config.update("jax_numpy_rank_promotion", "raise")

MAPPINGS = 20_000
"""Of memory, after which compiled programs are given up: a process may have 65,530 on Linux, and XLA crashes then."""

GOLDEN = Path(__file__).parent / "golden"


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
def golden():
    """Reader of the small golden arrays in tests/golden: `golden("pggan_tiny")` -> mapping of arrays."""
    return lambda name: np.load(GOLDEN / f"{name}.npz", allow_pickle=False)


@pytest.fixture(autouse=True, scope="module")
def few_programs():
    """After the tests of a file, give up what was compiled for them if that has become much."""
    yield
    mappings = Path("/proc/self/maps")
    if mappings.exists() and len(mappings.read_bytes().splitlines()) > MAPPINGS:
        forget_programs()
