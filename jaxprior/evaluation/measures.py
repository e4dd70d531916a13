"""Figures beside the usual ones that a run asks for by a word, such as the mean squared error.

    jaxprior superres photos/ -o RUN --clean --measures mse,ms-ssim

The words stand in run.json beside the configuration, because they decide figures and no result. A run that goes on
keeps those that it began with; pictures that were done before a word was added do not have its figures.
"""

from dataclasses import replace
from pathlib import Path

from jaxprior.errors import RunError
from jaxprior.evaluation.cells import Cell
from jaxprior.runs.record import read_record


MEASURES = "measures"
"""Where run.json says the words."""


def check_asked(cell: Cell, image_shape: tuple[int, ...]) -> None:
    """Refuse words that are none, and figures for which there is nothing to compare.

    Arguments:
        cell: what is to be done; image_shape: of the prior's pictures, (h, w, c).

    Raises:
        SettingsError: no figure has that word, or pictures are too small for it. RunError: no originals are known.
    """
    if not cell.measures:
        return
    from jaxprior.metrics import check_measures  # imports JAX

    check_measures(cell.measures, None if cell.keeps_size else min(image_shape[:-1]), volumes=len(image_shape) == 4)
    if not cell.clean and cell.reference is None:
        raise RunError(
            f"{' and '.join(cell.measures)}: further measures compare results with originals; say with --clean that "
            "the pictures are the originals, give these with --reference, or leave --measures out."
        )


def with_measures(cell: Cell, run: Path, image_shape: tuple[int, ...]) -> Cell:
    """The cell, which also asks for the figures with which its run began.

    Arguments:
        cell, image_shape: see `check_asked`; run: the run folder.
    """
    check_asked(cell, image_shape)
    begun = read_record(run).get(MEASURES, []) if (run / "run.json").exists() else []
    return replace(cell, measures=tuple(dict.fromkeys([*begun, *cell.measures])))
