"""Annotations that hold: calls of the package's public functions are checked by jaxtyping and beartype in all tests."""

from beartype import BeartypeConf, beartype
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
)
"""Modules, and packages with all their modules: where arrays have shapes in their annotations, and the public face."""

checker = beartype(conf=BeartypeConf(is_pep484_tower=True))
"""As type checkers read annotations: an int is a float too."""


def check_types() -> None:
    """Check arguments, results and fields of `CHECKED` modules from now on. Before the package is imported."""
    install_import_hook(CHECKED, f"{__name__}.checker")
