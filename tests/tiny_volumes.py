"""A tiny generator of volumes for tests: boxes whose corner and brightness a code decides, smoothly."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

import jaxprior as jp
from jaxprior.weights.card import Card


SHAPE = (8, 6, 4)
"""Of the volumes: three different sides, so that no axis is taken for another."""


class TinyVolumes(nn.Module):
    """Code [b, 5] -> volume [b, 8, 6, 4, 1] by one layer of features of half the size."""

    latent_dim: int = 5
    num_layers: int = 1
    image_shape: tuple[int, ...] = (*SHAPE, 1)

    def setup(self):
        self.project = nn.Dense(4 * 3 * 2 * 6)
        self.output = nn.Dense(1)

    def channels(self, layer):
        return 6

    def head(self, z, layer):
        return nn.tanh(2 * self.project(z)).reshape(-1, 4, 3, 2, 6)

    def tail(self, features, layer):
        for axis in (1, 2, 3):
            features = features.repeat(2, axis=axis)
        return nn.tanh(3 * self.output(features))

    def __call__(self, z):
        return self.tail(self.head(z, 1), 1)

    @nn.nowrap
    def init_params(self, key):
        return self.init(key, jnp.zeros((1, 5)))["params"]

    @nn.nowrap
    def freeze(self, params, **_):
        return self, params


def volume_prior() -> jp.Prior:
    """The generator with random weights."""
    module = TinyVolumes()
    return jp.Prior(
        module=module, params=module.init_params(jax.random.key(0)), card=Card({"name": "tiny-volumes", "sha256": "0"})
    )


def planted(prior: jp.Prior, count: int) -> np.ndarray:
    """Volumes that the prior can make, [count, 8, 6, 4, 1]."""
    return np.asarray(prior.generate(jax.random.normal(jax.random.key(1), (count, 5))))


def half() -> np.ndarray:
    """The mask of the first half of a volume, slices that miss all of their voxels."""
    mask = np.zeros(SHAPE, np.float32)
    mask[: SHAPE[0] // 2] = 1
    return mask
