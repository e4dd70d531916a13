"""From a recipe to its cells, and through all of them.

    run_recipe(load_recipe("quick"), "runs/quick")

RUN/run.json    the resolved recipe, and the folders of its cells in the order of the grid
RUN/<cell>/     a run folder like that of a single command
RUN/data/       built-in pictures
RUN/report.html, tables: over all cells
"""

import contextlib
import dataclasses
import json
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxprior.data.sources import ImageSource
from jaxprior.data.volume_masks import AnyMask
from jaxprior.errors import JaxpriorWarning, SettingsError
from jaxprior.evaluation.cells import Cell, describe, size_of_masks
from jaxprior.evaluation.precheck import KIND, check_kind, refuse_volumes
from jaxprior.evaluation.recipes import FILES, Recipe, files_beside, numbered, require_data
from jaxprior.evaluation.restorer_cells import AT_ONCE, RestorerCell, restorer_cells
from jaxprior.evaluation.runner import run_cell
from jaxprior.evaluation.sets import check_sets, measure_sets
from jaxprior.operators import Operator
from jaxprior.operators._tables import make_task
from jaxprior.protocols import Restores
from jaxprior.reporting.report import write_closing_report
from jaxprior.restoration.presets import Method, make_method, origin_of_method
from jaxprior.runs.observer import Observer
from jaxprior.runs.record import check_configuration
from jaxprior.runs.runfolder import RunFolder, runs_in
from jaxprior.runs.shares import WHOLE, Share
from jaxprior.runs.stopping import StopGuard
from jaxprior.settings import at
from jaxprior.system import files
from jaxprior.weights.priors import load_prior
from jaxprior.weights.restorers import Restorer, load_restorer


LONGEST = 60  # characters of a part of a folder's name


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlannedCell:
    """A cell of a grid, ready to be run.

    Fields:
        folder: its folder's name inside the evaluation's.
        labels: what it is called: "prior", "data", "task" and "method".
        title: those labels that differ within the grid.
        cell, prior, sources, among: what `run_cell` takes.
    """

    folder: str
    labels: dict[str, str]
    title: str
    cell: Cell
    prior: Any
    sources: list[ImageSource]
    among: list[ImageSource]


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluationPlan:
    """A recipe whose priors are loaded and whose pictures are listed.

    Fields:
        recipe: what it was made of.
        cells: in order: every prior, every data set, every task, every method.
        configuration: what decides the results, as JSON values; how many pictures there are is none of it.
    """

    recipe: Recipe
    cells: list[PlannedCell]
    configuration: dict


Watch = Callable[[int, int, PlannedCell], AbstractContextManager[Observer]]


def make_plan(recipe: Recipe, run: str | Path) -> EvaluationPlan:
    """Load priors, list pictures and make every cell of a recipe; nothing is written.

    Arguments:
        recipe: from `load_recipe`.
        run: folder of the evaluation, where built-in pictures will lie.

    Raises:
        SettingsError: a task or method that is wrong or does not suit a prior; the sentence says where it stands.
        ImageError, WeightsError: pictures or networks that are missing.

    Example:
        >>> len(make_plan(load_recipe("quick"), "runs/quick").cells)  # reads pictures of its own # doctest: +SKIP
        12
    """
    require_data(recipe)
    priors = [
        load_prior(choice.source) if choice.restorer is None else load_restorer(choice.restorer)
        for choice in recipe.priors
    ]
    names = numbered(
        choice.name or prior.card.get("name") or Path(choice.restorer or choice.source or "").stem
        for choice, prior in zip(recipe.priors, priors, strict=True)
    )
    sources = {}
    for data in recipe.data:
        with at(f"data set {data.name}"):
            listed = data.all_sources(Path(run))
            sources[data.name] = listed[: data.limit], listed
    found, titles = [], numbered(str(table.get("name")) for table in recipe.tasks)
    for name, prior in zip(names, priors, strict=True):
        if isinstance(prior, Restorer):
            cells = _cells_of_restorer(recipe, prior)
        else:
            cells = _cells_of(recipe, prior)
            titles = list(dict.fromkeys(title for title, *_ in cells))
        for data in recipe.data:
            for title, method, cell in cells:
                labels = {"prior": name, "data": data.name, "task": title, "method": method}
                found.append((labels, cell, prior, sources[data.name]))
    labels = [labels for labels, *_ in found]
    folders = numbered("_".join(map(_slug, one.values())) for one in labels)
    short = short_titles(labels)
    return EvaluationPlan(
        recipe=recipe,
        cells=[
            PlannedCell(
                folder=folder, labels=labels, title=title, cell=cell, prior=prior, sources=pictures, among=among
            )
            for folder, title, (labels, cell, prior, (pictures, among)) in zip(folders, short, found, strict=True)
        ],
        configuration=_configuration(recipe, dict(zip(names, priors, strict=True)), titles),
    )


