"""The file of an AlexNet, and which of its maps images are compared in."""

from collections.abc import Mapping

from jaxprior.models.alexnet.networks import DEPTH, TAPS, AlexNet
from jaxprior.weights.features import Cut, FeatureNetwork, assemble, checked_cuts_or_taps


EARLY_CUT = 5
"""features[:5], relu2: the last layer before the second pooling."""


def build_alexnet(
    params: Mapping, card: Mapping, where: str = "these weights", *, cut: Cut | str | None = None
) -> FeatureNetwork:
    """Make an AlexNet of stored parameters; without a cut it has the five maps that LPIPS uses.

    Arguments:
        params: {"network": tree}; card: of the file.
        where: named in errors' sentences.
        cut: see `jaxprior.weights.features.load_features`; `EARLY` for small patches, `DEEP` for the last map.

    Raises:
        WeightsError: names or shapes do not match, or the cut is no depth of this network.
    """
    kept, cuts = checked_cuts_or_taps(
        cut, taps=TAPS, early=EARLY_CUT, name=card["architecture"], deepest=DEPTH, where=where
    )
    return assemble(params, card, where, whole=AlexNet(cuts=(DEPTH,)), part=AlexNet(cuts=cuts), cut=kept)
