"""Deep convolutional GAN (Radford et al., ICLR 2016): generator and critic of doubling and halving convolutions.

    generator    code -> projection to 4x4 -> stride-2 transposed convolutions -> image; LeakyReLU, tanh at the end
    critic       image -> stride-2 convolutions -> 4x4 features, flattened -> one score

"Layer L" of the generator is the map after L activations: 1 is the projection, each further one twice as large. While
it is trained, a layer is normalised by its batch; a trained generator is exported with the running statistics folded
into one scale and one shift a channel, so that images never touch each other in an inversion.
"""

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.errors import ArgumentError
from jaxprior.nn.blocks import Strided, Transposed
from jaxprior.nn.convolution import training_form
from jaxprior.nn.elementwise import leaky_relu, widen
from jaxprior.nn.norm import DEVIATION, folded_norm, normalised
from jaxprior.nn.strided_critic import StridedCritic


Array = jax.Array

_kernel = nn.initializers.normal(DEVIATION)


def to_config(generator: "Generator", critic: "Critic") -> dict:
    """What a card says of two trained networks, whose statistics are folded."""
    return {
        "resolution": generator.resolution,
        "latent_dim": generator.latent_dim,
        "widths": list(generator.widths),
        "critic_widths": list(critic.widths),
        "image_channels": generator.image_channels,
        "kernel": generator.kernel,
        "norm": folded_norm(generator.norm),
        "critic_norm": folded_norm(critic.norm),
        "slope": generator.slope,
    }


def from_config(config: Mapping) -> tuple["Generator", "Critic"]:
    """The two networks that a card's `config` describes.

    Raises:
        KeyError, TypeError: something is missing, or unknown.
    """
    config = dict(config)
    resolution, latent_dim = config.pop("resolution"), config.pop("latent_dim")
    widths, critic_widths = tuple(config.pop("widths")), tuple(config.pop("critic_widths"))
    critic_norm = config.pop("critic_norm")
    generator = Generator(widths, latent_dim, **config)
    if generator.resolution != resolution:
        raise TypeError(f"{len(widths)} widths make {generator.resolution} pixels, not {resolution}")
    config.pop("norm", None)
    return generator, Critic(critic_widths, resolution, norm=critic_norm, **config)


