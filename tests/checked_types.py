"""Annotations that hold: calls of the package's public functions are checked by jaxtyping and beartype in all tests."""

import jax
import numpy as np
from beartype import BeartypeConf, BeartypeHintOverrides, beartype
from jaxtyping import install_import_hook


CHECKED = (
    "jaxprior.metrics",
    "jaxprior.operators",
    "jaxprior.data",
    "jaxprior.inversion.codes",
    "jaxprior.inversion.objective",
    "jaxprior.inversion.optimizers",
    "jaxprior.inversion.solvers",
    "jaxprior.inversion.starts",
    "jaxprior.inversion.terms",
    "jaxprior.restoration.drivers",
    "jaxprior.restoration.editing",
    "jaxprior.restoration.presets",
    "jaxprior.weights.features",
    "jaxprior.weights.priors",
    "jaxprior.weights.refiners",
    "jaxprior.weights.restorers",
)
"""Modules, and packages with all their modules: where arrays have shapes in their annotations, and the public face."""

ARRAYS = BeartypeHintOverrides({jax.Array: jax.Array | np.ndarray})
AS_MEANT = BeartypeConf(is_pep484_tower=True, hint_overrides=ARRAYS)
"""An int is a float too, and JAX takes an array of NumPy wherever it takes one of its own."""


def checker(function):
    """Check calls, but not the fields of new objects: those of trees hold shapes and placeholders inside JAX."""
    return function if function.__name__ == "__init__" else beartype(conf=AS_MEANT)(function)


def check_types() -> None:
    """Check arguments and results of `CHECKED` modules from now on. Before the package is imported."""
    install_import_hook(CHECKED, f"{__name__}.checker")
