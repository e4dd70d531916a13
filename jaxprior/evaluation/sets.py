"""The set of restored pictures of a run against the set of their originals: Frechet distance, KID, precision, recall.

What a picture's own figures cannot say is whether results look like pictures at all: a blur is near to every original
and like none of them. The sets are read from the run's PNG files, so their pictures are rounded to 8 bits, as public
programs read them. The distances stand in run.json under "sets", from where tables and reports take them.
"""

import math
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from jaxprior.data import images
from jaxprior.errors import RunError, WeightsError
from jaxprior.metrics import compare_sets
from jaxprior.metrics.precision_recall import NEIGHBOURS
from jaxprior.runs.row import FAILED, Row
from jaxprior.runs.runfolder import RunFolder
from jaxprior.system.activity import doing
from jaxprior.weights.features import FeatureNetwork, load_deep_features


AT_ONCE = 256
"""Pictures that are in memory at once."""

LEAST = NEIGHBOURS + 1
"""So few pictures a set may have."""


def measure_sets(runs: Sequence[RunFolder], source: str | os.PathLike) -> list[str]:
    """Compare the restored pictures of runs with their originals, as sets, and write the distances into run.json.

    Every result counts once. A run whose commands are repeated has to be measured again.

    Arguments:
        runs: finished ones, whose pictures have one size and whose originals are known.
        source: name or file of a feature network, see `jaxprior.weights.features.load_deep_features`.

    Returns:
        A sentence on each run that was left out, because it is unfinished, has no originals, or too few pictures.

    Raises:
        WeightsError: there is no such network. RunError: photographs that keep their size, or pictures that the network
            refuses.

    Example:
        >>> measure_sets(runs_in("runs/cats"), "squeezenet")  # needs a finished run # doctest: +SKIP
        []
    """
    network, told = load_deep_features(source), []
    with doing("comparing sets of pictures", total=len(runs), unit="runs") as work:
        for number, run in enumerate(runs, 1):
            record = run.read()
            if (why := _left_out(run, record)) is not None:
                told.append(f"{record['title']}: its pictures are not compared as sets, {why}.")
            else:
                run.write({**record, "sets": _compared(run, network)})
            work.moved(number)
    return told


def check_sets(source: str | os.PathLike, image_shapes: Sequence[tuple[int, ...]]) -> None:
    """Refuse a network that pictures are too small for, before any of them is restored.

    Arguments:
        source: see `measure_sets`; image_shapes: of the pictures of each run, (h, w, c).

    Raises:
        WeightsError: there is no such network, or it refuses pictures of one of these shapes.
    """
    network = load_deep_features(source)
    for shape in dict.fromkeys(image_shapes):
        if (why := network.refuses(shape)) is not None:
            raise WeightsError(
                f"{source}: pictures of {shape[0]}x{shape[1]} pixels cannot be compared in {network.label} ({why}); "
                "take another network, or leave --set-features out."
            )


def _compared(run: RunFolder, network: FeatureNetwork) -> dict[str, Any]:
    """What run.json says of the sets of a run."""
    kind = "images" if "images" in run.kinds() else "raw"
    rows = _measurable(run)
    sets = (_pictures(run, rows, kind) for kind in ("originals", kind))
    try:
        found = compare_sets(network, *sets)
    except ValueError as error:  # the network's, of pictures that are too small for it
        raise RunError(f"{run.path}: its pictures cannot be compared in {network.label}: {error}") from error
    figures = {name: _rounded(value) for name, value in found.as_dict().items()}
    named = {"network": network.label, "title": network.frechet_title, "sha256": network.card["sha256"]}
    return {**named, **figures}


def _rounded(value: float) -> float | None:
    """A number with six decimals as the journal has it; None if it is not finite."""
    return None if not math.isfinite(value) else round(value, 6) if isinstance(value, float) else value


def _left_out(run: RunFolder, record: dict) -> str | None:
    """Why the pictures of a run cannot be compared; None if they can."""
    if record["configuration"].get("size") == "native":
        return "because photographs keep their own size (--size fit)"
    if "volume" in record["configuration"]:
        return "because they are volumes, and the network sees pictures"
    if len(run.rows()) < record["images"]:
        return "because it is not finished"
    if (count := len(_measurable(run))) < LEAST:
        return f"because {count} of them have originals beside them, and {LEAST} are needed"
    return None


def _measurable(run: RunFolder) -> list[Row]:
    """The rows whose results and originals are there, every result once."""
    rows = (row for row in run.rows().distinct if row.status != FAILED and row.file is not None)
    return [row for row in rows if run.file("originals", str(row.file)).is_file()]


def _pictures(run: RunFolder, rows: Sequence[Row], kind: str) -> Iterator[np.ndarray]:
    """The pictures of some rows, float32 [n, h, w, c], some at a time."""
    for first in range(0, len(rows), AT_ONCE):
        some = [images.load_image(run.file(kind, str(row.file))) for row in rows[first : first + AT_ONCE]]
        yield images.to_float(np.stack(some))
