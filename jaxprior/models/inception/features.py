"""The file of an Inception-v3, and which of its maps images are compared in."""

from collections.abc import Mapping

from jaxprior.models.inception.networks import LAYERS, SIDE, Inception
from jaxprior.weights.features import DEEP, EARLY, Cut, FeatureNetwork, assemble, checked_cuts


EARLY_CUT = LAYERS.index("Conv2d_4a_3x3") + 1
"""The last layer before the second pooling, whose 192 features the paper of SinGAN compares patches in."""


def build_inception(
    params: Mapping, card: Mapping, where: str = "these weights", *, cut: Cut | str | None = None
) -> FeatureNetwork:
    """Make an Inception-v3 of stored parameters.

    Without a cut it is the network of the Frechet inception distance: images are resized to 299 x 299 bilinearly, and
    the map [b, 1, 1, 2048] is the mean of the last block's over its pixels. With a cut the images stay as they are.

    Arguments:
        params: {"network": tree}; card: with "architecture" "inception" or "inception-torchvision".
        where: named in errors' sentences.
        cut: the output of the first `cut` of `networks.LAYERS`; `EARLY` for small patches, `DEEP` for no cut.

    Raises:
        WeightsError: names or shapes do not match, or the cut is no depth of this network.
    """
    name, deepest = card["architecture"], len(LAYERS)
    whole = Inception(name)
    if cut is None or cut == DEEP:
        return assemble(params, card, where, whole=whole, part=Inception(name, (deepest,), SIDE), cut=None)
    kept, cuts = checked_cuts(EARLY_CUT if cut == EARLY else cut, name=name, deepest=deepest, where=where)
    return assemble(params, card, where, whole=whole, part=Inception(name, cuts), cut=kept)
