"""Boundary equilibrium GAN (Berthelot et al., 2017): a generator, and a critic that is an autoencoder.

    generator    code -> dense, 8x8 map -> [convolution, ELU] twice at 8, 16, 32, ... pixels -> convolution -> image
    critic       image -> convolutions at the image's size, ..., 16, 8 pixels -> dense, code -> a generator's layers

These are the networks of the public implementation by T. Kim (carpedm20): 3x3 convolutions, each followed by an ELU but
for the last one. Maps are doubled by repetition and halved by convolutions of stride 2; the encoder has n, 2 n, 3 n ...
channels from size to size. No activation follows the dense layers, and nothing keeps images within [-1, 1].

With `skips` they are those of the Generative Encoder's authors: four convolutions at every size and one more at the
last; before every doubling, the 8x8 map of the dense layer, enlarged, is joined to the map.

"Layer L" of the generator is the map after its first L blocks: layer 1 is the 8x8 map of the dense layer, each further
one the map after one more convolution and its ELU, so that layers 2 and 3 are of 8x8 pixels, 4 and 5 of 16x16, 6 and 7
of 32x32. With `skips`, the map of a layer contains the dense layer's map as long as later blocks need it.
"""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.checks import kind_of, whole_number
from jaxprior.errors import ArgumentError
from jaxprior.models.began.config import SMALLEST, layers_of, stages_of
from jaxprior.nn.convolution import FORMS, Operation, choose_form, training_form
from jaxprior.nn.elementwise import add_bias, widen
from jaxprior.nn.norm import DEVIATION
from jaxprior.nn.pooling import upsample


Array = jax.Array

FIELDS = ("resolution", "width", "latent_dim", "image_channels", "skips")
"""What a card says of both networks."""


def to_config(generator: "Generator") -> dict:
    """What a card says of a trained generator, and of the critic of the same sizes beside it."""
    return {name: getattr(generator, name) for name in FIELDS}


def from_config(config: Mapping) -> tuple["Generator", "Critic"]:
    """The two networks that a card's `config` describes.

    Raises:
        KeyError, TypeError, ValueError: something is missing, unknown, or has a value that it cannot have.
    """
    sizes: dict[str, Any] = {"skips": False, **config}
    try:
        return Generator(**sizes), Critic(**sizes)
    except ArgumentError as error:
        raise ValueError(str(error)) from None


def convolutions_of(skips: bool) -> int:
    """Convolutions of a generator at every size of its maps."""
    return 4 if skips else 2


