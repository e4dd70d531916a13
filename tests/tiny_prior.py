"""A generator with random weights, small enough for any test."""

from pathlib import Path

import jax
import numpy as np

import jaxprior as jp
from jaxprior.models.pggan.networks import Critic, Generator
from jaxprior.weights.storage import save_weights


def random_prior() -> jp.Prior:
    """A prior of 16x16 pixels with 6 layers of 16, 16 and 8 feature maps and latent codes of 16 numbers."""
    generator = Generator((16, 16, 8), 16)
    return jp.Prior(module=generator, params=generator.init_params(jax.random.key(1)))


def write_tiny_prior(path: Path, *, seed: int = 0, critic: bool = False) -> Path:
    """Write a prior of 16x16 pixels with 6 layers of 4 feature maps and latent codes of 8 numbers, or with a critic."""
    networks = {"generator": Generator((4, 4, 4), 8), **({"critic": Critic((4, 4, 4))} if critic else {})}
    chance = np.random.default_rng(seed)
    params = {}
    for role, network in networks.items():
        shapes = jax.eval_shape(network.init_params, jax.random.key(0))
        params[role] = jax.tree.map(lambda leaf: chance.standard_normal(leaf.shape, np.float32), shapes)
    config = {"resolution": 16, "latent_dim": 8, "widths": [4, 4, 4], "image_channels": 3, "upsample": "nearest"}
    card = {"name": "tiny", "architecture": "pggan", "config": config, "source": "random weights", "licence": "none"}
    save_weights(path, params, card)
    return path
