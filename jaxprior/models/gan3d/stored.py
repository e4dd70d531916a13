"""The file of a trained 3D-GAN: the generator, the critic beside it if it was kept, and a card that describes both."""

from collections.abc import Mapping

from jaxprior.models.gan3d.networks import from_config
from jaxprior.weights.priors import Prior, assemble


def build_gan3d(params: Mapping, card: Mapping, where: str = "these weights") -> Prior:
    """Make a prior of stored parameters; see `jaxprior.weights.priors.assemble`."""
    return assemble(params, card, where, networks=from_config)
