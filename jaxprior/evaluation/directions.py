"""Latent directions from labelled inversions: what `jaxprior directions` finds, for `jaxprior edit`.

    RUN/latents/*.safetensors + labels of the run's pictures --logistic regression--> direction [d]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from jaxprior.data.labels import Labels, composed, folder_labels, labels_of_some
from jaxprior.data.sources import ImageSource
from jaxprior.errors import RunError
from jaxprior.evaluation.edits import inverted
from jaxprior.evaluation.stored import load_latents
from jaxprior.restoration.directions import LEAST, Direction, find_direction
from jaxprior.runs.row import Row
from jaxprior.runs.runfolder import RunFolder
from jaxprior.system.activity import doing


FOLDERS = "folders"
"""In place of a table: the folder in which a picture lies is its class."""


@dataclass(frozen=True, kw_only=True)
class RunDirection:
    """A direction that a run's inversions told.

    Fields:
        direction: with what it says of held-out pictures.
        attribute: whose direction it is.
        unlabelled: pictures of the run that the table does not name.
        strangers: rows of the table that name no inversion of the run.
    """

    direction: Direction
    attribute: str
    unlabelled: int
    strangers: int


def direction_of_run(folder: RunFolder, labels: str | Path, *, attribute: str | None = None) -> RunDirection:
    """Find the direction in latent space along which an attribute of a run's pictures changes.

    Arguments:
        folder: a run with latents.
        labels: a CSV file with a row for each picture, see `jaxprior.data.labels`, or "folders" where the pictures lie
            in a folder for each class. Pictures without a row, and rows without a picture, are left out.
        attribute: the name of a column or of a class; not needed where there is one only.

    Returns:
        the direction, for `edit_run`, and what was left out.

    Raises:
        RunError: no latents, too few labelled pictures, no such attribute, or latents of different shapes.
        ImageError: the table cannot be read, or is wrong.
        ArgumentError: too few pictures with or without the attribute.

    Example:
        >>> found = direction_of_run(RunFolder("runs/cats"), "cats.csv")  # needs a finished run # doctest: +SKIP
        >>> np.save("smile.npy", found.direction.vector)  # needs a finished run # doctest: +SKIP
    """
    rows = inverted(folder)
    pictures = _sources_of(rows)
    if str(labels) == FOLDERS:
        known, said, strangers = np.arange(len(rows)), folder_labels(pictures, where=str(folder.path)), 0
    else:
        known, said, strangers = labels_of_some(labels, pictures, attribute=attribute)
    if len(known) < 2 * LEAST:
        example = Path(rows[0].image).name
        raise RunError(
            f"{labels} says something of only {len(known)} of the {len(rows)} inversions of {folder.path}; a direction "
            f"wants {2 * LEAST} or more. Its first column must have the names of the run's pictures, such as {example}."
        )
    column = _column(said, attribute, str(labels))
    with doing("reading latents"):
        codes = codes_of_rows(folder, [rows[number] for number in known])
    with doing("looking for the direction"):
        found = find_direction(codes, said.values[:, column])
    return RunDirection(
        direction=found, attribute=said.names[column], unlabelled=len(rows) - len(known), strangers=strangers
    )


def codes_of_rows(folder: RunFolder, rows: Sequence[Row]) -> np.ndarray:
    """The codes of some pictures of a run, float32 [b, ..., d].

    Raises:
        RunError: they differ in shape, as where files of another run lie among them.
    """
    codes = [np.asarray(load_latents(folder, row)["z"], np.float32) for row in rows]
    for row, one in zip(rows, codes, strict=True):
        if one.shape != codes[0].shape:
            raise RunError(
                f"{folder.file('latents', str(row.file))} holds codes of the shape {list(one.shape)}, and that of "
                f"{rows[0].image} has {list(codes[0].shape)}: they are not of one run; repeat the run's command "
                "without this file."
            )
    return np.stack(codes)


def _sources_of(rows: Sequence[Row]) -> list[ImageSource]:
    """The names of a run's pictures, as labels look for them: below the folder that all of them lie in."""
    paths = [PurePosixPath(row.image) for row in rows]
    above = min((path.parent.parts for path in paths), key=len)
    while any(path.parts[: len(above)] != above for path in paths):
        above = above[:-1]
    below = ("/".join(path.parts[len(above) :]) for path in paths)
    return [ImageSource(str(path), path.stem, Path(path), inside=name) for path, name in zip(paths, below, strict=True)]


def _column(labels: Labels, attribute: str | None, where: str) -> int:
    """The number of the attribute that is meant."""
    names = labels.names
    attribute = None if attribute is None else composed(attribute)
    if attribute is None and len(names) == 1:
        return 0
    if attribute is None and labels.exclusive and len(names) == 2:
        return 1
    if attribute in names:
        return names.index(attribute)
    there = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    if attribute is None:
        raise RunError(f"{where} has {len(names)} attributes ({there}): say with --attribute which one.")
    raise RunError(f"{where} has no attribute {attribute!r}; expected one of {there}.")
