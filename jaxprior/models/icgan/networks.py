"""Networks of an IcGAN (Perarnau et al., 2016): generator and critic that are told the label, and encoders.

    generator    z and y, joined --> DCGAN's generator --> image                       z ~ N(0, I), y of -1 and 1
    critic       image --> first layer, joined with y on every pixel --> DCGAN's critic --> score
    encoder      image --> 5x5 convolutions of stride 2 --> dense layer --> z, or y     batch norm and ReLU in between

As a prior the generator takes codes whose numbers are all drawn from N(0, 1), as every prior's: behind the numbers of z
stand as many as there are labels, and a steep function makes the label of them (`Generator.labels_of`). So codes can be
drawn, averaged and moved along gradients, and the generator still sees labels that it knows from its training.
"""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.models.dcgan import networks as dcgan
from jaxprior.nn.blocks import Strided
from jaxprior.nn.convolution import training_form
from jaxprior.nn.elementwise import leaky_relu, widen
from jaxprior.nn.norm import DEVIATION, folded_norm, normalised


Array = jax.Array

STEEP = 8.0
"""How steeply the numbers of a code that stand for the label become a label."""
SURE = 1.5
"""The size of these numbers in the code of a label that is known: it makes -1 and 1 exactly, in single precision."""


class Generator(dcgan.Generator):
    """Code [b, latent_dim] -> image [b, r, r, c] in [-1, 1]; the last `labels` numbers of a code stand for its label.

    Fields: as of `jaxprior.models.dcgan.networks.Generator`, and
        labels: how many classes or attributes there are.
        exclusive: whether they are classes, of which every picture has one.
    """

    labels: int = 2
    exclusive: bool = True

    def labels_of(self, numbers: Array) -> Array:
        """Labels [b, labels] from -1 to 1 of the last numbers of codes: the softmax of classes, or each number's tanh.

        Of numbers that are drawn from N(0, 1), mostly one class, or each attribute half of the times.
        """
        if self.exclusive:
            return 2.0 * jax.nn.softmax(STEEP * numbers, axis=-1) - 1.0
        return 2.0 * jax.nn.sigmoid(2.0 * STEEP * numbers) - 1.0  # tanh, which XLA does not bring to 1 exactly

    @nn.nowrap
    def numbers_of(self, labels: Array) -> Array:
        """Numbers of a code [b, labels] that make labels of -1 and 1."""
        return SURE * labels

    def known(self, codes: Array) -> Array:
        """z and y, joined, of codes [b, latent_dim]."""
        z, numbers = jnp.split(codes, [self.latent_dim - self.labels], axis=-1)
        return jnp.concatenate([z, self.labels_of(numbers)], axis=-1)

    def head(self, z: Array, layer: int) -> Array:
        """Codes [b, latent_dim] -> features [b, s, s, channels(layer)] after the first `layer` blocks."""
        return super().head(self.known(z), layer)

    def __call__(self, z: Array, *, train: bool = False) -> Array:
        """Images [b, r, r, c] of codes [b, latent_dim]; `train` as of DCGAN's generator."""
        return super().__call__(self.known(z), train=train)

    def of_labels(self, known: tuple[Array, Array], *, train: bool = False) -> Array:
        """Images of z [b, latent_dim - labels] and labels y [b, labels]; this is what is trained."""
        return super().__call__(jnp.concatenate(known, axis=-1), train=train)


class Conditioned(dcgan.Generator):
    """The same generator with one label for all images, which stands among its parameters as "label" [labels].

    Its codes are z alone.

    Fields: as of `jaxprior.models.dcgan.networks.Generator`, and
        labels: how many classes or attributes there are.
    """

    labels: int = 2

    def setup(self):
        """DCGAN's blocks, and the label."""
        super().setup()
        self.label = self.param("label", nn.initializers.ones_init(), (self.labels,))

    def known(self, z: Array) -> Array:
        """z and the label, joined, of codes [b, latent_dim]."""
        label = jnp.broadcast_to(self.label[None], (len(z), self.labels))
        return jnp.concatenate([z, label.astype(z.dtype)], axis=-1)

    def head(self, z: Array, layer: int) -> Array:
        """Codes [b, latent_dim] -> features [b, s, s, channels(layer)] after the first `layer` blocks."""
        return super().head(self.known(z), layer)

    def __call__(self, z: Array, *, train: bool = False) -> Array:
        """Images [b, r, r, c] of codes [b, latent_dim]; `train` as of DCGAN's generator."""
        return super().__call__(self.known(z), train=train)

    @nn.nowrap
    def freeze(self, params: dict, *, platform: str, precision: str) -> tuple["dcgan.Generator", dict]:
        """Prepare trained parameters for inversion; see `jaxprior.models.dcgan.networks.Generator.freeze`."""
        blocks = {name: block for name, block in params.items() if name != "label"}
        network, frozen = super().freeze(blocks, platform=platform, precision=precision)
        return network, {**frozen, "label": params["label"]}


