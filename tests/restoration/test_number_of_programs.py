"""How many programs an inversion compiles: what is not part of its steps should not add one for every operation."""

import jax
import numpy as np
from counted_programs import check_at_most, compiled_programs
from tiny_prior import random_prior

import jaxprior as jp


def test_an_inversion_compiles_few_programs():
    prior = random_prior()
    photos = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)
    hole = np.zeros((16, 16), np.float32)
    hole[4:9, 5:11] = 1
    with compiled_programs() as compiled:
        jp.restore(
            prior, photos, jp.Inpaint(hole), codes=jp.MultiCode(num_codes=3, layer=3), objective=jp.Objective(),
            solve=jp.Solve(steps=3), key=jax.random.key(0),
        )  # fmt: skip
    check_at_most(25, compiled)
