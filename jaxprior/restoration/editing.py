"""What can be done with latents once they are found: images of them, moves along a direction, ways between two."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from jaxprior.inversion.codes.multi import MultiCode
from jaxprior.inversion.codes.single import SingleCode
from jaxprior.inversion.solvers import Precision, Solve
from jaxprior.weights.priors import Prior


Array = jax.Array


def render(prior: Prior, latents: Any, *, codes: MultiCode | SingleCode, precision: Precision = "fp32") -> Array:
    """Images of latents, as an inversion's result holds them.

    Arguments:
        prior: the generator.
        latents: `Result.latents`; with several starts their images are averaged.
        codes: what the latents are latents of.
        precision: see `Solve`.

    Returns:
        Images [b, r, r, c].
    """
    generator = prior.split(codes.layer, precision=precision)
    with jax.default_matmul_precision(Solve(precision=precision).matmul_precision):
        return _render(generator, latents, codes=codes)


@partial(jax.jit, static_argnames="codes")
def _render(generator, latents, *, codes):
    axes = 2 if isinstance(codes, SingleCode) else 3

    def synthesize(latents):
        return jax.vmap(lambda one: codes.synthesize(generator, one))(latents)

    if latents["z"].ndim == axes:
        return synthesize(latents)
    return jax.vmap(lambda several: synthesize(several).mean(axis=0))(latents)


def edit(latents: Any, direction: Array, amount: float) -> Any:
    """Move all codes along a direction in latent space; how they are put together stays (mGANprior, section 4.4).

    Arguments:
        latents: `Result.latents`.
        direction: [d], for example the normal of an attribute's boundary (InterFaceGAN).
        amount: how far, in units of the direction.
    """
    step = jnp.broadcast_to(jnp.asarray(direction, jnp.float32), latents["z"].shape)
    return {**latents, "z": latents["z"] + amount * step}


def interpolate(a: Any, b: Any, fractions: Array | Sequence[float]) -> Any:
    """Latents on the way between two pictures: (1 - t) a + t b, for every leaf.

    Arguments:
        a, b: latents of one picture each, without the leading axis b of `Result.latents`.
        fractions: t [n]; 0 is a, 1 is b.

    Returns:
        Latents with a leading axis n.
    """
    t = jnp.asarray(fractions, jnp.float32)

    def between(x: Array, y: Array) -> Array:
        weight = t.reshape((-1,) + (1,) * x.ndim)
        return (1 - weight) * x[None] + weight * y[None]

    return jax.tree.map(between, a, b)
