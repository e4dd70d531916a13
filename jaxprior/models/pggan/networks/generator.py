"""Generator of progressive growing of GANs (Karras et al., ICLR 2018), for 8 to 1024 pixels.

It is laid out as in mGANprior: every block starts with pixel norm, so that the features between two blocks are the
un-normalised activations which mGANprior composes. NVIDIA's graph normalises at the end of a block instead: the same
image, another tensor at the split.

    block 2b     stage b (resolution 4 * 2^b): pixel norm, nearest x2 for b > 0, 3x3 convolution, LeakyReLU 0.2
    block 2b+1   pixel norm, 3x3 convolution, LeakyReLU 0.2
    output{b}    pixel norm, 1x1 convolution to the image channels, no activation

"Layer L" is the map after the first L blocks: L = 4 is 8x8, 6 is 16x16, 8 is 32x32. During growth, `stage` selects the
resolution (static, one compilation each) and `fade` in [0, 1] (traced) is the weight of the previous stage: the level
of detail of the original is lod = (last stage - stage) + fade.

Public implementations differ from the original in details. Where such a detail changes the function, it is an option
(`config.OPTIONS`), whose default is the original's.
"""

import math
from functools import partial
from typing import Literal, get_args

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.checks import kind_of, one_of
from jaxprior.errors import ArgumentError
from jaxprior.models.pggan.networks.dense import DenseTo4x4, dense_kernel
from jaxprior.nn.convolution import choose_form, training_form
from jaxprior.nn.elementwise import leaky_relu, widen
from jaxprior.nn.equalised import SQRT2, EqualConv, frozen_kernel
from jaxprior.nn.norm import FEW_CHANNELS, pixel_norm, pixel_norm_of_few, rms_norm
from jaxprior.nn.pooling import upsample
from jaxprior.system.devices import CPU


Array = jax.Array

FirstBias = Literal["channel", "position"]
Output = Literal["none", "clip", "tanh"]
NormEpsilon = Literal["inside", "outside"]
Outputs = Literal["all", "last"]

_WORDS = {"first_bias": FirstBias, "output": Output, "norm_epsilon": NormEpsilon, "outputs": Outputs}


