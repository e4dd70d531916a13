"""Write the deep image priors that come with the package: cards that describe networks whose weights are not kept.

    python benchmarks/bundle_untrained.py

Writes jaxprior/assets/untrained/NAME.safetensors for each name below.
"""

import jax
from bundling import ASSETS

from jaxprior.models.dip.stored import deep_image_prior
from jaxprior.weights.priors import Prior
from jaxprior.weights.storage import save_weights


FOLDER = ASSETS / "untrained"


def bundled_priors() -> list[Prior]:
    """Small ones of three sizes, and one of the paper's width."""
    return [*(deep_image_prior(side, side) for side in (64, 128, 256)), deep_image_prior(256, 256, preset="paper")]


def main() -> None:
    """Write them."""
    FOLDER.mkdir(exist_ok=True)
    for prior in bundled_priors():
        path = FOLDER / f"{prior.card['name']}.safetensors"
        save_weights(path, {"generator": jax.device_get(prior.params)}, prior.card)


if __name__ == "__main__":
    main()