def run_recipe(
    recipe: Recipe,
    run: str | Path,
    *,
    batch_size: int | None = None,
    memory: float | None = None,
    share: Share = WHOLE,
    watch: Watch | None = None,
    command: str = "",
) -> Path | None:
    """Run all cells of a recipe, one after the other, and write tables and report; what is there already is kept.

    Arguments:
        recipe: from `load_recipe`.
        run: folder of the evaluation; `runs_in` finds its cells.
        batch_size, memory: pictures in one compiled shape, and what it may need; see `run_cell`.
        share: the part of every data set's pictures that this process does; others do theirs in the same folder.
        watch: called with a cell's number from 1, the number of cells and the cell; a context manager around its run
            that gives the observer of its progress.
        command: how to go on with this evaluation, for run.json.

    Returns:
        Where the report is; None if it is left to another process, see `write_closing_report`.

    Raises:
        RunError: the folder belongs to something else, or to another recipe.
        Stopped: SIGINT or SIGTERM arrived; what is finished is kept.
        ValueError: see `make_plan`.

    Example:
        >>> recipe = load_recipe("quick")  # inverts for minutes # doctest: +SKIP
        >>> run_recipe(recipe, "runs/quick")  # inverts for minutes # doctest: +SKIP
        PosixPath('runs/quick/report.html')
    """
    run, watch = Path(run), watch or _unwatched
    with StopGuard() as guard:
        plan = make_plan(recipe, run)
        if recipe.set_features is not None:
            shapes = [one.prior.image_shape for one in plan.cells if not isinstance(one.cell, RestorerCell)]
            check_sets(recipe.set_features, shapes)
        _begin(plan, run, command)
        for number, planned in enumerate(plan.cells, 1):
            guard.check()
            with watch(number, len(plan.cells), planned) as observer:
                run_cell(
                    planned.cell,
                    planned.sources,
                    RunFolder(run / planned.folder, share=share),
                    prior=planned.prior,
                    among=planned.among,
                    batch_size=batch_size,
                    memory=memory,
                    perceptual=recipe.perceptual,
                    observer=observer,
                    command=command,
                    labels=planned.labels,
                )
        if recipe.set_features is not None:
            for sentence in measure_sets(runs_in(run), recipe.set_features):
                warnings.warn(sentence, JaxpriorWarning, stacklevel=2)
        return write_closing_report(runs_in(run), run / "report.html", share=share)


def short_titles(labels: Sequence[dict[str, str]]) -> list[str]:
    """Name cells by those of their labels that differ between them, or by the task where none does.

    Example:
        >>> short_titles([{"prior": "cats", "task": "reconstruct"}, {"prior": "dogs", "task": "reconstruct"}])
        ['cats', 'dogs']
    """
    differing = [kind for kind in labels[0] if len({one[kind] for one in labels}) > 1] or ["task"]
    return [" | ".join(one[kind] for kind in differing) for one in labels]


