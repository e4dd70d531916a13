"""The file of a VGG, and which of its maps images are compared in."""

from collections.abc import Mapping

from jaxprior.models.vgg.networks import CUT, EARLY_CUT, STAGES, VGG, convolution_shapes, layer_kinds
from jaxprior.weights.features import DEEP, EARLY, Cut, FeatureNetwork, assemble, checked_cuts


def build_vgg(
    params: Mapping, card: Mapping, where: str = "these weights", *, cut: Cut | str | None = None
) -> FeatureNetwork:
    """Make a VGG-16 or VGG-19 of stored parameters, of which there may be only the first layers.

    Arguments:
        params: {"network": tree}; card: with "architecture" "vgg16" or "vgg19".
        where: named in errors' sentences.
        cut: see `jaxprior.weights.features.load_features`; `EARLY` for small patches, `DEEP` for the last ReLU.

    Raises:
        WeightsError: names or shapes do not match, or the file is not as deep as the cut.
    """
    name = card["architecture"]
    deepest = _depth(params.get("network", {}), STAGES[name])
    last = min(deepest, len(layer_kinds(STAGES[name])) - 1)
    wanted = CUT if cut is None else {EARLY: EARLY_CUT, DEEP: last}.get(cut, cut) if isinstance(cut, str) else cut
    kept, cuts = checked_cuts(wanted, name=name, deepest=deepest, where=where)
    whole, part = VGG(STAGES[name], cuts=(deepest,)), VGG(STAGES[name], cuts=cuts)
    return assemble(params, card, where, whole=whole, part=part, cut=kept)


def _depth(tree: Mapping, stages: tuple[int, ...]) -> int:
    """Number of layers of `features` that can be computed with the convolutions that are there."""
    for i in convolution_shapes(stages):
        if f"conv{i}" not in tree:
            return max(i, 1)
    return len(layer_kinds(stages))
