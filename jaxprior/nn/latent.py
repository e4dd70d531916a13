"""Latent codes as a generator's training drew them; the distribution stands in the generator's card."""

from jaxprior.errors import ArgumentError
from jaxprior.lazy_jax import Array, jax, jnp


DISTRIBUTIONS = ("normal", "uniform", "sphere")
"""N(0, 1); U(-1, 1); or the sphere of radius sqrt(d) for codes of d numbers, which is N(0, 1) scaled to that length."""

WEIGHTS = "weights"
"""Stands for a distribution in the card of a prior that is an untrained network: codes are not drawn, because the
network's weights are what is found."""


def draw_codes(key: Array, shape: tuple[int, ...], *, distribution: str = "normal") -> Array:
    """Draw latent codes.

    Arguments:
        key: one random key.
        shape: of the result; the last axis is the length of a code.
        distribution: one of `DISTRIBUTIONS`.

    Returns:
        float32 of that shape.

    Raises:
        ArgumentError: the prior is an untrained network. ValueError: an unknown distribution.

    Example:
        >>> draw_codes(jax.random.key(0), (2, 16), distribution="uniform").shape
        (2, 16)
    """
    if distribution == WEIGHTS:
        raise ArgumentError(
            "This prior is an untrained network, which has no codes to draw and so no bank of samples (`--init bank`): "
            "its weights are found for each picture, from random ones (`jp.NetworkCode()`, `--init random`)."
        )
    if distribution not in DISTRIBUTIONS:
        raise ValueError(f"`distribution` must be one of {DISTRIBUTIONS}, got {distribution!r}")
    if distribution == "uniform":
        return jax.random.uniform(key, shape, minval=-1.0)
    codes = jax.random.normal(key, shape)
    if distribution == "sphere":
        return codes * (shape[-1] ** 0.5 / jnp.linalg.norm(codes, axis=-1, keepdims=True))
    return codes
