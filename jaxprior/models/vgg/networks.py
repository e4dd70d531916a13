"""The convolutions of VGG-16 and VGG-19 (Simonyan and Zisserman, ICLR 2015, without batch norm) as feature networks.

Layers are numbered as in torchvision's `features`: convolution 0, ReLU 1, convolution 2, ReLU 3, max-pool 4, ...
`features[:16]` is relu3_3 in both networks. Images in [-1, 1] become (0.5 x + 0.5 - mean) / std with ImageNet's mean
and deviation, mGANprior's input to its perceptual loss.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.linen.dtypes import promote_dtype

from jaxprior.nn.convolution import FORMS, choose_form
from jaxprior.nn.elementwise import add_bias
from jaxprior.nn.imagenet import imagenet_scaled
from jaxprior.nn.pooling import max_pool


Array = jax.Array

STAGES = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
"""Convolutions before each max-pool."""

CUT = 16
"""features[:16], relu3_3: the layer of mGANprior's loss, and the default."""

EARLY_CUT = 9
"""features[:9], relu2_2: the last layer before the second pooling."""

WIDTHS = (64, 128, 256, 512, 512)


def layer_kinds(stages: tuple[int, ...]) -> list[str | int]:
    """What each of torchvision's `features` is: the width of a convolution, "relu" or "pool".

    Example:
        >>> layer_kinds((2, 2))
        [64, 'relu', 64, 'relu', 'pool', 128, 'relu', 128, 'relu', 'pool']
    """
    kinds: list[str | int] = []
    for convolutions, width in zip(stages, WIDTHS[: len(stages)], strict=True):
        kinds += [width, "relu"] * convolutions + ["pool"]
    return kinds


def convolution_shapes(stages: tuple[int, ...]) -> dict[int, tuple[int, int, int, int]]:
    """Number of every convolution in `features` and the shape of its kernel, [3, 3, in, out]."""
    shapes, before = {}, 3
    for i, kind in enumerate(layer_kinds(stages)):
        if isinstance(kind, int):
            shapes[i] = (3, 3, before, kind)
            before = kind
    return shapes


class VGG(nn.Module):
    """The first layers of a VGG.

    Fields:
        stages: convolutions before each max-pool, see `STAGES`.
        cuts: the maps to return; k is the output of `features[:k]`.
        platform: expect parameters that the method `freeze` prepared for this kind of device; None for raw ones.
    """

    stages: tuple[int, ...] = STAGES["vgg16"]
    cuts: tuple[int, ...] = (16,)
    platform: str | None = None

    @nn.compact
    def __call__(self, images: Array) -> tuple[Array, ...]:
        """Images [b, h, w, 3] in [-1, 1] -> one map [b, h', w', c] a cut, in the order of the cuts."""
        x = imagenet_scaled(images)
        maps = {}
        for i, kind in enumerate(layer_kinds(self.stages)[: max(self.cuts)]):
            if isinstance(kind, int):
                x = Convolution(kind, self.form_of(x.shape[-1], kind), name=f"conv{i}")(x)
            elif kind == "relu":
                x = nn.relu(x)
            else:
                x = max_pool(x, 2)
            maps[i + 1] = x
        return tuple(maps[cut] for cut in self.cuts)

    @nn.nowrap
    def form_of(self, into: int, out: int) -> str:
        """How a convolution of so many channels is computed, one of `jaxprior.nn.convolution.FORMS`."""
        if self.platform is None:
            return "same"
        return choose_form("same", platform=self.platform, frozen=True, channels=(into, out))

    @nn.nowrap
    def freeze(self, params: dict, *, platform: str) -> tuple["VGG", dict]:
        """Prepare parameters for inversion.

        Arguments:
            params: of this network.
            platform: kind of device that will compute, "cpu", "gpu" or "tpu".

        Returns:
            (network, parameters) that compute the same maps, to rounding, from frozen weights.
        """
        frozen = self.clone(platform=platform)
        prepared = {
            name: {**layer, "kernel": FORMS[frozen.form_of(*layer["kernel"].shape[2:])].prepare(layer["kernel"])}
            for name, layer in params.items()
        }
        return frozen, prepared


class Convolution(nn.Module):
    """A 3x3 convolution with a bias; the kernel [3, 3, in, out] is prepared for its form."""

    features: int
    form: str

    @nn.compact
    def __call__(self, x: Array) -> Array:
        form = FORMS[self.form]
        shape = jax.ShapeDtypeStruct((3, 3, x.shape[-1], self.features), jnp.float32)
        kernel = self.param("kernel", nn.initializers.zeros_init(), jax.eval_shape(form.prepare, shape).shape)
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        x, kernel, bias = promote_dtype(x, kernel, bias)
        return add_bias(form.apply(x, kernel), bias)