class _Sized(nn.Module):
    """What both networks have in common.

    Fields:
        resolution: pixels of a side of the images, a power of two from 16 on.
        width: feature maps of the generator, n.
        latent_dim: length of a latent code, and of the critic's code.
        image_channels: 1 or 3.
        skips: the form of the Generative Encoder's authors, see the module's head.
        dtype: of the convolutions; images stay float32.
        trained_on: kind of the devices that train it, "cpu", "gpu" or "tpu"; None where it is only applied.
    """

    resolution: int = 64
    width: int = 128
    latent_dim: int = 64
    image_channels: int = 3
    skips: bool = False
    dtype: jnp.dtype = jnp.float32
    trained_on: str | None = None

    def __post_init__(self):
        for name in ("width", "latent_dim", "image_channels"):
            whole_number(name, getattr(self, name), least=1)
        kind_of("skips", self.skips, bool, "True or False")
        stages_of(whole_number("resolution", self.resolution))
        super().__post_init__()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of one image, (r, r, c)."""
        return (self.resolution, self.resolution, self.image_channels)

    @property
    def stages(self) -> int:
        """The number of sizes of the maps: 8x8, 16x16 and so on."""
        return stages_of(self.resolution)

    def initializer(self):
        """How kernels are drawn: as Glorot and Bengio, or with `skips` from a normal distribution."""
        return nn.initializers.normal(DEVIATION) if self.skips else nn.initializers.glorot_uniform()


class Generator(_Sized):
    """Latent code [b, latent] -> image [b, r, r, c], roughly in [-1, 1].

    Fields:
        frozen: expect parameters prepared by the method `freeze`; for inversion.
        platform: kind of device that frozen parameters are prepared for, "cpu", "gpu" or "tpu".
    """

    frozen: bool = False
    platform: str = "cpu"

    @property
    def num_layers(self) -> int:
        """The highest layer at which codes can be composed."""
        return layers_of(self.resolution, self.skips)

    def channels(self, layer: int) -> int:
        """Number of feature maps after the first `layer` blocks."""
        self._check(layer)
        return 2 * self.width if self._carries(layer) else self.width

    def feature_size(self, layer: int) -> int:
        """Side in pixels of the feature maps after the first `layer` blocks."""
        self._check(layer)
        return SMALLEST << self._stage(max(layer - 1, 1))

    def _check(self, layer: int) -> None:
        if not 1 <= layer <= self.num_layers:
            raise ArgumentError(f"`layer` must be between 1 and {self.num_layers} for this generator, got {layer}.")

    def _stage(self, k: int) -> int:
        """The number of the size that block k, a convolution, computes at: 0 for 8x8."""
        return min((k - 1) // convolutions_of(self.skips), self.stages - 1)

    def _doubles(self, k: int) -> bool:
        """Whether block k begins by doubling its map."""
        return k > 1 and self._stage(k) != self._stage(k - 1)

    def _carries(self, layer: int) -> bool:
        """Whether the map of a layer contains the dense layer's map, beside its own."""
        return self.skips and layer > 1 and self._stage(layer - 1) < self.stages - 1

    def form_of(self, k: int) -> str:
        """How block k, a convolution, convolves: one of `jaxprior.nn.convolution.FORMS`."""
        operation: Operation = "up" if self._doubles(k) else "same"
        if not self.frozen:
            return training_form(operation, platform=self.trained_on)
        joined = 2 if self.skips and self._doubles(k) else 1
        channels = (joined * self.width, self.width)
        return choose_form(operation, platform=self.platform, frozen=True, channels=channels, dtype=self.dtype)

    def setup(self):
        """Blocks under hand-given names: layer0 (the dense layer), layer1 ..., output."""
        init = self.initializer()
        self.layer0 = Spread(self.width, init, self.dtype)
        convolution = partial(Convolution, kernel_init=init, frozen=self.frozen, dtype=self.dtype)
        for k in range(1, self.num_layers):
            setattr(self, f"layer{k}", convolution(self.width, self.form_of(k)))
        self.output = convolution(self.image_channels, self.form_of(1))

    def blocks(self, x: Array, start: int, stop: int) -> Array:
        """Blocks start ... stop - 1, on the map of layer `start`, or on codes where that is 0."""
        if start == 0:
            x, start = self.layer0(x), 1
        first = x if start == 1 else None  # the dense layer's map, at the size of x
        if self._carries(start):
            x, first = jnp.split(x, 2, axis=-1)
        for k in range(start, stop):
            if self.skips and self._doubles(k) and first is not None:  # it is there as long as a doubling is to come
                x, first = jnp.concatenate([x, first], axis=-1), upsample(first)
            x = jax.nn.elu(getattr(self, f"layer{k}")(x))
        return x if first is None or not self._carries(stop) else jnp.concatenate([x, first], axis=-1)

    def head(self, z: Array, layer: int) -> Array:
        """Codes [b, latent] -> features [b, s, s, channels(layer)] after the first `layer` blocks."""
        self._check(layer)
        return self.blocks(z, 0, layer)

    def tail(self, features: Array, layer: int) -> Array:
        """Features after the first `layer` blocks -> images [b, r, r, c]."""
        self._check(layer)
        return widen(self.output(self.blocks(features, layer, self.num_layers)))

    def __call__(self, z: Array) -> Array:
        """Images [b, r, r, c], float32, of codes [b, latent]."""
        return self.tail(self.blocks(z, 0, 1), 1)

    @nn.nowrap
    def init_params(self, key: Array) -> dict:
        """Random parameters."""
        return dict(self.lazy_init(key, jax.ShapeDtypeStruct((1, self.latent_dim), jnp.float32))["params"])

    @nn.nowrap
    def freeze(self, params: dict, *, platform: str, precision: str) -> tuple["Generator", dict]:
        """Prepare trained parameters for inversion: convolutions after doubling as phase kernels, for example.

        Arguments:
            params: raw parameters of this generator.
            platform: kind of device that will compute, "cpu", "gpu" or "tpu".
            precision: "bf16" computes the convolutions in bfloat16; "fp32" and "tf32" in the network's own type.

        Returns:
            (network, parameters) that compute the same images, to rounding, from frozen weights.
        """
        dtype = jnp.bfloat16 if precision == "bf16" else self.dtype
        frozen = self.clone(frozen=True, platform=platform, dtype=dtype, trained_on=None)
        return frozen, _prepare(frozen, params)


@partial(jax.jit, static_argnums=0)
def _prepare(frozen: Generator, params: dict) -> dict:
    """Raw parameters as a frozen generator wants them."""

    def prepare(name: str, block: dict) -> dict:
        if name == "layer0":
            return block
        form = frozen.form_of(1 if name == "output" else int(name.removeprefix("layer")))
        return {**block, "kernel": FORMS[form].prepare(block["kernel"])}

    return {name: prepare(name, block) for name, block in params.items()}


