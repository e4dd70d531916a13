"""Gradients through a prior

A prior is a pytree, and generating is a function of JAX. So codes can be optimised for any loss of your own: here for
pictures whose left half is dark and whose right half is bright.
"""

import jax
import jax.numpy as jnp
import optax

import jaxprior as jp


prior = jp.load_prior("cats32")
z = jax.random.normal(jax.random.key(1), (6, prior.latent_dim))
optimizer = optax.adam(0.05)


def loss(z, prior):
    pictures = prior.generate(z)
    left, right = jnp.split(pictures, 2, axis=2)
    return left.mean() - right.mean() + 0.01 * jnp.sum(z**2) / len(z)  # and codes stay probable


@jax.jit
def step(z, state, prior):
    value, gradient = jax.value_and_grad(loss)(z, prior)
    updates, state = optimizer.update(gradient, state)
    return optax.apply_updates(z, updates), state, value


before, state = prior.generate(z), optimizer.init(z)
for _ in range(40):
    z, state, value = step(z, state, prior)
jp.show({"before": before, "after": prior.generate(z)}).save("gradients_through_a_prior.png")
print(f"loss {float(value):.3f}")
