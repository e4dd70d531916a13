"""Inception-v3 (Szegedy et al., CVPR 2016) as a feature network, with batch normalisation folded into its convolutions.

There are two of them, which have the same parameters and differ in the pools inside of some blocks. "inception" is the
network of the Frechet inception distance (Heusel et al., NeurIPS 2017), as pytorch-fid has it: average pools count the
pixels inside of the map only, and the last block has a max-pool in place of one. "inception-torchvision" is
torchvision's: average pools count the zeros around the map as well.

Layers are numbered in the order of torchvision's names, pools included: see `LAYERS`. `features[:k]` are the first k.
Images stay in [-1, 1]: that is what both networks were trained on.
"""

import functools
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.nn.elementwise import add_bias
from jaxprior.nn.pooling import max_pool
from jaxprior.nn.resampling import LINEAR, axis_weights, resample, scaled_centres


Array = jax.Array

LAYERS = (
    *("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "pool", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "pool"),
    *(f"Mixed_5{letter}" for letter in "bcd"),
    *(f"Mixed_6{letter}" for letter in "abcde"),
    *(f"Mixed_7{letter}" for letter in "abc"),
    "mean",
)
"""All layers in their order; the last is the mean of the map over its pixels, 2048 numbers an image."""

SIDE = 299
"""Pixels of a side of the pictures that the networks were trained on."""

STEM = {
    "Conv2d_1a_3x3": (32, 3, 2, 0),
    "Conv2d_2a_3x3": (32, 3, 1, 0),
    "Conv2d_2b_3x3": (64, 3, 1, 1),
    "Conv2d_3b_1x1": (80, 1, 1, 0),
    "Conv2d_4a_3x3": (192, 3, 1, 0),
}
"""Width, side of the kernel, stride and padding of the convolutions before the first block."""

POOLED_5 = {"b": 32, "c": 64, "d": 64}
"""Channels after the pool in blocks 5."""

SEVENS_6 = {"b": 128, "c": 160, "d": 160, "e": 192}
"""Channels inside of the branches of blocks 6 whose kernels have 7 pixels."""


class Inception(nn.Module):
    """The features of Inception-v3; images need 75 pixels a side for all of them.

    Fields:
        network: "inception" or "inception-torchvision".
        cuts: the maps to return; k is the output of the first k of `LAYERS`.
        side: images are resized to side x side first, bilinearly, as for the Frechet inception distance; or None.
    """

    network: str
    cuts: tuple[int, ...] = (len(LAYERS),)
    side: int | None = None

    @nn.compact
    def __call__(self, images: Array) -> tuple[Array, ...]:
        """Images [b, h, w, 3] in [-1, 1], RGB -> one map [b, h', w', c] a cut, in the order of the cuts.

        The map of the last layer is [b, 1, 1, 2048].
        """
        x = images if self.side is None else resize_bilinear(images, self.side)
        maps = {}
        for i, layer in enumerate(LAYERS[: max(self.cuts)]):
            if layer in STEM:
                width, side, stride, padding = STEM[layer]
                x = Convolution(width, (side, side), stride, padding, name=layer)(x)
            elif layer == "pool":
                x = max_pool(x, 3)
            elif layer == "mean":
                x = x.mean(axis=(1, 2), keepdims=True)
            else:
                x = self._block(layer)(x)
            maps[i + 1] = x
        return tuple(maps[cut] for cut in self.cuts)

    @nn.nowrap
    def _block(self, layer: str) -> Callable[[Array], Array]:
        group, letter = layer[-2], layer[-1]
        fid = self.network == "inception"
        pool = functools.partial(mean_pool, count_border=not fid)
        if group == "5":
            return Block5(POOLED_5[letter], pool, name=layer)
        if layer == "Mixed_6a":
            return Reduction6(name=layer)
        if group == "6":
            return Block6(SEVENS_6[letter], pool, name=layer)
        if layer == "Mixed_7a":
            return Reduction7(name=layer)
        return Block7(same_max_pool if fid and letter == "c" else pool, name=layer)


class Convolution(nn.Module):
    """A convolution with a bias and a ReLU; the kernel has [height, width] pixels."""

    features: int
    size: tuple[int, int]
    stride: int = 1
    padding: int | tuple[int, int] = 0

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Features [b, h, w, c] -> [b, h', w', features]."""
        rows, columns = (self.padding, self.padding) if isinstance(self.padding, int) else self.padding
        padding = [(rows, rows), (columns, columns)]
        kernel = self.param("kernel", nn.initializers.zeros_init(), (*self.size, x.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        strides = (self.stride, self.stride)
        dimensions = ("NHWC", "HWIO", "NHWC")
        x = jax.lax.conv_general_dilated(x, kernel, strides, padding, dimension_numbers=dimensions)
        return nn.relu(add_bias(x, bias))


class Block5(nn.Module):
    """Branches of 1x1, 5x5 and two 3x3 kernels, and a pool, at 35x35 pixels of a picture of 299."""

    pooled: int
    pool: Callable[[Array], Array]

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Features [b, h, w, c] -> [b, h, w, 224 + pooled]."""
        one = Convolution(64, (1, 1), name="branch1x1")(x)
        five = Convolution(48, (1, 1), name="branch5x5_1")(x)
        five = Convolution(64, (5, 5), padding=2, name="branch5x5_2")(five)
        three = Convolution(64, (1, 1), name="branch3x3dbl_1")(x)
        three = Convolution(96, (3, 3), padding=1, name="branch3x3dbl_2")(three)
        three = Convolution(96, (3, 3), padding=1, name="branch3x3dbl_3")(three)
        pooled = Convolution(self.pooled, (1, 1), name="branch_pool")(self.pool(x))
        return jnp.concatenate([one, five, three, pooled], axis=-1)


class Reduction6(nn.Module):
    """Halves the map: strided 3x3 kernels, and a max-pool."""

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Features [b, h, w, c] -> [b, h', w', 480 + c]."""
        three = Convolution(384, (3, 3), stride=2, name="branch3x3")(x)
        double = Convolution(64, (1, 1), name="branch3x3dbl_1")(x)
        double = Convolution(96, (3, 3), padding=1, name="branch3x3dbl_2")(double)
        double = Convolution(96, (3, 3), stride=2, name="branch3x3dbl_3")(double)
        return jnp.concatenate([three, double, max_pool(x, 3)], axis=-1)


class Block6(nn.Module):
    """Branches of 1x1 and of 1x7 and 7x1 kernels in turn, and a pool, at 17x17 pixels of a picture of 299."""

    width: int
    pool: Callable[[Array], Array]

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Features [b, h, w, 768] -> [b, h, w, 768]."""

        def flat(x: Array, width: int, name: str) -> Array:
            return Convolution(width, (1, 7), padding=(0, 3), name=name)(x)

        def tall(x: Array, width: int, name: str) -> Array:
            return Convolution(width, (7, 1), padding=(3, 0), name=name)(x)

        inner = self.width
        one = Convolution(192, (1, 1), name="branch1x1")(x)
        seven = Convolution(inner, (1, 1), name="branch7x7_1")(x)
        seven = tall(flat(seven, inner, "branch7x7_2"), 192, "branch7x7_3")
        double = Convolution(inner, (1, 1), name="branch7x7dbl_1")(x)
        double = flat(tall(double, inner, "branch7x7dbl_2"), inner, "branch7x7dbl_3")
        double = flat(tall(double, inner, "branch7x7dbl_4"), 192, "branch7x7dbl_5")
        pooled = Convolution(192, (1, 1), name="branch_pool")(self.pool(x))
        return jnp.concatenate([one, seven, double, pooled], axis=-1)


class Reduction7(nn.Module):
    """Halves the map: strided 3x3 kernels, one after 1x7 and 7x1, and a max-pool."""

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Features [b, h, w, c] -> [b, h', w', 512 + c]."""
        three = Convolution(192, (1, 1), name="branch3x3_1")(x)
        three = Convolution(320, (3, 3), stride=2, name="branch3x3_2")(three)
        seven = Convolution(192, (1, 1), name="branch7x7x3_1")(x)
        seven = Convolution(192, (1, 7), padding=(0, 3), name="branch7x7x3_2")(seven)
        seven = Convolution(192, (7, 1), padding=(3, 0), name="branch7x7x3_3")(seven)
        seven = Convolution(192, (3, 3), stride=2, name="branch7x7x3_4")(seven)
        return jnp.concatenate([three, seven, max_pool(x, 3)], axis=-1)


class Block7(nn.Module):
    """Branches that end in a 1x3 and a 3x1 kernel side by side, and a pool, at 8x8 pixels of a picture of 299."""

    pool: Callable[[Array], Array]

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Features [b, h, w, c] -> [b, h, w, 2048]."""

        def side_by_side(x: Array, name: str) -> Array:
            flat = Convolution(384, (1, 3), padding=(0, 1), name=f"{name}a")(x)
            tall = Convolution(384, (3, 1), padding=(1, 0), name=f"{name}b")(x)
            return jnp.concatenate([flat, tall], axis=-1)

        one = Convolution(320, (1, 1), name="branch1x1")(x)
        three = side_by_side(Convolution(384, (1, 1), name="branch3x3_1")(x), "branch3x3_2")
        double = Convolution(448, (1, 1), name="branch3x3dbl_1")(x)
        double = Convolution(384, (3, 3), padding=1, name="branch3x3dbl_2")(double)
        double = side_by_side(double, "branch3x3dbl_3")
        pooled = Convolution(192, (1, 1), name="branch_pool")(self.pool(x))
        return jnp.concatenate([one, three, double, pooled], axis=-1)


def mean_pool(x: Array, *, count_border: bool) -> Array:
    """The mean of the 3x3 pixels around every pixel; the border of zeros counts as pixels or not.

    Arguments:
        x: features [b, h, w, c].
        count_border: divide by 9 everywhere, or by the number of pixels that lie inside of the map.

    Returns:
        Features [b, h, w, c].
    """
    total = _sum_of_three(_sum_of_three(x, 1), 2)
    if count_border:
        return total / 9
    rows, columns = (_sum_of_three(jnp.ones((n,), x.dtype), 0) for n in x.shape[1:3])
    return total / (rows.reshape(1, -1, 1, 1) * columns.reshape(1, 1, -1, 1))


def same_max_pool(x: Array) -> Array:
    """The largest of the 3x3 pixels around every pixel [b, h, w, c] that lie inside of the map."""
    for axis in (1, 2):
        before, after = _neighbours(x, axis, -jnp.inf)
        x = jnp.maximum(jnp.maximum(before, x), after)
    return x


def _sum_of_three(x: Array, axis: int) -> Array:
    before, after = _neighbours(x, axis, 0.0)
    return before + x + after


def _neighbours(x: Array, axis: int, border: float) -> tuple[Array, Array]:
    """What lies before and after every value along an axis, and `border` outside of the array."""
    width = [(0, 0)] * x.ndim
    width[axis] = (1, 1)
    padded = jnp.pad(x, width, constant_values=border)
    n = x.shape[axis]
    return jax.lax.slice_in_dim(padded, 0, n, axis=axis), jax.lax.slice_in_dim(padded, 2, n + 2, axis=axis)


def resize_bilinear(images: Array, side: int) -> Array:
    """Resize [b, h, w, c] to side x side as PyTorch's `interpolate(mode="bilinear", align_corners=False)` does.

    Pixels are interpolated between their two neighbours in every direction, also where the images become smaller.
    """
    if images.shape[1:3] == (side, side):
        return images
    matrices = [axis_weights(scaled_centres(side, side / n), n, kernel=LINEAR) for n in images.shape[1:3]]
    return resample(images, *matrices)
