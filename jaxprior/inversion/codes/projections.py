"""What is done with codes after every update, so that they stay where the generator's training had them."""

from typing import Literal, get_args

from jaxprior.lazy_jax import Array, jax, jnp


Projection = Literal["none", "clip", "stochastic", "sphere"]
PROJECTIONS = get_args(Projection)


def projected(z: Array, how: Projection, key: Array) -> Array:
    """Codes moved back to where they may be.

    Arguments:
        z: codes [..., d].
        how: "none"; "clip": values are clipped to [-1, 1]; "stochastic": each value beyond [-1, 1] is drawn anew from
            U(-1, 1), independently of the others (Lipton & Tripathi, 2017); "sphere": every code gets the length
            sqrt(d), which codes drawn from N(0, 1) have but for a few percent.
        key: of what is drawn.

    Example:
        >>> projected(jnp.array([3.0, -0.5]), "clip", jax.random.key(0)).tolist()
        [1.0, -0.5]
    """
    if how == "clip":
        return jnp.clip(z, -1.0, 1.0)
    if how == "stochastic":
        return jnp.where(jnp.abs(z) > 1, jax.random.uniform(key, z.shape, minval=-1.0), z)
    if how == "sphere":
        square = jnp.mean(jnp.square(z), axis=-1, keepdims=True)
        return z * jax.lax.rsqrt(jnp.maximum(square, 1e-12))
    return z
