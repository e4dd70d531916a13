"""How far iterates are from the originals, iteration after iteration, where a run is asked to follow it.

    jaxprior deblur photos/ -o RUN --clean --steps 300 --error-every 25

Every so many iterations the generator's picture is compared with the original: the mean squared error, in units of
[-1, 1]. The errors lie beside a picture's latents, and the report draws them. They choose nothing and decide no result,
so that the number stands in run.json beside the configuration. A run that goes on keeps the one that it began with.
"""

from dataclasses import replace
from pathlib import Path

from jaxprior.errors import RunError
from jaxprior.evaluation.cells import Cell
from jaxprior.runs.record import read_record


ERROR_EVERY = "error_every"
"""Where run.json says the number of iterations between two comparisons."""


def check_followed(cell: Cell) -> None:
    """Refuse to follow errors to originals that nobody knows.

    Raises:
        RunError: no originals are known.
    """
    if cell.error_every is not None and not cell.clean and cell.reference is None:
        raise RunError(
            f"error_every ({cell.error_every}) compares iterates with originals: say with --clean that the pictures "
            "are the originals, give these with --reference, or leave --error-every out."
        )


def with_followed(cell: Cell, run: Path) -> Cell:
    """The cell, which follows errors as its run began to if it does not say itself how often.

    Arguments:
        cell: what is to be done; run: the run folder.

    Raises:
        RunError: no originals are known.
    """
    check_followed(cell)
    if cell.error_every is None and (run / "run.json").exists():
        return replace(cell, error_every=read_record(run).get(ERROR_EVERY))
    return cell