class Generator(nn.Module):
    """Latent code [b, latent] -> image [b, r, r, c], roughly in [-1, 1] (the original has no final tanh).

    Fields:
        widths: channels of the stages 4x4, 8x8, ...; their number sets the resolution.
        latent_dim: length of a latent code.
        image_channels: 1 or 3.
        fused: compute the up-convolutions from phase kernels; the same function and the same parameters.
        frozen: expect parameters prepared by the method `freeze` (scaled kernels, phases); for inversion.
        platform: kind of device that frozen parameters are prepared for, "cpu", "gpu" or "tpu".
        dtype: of the convolutions; pixel norms and images stay float32.
        first_bias: what has a bias of its own in layer0, a "channel", or every "position" of every channel.
        output: what happens to the images at the end, after a fade: nothing ("none"), "clip" to [-1, 1], or "tanh".
        normalize_latents: begin with the pixel norm of the code. Without it, the length of a code matters.
        norm_before_layer1: block 1 begins with a pixel norm, like all others.
        norm_epsilon: pixel norm with 1e-8 "inside" the root; or as in mmgeneration, with 1e-5 (1e-6 for codes) added
            "outside" of it.
        outputs: "all" stages have an output{b}, or the "last" alone: then only its images can be made.
        trained_on: kind of the devices that train it, "cpu", "gpu" or "tpu"; None where it is only applied.
        label: numbers that are appended to every code, before its norm: a label input that is held fixed.
    """

    widths: tuple[int, ...]
    latent_dim: int = 512
    image_channels: int = 3
    fused: bool = False
    frozen: bool = False
    platform: str = "cpu"
    dtype: jnp.dtype = jnp.float32
    first_bias: FirstBias = "channel"
    output: Output = "none"
    normalize_latents: bool = True
    norm_before_layer1: bool = True
    norm_epsilon: NormEpsilon = "inside"
    outputs: Outputs = "all"
    label: tuple[float, ...] = ()
    trained_on: str | None = None

    def __post_init__(self):
        for name, words in _WORDS.items():
            one_of(name, getattr(self, name), get_args(words))
        for name in ("normalize_latents", "norm_before_layer1"):
            kind_of(name, getattr(self, name), bool, "True or False")
        if not all(math.isfinite(number) for number in self.label):
            raise ArgumentError(f"`label` must be finite numbers, got {self.label}.")
        super().__post_init__()

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

    @property
    def last_stage(self) -> int:
        """Number of the stage of the full resolution."""
        return len(self.widths) - 1

    @property
    def output_stages(self) -> range:
        """The stages of which images can be made."""
        return range(self.last_stage if self.outputs == "last" else 0, len(self.widths))

    def setup(self):
        """Blocks under hand-given names: layer0 ... layer{2S-1}, output0 ... output{S-1}."""
        self.layer0 = DenseTo4x4(self.widths[0], self.first_bias, frozen=self.frozen, dtype=self.dtype)
        for k in range(1, self.num_layers):
            form = self.form_of(k)
            block = EqualConv(self.widths[k // 2], form=form, frozen=self.frozen, dtype=self.dtype)
            setattr(self, f"layer{k}", block)
        for b in self.output_stages:
            block = EqualConv(self.image_channels, 1, gain=1.0, frozen=self.frozen, dtype=self.dtype)
            setattr(self, f"output{b}", block)

    def form_of(self, k: int) -> str:
        """How block k convolves, one of `jaxprior.nn.convolution.FORMS`."""
        operation = "up" if k > 0 and k % 2 == 0 else "same"
        if self.frozen and k > 0:
            channels = self.widths[(k - 1) // 2], self.widths[k // 2]
            return choose_form(operation, platform=self.platform, frozen=True, channels=channels, dtype=self.dtype)
        form = training_form(operation, platform=self.trained_on)
        return "up_phases" if form == "up" and self.fused else form

    def blocks(self, x: Array, start: int, stop: int) -> Array:
        """Blocks start ... stop - 1."""
        for k in range(start, stop):
            x = leaky_relu(getattr(self, f"layer{k}")(self.entering(x, k)))
        return x

    def entering(self, x: Array, k: int) -> Array:
        """Codes or features, as the layer of block k gets them: normalised where this generator does that."""
        if k == 0 and self.label:
            label = jnp.asarray(self.label, x.dtype)[None]
            x = jnp.concatenate([x, jnp.broadcast_to(label, (len(x), len(self.label)))], axis=-1)
        left_out = (k == 0 and not self.normalize_latents) or (k == 1 and not self.norm_before_layer1)
        return x if left_out else self.norm(x, outside=1e-6 if k == 0 else 1e-5)

    def norm(self, x: Array, *, outside: float = 1e-5) -> Array:
        """Pixel norm; `outside` is the epsilon where this generator adds it outside of the root."""
        if self.norm_epsilon == "outside":
            return rms_norm(x, epsilon=outside)
        on_cpu = self.frozen and self.platform == CPU
        return pixel_norm_of_few(x) if on_cpu and x.shape[-1] in FEW_CHANNELS else pixel_norm(x)

    def to_image(self, x: Array, stage: int) -> Array:
        """Features of a stage -> its image before `finished`, float32 or wider."""
        return widen(getattr(self, f"output{stage}")(self.norm(x)))

    def finished(self, images: Array) -> Array:
        """Images after what the field `output` names."""
        if self.output == "clip":
            return jnp.clip(images, -1.0, 1.0)
        return jnp.tanh(images) if self.output == "tanh" else images

    def head(self, z: Array, layer: int) -> Array:
        """Codes [b, latent] -> features [b, s, s, channels(layer)] after the first `layer` blocks."""
        _stage_of(layer, self.num_layers)
        return self.blocks(z, 0, layer)

    def tail(self, features: Array, layer: int) -> Array:
        """Features after the first `layer` blocks -> images [b, r, r, c]."""
        _stage_of(layer, self.num_layers)
        return self.finished(self.to_image(self.blocks(features, layer, self.num_layers), self.last_stage))

    def __call__(self, z: Array, *, stage: int | None = None, fade: Array | float | None = None) -> Array:
        """Images of one stage.

        Arguments:
            z: codes [b, latent]; their scale does not matter where they are normalised.
            stage: 0 for 4x4, 1 for 8x8, ...; the last by default.
            fade: weight of the previous stage's upsampled image, 0 to 1; None for none.

        Returns:
            Images [b, 4 * 2^stage, 4 * 2^stage, c].

        Raises:
            ArgumentError: an earlier stage, or a fade, of a generator that has the last output alone.
        """
        stage = self.last_stage if stage is None else stage
        if self.outputs == "last" and (stage != self.last_stage or fade is not None):
            raise ArgumentError(
                f"this generator has the output of its last stage alone (`outputs` is 'last'), so it makes images of "
                f"{self.resolution} pixels and nothing smaller or mixed: leave out `stage` and `fade`."
            )
        if stage == 0 or fade is None:
            return self.finished(self.to_image(self.blocks(z, 0, 2 * stage + 2), stage))
        below = self.blocks(z, 0, 2 * stage)
        image = self.to_image(self.blocks(below, 2 * stage, 2 * stage + 2), stage)
        return self.finished(image + (upsample(self.to_image(below, stage - 1)) - image) * fade)

    def stages(self, z: Array) -> tuple[Array, ...]:
        """The images of all stages that have an output, 4x4 first; touches every parameter."""
        x, images = z, []
        for b in range(len(self.widths)):
            x = self.blocks(x, 2 * b, 2 * b + 2)
            if b in self.output_stages:
                images.append(self.finished(self.to_image(x, b)))
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


def _stage_of(layer: int, num_layers: int) -> int:
    if not 1 <= layer <= num_layers:
        raise ArgumentError(f"`layer` must be between 1 and {num_layers} for this generator, got {layer}.")
    return (layer - 1) // 2
