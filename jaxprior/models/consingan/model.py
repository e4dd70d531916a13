"""A trained ConSinGAN: one growing generator of a picture's whole pyramid (Hinz et al., WACV 2021), and its drawing.

`draw` and `reconstruct` of `models.singan.drawing` serve it as they do a `SinGan`: noises of the stages below a start
scale are those of the reconstruction. Scales pass features on, not images, so nothing can be injected between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from jaxprior.errors import JaxpriorError
from jaxprior.models.consingan.networks import GrowingGenerator
from jaxprior.models.singan.noise import draw_normals
from jaxprior.weights.card import Card


Array = jax.Array
_static = partial(field, metadata={"static": True})


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class ConSinGan:
    """A trained growing generator; a pytree, an argument of compiled functions. Made by `load_singan`.

    Fields:
        generator: its network; variables: of it, {"params": ...}.
        critic, critic_variables: the same of the finest scale's critic, or None.
        amplitudes: of the noise of all stages, [stages]; the first is 1 and not used.
        noises: from which the picture is reconstructed, one [h, w, c] a stage, see `GrowingGenerator.noise_shape`; the
            first is mostly the picture itself.
        sizes: (height, width) of the features of every stage, coarsest first.
        image: the picture at the finest scale, [h, w, c] in [-1, 1].
        card: where the weights come from.
    """

    generator: GrowingGenerator = _static()
    variables: Any
    critic: Any = _static(default=None)
    critic_variables: Any = None
    amplitudes: Array
    noises: tuple[Array, ...]
    sizes: tuple[tuple[int, int], ...] = _static()
    image: Array
    card: Card = _static(default=Card({}))

    @property
    def image_channels(self) -> int:
        """Channels of its images."""
        return self.generator.image_channels

    @property
    def scales(self) -> tuple:
        """There are none to work with one by one, as there are in a `SinGan`.

        Raises:
            JaxpriorError: always, so that what needs them says why it cannot be done.
        """
        raise JaxpriorError(
            "this model is a ConSinGAN, whose scales pass on features and not images: it draws images and reconstructs "
            "its picture; take a SinGAN for the rest"
        )


def synthesize_growing(model: ConSinGan, noises: Sequence[Array]) -> list[Array]:
    """Images of given noises, [b, h_n, w_n, c] in [-1, 1] of every stage that has one, coarsest first.

    Those of coarser stages come from the one tail, which is trained for the finest: they are for looking at.

    Arguments:
        model: the trained network.
        noises: [b, *noise_shape(n, size)] of the stages from the coarsest on.
    """
    images, below = [], None
    for n, noise in enumerate(noises):
        below = _features(model, [noise], below=below, start=n)
        images.append(_image(model, below))
    return images


def draw_growing(
    model: ConSinGan, key: Array, sizes: Sequence[tuple[int, int]], *, count: int, start: int = 0
) -> list[Array]:
    """Random images [count, h_n, w_n, c] of every stage; see `singan.draw_scales`, which checks its arguments.

    Arguments:
        model: the trained network.
        key: image i takes its i-th share.
        sizes: (height, width) of all stages' features.
        count: number of images.
        start: noises of the stages below it are those of the reconstruction.
    """
    shapes = [model.generator.noise_shape(n, size) for n, size in enumerate(sizes)]
    kept = [jnp.broadcast_to(noise, (count, *noise.shape)) for noise in model.noises[:start]]
    return synthesize_growing(model, [*kept, *draw_normals(key, shapes, count=count)[start:]])


def _features(model: ConSinGan, noises: Sequence[Array], *, below: Array | None = None, start: int = 0) -> Array:
    return model.generator.apply(model.variables, noises, model.amplitudes, below=below, start=start, method="features")


def _image(model: ConSinGan, features: Array) -> Array:
    return model.generator.apply(model.variables, features, method="image")
