"""The feature network of a content loss, and what the settings of a run say of it."""

from typing import Any

from jaxprior.system.devices import default_platform
from jaxprior.weights.features import FeatureNetwork, load_features


def load_content(name: str | None, cut: int | None) -> FeatureNetwork | None:
    """The network that a recipe names, ready for compiled steps; None for none.

    Arguments:
        name: name or file of a feature network, or None.
        cut: depth of its map, see `jaxprior.weights.features.load_features`.

    Raises:
        WeightsError: there is no such feature network.
    """
    return None if name is None else load_features(name, cut=cut).prepared(default_platform())


def content_said(features: FeatureNetwork | None) -> dict[str, Any]:
    """What the settings of a run say of it: its name, wherever its file lies, and its weights; nothing of none."""
    if features is None:
        return {}
    return {"features": features.card.get("name"), "features_sha256": features.card["sha256"]}
