"""What is refused before JAX is imported: masks, runs of other settings, and all of a recipe that can be told early.

Everything here is checked again where it is used, with the same sentences; here it is checked first, because importing
JAX and loading a prior take longer than a mistake in a command should.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxprior.data.inputs import list_inputs, makes_volumes
from jaxprior.errors import RunError, SettingsError
from jaxprior.evaluation.cells import Cell, check_size, configuration, size_of_masks, spelled_as
from jaxprior.evaluation.followed import check_followed
from jaxprior.evaluation.measures import check_asked
from jaxprior.evaluation.perception import check_perceptual
from jaxprior.evaluation.recipes import FILES, Recipe, files_beside, require_data
from jaxprior.evaluation.restorer_cells import RestorerCell, restorer_cells, restorer_configuration
from jaxprior.operators._tables import make_task
from jaxprior.restoration.presets import check_method
from jaxprior.restoration.restored_tasks import check_restores
from jaxprior.runs.record import check_configuration, read_record
from jaxprior.runs.runfolder import RunFolder
from jaxprior.settings import at
from jaxprior.system.amounts import with_article
from jaxprior.weights.outlines import PriorOutline, RestorerOutline, outline_network, outline_prior, outline_restorer


KIND = "evaluation"
"""The kind of run that the run.json of an evaluation names."""

UNSURE = ("numerics_version", "objective", "refine", "start", "fit")
"""Settings of a run that only networks and JAX decide."""


def check_cell(
    cell: Cell,
    prior: PriorOutline | RestorerOutline,
    run: Path | None = None,
    *,
    perceptual: str | os.PathLike | None = None,
) -> None:
    """Refuse a cell whose mask or originals cannot be used, or a run folder that belongs to another one.

    Arguments:
        cell: what is to be done, its method from `jaxprior.restoration.presets.check_method`.
        prior: what is known of the prior, or of the restorer.
        run: where the results are to lie, if that is to be checked.
        perceptual: the network in which results are compared, see `jaxprior.evaluation.run_cell`.

    Raises:
        WeightsError: there is no such network.
        MaskError: the one mask of all pictures cannot be read, is not clear, or leaves nothing known or missing.
        ImageError: there are no pictures where originals, or masks of pictures, are looked for.
        RunError: the folder holds something else, or results of other settings.
    """
    shape = (0, 0, 0) if isinstance(prior, RestorerOutline) else prior.image_shape
    if isinstance(prior, RestorerOutline) and prior.restores is not None:
        check_restores(cell.task, prior.restores, prior.card.get("name", str(prior.source)))
    if cell.mask is not None:
        if cell.mask.kind == "folder" and cell.mask.path is not None:
            list_inputs([cell.mask.path], shape)
        elif cell.mask.path is not None and cell.keeps_size:
            cell.mask.read()
        elif not cell.keeps_size:
            check = cell.mask.check_share if cell.mask.per_image else cell.mask.draw  # drawing checks the share, too
            check(size_of_masks(shape))
    if cell.reference is not None:
        list_inputs([cell.reference], shape)
    check_perceptual(perceptual, cell, run)
    check_asked(cell, shape)
    check_followed(cell)
    if run is None or not (run / "run.json").exists():
        return
    record = RunFolder(run).read()
    if isinstance(cell, RestorerCell):
        settings = spelled_as(restorer_configuration(cell, prior), record)
    else:
        settings = spelled_as(configuration(cell, prior, numerics_version=0), record)
    check_size(run, settings, record)
    settings = {name: value for name, value in settings.items() if name not in UNSURE}
    check_configuration(run, _as_far_as(settings, record["configuration"]))


def check_recipe(recipe: Recipe, run: Path) -> None:
    """Refuse a recipe with pictures, priors, tasks or methods that cannot be used.

    Arguments:
        recipe: from `load_recipe`.
        run: folder of the evaluation.

    Raises:
        SettingsError: a task or method that is wrong; the sentence says where it stands.
        ImageError, MaskError, WeightsError: pictures, masks or networks that are missing or cannot be used.

    Example:
        >>> check_recipe(jp.evaluation.load_recipe("quick"), Path("runs/quick"))
    """
    require_data(recipe)
    if recipe.set_features is not None:
        outline_network(recipe.set_features, role="features")
    outlines = [outline_prior(choice.source) for choice in recipe.priors if choice.restorer is None]
    restorers = [outline_restorer(choice.restorer) for choice in recipe.priors if choice.restorer is not None]
    for data in recipe.data:
        with at(f"data set {data.name}"):
            data.all_sources(run)
    for prior in outlines:
        if prior is not None:
            _check_cells(recipe, prior)
    for restorer in restorers:
        if restorer.restores is not None:
            with at(f"{recipe.where}: {restorer.card.get('name', restorer.source)}"):
                for cell in restorer_cells(recipe, restorer.restores):
                    check_cell(cell, restorer, perceptual=recipe.perceptual)


def check_kind(run: Path) -> None:
    """Refuse a folder that holds another kind of run than an evaluation.

    Raises:
        RunError: it does.
    """
    if (run / "run.json").exists() and (kind := read_record(run).get("kind", "foreign")) != KIND:
        raise RunError(f"{run} holds {with_article(kind)} run, not {with_article(KIND)}: give another folder with -o.")


def _check_cells(recipe: Recipe, prior: PriorOutline) -> None:
    """Check every task and every method of a recipe with one prior."""
    refuse_volumes(recipe.where, prior.image_shape)
    for i, table in enumerate(recipe.tasks, 1):
        with at(f"{recipe.where}: [[task]] {i}"):
            task, mask = make_task(files_beside(table, recipe.folder, *FILES), prior.image_shape)
            cell = Cell(task=task, method=None, mask=mask, seed=recipe.seed, measures=recipe.measures)
            check_cell(cell, prior, perceptual=recipe.perceptual)
        for j, settings in enumerate(recipe.methods.values(), 1):
            with at(f"{recipe.where}: [[method]] {j}"):
                check_method(settings, task, prior=prior)


def refuse_volumes(where: Any, image_shape: tuple[int, ...]) -> None:
    """Refuse a prior of volumes in a recipe, whose data sets are pictures.

    Raises:
        SettingsError: it makes volumes.
    """
    if makes_volumes(image_shape):
        raise SettingsError(
            f"{where}: recipes compare methods on pictures, and one of its priors makes volumes of "
            f"{'x'.join(map(str, image_shape[:-1]))} voxels; restore volumes by the commands of the tasks."
        )


def _as_far_as(settings: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The settings now, and for all that is not known of them those of the run."""
    result = dict(before)
    for name, value in settings.items():
        old: Any = before.get(name)
        both = isinstance(value, Mapping) and isinstance(old, Mapping)
        result[name] = _as_far_as(value, old) if both else value
    return result