class Critic(dcgan.Critic):
    """(images [b, r, r, c], labels [b, labels]) -> scores [b]: are they real, and of this label?

    The labels are joined with the first map, on every pixel, behind its features.

    Fields: as of `jaxprior.models.dcgan.networks.Critic`.
    """

    def __call__(self, x: Any, *, train: bool = False) -> Array:
        """Scores [b], float32, of a pair (images, labels); `train` as of DCGAN's critic."""
        images, labels = x
        features = leaky_relu(self.layer0(images, train=train), self.slope)
        planes = jnp.broadcast_to(labels[:, None, None].astype(features.dtype), (*features.shape[:3], labels.shape[1]))
        features = jnp.concatenate([features, planes], axis=-1)
        return self.score(self.maps(features, first=1, train=train)[-1])


class NormedDense(nn.Module):
    """A matrix product and what follows it: [b, i] -> [b, features]; see `jaxprior.nn.norm.normalised`."""

    features: int
    norm: str

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        kernel = self.param("kernel", nn.initializers.normal(DEVIATION), (x.shape[-1], self.features))
        return normalised(self, x @ kernel, train)


class Encoder(nn.Module):
    """Image [b, r, r, c] -> numbers [b, outputs]: the code z, or the label y.

    Fields:
        widths: channels after every halving.
        outputs: how many numbers.
        dense: width of the dense layer; None: as wide as the last map is long.
        norm: "batch" while it is trained, "affine" when its statistics are folded.
        dtype: of the convolutions.
        trained_on: kind of the devices that train it; None where it is only applied.
    """

    widths: tuple[int, ...]
    outputs: int
    dense: int | None = None
    norm: str = "batch"
    dtype: jnp.dtype = jnp.float32
    trained_on: str | None = None

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """What it reads; while `train`, normalised by the batch."""
        form = training_form("strided", platform=self.trained_on)
        for k, width in enumerate(self.widths):
            layer = Strided(width, 5, self.norm, self.dtype, form, name=f"layer{k}")
            x = leaky_relu(layer(x, train=train), 0.0)
        x = widen(x).reshape(len(x), -1)
        dense = NormedDense(self.dense or x.shape[-1], self.norm, name="dense")
        x = leaky_relu(dense(x, train=train), 0.0)
        return nn.Dense(self.outputs, kernel_init=nn.initializers.normal(DEVIATION), name="output")(x)


class CodeAndLabel(nn.Module):
    """Pictures [b, r, r, c] and what is known of them [b, r, r, 1] -> {"z": codes [b, d]} of an IcGAN as a prior.

    Such a code holds z and the numbers of the label that is read, settled on -1 and 1. What is missing is seen as 0, a
    middle grey. Parameters are {"code_encoder": tree, "label_encoder": tree}.

    Fields:
        code_encoder, label_encoder: the two encoders.
        exclusive: whether labels are classes.
    """

    code_encoder: Encoder
    label_encoder: Encoder
    exclusive: bool

    def __call__(self, pictures: Array, known: Array) -> dict[str, Array]:
        """Answer with the codes alone: the features of a layer are those that the generator makes of them."""
        seen = pictures * known
        label = settled(self.label_encoder(seen), exclusive=self.exclusive)
        return {"z": jnp.concatenate([self.code_encoder(seen), SURE * label], axis=-1)}


def settled(read: Any, *, exclusive: bool) -> Array:
    """Labels of -1 and 1 of what a network says [b, k]: the strongest class, or every attribute by its sign."""
    if exclusive:
        return 2.0 * jax.nn.one_hot(jnp.argmax(read, axis=-1), read.shape[-1], dtype=read.dtype) - 1.0
    return jnp.where(read > 0, 1.0, -1.0).astype(read.dtype)


def to_config(generator: Generator, readers: Mapping[str, Encoder], names: tuple[str, ...]) -> dict:
    """What a card says of trained networks, whose statistics are folded; `names` are those of the labels."""
    reader = readers["label_encoder"]
    return {
        "resolution": generator.resolution,
        "latent_dim": generator.latent_dim - generator.labels,
        "widths": list(generator.widths),
        "image_channels": generator.image_channels,
        "kernel": generator.kernel,
        "norm": folded_norm(generator.norm),
        "slope": generator.slope,
        "labels": list(names),
        "exclusive": generator.exclusive,
        "encoder_widths": list(reader.widths),
        "encoder_norm": folded_norm(reader.norm),
        "dense": reader.dense,
    }


def from_config(config: Mapping) -> tuple[Generator, dict[str, Encoder]]:
    """Generator, and {"code_encoder", "label_encoder", "judge"}, that a card's `config` describes.

    Raises:
        KeyError, TypeError: something is missing, or unknown.
    """
    config = dict(config)
    names, widths, latent_dim = config.pop("labels"), tuple(config.pop("widths")), config.pop("latent_dim")
    shape: dict[str, Any] = {"widths": tuple(config.pop("encoder_widths")), "norm": config.pop("encoder_norm")}
    dense, exclusive, resolution = config.pop("dense"), config.pop("exclusive"), config.pop("resolution")
    generator = Generator(widths, latent_dim + len(names), labels=len(names), exclusive=exclusive, **config)
    if generator.resolution != resolution:
        raise TypeError(f"{len(widths)} widths make {generator.resolution} pixels, not {resolution}")
    return generator, {
        "code_encoder": Encoder(outputs=latent_dim, **shape),
        "label_encoder": Encoder(outputs=len(names), dense=dense, **shape),
        "judge": Encoder(outputs=len(names), dense=dense, **shape),
    }
