"""SRResNet, which enlarges pictures of any size, and the critic of SRGAN (Ledig et al., CVPR 2017).

    generator    small picture -> convolution, PReLU -> residual blocks -> convolution, + -> pixel shuffles -> picture
    critic       picture -> 3x3 convolutions, every second one halves -> mean over the map -> dense layers -> score

The generator is fully convolutional with zeros around its maps. Its input is taken from [-1, 1] to [0, 1], as in the
paper. Public implementations differ in the number of blocks, the last activation and the critic's head; those that
can be chosen here are fields, and their defaults are the paper's. The critic's head is that of the public code of
leftthomas, which averages over the map, so that it takes crops of any size.
"""

import math
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.nn import rescaling
from jaxprior.nn.blocks import Dense, PReLU, Same, Strided
from jaxprior.nn.convolution import training_form
from jaxprior.nn.elementwise import leaky_relu, widen
from jaxprior.nn.norm import fold
from jaxprior.nn.rescaling import enlarge_bicubic
from jaxprior.nn.shuffling import pixel_shuffle


Array = jax.Array

OF_CONFIG = ("blocks", "width", "factor", "skip", "output", "ending", "kernel", "before_sum")
"""Fields of a generator that its card states."""

RESIDUAL_GAIN = 0.1
"""Initial kernels of residual blocks without a norm are so much smaller, so that the blocks hardly do anything yet."""


class Generator(nn.Module):
    """Pictures [b, h, w, c] in [-1, 1] -> [b, factor h, factor w, c], about in [-1, 1], of any size.

    Fields:
        blocks: residual blocks of two 3x3 convolutions each.
        width: feature maps.
        factor: how many times larger, 2 or 4.
        norm: "batch" while it is trained as in the paper, or "none"; see `jaxprior.nn.norm.normalised`.
        skip: whether the network's answer is added to the bicubic enlargement.
        output: "linear" as in the paper, or "tanh", which in [0, 1] is (tanh + 1) / 2. With `skip` it stands before the
            addition.
        ending: "shuffles": for every doubling a 3x3 convolution to four times the maps, pixel shuffle and PReLU, then a
            convolution of the large map, as in the paper. "direct": one 3x3 convolution of the small map and one pixel
            shuffle (Shi et al., CVPR 2016), which is many times cheaper.
        kernel: side of the first kernel, and of the last one where `ending` is "shuffles".
        before_sum: what follows the convolution after the blocks, before the first maps are added: "norm" as in the
            paper, or a "prelu", as in an early version of the public code.
        image_channels: of the pictures.
        dtype: of the convolutions; norms and pictures stay float32.
        trained_on: kind of the devices that train or apply it, "cpu", "gpu" or "tpu"; None for the plain forms.
    """

    blocks: int = 16
    width: int = 64
    factor: int = 4
    norm: str = "batch"
    skip: bool = False
    output: str = "linear"
    ending: str = "shuffles"
    kernel: int = 9
    before_sum: str = "norm"
    image_channels: int = 3
    dtype: jnp.dtype = jnp.float32
    trained_on: str | None = None

    @property
    def reach(self) -> int:
        """How many pixels of the input around its own place decide a pixel of the result, in each direction."""
        reach = self.kernel // 2 + 2 * self.blocks + 1.0
        if self.ending == "direct":
            reach += 1
        else:
            reach += sum(0.5**k for k in range(_doublings(self.factor))) + self.kernel // 2 / self.factor
        return max(math.ceil(reach), rescaling.REACH)

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Enlarge pictures.

        Arguments:
            x: [b, h, w, c] in [-1, 1].
            train: normalise by the batch; then "batch_stats" is changed.

        Returns:
            [b, factor h, factor w, c], float32, not clipped.
        """
        form = training_form("same", platform=self.trained_on)
        gain = RESIDUAL_GAIN if self.norm == "none" else 1.0

        def layer(y: Array, name: str, features: int, *, size: int = 3, norm: str = "none", gain: float = 1.0) -> Array:
            return Same(features, size, norm, self.dtype, form, gain, name=name)(y, train=train)

        y = first = PReLU(name="slope_first")(layer((x + 1) / 2, "first", self.width, size=self.kernel))
        for k in range(self.blocks):
            inner = layer(y, f"block{k}_0", self.width, norm=self.norm, gain=gain)
            inner = PReLU(name=f"slope{k}")(inner)
            y = y + layer(inner, f"block{k}_1", self.width, norm=self.norm, gain=gain)
        normed = self.before_sum == "norm"
        y = layer(y, "after", self.width, norm=self.norm if normed else "none", gain=gain)
        y = first + (y if normed else PReLU(name="slope_after")(y))
        last = 0.0 if self.skip else 1.0  # with the skip it begins as bicubic enlargement
        if self.ending == "direct":
            y = layer(y, "output", self.image_channels * self.factor**2, gain=last)
            y = pixel_shuffle(y, self.factor)
        else:
            for k in range(_doublings(self.factor)):
                y = PReLU(name=f"slope_up{k}")(pixel_shuffle(layer(y, f"up{k}", 4 * self.width), 2))
            y = layer(y, "output", self.image_channels, size=self.kernel, gain=last)
        y = widen(y)
        y = jnp.tanh(y) if self.output == "tanh" else y
        return y + enlarge_bicubic(widen(x), self.factor) if self.skip else y

    @nn.nowrap
    def init_variables(self, key: Array) -> dict:
        """Random parameters, {"params": ...} and "batch_stats" if the norm has any."""
        return dict(self.lazy_init(key, jax.ShapeDtypeStruct((1, 8, 8, self.image_channels), jnp.float32)))


class Critic(nn.Module):
    """Pictures [b, h, w, c] in [-1, 1] -> scores [b], logits: higher is more real. Sides are multiples of 16.

    It sees them in [0, 1], as the public code does.

    Fields:
        widths: channels of the four pairs of convolutions, of which the second one of each halves the map.
        dense: channels of the layer before the score.
        norm, dtype, trained_on: as of `Generator`; the first convolution is not normalised.
        slope: of the LeakyReLU.
    """

    widths: tuple[int, ...] = (64, 128, 256, 512)
    dense: int = 1024
    norm: str = "batch"
    slope: float = 0.2
    dtype: jnp.dtype = jnp.float32
    trained_on: str | None = None

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Scores [b], float32; `train` as of `Generator`."""
        same, strided = (training_form(operation, platform=self.trained_on) for operation in ("same", "strided"))
        y = (x + 1) / 2
        for k, width in enumerate(self.widths):
            norm = self.norm if k else "none"
            y = Same(width, 3, norm, self.dtype, same, name=f"layer{2 * k}")(y, train=train)
            y = leaky_relu(y, self.slope)
            y = Strided(width, 3, self.norm, self.dtype, strided, name=f"layer{2 * k + 1}")(y, train=train)
            y = leaky_relu(y, self.slope)
        y = jnp.mean(widen(y), axis=(1, 2))
        y = leaky_relu(Dense(self.dense, y.dtype, name="dense")(y), self.slope)
        return Dense(1, y.dtype, name="output")(y)[:, 0]

    @nn.nowrap
    def init_variables(self, key: Array) -> dict:
        """Random parameters, {"params": ...} and "batch_stats" if the norm has any."""
        return dict(self.lazy_init(key, jax.ShapeDtypeStruct((1, 16, 16, 3), jnp.float32)))


