"""One NaN in a batch of 16: what every other picture gets must be what it gets without, to the bit."""

from pathlib import Path

import jax
import numpy as np
from restoring import load

import jaxprior as jp
from jaxprior.restoration.drivers import Inverter
from reliability_parts.findings import Findings


SETTINGS = [(optimizer, starts) for starts in (1, 4) for optimizer in (("adam", 0.05), ("sgd", 0.5), ("lbfgs", 0.05))]
PICTURES, BAD = 16, 5


def run(data: Path, work: Path) -> Findings:
    """Every optimiser, with one start and with four."""
    found = Findings()
    prior = jp.load_prior("cats32")
    photos, ids = load(data, prior.resolution, PICTURES)
    for (optimizer, rate), starts in SETTINGS:
        solve = jp.Solve(steps=10, optimizer=optimizer, learning_rate=rate, starts=starts)
        changed, diverged = neighbours(prior, photos, ids, codes=jp.MultiCode(num_codes=4, layer=4), solve=solve)
        name = f"{optimizer}, {starts} {'start' if starts == 1 else 'starts'}"
        found.check(f"neighbours changed, {name}", changed, "0", changed == 0)
        found.check(f"the bad picture is reported, {name}", diverged, "True", diverged)
    return found


def neighbours(prior: jp.Prior, photos: np.ndarray, ids: np.ndarray, *, codes, solve) -> tuple[int, bool]:
    """Invert photos with and without one NaN value in one of them.

    Returns:
        (how many of the others differ in a bit, whether exactly the bad one is marked as diverged)
    """
    broken = photos.copy()
    broken[BAD % len(photos), 3, 2, 1] = np.nan
    inverter = Inverter(prior, jp.Method(codes, jp.Objective(), solve))  # `invert` itself refuses such pictures
    clean, spoilt = (inverter.invert(x, jp.Identity(), key=jax.random.key(0), ids=ids) for x in (photos, broken))
    others = np.arange(len(photos)) != BAD % len(photos)
    changed = np.zeros(len(photos), bool)
    for field in ("images", "merged", "latents", "loss", "steps", "trace"):
        for a, b in zip(*(jax.tree.leaves(getattr(r, field)) for r in (clean, spoilt)), strict=True):
            a, b = np.asarray(a), np.asarray(b)
            changed |= np.array([x.tobytes() != y.tobytes() for x, y in zip(a, b, strict=True)])
    return int(changed[others].sum()), bool(np.array_equal(np.asarray(spoilt.diverged), ~others))