class Critic(_Sized):
    """An autoencoder of images [b, r, r, c] in [-1, 1]: what it reconstructs badly, it does not take for real."""

    def layers(self) -> list[tuple[int, Operation]]:
        """Channels and operation of every convolution of the encoder."""
        n, found = self.width, []

        def add(count: int, channels: int, operation: Operation = "same") -> None:
            found.extend([(channels, operation)] * count)

        add(2 if self.skips else 1, n)
        for i in range(1, self.stages):
            add(3 if self.skips else 2, i * n)
            add(1, (i + 1) * n if self.skips else i * n, "strided")
        add(convolutions_of(self.skips), self.stages * n)
        return found

    def setup(self):
        """Blocks under hand-given names: layer0 ..., code, and decoder, a `Generator`."""
        init = self.initializer()
        for k, (width, operation) in enumerate(self.layers()):
            form = training_form(operation, platform=self.trained_on)
            before = operation == "strided" and not self.skips
            setattr(self, f"layer{k}", Convolution(width, form, init, widened=before, dtype=self.dtype))
        self.code = Gathered(self.latent_dim, init, self.dtype)
        sizes = {name: getattr(self, name) for name in FIELDS}
        self.decoder = Generator(**sizes, dtype=self.dtype, trained_on=self.trained_on)

    def maps(self, x: Array) -> list[Array]:
        """The encoder's last map of every size, finest first."""
        found = []
        for k, (_, operation) in enumerate(self.layers()):
            if operation == "strided":
                found.append(x)
            x = jax.nn.elu(getattr(self, f"layer{k}")(x))
        return [*found, x]

    def encode(self, x: Array) -> Array:
        """Images [b, r, r, c] -> codes [b, latent], float32."""
        return widen(self.code(self.maps(x)[-1]))

    def decode(self, codes: Array) -> Array:
        """Codes [b, latent] -> images [b, r, r, c], float32."""
        return self.decoder(codes)

    def reconstruct(self, x: Array) -> Array:
        """Images [b, r, r, c] -> what the autoencoder makes of them, of the same shape."""
        return self.decode(self.encode(x))

    def __call__(self, x: Array) -> Array:
        """Scores [b] of images [b, r, r, c]: the negative mean absolute error of their reconstructions, 0 at most."""
        return -jnp.mean(jnp.abs(self.reconstruct(x) - x), axis=(1, 2, 3))

    def features(self, x: Array) -> tuple[Array, ...]:
        """Feature maps of images [b, r, r, c], finest first: a perceptual embedding."""
        return tuple(self.maps(x))

    @nn.nowrap
    def init_params(self, key: Array) -> dict:
        """Random parameters."""
        return dict(self.lazy_init(key, jax.ShapeDtypeStruct((1, *self.image_shape), jnp.float32))["params"])


class Convolution(nn.Module):
    """A 3x3 convolution with a bias: features [b, h, w, i] -> [b, h', w', features].

    Fields:
        features: feature maps that come out.
        form: one of `jaxprior.nn.convolution.FORMS`.
        kernel_init: how the kernel is drawn.
        widened: of a stride of 2: begin at the first pixel, as TensorFlow does, instead of one before it. The kernel
            gets a row and a column of zeros before it for that.
        frozen: expect a kernel that was prepared for the form.
        dtype: in which it is computed.
    """

    features: int
    form: str
    kernel_init: nn.initializers.Initializer
    widened: bool = False
    frozen: bool = False
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape, form = (3, 3, x.shape[-1], self.features), FORMS[self.form]
        if self.frozen:
            shape = jax.eval_shape(form.prepare, jax.ShapeDtypeStruct(shape, jnp.float32)).shape
        kernel = self.param("kernel", nn.initializers.zeros_init() if self.frozen else self.kernel_init, shape)
        if self.widened:
            kernel = jnp.pad(kernel, ((1, 0), (1, 0), (0, 0), (0, 0)))
        x = form.apply(x.astype(self.dtype), kernel.astype(self.dtype))
        return add_bias(x, self.param("bias", nn.initializers.zeros_init(), (self.features,)))


class Spread(nn.Module):
    """Code [b, d] -> map [b, 8, 8, features]; the kernel is [d, 8, 8, features]."""

    features: int
    kernel_init: nn.initializers.Initializer
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, z: Array) -> Array:
        shape = (SMALLEST, SMALLEST, self.features)
        kernel = self.param("kernel", _flat(self.kernel_init, 1), (z.shape[-1], *shape))
        bias = self.param("bias", nn.initializers.zeros_init(), shape)
        x = jnp.einsum("bi,iyxo->byxo", z.astype(self.dtype), kernel.astype(self.dtype))
        return x + bias.astype(x.dtype)[None]


class Gathered(nn.Module):
    """Map [b, 8, 8, c] -> code [b, features]; the kernel is [8, 8, c, features]."""

    features: int
    kernel_init: nn.initializers.Initializer
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kernel = self.param("kernel", _flat(self.kernel_init, 3), (*x.shape[1:], self.features))
        z = jnp.einsum("byxi,yxio->bo", x.astype(self.dtype), kernel.astype(self.dtype))
        return add_bias(z, self.param("bias", nn.initializers.zeros_init(), (self.features,)))


def _flat(init: nn.initializers.Initializer, inputs: int):
    """Draw a dense layer's kernel, whose first `inputs` axes are what comes in, as the matrix that it is."""

    def drawn(key: Array, shape: tuple[int, ...], dtype=jnp.float32) -> Array:
        rows = math.prod(shape[:inputs])
        return init(key, (rows, math.prod(shape[inputs:])), dtype).reshape(shape)

    return drawn
