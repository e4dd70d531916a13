"""What a cell needs."""

from typing import Any, NamedTuple


class Estimate(NamedTuple):
    """Seconds a picture, bytes of a batch, pictures of a batch."""

    seconds_per_picture: float
    bytes: int
    batch: int


def estimate_cell(cell: Any, prior: Any, batch_size: int | None = None) -> Estimate:
    """A guess."""
    solve, codes = cell.method.solve, cell.method.codes
    batch = batch_size or 16
    return Estimate(solve.steps * solve.starts * 2e-3, prior.resolution**2 * 1000 * codes.num_codes * batch, batch)
