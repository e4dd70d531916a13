"""SinGAN (Shaham et al., ICCV 2019): generator and critic of ONE scale of a pyramid, patch networks of few layers.

    generator    noisy image, with a margin -> convolutions without padding -> tanh, + the image from the scale below
    critic       image -> convolutions without padding -> one score for each of its patches

Five 3x3 layers see patches of 11x11 pixels. Every convolution but the last is followed by a norm and a LeakyReLU.
Official networks also have a bias before each norm, which the norm takes away again; here there is none, and a
converter moves it into the running mean. The last layer's bias starts at zero, PyTorch's at random. Running variances
are Flax's, of the batch as it is; PyTorch's are larger by n / (n - 1) for n pixels, 0.07 % at the coarsest scale.
"""

import typing
from collections.abc import Mapping, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.models.singan.config import KERNEL, MAX_LAYERS, Norm
from jaxprior.nn.convolution import FORMS, choose_form
from jaxprior.nn.elementwise import leaky_relu, widen
from jaxprior.nn.norm import DEVIATION, EPSILON, normalised, scale_init
from jaxprior.nn.norm import fold as fold
from jaxprior.system.devices import default_platform


Array = jax.Array
NORMS = typing.get_args(Norm)
"""What may follow a convolution: see `PatchNetwork`. `fold` makes "affine" parameters of trained ones with "batch"."""


class PatchNetwork(nn.Module):
    """What the two networks of a scale have in common: their fields and layers.

    Fields:
        width: number of channels of the first layer.
        least_width: the k-th layer after it has width / 2^k channels, but not fewer than this.
        layers: number of convolutions, the last one included; at least 2.
        kernel: side of the kernels, odd.
        norm: "batch": by the batch's statistics in training, else by their running averages (collection
            "batch_stats"); "instance": by each image's own statistics, always; "affine": scale and bias, which is what
            `fold` leaves; "none": a bias.
        slope: slope of the LeakyReLU below zero.
        image_channels: number of channels of an image, 1 or 3.
        dtype: number type of the convolutions; normalisation and images stay float32.
        platform: kind of device that computes, "cpu", "gpu" or "tpu"; JAX's default where None.
    """

    width: int = 32
    least_width: int = 32
    layers: int = 5
    kernel: int = KERNEL
    norm: str = "batch"
    slope: float = 0.2
    image_channels: int = 3
    dtype: jnp.dtype = jnp.float32
    platform: str | None = None

    @property
    def widths(self) -> tuple[int, ...]:
        """Number of channels after every layer but the last."""
        return self.width, *(max(self.width >> k, self.least_width) for k in range(1, self.layers - 1))

    @property
    def margin(self) -> int:
        """Pixels that the convolutions take away on each side."""
        return self.layers * (self.kernel - 1) // 2

    @property
    def channels(self) -> int:
        """Number of channels that the last layer gives."""
        raise NotImplementedError

    def setup(self):
        """Make the blocks under the names layer0, layer1 and so on, and output."""
        for k, width in enumerate(self.widths):
            setattr(self, f"layer{k}", Block(width, self.kernel, self.norm, self.dtype, self.platform))
        self.output = Block(self.channels, self.kernel, "none", self.dtype, self.platform)

    def blocks(self, x: Array, *, train: bool) -> Array:
        """Apply all layers: [b, h, w, c] -> [b, h - 2 margin, w - 2 margin, channels], float32."""
        for k in range(self.layers - 1):
            x = leaky_relu(getattr(self, f"layer{k}")(x, train=train), self.slope)
        return widen(self.output(x, train=train))


class Generator(PatchNetwork):
    """Noisy image with a margin and the image from below -> image [b, h, w, c]. Fields: see `PatchNetwork`."""

    @property
    def channels(self) -> int:
        """Number of channels of an image."""
        return self.image_channels

    def __call__(self, z: Array, below: Array, *, train: bool = False) -> Array:
        """One scale of the pyramid.

        Arguments:
            z: amplitude x noise + the image from below, zero-padded, [b, h + 2 margin, w + 2 margin, c].
            below: the image from below, in [-1, 1]; if it is larger than [b, h, w, c], its centre is taken.
            train: normalise by the batch; then "batch_stats" is changed.

        Returns:
            Images [b, h, w, c], float32: the sum is in [-2, 2], not clipped, and mostly stays within [-1, 1].
        """
        change = jnp.tanh(self.blocks(z, train=train))
        height, width = change.shape[1:3]
        top, left = (below.shape[1] - height) // 2, (below.shape[2] - width) // 2
        return change + below[:, top : top + height, left : left + width]

    @nn.nowrap
    def init_variables(self, key: Array) -> dict:
        """Random parameters, {"params": ...} and "batch_stats" if the norm has any."""
        side = 1 + 2 * self.margin
        pixel, padded = (jax.ShapeDtypeStruct((1, n, n, self.image_channels), jnp.float32) for n in (1, side))
        return dict(self.lazy_init(key, padded, pixel))


