"""Critic of progressive growing of GANs (Karras et al., ICLR 2018).

It mirrors the generator's numbering and runs from its highest layer down to layer0. During growth, `stage` and `fade`
mean what they mean for the generator.
"""

from typing import Literal, get_args

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.checks import one_of, whole_number
from jaxprior.models.pggan.networks.dense import DenseFrom4x4, EqualDense
from jaxprior.nn.convolution import training_form
from jaxprior.nn.elementwise import leaky_relu
from jaxprior.nn.equalised import EqualConv
from jaxprior.nn.norm import consecutive_stddev, minibatch_stddev
from jaxprior.nn.pooling import downsample


Array = jax.Array

Groups = Literal["strided", "consecutive"]


class Critic(nn.Module):
    """Image [b, r, r, c] -> score [b]; unbounded, higher is more real.

    Fields:
        widths: channels of the stages 4x4, 8x8, ..., as the generator's.
        image_channels: 1 or 3.
        fused: average before the activation, in one strided convolution, instead of after it. Another function.
        group_size: samples in a group of the minibatch standard deviation, at most: a smaller batch is one group.
        groups: which samples make a group: "strided" as in the original, see `jaxprior.nn.norm.minibatch_stddev`; or
            "consecutive" as in Facebook's pytorch_GAN_zoo, see `consecutive_stddev` there.
        dtype: of the convolutions.
        trained_on: kind of the devices that train it, "cpu", "gpu" or "tpu"; None where it is only applied.
    """

    widths: tuple[int, ...]
    image_channels: int = 3
    fused: bool = False
    group_size: int = 4
    groups: Groups = "strided"
    dtype: jnp.dtype = jnp.float32
    trained_on: str | None = None

    def __post_init__(self):
        whole_number("group_size", self.group_size, least=1)
        one_of("groups", self.groups, get_args(Groups))
        super().__post_init__()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of one image, (r, r, c)."""
        return (self.resolution, self.resolution, self.image_channels)

    @property
    def resolution(self) -> int:
        """Pixels of a side."""
        return 2 << len(self.widths)

    def setup(self):
        """Blocks under hand-given names: input{b}, layer{2S-1} ... layer0, output."""
        same, down = (training_form(operation, platform=self.trained_on) for operation in ("same", "down"))
        for b, width in enumerate(self.widths):
            setattr(self, f"input{b}", EqualConv(width, 1, dtype=self.dtype))
            setattr(self, f"layer{2 * b + 1}", EqualConv(width, form=same, dtype=self.dtype))
            if b:
                form = down if self.fused else same
                setattr(self, f"layer{2 * b}", EqualConv(self.widths[b - 1], form=form, dtype=self.dtype))
        self.layer0 = DenseFrom4x4(self.widths[0])
        self.output = EqualDense(1, gain=1.0)

    def from_image(self, x: Array, stage: int) -> Array:
        """Image of a stage -> its features."""
        return leaky_relu(getattr(self, f"input{stage}")(x))

    def down(self, x: Array, stage: int) -> Array:
        """Both convolutions of a stage above the lowest, and the halving."""
        x = leaky_relu(getattr(self, f"layer{2 * stage + 1}")(x))
        x = leaky_relu(getattr(self, f"layer{2 * stage}")(x))
        return x if self.fused else downsample(x)

    def score(self, x: Array) -> Array:
        """Features of the 4x4 stage [b, 4, 4, c] -> scores [b]. The only place where samples see each other."""
        with_deviation = minibatch_stddev if self.groups == "strided" else consecutive_stddev
        x = leaky_relu(self.layer1(with_deviation(x, self.group_size)))
        return self.output(leaky_relu(self.layer0(x)))[:, 0]

    def __call__(self, x: Array, *, stage: int | None = None, fade: Array | float | None = None) -> Array:
        """Scores of images of one stage.

        Arguments:
            x: images [b, 4 * 2^stage, 4 * 2^stage, c] in [-1, 1].
            stage: 0 for 4x4, 1 for 8x8, ...; the last by default.
            fade: weight of the previous stage's own reading of the halved image, 0 to 1; None for none.

        Returns:
            Scores [b], float32.
        """
        stage = len(self.widths) - 1 if stage is None else stage
        y = self.from_image(x, stage)
        for b in range(stage, 0, -1):
            y = self.down(y, b)
            if b == stage and fade is not None:
                y = y + (self.from_image(downsample(x), b - 1) - y) * fade
        return self.score(y)

    def features(self, x: Array) -> tuple[Array, ...]:
        """Feature maps of every stage, finest first, before anything that mixes samples: a perceptual embedding."""
        y = self.from_image(x, len(self.widths) - 1)
        maps = []
        for b in range(len(self.widths) - 1, 0, -1):
            y = self.down(y, b)
            maps.append(y)
        return tuple(maps)

    def stages(self, x: Array) -> tuple[Array, ...]:
        """Scores by every stage, finest first; touches every parameter."""
        top = len(self.widths) - 1
        return tuple(self(downsample(x, 1 << (top - b)), stage=b) for b in range(top, -1, -1))

    @nn.nowrap
    def init_params(self, key: Array) -> dict:
        """Random parameters of all stages: raw N(0, 1) kernels and zero biases."""
        example = jnp.zeros((1, *self.image_shape))
        return dict(self.init(key, example, method="stages")["params"])
