"""Generator and critic of progressive growing of GANs (Karras et al., ICLR 2018), for 8 to 1024 pixels.

The generator is laid out as in mGANprior: every block starts with pixel norm, so that the features between two blocks
are the un-normalised activations which mGANprior composes. NVIDIA's graph normalises at the end of a block instead:
the same image, another tensor at the split.

    block 2b     stage b (resolution 4 * 2^b): pixel norm, nearest x2 for b > 0, 3x3 convolution, LeakyReLU 0.2
    block 2b+1   pixel norm, 3x3 convolution, LeakyReLU 0.2
    output{b}    pixel norm, 1x1 convolution to the image channels, no activation

"Layer L" is the map after the first L blocks: L = 4 is 8x8, 6 is 16x16, 8 is 32x32. The critic mirrors the numbering
and runs from its highest layer down to layer0. During growth, `stage` selects the resolution (static, one compilation
each) and `fade` in [0, 1] (traced) is the weight of the previous stage: the level of detail of the original is
lod = (last stage - stage) + fade.
"""

import math
from collections.abc import Mapping
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.errors import ArgumentError
from jaxprior.nn.convolution import choose_form
from jaxprior.nn.elementwise import add_bias, leaky_relu, widen
from jaxprior.nn.equalised import SQRT2, EqualConv, frozen_kernel
from jaxprior.nn.norm import minibatch_stddev, pixel_norm
from jaxprior.nn.pooling import downsample, upsample


Array = jax.Array


def to_config(generator: "Generator") -> dict:
    """What a card says of a trained generator, and of the critic of the same widths beside it."""
    return {
        "resolution": generator.resolution,
        "latent_dim": generator.latent_dim,
        "widths": list(generator.widths),
        "image_channels": generator.image_channels,
        "upsample": "fused" if generator.fused else "nearest",
    }


def from_config(config: Mapping) -> tuple["Generator", "Critic"]:
    """The two networks that a card's `config` describes.

    Raises:
        KeyError, TypeError: something is missing, or unknown.
    """
    config = dict(config)
    config.pop("resolution", None)
    latent_dim, widths = config.pop("latent_dim"), tuple(config.pop("widths"))
    config["fused"] = {"nearest": False, "fused": True}[config.pop("upsample")]
    return Generator(widths, latent_dim, **config), Critic(widths, **config)


