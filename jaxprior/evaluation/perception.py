"""Which feature network compares the results of a run with their originals, the figures "perceptual" and
"perceptual_hole".

    run_cell(..., perceptual="lpips-alex")     # None: what the run began with, else the first installed of DEFAULTS

The choice stands in run.json under "perceptual", beside the configuration: it decides figures, and no result. So a run
goes on with the network that it began with, and its tables say which one that is.
"""

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxprior.data.inputs import makes_volumes
from jaxprior.errors import JaxpriorError, JaxpriorWarning, RunError, WeightsError
from jaxprior.evaluation.cells import Cell
from jaxprior.runs.record import read_record
from jaxprior.weights import loader, registry, storage
from jaxprior.weights.outlines import outline_network


DEFAULTS = (
    "lpips-alex", "lpips-squeeze-torchvision", "lpips-squeeze", "lpips-vgg", "vgg16", "squeezenet",
)  # fmt: skip
"""The networks that are looked for if nobody names one; the first that is installed is taken."""

NONE = "none"
"""In place of a network: results are not compared in any."""

SAID = "perceptual"
"""Where run.json says which network it was."""


def compares(cell: Cell) -> bool:
    """Whether the results of a cell can be compared in a network: with originals, of one size or whole pictures."""
    return (cell.is_answered or not cell.keeps_size) and (cell.clean or cell.reference is not None)


def check_perceptual(source: str | os.PathLike | None, cell: Cell, run: Path | None = None) -> None:
    """Refuse a network that is not there or of no use, or another one than a run began with, as far as files tell.

    Arguments:
        source: see `jaxprior.evaluation.run_cell`; cell: what is to be done.
        run: its folder, if that is to be checked.

    Raises:
        WeightsError: there is no such network, or it is damaged.
        RunError: there is nothing to compare, or the run began with another network.
    """
    if source is None or str(source) == NONE:
        return
    if cell.keeps_size and not cell.is_answered:
        raise RunError(
            "A perceptual distance is measured at the prior's size, and here photographs keep their own: add "
            "--size fit, or leave --perceptual out."
        )
    if not compares(cell):
        raise RunError(
            "A perceptual distance compares results with originals: say with --clean that the pictures are the "
            "originals, give these with --reference, or leave --perceptual out."
        )
    outline_network(source, role="features")
    if run is not None and (run / "run.json").exists():
        _check_same(run, read_record(run).get(SAID), _digest(source), str(source))


def choose_network(
    source: str | os.PathLike | None, cell: Cell, run: Path, image_shape: tuple[int, ...]
) -> tuple[Any, dict[str, str] | None]:
    """Load the network of a run.

    Arguments:
        source: name or file of a feature network, `NONE`, or None for the default.
        cell: what is to be done; results that cannot be compared have no network.
        run: its folder; a run that has begun keeps its network.
        image_shape: (h, w, c) of the pictures that are compared. Where a restorer answers, they have many sizes, for
            each of which the network is compiled: then only a network that is named is taken.

    Returns:
        A `FeatureNetwork`, and what run.json says of it: "source", "title" and "sha256". None for both where there is
        none. With `NONE` a run that began with a network keeps what its run.json says.

    Raises:
        WeightsError, RunError: see `check_perceptual`; or pictures of this shape are not for the network.
    """
    check_perceptual(source, cell)
    if makes_volumes(image_shape):
        if source is not None and str(source) != NONE:
            raise WeightsError(f"{source}: results are compared in networks of pictures, and this prior makes volumes.")
        return None, None
    begun = (run / "run.json").exists()
    said = read_record(run).get(SAID) if begun else None
    if str(source) == NONE or not compares(cell):
        return None, said
    if source is None and begun:
        return (None, None) if said is None else _load_again(run, said, image_shape)
    if source is None:
        return (None, None) if cell.is_answered else _first_installed(image_shape)
    network, now = _load(source)
    if begun:
        _check_same(run, said, now["sha256"], now["title"])
    if not cell.is_answered and (why := network.refuses(image_shape)) is not None:
        raise WeightsError(
            f"{source}: pictures of {image_shape[0]}x{image_shape[1]} pixels cannot be compared in this network "
            f"({why}); take another one, or none."
        )
    return network, now


def _first_installed(image_shape: tuple[int, ...]) -> tuple[Any, dict[str, str] | None]:
    """The first installed of `DEFAULTS` for which the pictures are large enough."""
    there = registry.installed()
    for name in DEFAULTS:
        if name not in there:
            continue
        try:
            network, said = _load(name)
        except WeightsError as error:
            warnings.warn(f"results are not compared in {name}: {error}", JaxpriorWarning, stacklevel=2)
            continue
        if network.refuses(image_shape) is None:
            return network, said
    return None, None


def _load_again(run: Path, said: Mapping[str, str], image_shape: tuple[int, ...]) -> tuple[Any, dict[str, str]]:
    """The network that a run began with."""
    try:
        network, now = _load(said["source"])
    except JaxpriorError as error:
        raise RunError(
            f"{run} compares its results in {said['title']}, which is not there any more ({error}); give it with "
            "--perceptual, or go on without it: --perceptual none."
        ) from error
    _check_same(run, said, now["sha256"], now["title"])
    return network, dict(said)


def _load(source: str | os.PathLike) -> tuple[Any, dict[str, str]]:
    from jaxprior.weights.features import load_features  # imports JAX

    network = load_features(source)
    named = str(source) if str(source) in registry.installed() else os.path.abspath(source)
    return network, {"source": named, "title": network.label, "sha256": network.card["sha256"]}


def _digest(source: str | os.PathLike) -> str:
    return storage.read_card(loader.find(source, role="features"))["sha256"]


def _check_same(run: Path, said: Mapping[str, str] | None, digest: str, title: str) -> None:
    """Refuse to go on with a run in another network than the one it began with."""
    if said is None:
        raise RunError(
            f"{run} began without a perceptual distance, and its finished pictures have none: give another folder with "
            "-o, or leave --perceptual out to go on."
        )
    if said["sha256"] != digest:
        raise RunError(
            f"{run} compares its results in {said['title']} (sha256 {said['sha256'][:12]}...), and this command in "
            f"{title} ({digest[:12]}...): give another folder with -o, or leave --perceptual out to go on."
        )
