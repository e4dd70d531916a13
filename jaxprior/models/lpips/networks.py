"""LPIPS 0.1 (Zhang et al., CVPR 2018) on AlexNet, VGG-16 and SqueezeNet 1.1.

LPIPS compares maps that have unit length over the channels, weighted by learnt non-negative numbers, the heads,
averaged over space and summed over the maps. Its heads were fitted on torchvision's weights of the three networks,
whose input is scaled with ImageNet's mean and deviation. On SqueezeNet's Caffe weights they make an "LPIPS-style"
distance, whose numbers are not those of LPIPS.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.models.alexnet.networks import TAPS as ALEXNET_TAPS
from jaxprior.models.alexnet.networks import AlexNet
from jaxprior.models.squeezenet.networks import SqueezeNet
from jaxprior.models.vgg.networks import VGG


Array = jax.Array

EPSILON = 1e-10


@dataclass(frozen=True)
class Trunk:
    """The network that heads are put onto.

    Fields:
        architecture: its name; title: for people.
        network: makes it, with the maps that LPIPS compares.
        widths: the channels of these maps.
        heads: the file in which the heads for it are published.
    """

    architecture: str
    title: str
    network: Callable[..., nn.Module]
    widths: tuple[int, ...]
    heads: str


VGG_TAPS = (4, 9, 16, 23, 30)
"""The last ReLU before every max-pool."""

TRUNKS = {
    "lpips-alex": Trunk(
        architecture="alexnet",
        title="AlexNet",
        network=functools.partial(AlexNet, cuts=ALEXNET_TAPS),
        widths=(64, 192, 384, 256, 256),
        heads="alex.pth",
    ),
    "lpips-vgg": Trunk(
        architecture="vgg16",
        title="VGG-16",
        network=functools.partial(VGG, cuts=VGG_TAPS),
        widths=(64, 128, 256, 512, 512),
        heads="vgg.pth",
    ),
    "lpips-squeeze": Trunk(
        architecture="squeezenet",
        title="SqueezeNet",
        network=SqueezeNet,
        widths=(64, 128, 256, 384, 384, 512, 512),
        heads="squeeze.pth",
    ),
}
"""Distance -> network."""


class WeightedMaps(nn.Module):
    """Maps whose squared differences are the distance.

    A map is sqrt(C w) x / (|x| + 1e-10), |x| the length over its C channels and w [C] its head, so the mean square of
    two images' difference, summed over the maps, is sum_k mean_hw sum_c w_kc (x_kc / |x_k| - y_kc / |y_k|)^2.

    Fields:
        distance: one of `TRUNKS`.
    """

    distance: str

    @nn.compact
    def __call__(self, images: Array) -> tuple[Array, ...]:
        """Images [b, h, w, 3] in [-1, 1], RGB -> as many maps [b, h', w', c] as there are heads.

        They need 17 pixels a side on SqueezeNet, 16 on VGG-16 and 31 on AlexNet.
        """
        weighted = []
        for k, x in enumerate(TRUNKS[self.distance].network(name="features")(images)):
            channels = x.shape[-1]
            head = self.param(f"head{k}", nn.initializers.ones_init(), (channels,))
            weighted.append(unit(x) * jnp.sqrt(channels * head).reshape(1, 1, 1, channels))
        return tuple(weighted)


def unit(x: Array) -> Array:
    """Divide every pixel's feature vector by its length + 1e-10; a vector of zeros stays, with a gradient of zero."""
    squares = jnp.sum(jnp.square(x), axis=-1, keepdims=True)
    some = squares > 0
    return x * jnp.where(some, 1 / (jnp.sqrt(jnp.where(some, squares, 1.0)) + EPSILON), 0.0)