class Generator(nn.Module):
    """Latent code [b, latent] -> image [b, r, r, c], roughly in [-1, 1] (there is no final tanh).

    Fields:
        widths: channels of the stages 4x4, 8x8, ...; their number sets the resolution.
        latent_dim: length of a latent code.
        image_channels: 1 or 3.
        fused: compute the up-convolutions from phase kernels; the same function and the same parameters.
        frozen: expect parameters prepared by the method `freeze` (scaled kernels, phases); for inversion.
        platform: kind of device that frozen parameters are prepared for, "cpu", "gpu" or "tpu".
        dtype: of the convolutions; pixel norms and images stay float32.
    """

    widths: tuple[int, ...]
    latent_dim: int = 512
    image_channels: int = 3
    fused: bool = False
    frozen: bool = False
    platform: str = "cpu"
    dtype: jnp.dtype = jnp.float32

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of one image, (r, r, c)."""
        return (self.resolution, self.resolution, self.image_channels)

    @property
    def resolution(self) -> int:
        """Pixels of a side."""
        return 2 << len(self.widths)

    @property
    def num_layers(self) -> int:
        """Number of convolution blocks: the highest layer at which codes can be composed."""
        return 2 * len(self.widths)

    def channels(self, layer: int) -> int:
        """Number of feature maps after the first `layer` blocks."""
        return self.widths[_stage_of(layer, self.num_layers)]

    def feature_size(self, layer: int) -> int:
        """Side in pixels of the feature maps after the first `layer` blocks."""
        return 4 << _stage_of(layer, self.num_layers)

    def setup(self):
        """Blocks under hand-given names: layer0 ... layer{2S-1}, output0 ... output{S-1}."""
        self.layer0 = DenseTo4x4(self.widths[0], frozen=self.frozen, dtype=self.dtype)
        for k in range(1, self.num_layers):
            form = self.form_of(k)
            block = EqualConv(self.widths[k // 2], form=form, frozen=self.frozen, dtype=self.dtype)
            setattr(self, f"layer{k}", block)
        for b in range(len(self.widths)):
            block = EqualConv(self.image_channels, 1, gain=1.0, frozen=self.frozen, dtype=self.dtype)
            setattr(self, f"output{b}", block)

    def form_of(self, k: int) -> str:
        """How block k convolves, one of `jaxprior.nn.convolution.FORMS`."""
        operation = "up" if k > 0 and k % 2 == 0 else "same"
        if self.frozen and k > 0:
            channels = self.widths[(k - 1) // 2], self.widths[k // 2]
            return choose_form(operation, platform=self.platform, frozen=True, channels=channels, dtype=self.dtype)
        return "up_phases" if operation == "up" and self.fused else operation

    def blocks(self, x: Array, start: int, stop: int) -> Array:
        """Blocks start ... stop - 1."""
        for k in range(start, stop):
            x = leaky_relu(getattr(self, f"layer{k}")(pixel_norm(x)))
        return x

    def to_image(self, x: Array, stage: int) -> Array:
        """Features of a stage -> its image, float32 or wider."""
        return widen(getattr(self, f"output{stage}")(pixel_norm(x)))

    def head(self, z: Array, layer: int) -> Array:
        """Codes [b, latent] -> features [b, s, s, channels(layer)] after the first `layer` blocks."""
        _stage_of(layer, self.num_layers)
        return self.blocks(z, 0, layer)

    def tail(self, features: Array, layer: int) -> Array:
        """Features after the first `layer` blocks -> images [b, r, r, c]."""
        _stage_of(layer, self.num_layers)
        return self.to_image(self.blocks(features, layer, self.num_layers), len(self.widths) - 1)

    def __call__(self, z: Array, *, stage: int | None = None, fade: Array | float | None = None) -> Array:
        """Images of one stage.

        Arguments:
            z: codes [b, latent]; their scale does not matter.
            stage: 0 for 4x4, 1 for 8x8, ...; the last by default.
            fade: weight of the previous stage's upsampled image, 0 to 1; None for none.

        Returns:
            Images [b, 4 * 2^stage, 4 * 2^stage, c].
        """
        stage = len(self.widths) - 1 if stage is None else stage
        if stage == 0 or fade is None:
            return self.to_image(self.blocks(z, 0, 2 * stage + 2), stage)
        below = self.blocks(z, 0, 2 * stage)
        image = self.to_image(self.blocks(below, 2 * stage, 2 * stage + 2), stage)
        return image + (upsample(self.to_image(below, stage - 1)) - image) * fade

    def stages(self, z: Array) -> tuple[Array, ...]:
        """The images of all stages, 4x4 first; touches every parameter."""
        x, images = z, []
        for b in range(len(self.widths)):
            x = self.blocks(x, 2 * b, 2 * b + 2)
            images.append(self.to_image(x, b))
        return tuple(images)

    @nn.nowrap
    def init_params(self, key: Array) -> dict:
        """Random parameters of all stages: raw N(0, 1) kernels and zero biases."""
        return dict(self.init(key, jnp.zeros((1, self.latent_dim)), method="stages")["params"])

    @nn.nowrap
    def freeze(self, params: dict, *, platform: str, precision: str) -> tuple["Generator", dict]:
        """Prepare trained parameters for inversion: constants multiplied in, up-convolutions as phase kernels.

        Arguments:
            params: raw parameters of this generator.
            platform: kind of device that will compute, "cpu", "gpu" or "tpu".
            precision: "bf16" computes the convolutions in bfloat16; "fp32" and "tf32" in the network's own type.

        Returns:
            (network, parameters) that compute the same images, to rounding, from frozen weights.
        """
        dtype = jnp.bfloat16 if precision == "bf16" else self.dtype
        frozen = self.clone(frozen=True, platform=platform, dtype=dtype)
        return frozen, _prepare(frozen, params)


@partial(jax.jit, static_argnums=0)
def _prepare(frozen: Generator, params: dict) -> dict:
    """Raw parameters as a frozen generator wants them."""

    def prepare(name: str, block: dict) -> dict:
        if name == "layer0":
            return {**block, "kernel": dense_kernel(block["kernel"])}
        is_output = name.startswith("output")
        form = "same" if is_output else frozen.form_of(int(name.removeprefix("layer")))
        return {**block, "kernel": frozen_kernel(block["kernel"], 1.0 if is_output else SQRT2, form)}

    return {name: prepare(name, block) for name, block in params.items()}


class Critic(nn.Module):
    """Image [b, r, r, c] -> score [b]; unbounded, higher is more real.

    Fields:
        widths: channels of the stages 4x4, 8x8, ..., as the generator's.
        image_channels: 1 or 3.
        fused: average before the activation, in one strided convolution, instead of after it. Another function.
        group_size: of the minibatch standard deviation.
        dtype: of the convolutions.
    """

    widths: tuple[int, ...]
    image_channels: int = 3
    fused: bool = False
    group_size: int = 4
    dtype: jnp.dtype = jnp.float32

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
        for b, width in enumerate(self.widths):
            setattr(self, f"input{b}", EqualConv(width, 1, dtype=self.dtype))
            setattr(self, f"layer{2 * b + 1}", EqualConv(width, dtype=self.dtype))
            if b:
                form = "down" if self.fused else "same"
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
        x = leaky_relu(self.layer1(minibatch_stddev(x, self.group_size)))
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


class DenseTo4x4(nn.Module):
    """Latent code [b, d] -> features [b, 4, 4, features]; the kernel is [d, 4, 4, features].

    The gain over fan_in is the original's: sqrt(2) / 4 over d for the TensorFlow dense layer, which equals sqrt(2) over
    the 16 d of mGANprior's 4x4 convolution.
    """

    features: int
    frozen: bool = False
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, z: Array) -> Array:
        shape = (z.shape[-1], 4, 4, self.features)
        raw = self.param("kernel", nn.initializers.normal(1.0), shape)
        kernel = raw if self.frozen else dense_kernel(raw)
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        y = jnp.einsum("bi,iyxo->byxo", z.astype(self.dtype), kernel.astype(self.dtype))
        return add_bias(y, bias)


def dense_kernel(raw: Array) -> Array:
    """layer0's kernel with its run-time constant, [d, 4, 4, features]."""
    return raw * (SQRT2 / math.sqrt(16 * raw.shape[0]))


class DenseFrom4x4(nn.Module):
    """Features [b, 4, 4, c] -> [b, features]; the kernel is [4, 4, c, features]. Float32."""

    features: int | None = None

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (*x.shape[1:], self.features or x.shape[-1])
        raw = self.param("kernel", nn.initializers.normal(1.0), shape)
        bias = self.param("bias", nn.initializers.zeros_init(), shape[-1:])
        kernel = frozen_kernel(raw, SQRT2, "same")
        return add_bias(jnp.einsum("byxi,yxio->bo", x.astype(jnp.float32), kernel), bias)


class EqualDense(nn.Module):
    """Dense layer [b, i] -> [b, features] with equalised learning rate. Float32."""

    features: int
    gain: float = SQRT2

    @nn.compact
    def __call__(self, x: Array) -> Array:
        raw = self.param("kernel", nn.initializers.normal(1.0), (x.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        return add_bias(x @ frozen_kernel(raw, self.gain, "same"), bias)


def _stage_of(layer: int, num_layers: int) -> int:
    if not 1 <= layer <= num_layers:
        raise ArgumentError(f"`layer` must be between 1 and {num_layers} for this generator, got {layer}.")
    return (layer - 1) // 2
