"""The file of an LPIPS distance: a feature network and the heads on it. Its maps are fixed."""

from collections.abc import Mapping

from jaxprior.errors import WeightsError
from jaxprior.models.lpips.networks import TRUNKS, WeightedMaps
from jaxprior.weights.features import DEEP, EARLY, Cut, FeatureNetwork, assemble


def build_distance(
    params: Mapping, card: Mapping, where: str = "these weights", *, cut: Cut | str | None = None
) -> FeatureNetwork:
    """Make an LPIPS distance of stored parameters.

    Arguments:
        params: {"network": tree}; card: with one of `TRUNKS` as its "architecture".
        where: named in errors' sentences.
        cut: must be None.

    Raises:
        WeightsError: names or shapes do not match, or a cut is asked for.
    """
    name = card["architecture"]
    trunk = TRUNKS[name].architecture
    if cut in (EARLY, DEEP):
        raise WeightsError(f"{where}: {name} has several maps; expected a network of one map, such as {trunk}")
    if cut is not None:
        raise WeightsError(f"{where}: the maps of {name} are fixed; leave `cut` out, or load {trunk}")
    return assemble(params, card, where, whole=WeightedMaps(name))
