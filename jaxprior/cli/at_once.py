"""`jaxprior superres` and `jaxprior inpaint` with `--restorer`: a network that answers at once, in place of a prior."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import typer

from jaxprior.cli import options as opt
from jaxprior.cli.console import load_jax, mistakes, print_summary, say
from jaxprior.cli.shares import check_share, resolve_share, say_report
from jaxprior.cli.signature import is_given
from jaxprior.cli.solving import SOME_FAILED, solve
from jaxprior.errors import JaxpriorError
from jaxprior.protocols import RESTORER_TASKS, Restores
from jaxprior.settings import listed


OF_SEARCHES = ("prior", "memory", "error_every", "size")
"""Options of all commands that mean nothing without a prior."""


def restore_at_once(
    task: dict[str, Any],
    paths: list[Path],
    out: Path,
    observed: opt.ObservedOptions,
    options: opt.RestorerRunOptions,
    names: dict[str, str],
    *,
    context: typer.Context,
    of_methods: Collection[str],
) -> None:
    """Run one cell with a restorer, print its table and end with its exit code.

    Arguments:
        task: the table that `evaluation.make_task` takes; names: how its settings are called in messages.
        paths: pictures, folders and archives.
        out: run folder.
        observed: what the pictures are; options: what is common to all runs.
        context: of the command, which knows what options were given.
        of_methods: names of the options that belong to searches.
    """
    from jaxprior import evaluation
    from jaxprior.data import images
    from jaxprior.system import runtime
    from jaxprior.weights.outlines import outline_restorer

    assert options.restorer is not None
    _refuse_searching(context, [*of_methods, *OF_SEARCHES])
    if not observed.clean and is_given(context, "kernel"):
        raise JaxpriorError("--kernel says how originals are shrunk: give --clean with it, or leave it out.")
    own = [name for name in ("factor", "kernel") if is_given(context, name)]
    task = {name: value for name, value in task.items() if name in ("name", *own) or task["name"] != "superres"}
    opt.check_apart(out, paths)
    check_share(options)
    found = images.list_images(paths)
    outline = outline_restorer(options.restorer)
    with mistakes():
        if outline.restores is not None:
            cell = _cell_of(task, outline.restores.factor, observed, options, names)
            evaluation.check_cell(cell, outline, out, perceptual=options.perceptual)
    load_jax()
    from jaxprior.weights.restorers import load_restorer

    share = resolve_share(options)
    runtime.enable_compilation_cache()
    restorer = load_restorer(options.restorer)
    with mistakes():
        cell = _cell_of(task, restorer.factor, observed, options, names)
    folder = evaluation.RunFolder(out, share=share)
    rows = solve(
        cell, found[: options.limit], folder, prior=restorer, among=found, batch_size=options.batch_size,
        perceptual=options.perceptual,
    )  # fmt: skip
    path = evaluation.write_closing_report([folder], share=share)
    print_summary([cell.title], [rows])
    say_report(path, out)
    if (rows.status != "ok").any():
        raise typer.Exit(SOME_FAILED)


def say_restorer_instead(rows: Any, task: Any) -> None:
    """Name a restorer that is at hand for a task, where pictures do not suit the prior.

    They do not if they look unlike what it was trained on, or if they were to be enlarged and failed, most often
    because they have another size than the prior can enlarge.
    """
    from jaxprior.reporting.tables import poor_fits
    from jaxprior.restoration.restored_tasks import factor_of
    from jaxprior.weights.loader import named_restorers
    from jaxprior.weights.outlines import outline_restorer

    failed = task.name == "superres" and any(row.status == "failed" for row in rows)
    if task.name not in RESTORER_TASKS or not (failed or poor_fits(rows)):
        return
    for name in named_restorers():
        try:
            restores = outline_restorer(name).restores
        except JaxpriorError:
            continue  # a damaged file is told by those who ask for it
        if restores == Restores(task.name, factor_of(task)):
            say(f"`--restorer {name}` does this for pictures of any kind and size, without a prior.")
            return


def _cell_of(
    task: dict[str, Any], factor: int, observed: opt.ObservedOptions, options: opt.RunOptions, names: dict[str, str]
) -> Any:
    """What is to be done; settings of the task that nobody gave are those of the restorer."""
    from jaxprior import evaluation
    from jaxprior.evaluation import restorer_cells

    if task["name"] == "superres" and factor > 1:
        task = {"factor": factor, "kernel": restorer_cells.SHRINKING, **task}
    operator, mask = evaluation.make_task(task, (1, 1, 3), names=names)
    return evaluation.RestorerCell(
        task=operator,
        mask=mask,
        clean=observed.clean,
        reference=None if observed.reference is None else str(observed.reference),
        seed=options.seed,
        measures=opt.words(options.measures),
    )


def _refuse_searching(context: typer.Context, names: Collection[str]) -> None:
    """Refuse options of priors and of their search.

    Raises:
        JaxpriorError: naming those that were given.
    """
    spelled = {one.name: one.opts[-1] for one in context.command.params}
    given = [spelled[name] for name in names if name in spelled and is_given(context, name)]
    if given:
        raise JaxpriorError(
            f"--restorer takes the place of a prior and of its search, and {listed(given)} "
            f"{'means' if len(given) == 1 else 'mean'} nothing beside it: leave one of the two out."
        )
