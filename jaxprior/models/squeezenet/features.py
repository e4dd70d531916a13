"""The file of a SqueezeNet, and which of its maps images are compared in."""

from collections.abc import Mapping

from jaxprior.models.squeezenet.networks import LAYERS, TAPS, SqueezeNet
from jaxprior.weights.features import Cut, FeatureNetwork, assemble, checked_cuts_or_taps


EARLY_CUT = 5
"""features[:5], fire3: the last layer before the second pooling."""


def build_squeezenet(
    params: Mapping, card: Mapping, where: str = "these weights", *, cut: Cut | str | None = None
) -> FeatureNetwork:
    """Make a SqueezeNet of stored parameters; without a cut it has the seven maps that LPIPS uses.

    Arguments:
        params: {"network": tree}; card: of the file.
        where: named in errors' sentences.
        cut: see `jaxprior.weights.features.load_features`; `EARLY` for small patches, `DEEP` for the last map.

    Raises:
        WeightsError: names or shapes do not match, or the cut is no depth of this network.
    """
    deepest = len(LAYERS)
    kept, cuts = checked_cuts_or_taps(
        cut, taps=TAPS, early=EARLY_CUT, name=card["architecture"], deepest=deepest, where=where
    )
    return assemble(params, card, where, whole=SqueezeNet(cuts=(deepest,)), part=SqueezeNet(cuts=cuts), cut=kept)
