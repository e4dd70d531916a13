"""What can be done with latents once they are found: images of them, moves along a direction, ways between two."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.checks import as_array, described, is_array, is_traced, kind_of, real_number
from jaxprior.errors import ArgumentError
from jaxprior.inversion.codes import shown_by
from jaxprior.inversion.solvers import Precision, Solve
from jaxprior.protocols import Codes
from jaxprior.weights.cut import CutGenerator
from jaxprior.weights.priors import Prior


Array = jax.Array


def render(prior: Prior, latents: Any, *, codes: Codes, precision: Precision = "fp32") -> Array:
    """Images of latents, as an inversion's result holds them.

    Arguments:
        prior: the generator.
        latents: `Result.latents`; with several starts their images are averaged.
        codes: what the latents are latents of.
        precision: see `Solve`.

    Returns:
        Images [b, r, r, c].

    Raises:
        ArgumentError: latents of other codes or of another prior, or another argument of another kind.
        ValueError: a layer that the prior does not have.
    """
    kind_of("prior", prior, Prior, "a prior", "`load_prior` loads one")
    kinds = "of the kind jp.MultiCode, jp.SingleCode, jp.FeatureCode or jp.NetworkCode"
    kind_of("codes", codes, Codes, kinds, "they are those of the inversion")
    latents = require_latents("latents", latents)
    _check_rendered(prior, latents, codes)
    generator = prior.split(codes.layer, precision=precision)
    with jax.default_matmul_precision(Solve(precision=precision).matmul_precision):
        return _render(generator, latents, codes=codes)


def _check_rendered(prior: Prior, latents: Any, codes: Any) -> None:
    """Refuse latents that are not those of some codes and a prior: [b, ...], or [b, starts, ...]."""
    z = latents["z"]
    cut = CutGenerator(module=prior.module, layer=codes.layer, params=prior.params)
    wanted = jax.eval_shape(codes.init, cut, jax.random.key(0))
    lead = z.shape[: max(z.ndim - wanted["z"].ndim, 0)]
    shapes = jax.tree.map(lambda leaf: tuple(leaf.shape), dict(latents))
    expected = jax.tree.map(lambda leaf: (*lead, *leaf.shape), wanted)
    if len(lead) not in (1, 2) or shapes != expected:
        one = jax.tree.map(lambda leaf: ("b", *leaf.shape), wanted)
        raise ArgumentError(f"`latents` must have the shapes {one} of these codes and this prior, got {shapes}.")


def require_latents(name: str, latents: Any) -> dict[str, Any]:
    """Latents, with arrays that JAX takes.

    Raises:
        ArgumentError: no dictionary of arrays with "z".
    """
    if isinstance(latents, Mapping):
        latents = {field: jax.tree.map(partial(as_array, name), value) for field, value in latents.items()}
    if not isinstance(latents, dict) or not is_array(latents.get("z")):
        raise ArgumentError(f'`{name}` must be latents, a dictionary of arrays with "z", got {described(latents)}.')
    return latents


@partial(jax.jit, static_argnames="codes")
def _render(generator, latents, *, codes):
    one = jax.eval_shape(codes.init, generator, jax.random.key(0))

    def synthesize(latents):
        return jax.vmap(partial(shown_by(codes), generator))(latents)

    if latents["z"].ndim == one["z"].ndim + 1:
        return synthesize(latents)
    return jax.vmap(lambda several: synthesize(several).mean(axis=0))(latents)


def edit(latents: Any, direction: Array, amount: float) -> Any:
    """Move all codes along a direction in latent space; how they are put together stays (mGANprior, section 4.4).

    Arguments:
        latents: `Result.latents`.
        direction: [d], for example the normal of an attribute's boundary (InterFaceGAN).
        amount: how far, in units of the direction.

    Raises:
        ArgumentError: latents without codes, a direction that is not [d] of finite numbers, or no number as amount.
    """
    latents, direction = require_latents("latents", latents), as_array("direction", direction)
    length = latents["z"].shape[-1]
    if not is_array(direction) or direction.shape != (length,) or np.dtype(direction.dtype).kind == "c":
        raise ArgumentError(f"`direction` must be an array [{length}] as a code is, got {described(direction)}.")
    if not is_traced(direction) and not np.isfinite(np.asarray(direction, np.float32)).all():
        raise ArgumentError("`direction` must be finite numbers, got others; mend the array.")
    if not is_traced(amount):
        real_number("amount", amount)
    step = jnp.broadcast_to(jnp.asarray(direction, jnp.float32), latents["z"].shape)
    return {**latents, "z": latents["z"] + amount * step}


def interpolate(a: Any, b: Any, fractions: Array | Sequence[float]) -> Any:
    """Latents on the way between two pictures: (1 - t) a + t b, for every leaf.

    Arguments:
        a, b: latents of one picture each, without the leading axis b of `Result.latents`.
        fractions: t [n]; 0 is a, 1 is b.

    Returns:
        Latents with a leading axis n.

    Raises:
        ArgumentError: latents of different shapes, or fractions that are not [n] finite numbers.
    """
    a, b = require_latents("a", a), require_latents("b", b)
    shapes = [jax.tree.map(lambda leaf: tuple(jnp.shape(leaf)), latents) for latents in (a, b)]
    if shapes[0] != shapes[1]:
        raise ArgumentError(f"`a` and `b` must be latents of the same codes, got {shapes[0]} and {shapes[1]}.")
    if not is_traced(fractions):
        values = np.asarray(fractions)
        if values.ndim > 1 or values.dtype.kind not in "iuf" or not np.isfinite(values).all():
            raise ArgumentError(f"`fractions` must be finite numbers [n], got {described(fractions)}.")
        if values.ndim == 0 and not 0 <= values <= 1:
            raise ArgumentError(
                f"`fractions` must be finite numbers [n], got one, {described(fractions)}; `np.linspace(0, 1, n)` "
                "makes n of them, and a list goes beyond 0 and 1."
            )
    t = jnp.asarray(fractions, jnp.float32)

    def between(x: Array, y: Array) -> Array:
        weight = t.reshape((-1,) + (1,) * x.ndim)
        return (1 - weight) * x[None] + weight * y[None]

    return jax.tree.map(between, a, b)