def _doublings(factor: int) -> int:
    return factor.bit_length() - 1


def at_rest(variables: dict) -> dict[str, Any]:
    """Parameters of a trained generator for one of norm "none": its batch norms folded into the kernels.

    Arguments:
        variables: {"params": ...} and, with the norm "batch", "batch_stats".
    """

    def scaled(block: dict) -> dict:
        if "scale" not in block:
            return block
        kernel = np.asarray(block["kernel"]) * np.asarray(block["scale"])
        return {"kernel": kernel, "bias": block["bias"]}

    return {name: scaled(block) for name, block in fold(variables).items()}


def to_config(generator: Generator) -> dict[str, Any]:
    """The table "config" of the card of a trained generator."""
    return {name: getattr(generator, name) for name in OF_CONFIG}


def from_config(config: Mapping[str, Any]) -> Generator:
    """The generator of a card's table "config", at rest.

    Raises:
        KeyError, TypeError, ValueError: it describes none.

    Example:
        >>> from_config(to_config(Generator(blocks=2, width=8))).reach
        12
    """
    values = {name: config[name] for name in OF_CONFIG}
    for name in ("blocks", "width", "factor", "kernel"):
        if type(values[name]) is not int or not 1 <= values[name] <= 4096:
            raise ValueError(f"`{name}` must be a whole number from 1 to 4096, got {values[name]!r}")
    for name, known in (
        ("factor", (2, 4)), ("skip", (False, True)), ("output", ("linear", "tanh")), ("ending", ("shuffles", "direct")),
        ("before_sum", ("norm", "prelu")),
    ):  # fmt: skip
        if values[name] not in known:
            raise ValueError(f"`{name}` must be one of {', '.join(map(str, known))}, got {values[name]!r}")
    return Generator(**values, norm="none")
