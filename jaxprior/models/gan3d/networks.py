"""3D-GAN: a generator and a critic of volumes (Wu et al., NeurIPS 2016).

    generator    code -> projection to a small cube -> stride-2 transposed convolutions -> volume; ReLU, sigmoid last
    critic       volume -> stride-2 convolutions -> a small cube of features, flattened -> one score; LeakyReLU

The paper's networks see and make occupancies from 0 to 1. Volumes are in [-1, 1] here, as images are everywhere in this
package: the generator's sigmoid becomes 2 sigmoid - 1, and the critic first maps volumes back to [0, 1], so that the
zeros around its maps are empty space. No layer has a bias beside its batch norm, and the last ones have none at all.

"Layer L" of the generator is the map after L activations: 1 is the projection, each further one twice as large. A
trained generator is exported with the running statistics of its norms folded into a scale and a shift a channel, so
that volumes never touch each other in an inversion.
"""

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.errors import ArgumentError
from jaxprior.nn.elementwise import leaky_relu, widen
from jaxprior.nn.norm import DEVIATION, folded_norm, normalised
from jaxprior.nn.strided_critic import StridedCritic
from jaxprior.nn.volumetric import KERNEL, strided_form, transposed_form
from jaxprior.system.devices import default_platform


Array = jax.Array

_kernel = nn.initializers.normal(DEVIATION)

SLOPE = 0.2
"""Of the critic's LeakyReLU."""


def to_config(generator: "Generator", critic: "Critic") -> dict:
    """What a card says of two trained networks, whose statistics are folded."""
    return {
        "latent_dim": generator.latent_dim,
        "widths": list(generator.widths),
        "critic_widths": list(critic.widths),
        "base": generator.base,
        "norm": folded_norm(generator.norm),
        "first_norm": critic.first_norm,
    }


def from_config(config: Mapping) -> tuple["Generator", "Critic"]:
    """The two networks that a card's `config` describes.

    Raises:
        KeyError, TypeError: something is missing, or unknown.
    """
    config = dict(config)
    latent_dim, base, norm = config.pop("latent_dim"), config.pop("base"), config.pop("norm")
    widths, critic_widths = tuple(config.pop("widths")), tuple(config.pop("critic_widths"))
    first_norm = bool(config.pop("first_norm"))
    if config:
        raise TypeError(f"it has {', '.join(sorted(config))}, which a 3D-GAN does not know")
    generator = Generator(widths, latent_dim, base=base, norm=norm)
    return generator, Critic(critic_widths, generator.resolution, norm=norm, first_norm=first_norm)


class Generator(nn.Module):
    """Latent code [b, latent] -> volume [b, r, r, r, 1] in [-1, 1].

    Fields:
        widths: feature maps of the cubes before the volume, the coarsest first; each is twice as large as the one
            before, and the volume twice as large as the last.
        latent_dim: length of a latent code.
        base: voxels of a side of the first cube.
        norm: see `jaxprior.nn.norm.normalised`.
        dtype: of the convolutions; normalisation and volumes stay float32.
        platform: kind of device that computes, "cpu", "gpu" or "tpu"; JAX's default where None.
    """

    widths: tuple[int, ...] = (512, 256, 128, 64)
    latent_dim: int = 200
    base: int = 4
    norm: str = "batch"
    dtype: jnp.dtype = jnp.float32
    platform: str | None = None

    @property
    def image_shape(self) -> tuple[int, int, int, int]:
        """Shape of one volume, (r, r, r, 1)."""
        return (self.resolution, self.resolution, self.resolution, 1)

    @property
    def resolution(self) -> int:
        """Voxels of a side."""
        return self.base << len(self.widths)

    @property
    def num_layers(self) -> int:
        """The highest layer at which codes can be composed."""
        return len(self.widths)

    def channels(self, layer: int) -> int:
        """Number of feature maps after the first `layer` blocks."""
        self._check(layer)
        return self.widths[layer - 1]

    def feature_size(self, layer: int) -> int:
        """Side in voxels of the feature maps after the first `layer` blocks."""
        self._check(layer)
        return self.base << (layer - 1)

    def _check(self, layer: int) -> None:
        if not 1 <= layer <= self.num_layers:
            raise ArgumentError(f"`layer` must be between 1 and {self.num_layers} for this generator, got {layer}.")

    def setup(self):
        """Blocks under hand-given names: layer0 (the projection), layer1 ..., output."""
        shared = {"norm": self.norm, "dtype": self.dtype}
        self.layer0 = Projected(self.widths[0], (self.base,) * 3, **shared)
        for k, width in enumerate(self.widths[1:], 1):
            setattr(self, f"layer{k}", Doubled(width, **shared, platform=self.platform))
        self.output = Doubled(1, "bare", self.dtype, self.platform)

    def blocks(self, x: Array, start: int, stop: int, *, train: bool = False) -> Array:
        """Blocks start ... stop - 1, each with its activation."""
        for k in range(start, stop):
            x = nn.relu(getattr(self, f"layer{k}")(x, train=train))
        return x

    def head(self, z: Array, layer: int) -> Array:
        """Codes [b, latent] -> features [b, s, s, s, channels(layer)] after the first `layer` blocks."""
        self._check(layer)
        return self.blocks(z, 0, layer)

    def tail(self, features: Array, layer: int, *, train: bool = False) -> Array:
        """Features after the first `layer` blocks -> volumes [b, r, r, r, 1]."""
        self._check(layer)
        scores = self.output(self.blocks(features, layer, self.num_layers, train=train), train=train)
        return 2.0 * nn.sigmoid(widen(scores)) - 1.0

    def __call__(self, z: Array, *, train: bool = False) -> Array:
        """Volumes of codes.

        Arguments:
            z: codes [b, latent].
            train: normalise by the batch; then "batch_stats" is changed.

        Returns:
            Volumes [b, r, r, r, 1], float32.
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
            platform: kind of device that the convolutions are computed on.
            precision: "bf16" computes the convolutions in bfloat16; "fp32" and "tf32" in the network's own type.

        Returns:
            (network, parameters) that compute the same volumes, to rounding.
        """

        def scaled(block: dict) -> dict:
            if "scale" not in block:
                return block
            return {"kernel": block["kernel"] * block["scale"].reshape(1, 1, 1, 1, -1), "bias": block["bias"]}

        frozen = {name: scaled(block) for name, block in params.items()}
        dtype = jnp.bfloat16 if precision == "bf16" else self.dtype
        return self.clone(norm="none", dtype=dtype, platform=platform), frozen