class Generator(nn.Module):
    """Latent code [b, latent] -> image [b, r, r, c] in [-1, 1].

    Fields:
        widths: channels of the maps of 4x4, 8x8, ... before the image; their number sets the resolution.
        latent_dim: length of a latent code.
        image_channels: 1 or 3.
        kernel: side of the transposed convolutions' kernels.
        norm: see `jaxprior.nn.norm.normalised`.
        slope: of the LeakyReLU; 0 is ReLU.
        dropout: share of features dropped after every activation while `train`.
        dtype: of the convolutions; normalisation and images stay float32.
        trained_on: kind of the devices that train it, "cpu", "gpu" or "tpu"; None where it is only applied.
    """

    widths: tuple[int, ...] = (1024, 512, 256, 128)
    latent_dim: int = 100
    image_channels: int = 3
    kernel: int = 4
    norm: str = "batch"
    slope: float = 0.2
    dropout: float = 0.0
    dtype: jnp.dtype = jnp.float32
    trained_on: str | None = None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of one image, (r, r, c)."""
        return (self.resolution, self.resolution, self.image_channels)

    @property
    def resolution(self) -> int:
        """Pixels of a side."""
        return 4 << len(self.widths)

    @property
    def num_layers(self) -> int:
        """The highest layer at which codes can be composed."""
        return len(self.widths)

    def channels(self, layer: int) -> int:
        """Number of feature maps after the first `layer` blocks."""
        self._check(layer)
        return self.widths[layer - 1]

    def feature_size(self, layer: int) -> int:
        """Side in pixels of the feature maps after the first `layer` blocks."""
        self._check(layer)
        return 2 << layer

    def _check(self, layer: int) -> None:
        if not 1 <= layer <= self.num_layers:
            raise ArgumentError(f"`layer` must be between 1 and {self.num_layers} for this generator, got {layer}.")

    def setup(self):
        """Blocks under hand-given names: layer0 (the projection), layer1 ..., output."""
        self.layer0 = Project(self.widths[0], self.norm, self.dtype)
        form = training_form("transposed", platform=self.trained_on)
        for k, width in enumerate(self.widths[1:], 1):
            setattr(self, f"layer{k}", Transposed(width, self.kernel, self.norm, self.dtype, form))
        self.output = Transposed(self.image_channels, self.kernel, "none", self.dtype, form)
        self.drop = nn.Dropout(self.dropout)

    def blocks(self, x: Array, start: int, stop: int, *, train: bool = False) -> Array:
        """Blocks start ... stop - 1, each with its activation."""
        for k in range(start, stop):
            x = leaky_relu(getattr(self, f"layer{k}")(x, train=train), self.slope)
            x = self.drop(x, deterministic=not train)
        return x

    def head(self, z: Array, layer: int) -> Array:
        """Codes [b, latent] -> features [b, s, s, channels(layer)] after the first `layer` blocks."""
        self._check(layer)
        return self.blocks(z, 0, layer)

    def tail(self, features: Array, layer: int, *, train: bool = False) -> Array:
        """Features after the first `layer` blocks -> images [b, r, r, c]."""
        self._check(layer)
        return jnp.tanh(widen(self.output(self.blocks(features, layer, self.num_layers, train=train), train=train)))

    def __call__(self, z: Array, *, train: bool = False) -> Array:
        """Images of codes.

        Arguments:
            z: codes [b, latent].
            train: normalise by the batch, and drop; then "batch_stats" is changed and "dropout" wants a key.

        Returns:
            Images [b, r, r, c], float32.
        """
        return self.tail(self.blocks(z, 0, 1, train=train), 1, train=train)

    @nn.nowrap
    def init_variables(self, key: Array) -> dict:
        """Random parameters, {"params": ...} and "batch_stats" if the norm has any."""
        return dict(self.lazy_init(key, jax.ShapeDtypeStruct((1, self.latent_dim), jnp.float32)))

    @nn.nowrap
    def init_params(self, key: Array) -> dict:
        """Random parameters without statistics, of a generator that has none."""
        return self.init_variables(key)["params"]

    @nn.nowrap
    def freeze(self, params: dict, *, platform: str, precision: str) -> tuple["Generator", dict]:
        """Prepare trained parameters for inversion: scales multiplied into the kernels.

        Arguments:
            params: of a generator with norm "affine" or "none".
            platform: has no effect; transposed convolutions have one form for all devices.
            precision: "bf16" computes the convolutions in bfloat16; "fp32" and "tf32" in the network's own type.

        Returns:
            (network, parameters) that compute the same images, to rounding.
        """
        def scaled(block: dict) -> dict:
            scale = block.get("scale", jnp.ones(block["kernel"].shape[-1]))
            return {"kernel": block["kernel"] * scale.reshape(1, 1, 1, -1), "bias": block["bias"]}

        frozen = {name: scaled(block) for name, block in params.items()}
        return self.clone(norm="none", dtype=jnp.bfloat16 if precision == "bf16" else self.dtype), frozen


class Critic(StridedCritic):
    """Image [b, r, r, c] -> score [b]; unbounded, higher is more real.

    Fields:
        widths: channels after every halving; r / 2^len(widths) is the side of the last map, which is flattened.
        resolution: pixels of a side.
        image_channels, kernel, norm, slope, dropout, dtype, trained_on: as of `Generator`; the first convolution is
            not normalised.
    """

    widths: tuple[int, ...] = (64, 128, 256, 512)
    resolution: int = 64
    image_channels: int = 3
    kernel: int = 4
    norm: str = "batch"
    slope: float = 0.2
    dropout: float = 0.0
    dtype: jnp.dtype = jnp.float32
    trained_on: str | None = None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of one image, (r, r, c)."""
        return (self.resolution, self.resolution, self.image_channels)

    def setup(self):
        """Blocks under hand-given names: layer0 ..., output."""
        form = training_form("strided", platform=self.trained_on)
        for k, width in enumerate(self.widths):
            setattr(self, f"layer{k}", Strided(width, self.kernel, self.norm if k else "none", self.dtype, form))
        self.output = nn.Dense(1, kernel_init=_kernel)
        self.drop = nn.Dropout(self.dropout)

    def activated(self, x: Array, *, train: bool) -> Array:
        """LeakyReLU and dropout follow a layer."""
        return self.drop(leaky_relu(x, self.slope), deterministic=not train)


class Project(nn.Module):
    """Code [b, d] -> features [b, 4, 4, features]; the kernel is [d, 4, 4, features]."""

    features: int
    norm: str
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, z: Array, *, train: bool = False) -> Array:
        kernel = self.param("kernel", _kernel, (z.shape[-1], 4, 4, self.features))
        x = jnp.einsum("bi,iyxo->byxo", z.astype(self.dtype), kernel.astype(self.dtype))
        return normalised(self, x, train)
