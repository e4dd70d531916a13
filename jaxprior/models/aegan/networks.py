"""The networks of an AEGAN (Ong and Yang, 2020, section 4.5): those of a PGGAN and an encoder of its codes.

    encoder      picture -> normal distribution of codes, a mean and a log-variance of d numbers   (ConvAE, Table 1)
    generator    code of d numbers -> picture                                                      (PGGAN)
    critic       picture -> score                                                                  (PGGAN)

Nothing is new but their combination: the encoder is that of a convolutional autoencoder whose code has the length of
the generator's, so that the generator is its decoder.
"""

from collections.abc import Mapping

import flax.linen as nn
import jax

from jaxprior.models.convae.networks import Encoder
from jaxprior.models.pggan import networks as pggan
from jaxprior.models.pggan.networks import Critic, Generator


Array = jax.Array


class MeanCode(nn.Module):
    """Pictures [b, r, r, c] and what is known of them [b, r, r, 1] -> {"z": means of their codes [b, d]}.

    What is missing is seen as 0, a middle grey. Parameters are {"encoder": tree}.

    Fields:
        encoder: that of the AEGAN.
    """

    encoder: Encoder

    def __call__(self, pictures: Array, known: Array) -> dict[str, Array]:
        """Answer with the codes alone: the features of a layer are those that the generator makes of them."""
        return {"z": self.encoder(pictures * known).mean}


def to_config(encoder: Encoder, generator: Generator) -> dict:
    """What a card says of the three networks: a PGGAN's config, and the table "encoder" with the encoder's width."""
    return {**pggan.to_config(generator), "encoder": {"width": encoder.width}}


def from_config(config: Mapping) -> tuple[Encoder, Generator, Critic]:
    """The three networks that a card's `config` describes.

    Raises:
        KeyError, TypeError, ValueError: something is missing, unknown or impossible.
    """
    config = dict(config)
    (width,) = _only(config.pop("encoder"), "width")
    if type(width) is not int or width < 1:
        raise ValueError(f"the encoder's width must be a whole number above 0, got {width!r}")
    generator, critic = pggan.from_config(config)
    encoder = Encoder(
        generator.resolution,
        width,
        generator.latent_dim,
        variational=True,
        image_channels=generator.image_channels,
    )
    return encoder, generator, critic


def _only(table: Mapping, *names: str) -> list:
    """The values of these names, which must be all that a table has."""
    if set(table) != set(names):
        raise ValueError(f"expected {', '.join(names)}, got {', '.join(map(str, table))}")
    return [table[name] for name in names]
