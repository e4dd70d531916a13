"""The search of the Generative Encoder's authors, eight steps in float64, by the engine (golden numbers).

Their loss couples the pictures of a batch: a mean over all of their codes, and the length of all latents together.
So both pictures are ONE problem here: an "image" [2, 64, 64, 3] of two codes. What the public code keeps, the iterate
that is nearest to the true picture, is not repeated: no honest search knows that picture.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from began_golden import of_authors
from golden_convae import convae2019, image_input, state_dict

from jaxprior.inversion import engine
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.models.convae.networks import CodeMap, ConvAE
from jaxprior.operators import Identity, batched


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Network:
    """A module with its parameters."""

    module: Any = dataclasses.field(metadata={"static": True})
    params: Any

    def __call__(self, images):
        return self.module.apply({"params": self.params}, images)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class OfPairs:
    """Codes of pairs of pictures [1, 2, h, w, c]."""

    network: Network

    def __call__(self, pairs):
        return self.network(pairs[0])


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two codes, each of a picture of its own, with the authors' penalty."""

    num_codes = 2
    layer = 1

    def synthesize(self, generator, latents):
        return generator(latents["z"])

    def constrain(self, latents, key):
        return latents

    def penalty(self, generator, latents):
        return 0.01 * jnp.sqrt(jnp.sum(jnp.square(latents["z"])))


def test_eight_steps_are_those_of_the_public_code(golden):
    with jax.enable_x64(True):
        wanted, began, convae = golden("code_search"), golden("began"), golden("convae")
        generator = Network(*of_authors(began))
        state = state_dict(convae["convae64n.keys"], "convae64n.", 1.5)
        encoder = ConvAE(64, 4, 8, tanh=False, layout="convae2019", between=256, dtype=jnp.float64)
        features = OfPairs(Network(CodeMap(encoder), {"encoder": convae2019(state, (16, 8, 8))["encoder"]}))
        photos = jnp.asarray(image_input("ge1.x", (2, 3, 64, 64)))[None]
        codes, solve = Pair(), Solve(steps=8, optimizer="adam", learning_rate=0.1, keep="last")
        objective = Objective(pixel=None, features=features, feature_loss="l2", feature_weight=1.0)
        operator, keys = batched(Identity(), 1), jax.random.split(jax.random.key(0), 1)
        latents = {"z": jnp.asarray(wanted["ge1.z_trace"][:1], jnp.float64)}
        static = {"codes": codes, "solve": solve}
        state, target = engine.begin(generator, objective, operator, photos, keys, latents=latents, **static)
        for step in range(8):
            state, losses = engine.advance(
                state, generator, objective, operator, target, **static, steps=1, platform="cpu"
            )
            assert float(losses[0, 0]) == pytest.approx(float(wanted["ge1.loss_trace"][step]), rel=1e-6)
            np.testing.assert_allclose(state["latents"]["z"][0], wanted["ge1.z_trace"][step + 1], rtol=1e-5, atol=1e-6)
