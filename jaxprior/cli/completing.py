"""Names that the shell completes behind options and commands: of priors, other networks and recipes.

Only folders are looked at, and nothing imports JAX, because a shell waits for the answer at every press of the key. A
name that cannot be listed is not completed; completion never fails, and the shell goes on with the names of files.
"""

from collections.abc import Callable, Iterable
from typing import Any


def _completing(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """The function that typer calls: names that begin like what was typed."""

    def complete(incomplete: str) -> list[str]:
        import warnings

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return [name for name in names() if name.startswith(incomplete)]
        except Exception:  # whatever is wrong is told by the command itself
            return []

    return complete


def _priors() -> Iterable[str]:
    from jaxprior.weights.loader import every_prior

    return every_prior()


def _restorers() -> Iterable[str]:
    from jaxprior.weights.loader import named_restorers

    return named_restorers()


def _refiners() -> Iterable[str]:
    from jaxprior.weights.loader import named

    return named("refiner")


def _models_of_one_picture() -> Iterable[str]:
    from jaxprior.weights.loader import named

    return named("singan")


def _features() -> Iterable[str]:
    from jaxprior.weights.registry import installed

    return installed()


def _known() -> Iterable[str]:
    from jaxprior.weights.known.networks import NETWORKS
    from jaxprior.weights.known.priors import PRIORS

    return [*PRIORS, *NETWORKS]


def _recipes() -> Iterable[str]:
    from jaxprior.evaluation.recipes import list_recipes

    return list_recipes()


def _here() -> Iterable[str]:
    return dict.fromkeys([*_priors(), *_restorers(), *_refiners(), *_models_of_one_picture(), *_features()])


prior_names = _completing(_priors)
restorer_names = _completing(_restorers)
refiner_names = _completing(_refiners)
singan_names = _completing(_models_of_one_picture)
feature_names = _completing(_features)
known_names = _completing(_known)
here_names = _completing(_here)
every_name = _completing(lambda: dict.fromkeys([*_here(), *_known()]))
recipe_names = _completing(_recipes)

OF_SETTINGS: dict[str, Any] = {
    "prior": prior_names,
    "start_from": here_names,
    "refine": refiner_names,
    "features": feature_names,
    "evaluate_features": feature_names,
}
"""What is completed behind the options that are derived from settings of these names."""
