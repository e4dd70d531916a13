"""Invert a prior with your own loop: priors are pytrees, so jit, grad and optax work as on any Flax model.

One latent code, RMSprop, and a plain squared error: no part of the engine is used.

    python examples/own_optax_loop.py
"""

import jax
import jax.numpy as jnp
import optax

import jaxprior as jp


prior = jp.load_prior()
target = prior.generate(jax.random.normal(jax.random.key(7), (1, prior.latent_dim)))
optimizer = optax.rmsprop(0.02)


@jax.jit
def step(prior, z, state):  # the prior is an argument: closed over, it would be compiled into the program
    loss, gradient = jax.value_and_grad(lambda z: jnp.mean((prior.generate(z) - target) ** 2))(z)
    updates, state = optimizer.update(gradient, state)
    return optax.apply_updates(z, updates), state, loss


z = jax.random.normal(jax.random.key(0), (1, prior.latent_dim))
state = optimizer.init(z)
for i in range(201):
    z, state, loss = step(prior, z, state)
    if i % 50 == 0:
        print(f"step {i:3d}  loss {float(loss):.5f}")
