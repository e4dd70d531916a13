"""The report of a training run, or of a trained SinGAN's file: one `report.html` that works offline.

Of every training: its newest sheet of samples, how to use the network, samples over time, curves, figures and settings.
A SinGAN's page shows what its pyramid makes, drawn anew from the saved weights, so that networks trained elsewhere have
one as well.
"""

import pkgutil
from pathlib import Path

from jaxprior import discovery
from jaxprior.errors import WeightsError
from jaxprior.reporting.training_page import training_page
from jaxprior.reporting.training_snapshot import Training, read_training
from jaxprior.settings import listed
from jaxprior.system.activity import doing
from jaxprior.system.files import write_atomically
from jaxprior.weights import storage
from jaxprior.weights.loader import RUN_WEIGHTS


def write_training_report(path: Path) -> Path:
    """Write the page of a training, finished or not; of a file of a trained SinGAN, beside it.

    Arguments:
        path: a run folder, which gets `report.html`; or a file NAME.safetensors, beside which NAME.html appears.

    Returns:
        Where the page is.

    Raises:
        RunError: the folder holds no training, or one that has written nothing yet.
        WeightsError: damaged weights, or a file of something else than a SinGAN.

    Example:
        >>> write_training_report("runs/balloons")  # needs a training's folder # doctest: +SKIP
        PosixPath('runs/balloons/report.html')
    """
    path = Path(path)
    with doing("writing the report"):
        if path.is_file():
            out = path.with_suffix(".html")
            training = Training(title=path.stem, path=path, record={}, card=storage.read_card(path))
            sections = _sections(path, training.card.get("architecture"))
            if sections is None:
                named = training.card.get("architecture")
                families = discovery.families().values()
                pages = [word for family in families if family.page for word in family.architectures]
                raise WeightsError(f"{path}: its card names {named!r}; expected {listed(pages)}")
        else:
            training, out = read_training(path), path / "report.html"
            sections = _sections(path / RUN_WEIGHTS, training.card.get("architecture")) or []
        write_atomically(out, training_page(training, sections).encode("utf-8", "backslashreplace"))
    return out


def _sections(weights: Path, architecture: str | None) -> list[str] | None:
    """Sections that the networks' family makes of them for the page; None if it makes none of this architecture."""
    family = discovery.family_of(architecture)
    if family is None or family.page is None or architecture is None:
        return None
    make = pkgutil.resolve_name(next(iter(family.architectures[architecture].values())))
    params, card = storage.load_weights(weights)
    return pkgutil.resolve_name(family.page)(make(params, card, str(weights)))
