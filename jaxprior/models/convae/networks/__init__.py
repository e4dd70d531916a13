"""Convolutional autoencoders: an encoder that makes codes of pictures, and a decoder that makes pictures of codes.

    autoencoder = ConvAE(resolution=64)
    images, code = autoencoder.apply({"params": params}, x, method="reconstruct")

There are three layouts, a file each: "table1" is that of the Generative Encoder's paper, "vae2021" and "convae2019" are
those of its authors' public code. The three have their words in common and hardly a layer: they differ in kernels,
pooling, norms, activations and upsampling. One network with options would be a branch at every line, so each layout is
a network of its own that can be read beside its source, and what they share is here and in `code.py`.

Parameters are {"encoder": tree, "decoder": tree}; the layout with batch norms has running statistics beside them.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.models.convae.networks import convae2019, table1, vae2021
from jaxprior.models.convae.networks.code import Code as Code
from jaxprior.models.convae.networks.table1 import Decoder as Decoder
from jaxprior.models.convae.networks.table1 import Encoder as Encoder
from jaxprior.nn.norm import fold, folded_norm


Array = jax.Array

Layout: TypeAlias = Literal["table1", "vae2021", "convae2019"]
"""Whose layers: of the paper's Table 1, or of its authors' code of 2021 or 2019."""
_OF_LAYOUT = {"table1": table1, "vae2021": vae2021, "convae2019": convae2019}
LAYOUTS = get_args(Layout)


class ConvAE(nn.Module):
    """Images [b, r, r, c] in [-1, 1] -> codes of h numbers -> images [b, r, r, c].

    Fields:
        resolution: pixels of a side, r, a power of 2 from 4 on ("convae2019": from 16 on).
        width: feature maps of the first level, f.
        code: numbers of a code, h.
        variational: whether the encoder says a mean and a variance in place of a code.
        tanh: whether images are bounded by the hyperbolic tangent.
        layout: whose layers, see `Layout`.
        image_channels: 1 or 3.
        between: numbers between the two dense layers of "convae2019"; the others have one.
        norm: of "vae2021": "batch" while it is trained, "affine" after `folded`; the others have none.
        dtype: of the convolutions.
        trained_on: kind of the devices that train it; None where it is only applied.
    """

    resolution: int
    width: int = 32
    code: int = 256
    variational: bool = False
    tanh: bool = True
    layout: Layout = "table1"
    image_channels: int = 3
    between: int = 4096
    norm: str = "batch"
    dtype: jnp.dtype = jnp.float32
    trained_on: str | None = None

    def setup(self):
        """Both networks, under the names of their parameters."""
        self.encoder = make_encoder(self)
        self.decoder = _OF_LAYOUT[self.layout].Decoder(
            self.resolution, self.width, image_channels=self.image_channels, tanh=self.tanh, **_shared(self)
        )

    def encode(self, images: Array, *, train: bool = False) -> Code:
        """Images [b, r, r, c] -> codes, see `Code`; with `train` norms take the batch's own statistics.

        Raises:
            ValueError: images of another size.
        """
        return self.encoder(images, train=train)

    def decode(self, code: Array, *, train: bool = False) -> Array:
        """Codes [b, h] -> images [b, r, r, c]."""
        return self.decoder(code, train=train)

    def reconstruct(self, images: Array, noise: Array | None = None, *, train: bool = False) -> tuple[Array, Code]:
        """Images -> (images decoded of their codes, the codes).

        Arguments:
            images: [b, r, r, c] in [-1, 1].
            noise: from N(0, 1), [b, h]; a variational autoencoder then decodes a drawn code, else the mean.
            train: whether norms take the batch's own statistics.
        """
        code = self.encode(images, train=train)
        return self.decode(code.mean if noise is None else code.sampled(noise), train=train), code

    def __call__(self, images: Array, *, train: bool = False) -> Array:
        """Images -> the images that are decoded of their codes, or of their codes' means."""
        return self.reconstruct(images, train=train)[0]


class CodeMap(nn.Module):
    """The encoder alone as a feature network: images [b, r, r, c] -> codes as maps of one pixel, [b, 1, 1, h].

    The code of a variational encoder is its mean, so that the same image always has the same feature. Parameters are
    {"encoder": tree}.

    Fields:
        network: the autoencoder whose encoder it is, with its norms folded.
    """

    network: ConvAE

    def setup(self):
        """The encoder, under the name of its parameters."""
        self.encoder = make_encoder(self.network)

    @property
    def image_channels(self) -> int:
        """Channels of the images that it takes."""
        return self.network.image_channels

    def __call__(self, images: Array) -> Array:
        """Encode images.

        Raises:
            ValueError: images of another size.
        """
        return self.encoder(images).mean[:, None, None]


def make_encoder(network: ConvAE) -> Any:
    """The encoder of an autoencoder, as a module of its own."""
    return _OF_LAYOUT[network.layout].Encoder(
        network.resolution,
        network.width,
        network.code,
        network.variational,
        network.image_channels,
        **_shared(network),
    )


def _shared(network: ConvAE) -> dict[str, Any]:
    """What encoder and decoder have in common that is not the same in every layout."""
    own = {"vae2021": {"norm": network.norm}, "convae2019": {"between": network.between}}.get(network.layout, {})
    return {**own, "dtype": network.dtype, "trained_on": network.trained_on}


def folded(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a trained autoencoder, {"encoder": tree, "decoder": tree}, with running statistics folded in.

    Arguments:
        variables: {"params": ...} and, where norms have running statistics, "batch_stats".
    """
    statistics = variables.get("batch_stats", {})
    return {
        part: fold({"params": tree, "batch_stats": statistics.get(part, {})})
        for part, tree in variables["params"].items()
    }


_STATED = ("layout", "resolution", "width", "code", "variational", "tanh", "image_channels")
"""The fields that every card states."""


def to_config(network: ConvAE) -> dict[str, Any]:
    """What a card says of a trained network, whose running statistics are folded."""
    config = {name: getattr(network, name) for name in _STATED}
    own = {"vae2021": {"norm": folded_norm(network.norm)}, "convae2019": {"between": network.between}}
    return {**config, **own.get(network.layout, {})}


def from_config(config: Mapping[str, Any]) -> ConvAE:
    """The network that a card's `config` describes.

    Raises:
        KeyError, TypeError, ValueError: something is missing, unknown or impossible.
    """
    if missing := [name for name in _STATED if name not in config]:
        raise KeyError(", ".join(missing))
    network = ConvAE(**config)
    check_sizes(network.layout, network.resolution)
    return network


def check_sizes(layout: str, resolution: int) -> None:
    """Refuse sizes of which no network can be made.

    Raises:
        ValueError: naming what does not fit.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"the layout {layout!r}; expected one of {', '.join(LAYOUTS)}")
    convae2019.halvings_of(resolution) if layout == "convae2019" else table1.levels_of(resolution)
