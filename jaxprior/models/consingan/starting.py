"""Random images of a ConSinGAN that starts from pictures, each from a picture of its own: what trainings show."""

from typing import cast

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.models.consingan.augmenting import changed
from jaxprior.models.consingan.model import ConSinGan
from jaxprior.system.ahead import Program, shapes_of


Array = jax.Array


def draw_starting(model: ConSinGan, firsts: np.ndarray | Array, key: Array) -> Array:
    """Images of the finest scale [count, h, w, c], one of each given picture and of random noise at the other scales.

    Arguments:
        model: the trained generator.
        firsts: what the coarsest stage gets, [count, *sizes[0], c].
        key: of the noise; image i takes its i-th share.
    """
    return _draw(model, jnp.asarray(firsts, jnp.float32), key)


@jax.jit
def _draw(model: ConSinGan, firsts: Array, key: Array) -> Array:
    _, *noises = model.draw_noises(key, model.sizes, count=len(firsts))
    return cast(Array, model.generator.apply(model.variables, [firsts, *noises], model.amplitudes))


def starting_program(model: ConSinGan, *, count: int) -> Program:
    """The program of `draw_starting` for a model and so many pictures; shapes may stand in place of its arrays."""
    firsts = jax.ShapeDtypeStruct((count, *model.sizes[0], model.image_channels), jnp.float32)
    return Program(_draw, (model, firsts, shapes_of(jax.random.key(0))))


def changed_pictures(model: ConSinGan, key: Array, *, count: int) -> np.ndarray:
    """A model's own picture at the coarsest scale, changed as in its training, [count, h, w, c].

    Arguments:
        model: the trained generator. It starts from pictures.
        key: where everything random comes from.
        count: number of pictures.
    """
    chance = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    own = np.asarray(model.noises[0])
    return np.stack([changed(model.starts_from, own, chance) for _ in range(count)])
