"""The convolutions of torchvision's AlexNet (Krizhevsky 2014, the network with one column) as a feature network.

Layers are numbered as in torchvision's `alexnet().features`: convolution 0, ReLU 1, pool 2, convolution 3, ReLU 4,
pool 5, convolution 6, ReLU 7, convolution 8, ReLU 9, convolution 10, ReLU 11, pool 12. Pools are 3x3 with stride 2 and
round their size down.
"""

import flax.linen as nn
import jax

from jaxprior.nn.imagenet import imagenet_scaled
from jaxprior.nn.pooling import max_pool


Array = jax.Array

CONVOLUTIONS = {0: (11, 4, 2, 64), 3: (5, 1, 2, 192), 6: (3, 1, 1, 384), 8: (3, 1, 1, 256), 10: (3, 1, 1, 256)}
"""Side of the kernel, stride, padding and width of each convolution, by its number in `features`."""

POOLS = (2, 5, 12)
DEPTH = 13

TAPS = (2, 5, 8, 10, 12)
"""The depths whose maps LPIPS compares: after every ReLU."""


def convolution_shapes() -> dict[int, tuple[int, int, int, int]]:
    """Number of every convolution in `features` and the shape of its kernel, [h, w, in, out]."""
    shapes, before = {}, 3
    for i, (side, _, _, width) in CONVOLUTIONS.items():
        shapes[i] = (side, side, before, width)
        before = width
    return shapes


class AlexNet(nn.Module):
    """The features of AlexNet; images need 31 pixels a side for all maps that LPIPS compares, 63 for the last pool.

    Fields:
        cuts: the maps to return; k is the output of `features[:k]`. By default the five maps that LPIPS uses.
    """

    cuts: tuple[int, ...] = TAPS

    @nn.compact
    def __call__(self, images: Array) -> tuple[Array, ...]:
        """Images [b, h, w, 3] in [-1, 1], RGB -> one map [b, h', w', c] a cut, in the order of the cuts."""
        x = imagenet_scaled(images)
        maps = {}
        for i in range(max(self.cuts)):
            if i in CONVOLUTIONS:
                side, stride, padding, width = CONVOLUTIONS[i]
                x = nn.Conv(width, (side, side), strides=stride, padding=padding, name=f"conv{i}")(x)
            elif i in POOLS:
                x = max_pool(x, 3)
            else:
                x = nn.relu(x)
            maps[i + 1] = x
        return tuple(maps[cut] for cut in self.cuts)
