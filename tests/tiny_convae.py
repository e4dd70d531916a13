"""A convolutional autoencoder with random weights, small enough for any test."""

from pathlib import Path

import jax
import jax.numpy as jnp

from jaxprior.models.convae.networks import ConvAE, to_config
from jaxprior.weights.storage import save_weights


def convae(path: Path, *, resolution: int = 16, name: str = "tiny-convae", seed: int = 0) -> Path:
    """A random convolutional autoencoder, in a file as its training leaves it."""
    network = ConvAE(resolution, 2, 4)
    params = network.init(jax.random.key(seed), jnp.zeros((1, resolution, resolution, 3)))["params"]
    card = {"name": name, "architecture": "convae", "config": to_config(network), "source": "random", "licence": "none"}
    path.mkdir()
    save_weights(path / "model.safetensors", params, card)
    return path