class Critic(StridedCritic):
    """Volume [b, r, r, r, 1] -> score [b]; unbounded, higher is more real. Its sigmoid is the paper's D.

    Fields:
        widths: feature maps after every halving; r / 2^len(widths) is the side of the last cube, which is flattened.
        resolution: voxels of a side.
        norm, dtype, platform: as of `Generator`.
        first_norm: whether the first convolution has a norm, too. While it is trained, a norm makes batches of any
            amplitude alike, so that a critic whose first layer has one hardly sees how much of a volume is occupied.
    """

    widths: tuple[int, ...] = (64, 128, 256, 512)
    resolution: int = 64
    norm: str = "batch"
    dtype: jnp.dtype = jnp.float32
    platform: str | None = None
    first_norm: bool = False

    @property
    def image_shape(self) -> tuple[int, int, int, int]:
        """Shape of one volume, (r, r, r, 1)."""
        return (self.resolution, self.resolution, self.resolution, 1)

    def setup(self):
        """Blocks under hand-given names: layer0 ..., output."""
        for k, width in enumerate(self.widths):
            norm = self.norm if k or self.first_norm else "none"
            setattr(self, f"layer{k}", Halved(width, norm, self.dtype, self.platform))
        self.output = nn.Dense(1, use_bias=False, kernel_init=_kernel)

    def activated(self, x: Array, *, train: bool) -> Array:
        """LeakyReLU follows a layer."""
        return leaky_relu(x, SLOPE)

    def maps(self, x: Array, *, first: int = 0, train: bool = False) -> list[Array]:
        """Feature maps of volumes [b, r, r, r, 1] in [-1, 1], which the first layer sees in [0, 1]."""
        return super().maps((x + 1.0) * 0.5, first=first, train=train)


class Projected(nn.Module):
    """Code [b, d] -> features [b, *sides, features]; the kernel is [d, *sides, features]."""

    features: int
    sides: tuple[int, ...]
    norm: str
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, z: Array, *, train: bool = False) -> Array:
        kernel = self.param("kernel", _kernel, (z.shape[-1], *self.sides, self.features))
        return normalised(self, jnp.tensordot(z.astype(self.dtype), kernel.astype(self.dtype), 1), train)


class Convolved(nn.Module):
    """What `Doubled` and `Halved` have in common: a convolution with a kernel of 4^3 taps, and what follows it.

    Fields:
        features: feature maps that come out.
        norm: see `jaxprior.nn.norm.normalised`.
        dtype: in which the convolution is computed.
        platform: see `Generator`.
    """

    features: int
    norm: str
    dtype: jnp.dtype
    platform: str | None

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        kernel = self.param("kernel", _kernel, (KERNEL,) * 3 + (x.shape[-1], self.features))
        convolve = self.form(platform=self.platform or default_platform())
        return normalised(self, convolve(x.astype(self.dtype), kernel.astype(self.dtype)), train)


class Doubled(Convolved):
    """Features [b, d, h, w, i] -> [b, 2 d, 2 h, 2 w, features]."""

    form = staticmethod(transposed_form)


class Halved(Convolved):
    """Features [b, d, h, w, i] -> [b, d / 2, h / 2, w / 2, features]."""

    form = staticmethod(strided_form)