class Critic(PatchNetwork):
    """Images [b, h, w, c] -> scores of their patches [b, h - 2 margin, w - 2 margin, 1]; unbounded, high is real.

    Fields: see `PatchNetwork`.
    """

    @property
    def channels(self) -> int:
        """One channel, the score."""
        return 1

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Scores, float32, of images in [-1, 1]; `train` as in `Generator`. Official critics never leave training."""
        return self.blocks(x, train=train)

    @nn.nowrap
    def init_variables(self, key: Array) -> dict:
        """Random parameters, {"params": ...} and "batch_stats" if the norm has any."""
        side = 1 + 2 * self.margin
        return dict(self.lazy_init(key, jax.ShapeDtypeStruct((1, side, side, self.image_channels), jnp.float32)))


class Block(nn.Module):
    """A convolution without padding and the norm that follows it, as PyTorch's Conv2d(k) and its norm."""

    features: int
    size: int
    norm: str
    dtype: jnp.dtype
    platform: str | None = None

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        shape = (self.size, self.size, x.shape[-1], self.features)
        kernel = self.param("kernel", nn.initializers.normal(DEVIATION), shape)
        form = FORMS[choose_form("valid", platform=self.platform or default_platform())]
        x = form.apply(x.astype(self.dtype), kernel.astype(self.dtype))
        if self.norm == "instance":
            return nn.InstanceNorm(epsilon=EPSILON, scale_init=scale_init, name="norm")(widen(x)).astype(x.dtype)
        return normalised(self, x, train)


def to_config(generators: Sequence[Generator], critics: Sequence[Critic] | None) -> dict:
    """What a card says of the networks of all scales, coarsest first; "critic_norm" is None without critics."""
    one = generators[0]
    return {
        "widths": [network.width for network in generators],
        "least_widths": [network.least_width for network in generators],
        "layers": one.layers,
        "kernel": one.kernel,
        "norm": one.norm,
        "critic_norm": critics[0].norm if critics else None,
        "slope": one.slope,
        "image_channels": one.image_channels,
    }


def from_config(config: Mapping) -> tuple[tuple[Generator, ...], tuple[Critic, ...] | None]:
    """The networks that a card's `config` describes, coarsest scale first.

    Raises:
        KeyError, TypeError: something is missing, unknown, or not a number that it can be.
    """
    config = dict(config)
    widths, least = config.pop("widths"), config.pop("least_widths")
    critic_norm, norm = config.pop("critic_norm"), config.pop("norm")
    _check_config(config, widths, least, norm, critic_norm)
    pairs = list(zip(widths, least, strict=True))
    generators = tuple(Generator(*pair, norm=norm, **config) for pair in pairs)
    return generators, None if critic_norm is None else tuple(Critic(*p, norm=critic_norm, **config) for p in pairs)


def _check_config(config: dict, widths, least, norm, critic_norm) -> None:
    counts = [config["layers"], config["kernel"], config["image_channels"], *widths, *least]
    if not widths or len(widths) != len(least) or not all(type(n) is int and n > 0 for n in counts):
        raise TypeError("widths, least_widths, layers, kernel and image_channels are whole numbers, one pair a scale")
    if not 2 <= config["layers"] <= MAX_LAYERS or config["kernel"] % 2 == 0:
        raise TypeError(f"layers {config['layers']}, kernel {config['kernel']}; expected 2 to {MAX_LAYERS}, and odd")
    if norm not in NORMS or critic_norm not in (*NORMS, None):
        raise TypeError(f"norms {norm!r} and {critic_norm!r}; expected of {', '.join(NORMS)}")
