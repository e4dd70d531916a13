"""What an encoder answers to observations, and latents that begin on it: the compiled part of `EncoderStart`."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from jaxprior.nn.latent import draw_codes
from jaxprior.operators import Operator, image_axes


Array = jax.Array


@partial(jax.jit, static_argnames="shape")
def answered(encoder: Any, operator: Any, fitted: Array, held: Array | None, *, shape: tuple[int, ...]) -> Any:
    """What the encoder answers to observations, of which held-out pixels are not shown to it."""

    def of_one(operator: Any, fitted: Array, held: Array | None) -> tuple[Array, Array]:
        picture, known = getattr(type(operator), "seen", Operator.seen)(operator, fitted, shape)
        if held is not None:
            left, _ = Operator.seen(operator, 1 - held, (*shape[:-1], 1))
            known = known * left
        return picture * known, known

    return encoder(*jax.vmap(of_one, (image_axes(operator), 0, 0))(operator, fitted, held))


@partial(jax.jit, static_argnames=("codes", "further"))
def begun_on(
    generator: Any, keys: Array, nth: Array, z: Array, features: Array | None, *, codes: Any, further: float
) -> dict[str, Array]:
    """Latents of answered codes [b, N, d] and features [b, *space, c], of further starts moved towards a sample."""

    def of_one(key: Array, nth: Array, z: Array, features: Array | None) -> dict[str, Array]:
        share = jnp.where(nth == 0, 0.0, further)
        other = draw_codes(jax.random.fold_in(key, 3), (1, z.shape[1]), distribution=generator.code_distribution)
        first = jnp.sqrt(1 - share**2) * z[:1] + share * other
        z = jnp.concatenate([first, z[1:]])
        if features is None:
            return codes.init(generator, key, z=z)
        moved = features + share * (generator.head(other)[0].astype(features.dtype) - features)
        return codes.init(generator, key, z=z, features=moved)

    return jax.vmap(of_one)(keys, nth, z, features)
