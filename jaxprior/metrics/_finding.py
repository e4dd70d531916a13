"""Looking up installed metrics: by name, and as headlines. `jaxprior.discovery` finds them."""

from collections.abc import Collection

from jaxprior.discovery import installed_metrics
from jaxprior.errors import SettingsError
from jaxprior.protocols import Metric


CONVENTION = (
    "PSNR in dB and SSIM on RGB in [0, 1], float output clipped but not rounded to 8 bit, whole picture, "
    "no crop beyond SSIM's own border; SSIM as scikit-image's default (uniform 7x7 window); hole = only "
    "missing pixels (SSIM: mean of its map over the hole); merged = after what is known for certain was put "
    "back; known = consistency with the input: raw output on the known pixels, or for tasks without a mask "
    "the raw output degraded once more against the input."
)
"""How the figures of this package are measured; every table prints it."""


def metric(name: str) -> Metric:
    """Return the installed metric of a name.

    Arguments:
        name: in the journal, for example "psnr_hole".

    Raises:
        SettingsError: none has this name.
    """
    for found in installed_metrics():
        if found.name == name:
            return found
    known = ", ".join(one.name for one in installed_metrics())
    raise SettingsError(f"{name}: no metric has this name; expected one of {known}.")


def metrics_of(names: Collection[str]) -> list[Metric]:
    """Return the installed metrics of some names, in their order; names that no metric has are left out."""
    return [found for found in installed_metrics() if found.name in names]


def headline_metrics() -> list[Metric]:
    """Return the metrics by which the rows of a run can be sorted; the first that a run has sorts it."""
    ranked = [(found.headline, found) for found in installed_metrics() if found.headline is not None]
    return [found for _, found in sorted(ranked, key=lambda pair: pair[0])]
