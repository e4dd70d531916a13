"""Samples of a generator against real pictures in a feature network: what evaluators of trainings add to their figures.

The network is named in the settings of the training; nothing is called FID that is not measured in its Inception.
"""

import math

import numpy as np

from jaxprior.metrics._vectors import feature_vectors
from jaxprior.metrics.frechet import gaussian_frechet
from jaxprior.metrics.precision_recall import NEIGHBOURS
from jaxprior.metrics.sets import distances_of_vectors
from jaxprior.training.settings import GeneratorSettings
from jaxprior.weights.features import FeatureNetwork, load_deep_features


FIGURES = ("frechet", "frechet_sd", "frechet_real", "kid", "kid_sd", "precision", "recall")
"""What is measured; `frechet_real` is the Frechet distance of real pictures from other real ones."""

FEATURE_NOTE = (
    "frechet, kid, precision and recall compare the same pictures in the feature network that the card names; "
    "frechet_real compares real pictures with other real ones. They are FID and KID as published only with the "
    "Inception of pytorch-fid."
)
"""What the columns of `FIGURES` are."""

RESAMPLES = 20
"""Bootstrap samples, few because samples are measured after every phase."""


def evaluation_network(recipe: GeneratorSettings) -> FeatureNetwork | None:
    """Load the network that a recipe names, with its deepest map; None if it names none.

    Raises:
        WeightsError: there is no such network, or it has no single map.
    """
    return None if recipe.evaluate_features is None else load_deep_features(recipe.evaluate_features)


def feature_figures(
    network: FeatureNetwork, reals: np.ndarray, fakes: np.ndarray, *, others: np.ndarray
) -> dict[str, float]:
    """Compare samples with as many real pictures; see `jaxprior.metrics.compare_sets`.

    Arguments:
        network: of one map.
        reals, fakes: float32 [n, h, w, c] in [-1, 1]; samples are clipped.
        others: further real pictures, as many.

    Returns:
        `FIGURES`; nothing if the pictures are too small for the network, or too few. Of samples that are not finite, as
        those of a training that diverges, all figures are NaN.
    """
    if network.refuses(fakes.shape[1:]) is not None or min(len(reals), len(fakes), len(others)) <= NEIGHBOURS:
        return {}
    if not np.isfinite(fakes).all():
        return dict.fromkeys(FIGURES, math.nan)
    real, fake, other = (feature_vectors(network, np.clip(one, -1, 1)) for one in (reals, fakes, others))
    found = distances_of_vectors(real, fake, resamples=RESAMPLES).as_dict()
    return {name: gaussian_frechet(real, other) if name == "frechet_real" else found[name] for name in FIGURES}
