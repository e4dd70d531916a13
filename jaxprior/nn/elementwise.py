"""Functions of every value of a map by itself, or of every channel."""

from jaxprior.lazy_jax import Array, jnp


def widen(x: Array) -> Array:
    """Convert x to float32, unless its type is wider."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def leaky_relu(x: Array, slope: float | Array = 0.2) -> Array:
    """LeakyReLU: x where it is positive, else slope times x."""
    return jnp.where(x >= 0, x, slope * x)


def add_bias(x: Array, bias: Array) -> Array:
    """Add one value a channel: x [..., c] + bias [c], in the type of x."""
    return x + bias.astype(x.dtype).reshape((1,) * (x.ndim - 1) + (-1,))
