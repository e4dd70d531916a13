"""Looking up installed metrics: by name, and as headlines. `jaxprior.discovery` finds them."""

from collections.abc import Collection, Sequence

from jaxprior.discovery import installed_metrics
from jaxprior.errors import SettingsError
from jaxprior.protocols import ANY, PICTURES, VOLUMES, Metric
from jaxprior.settings import check_choice


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


def is_asked(one: Metric, measures: Collection[str], side: int) -> bool:
    """Whether a run has a metric's figure, where its needs are met.

    Arguments:
        one: the metric.
        measures: words by which the run asks for further figures, see `Metric.asked_as`.
        side: pixels of the shorter side of its pictures.
    """
    return (not one.asked_as or one.asked_as in measures) and side >= one.least


def takes(one: Metric, images_axes: int) -> bool:
    """Whether a metric compares images of so many axes: 3 of pictures [h, w, c], 4 of volumes [d, h, w, c]."""
    return one.takes in (ANY, VOLUMES if images_axes == 4 else PICTURES)


def check_measures(measures: Sequence[str], side: int | None, *, volumes: bool = False) -> None:
    """Refuse words by which no figure is asked for, and figures for which pictures are too small.

    Arguments:
        measures: the words.
        side: pixels of the shorter side of the pictures that are compared; None if they are of many sizes.
        volumes: whether volumes are compared and no pictures.

    Raises:
        SettingsError: naming the words there are, or the size that is needed.

    Example:
        >>> check_measures(["mse"], 64)
    """
    known = {one.asked_as: one for one in installed_metrics() if one.asked_as}
    for word in measures:
        check_choice(word, known, "measure")
        if volumes and known[word].takes == PICTURES:
            raise SettingsError(f"the measure {word} compares pictures, and this prior makes volumes; leave it out.")
        if side is not None and side < known[word].least:
            raise SettingsError(
                f"the measure {word}: pictures of {side} pixels a side are too small, it needs {known[word].least}; "
                "leave it out."
            )