def _cells_of(recipe: Recipe, prior: Any) -> list[tuple[str, str, Cell]]:
    """Every task with every method: (task's title, method's name, cell).

    A mask's file is called as in the recipe, from whichever folder the recipe is run.
    """
    refuse_volumes(recipe.where, prior.image_shape)
    cells, titles = [], []
    methods = {}  # one network serves all tasks of a kind
    for i, table in enumerate(recipe.tasks, 1):
        with at(f"{recipe.where}: [[task]] {i}"):
            task, mask = make_task(files_beside(table, recipe.folder, *FILES), prior.image_shape)
            _check_suits(task, mask, prior.image_shape)
        title = Cell(task=task, method=None, mask=mask).title
        if mask is not None and mask.path is not None:
            title = title.replace(mask.name, table["mask"])
        if title in titles:
            raise SettingsError(f"{recipe.where}: [[task]] {i}: {title} stands there twice.")
        titles.append(title)
        for j, (name, settings) in enumerate(recipe.methods.items(), 1):
            if (task.name, name) not in methods:
                with at(f"{recipe.where}: [[method]] {j}"):
                    methods[task.name, name] = make_method(settings, task, prior=prior)
            origin = origin_of_method(settings, task, prior=prior)
            cell = Cell(
                task=task, method=methods[task.name, name], mask=mask, seed=recipe.seed, origin=origin,
                measures=recipe.measures, error_every=recipe.error_every,
            )  # fmt: skip
            cells.append((title, name, cell))
    _tell_of_equal_methods(methods)
    return cells


def _cells_of_restorer(recipe: Recipe, restorer: Restorer) -> list[tuple[str, str, Cell]]:
    """The tasks of a recipe that a restorer does, each of them once, on pictures of their own size."""
    with at(f"{recipe.where}: {restorer.name}"):
        cells = restorer_cells(recipe, Restores(restorer.task, restorer.factor))
    return [(cell.title, AT_ONCE, cell) for cell in cells]


def _tell_of_equal_methods(methods: dict[tuple[str, str], Method]) -> None:
    """Warn of two methods of a recipe that are the same for a task, as one option for all of them can make them."""
    seen: dict[tuple[str, str], str] = {}
    for (task, name), method in methods.items():
        first = seen.setdefault((task, json.dumps(describe(list(method)))), name)
        if first != name:
            warnings.warn(
                f"The methods {first} and {name} have the same settings for {task}, so their results are the same.",
                JaxpriorWarning,
                stacklevel=2,
            )


def _check_suits(task: Operator, mask: AnyMask | None, image_shape: tuple[int, ...]) -> None:
    """Find out before the first cell whether a task can be done on the prior's pictures."""
    jax.eval_shape(type(task).apply, task, jax.ShapeDtypeStruct(image_shape, np.float32))
    if mask is not None and mask.kind != "folder":
        mask.draw(size_of_masks(image_shape), jax.random.key(0))


def _configuration(recipe: Recipe, priors: dict[str, Any], titles: Sequence[str]) -> dict:
    return {
        "seed": recipe.seed,
        "priors": {name: prior.sha256 for name, prior in priors.items()},
        "data": {
            one.name: {"path": one.path and one.path.name, "builtin": one.builtin, "seed": one.seed}
            for one in recipe.data
        },
        "tasks": dict(zip(dict.fromkeys(titles), map(describe, recipe.tasks), strict=True)),
        "methods": describe(recipe.methods),
    }


def _begin(plan: EvaluationPlan, run: Path, command: str) -> None:
    """Take the folder, or refuse another evaluation's."""
    check_kind(run)
    check_configuration(run, plan.configuration)
    files.make_folder(run)
    for data in plan.recipe.data:
        data.write_builtin(run)
    record = {
        "kind": KIND,
        "title": plan.recipe.title,
        "command": command,
        "configuration": plan.configuration,
        "cells": [planned.folder for planned in plan.cells],
    }
    files.write_json(run / "run.json", record)


def _slug(label: str) -> str:
    """A label as part of a folder's name."""
    return re.sub(r"[^\w.]+", "-", label).strip("-.")[:LONGEST] or "unnamed"


@contextlib.contextmanager
def _unwatched(_number: int, _count: int, _planned: PlannedCell) -> Iterator[Observer]:
    yield Observer()
