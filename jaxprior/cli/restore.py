"""`jaxprior TASK`: one task over pictures, into a run folder. There is a command for every operator that is found."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from jaxprior.cli import options as opt
from jaxprior.cli.at_once import restore_at_once, say_restorer_instead
from jaxprior.cli.console import load_jax, mistakes, print_summary
from jaxprior.cli.derived import options_of, spelled_option
from jaxprior.cli.method import check, method_options, method_table, resolve
from jaxprior.cli.shares import check_share, resolve_share, say_report
from jaxprior.cli.signature import is_given, spelled_out
from jaxprior.cli.solving import SOME_FAILED, solve
from jaxprior.errors import JaxpriorError
from jaxprior.protocols import RESTORER_TASKS
from jaxprior.restoration.sizes import keeps_size
from jaxprior.settings import about


PANEL = "Task"
ORIGINALS = opt.ObservedOptions(clean=True)


def task_command(name: str) -> Callable[..., None]:
    """Make the function of a task's command, whose parameters are its options. Imports the task's operator.

    Arguments:
        name: of the task, one of `jaxprior.operators.task_names`.

    Raises:
        JaxpriorError: the operator cannot be imported, or has a setting that is called like an option of all tasks.
    """
    from jaxprior import operators
    from jaxprior.restoration import merge_rule

    operator = operators.load_task(name)
    kinds = {
        "settings": options_of(operator.settings, unset=False, panel=PANEL),
        "method": method_options(without=() if merge_rule.fills_holes(operator) else ("merge",)),
        "observed": _options_of_pictures(operator),
        "run": opt.RestorerRunOptions if name in RESTORER_TASKS else opt.RunOptions,
    }
    names = spelling(operator.settings)

    def command(
        images: opt.Images,
        out: opt.Out,
        context: typer.Context,
        *,
        settings: Any,
        observed: Any,
        method: Any,
        run: opt.RunOptions,
    ) -> None:
        given = {"name": name, **settings.changes()}
        pictures = ORIGINALS if takes_originals(operator) else observed
        if pictures.clean and pictures.reference is not None:
            raise JaxpriorError(
                "--clean says that the pictures are the originals, --reference that others are: give one."
            )
        if isinstance(run, opt.RestorerRunOptions) and run.restorer is not None:
            of_methods = [field.name for field in dataclasses.fields(kinds["method"])]
            restore_at_once(given, images, out, pictures, run, names, context=context, of_methods=of_methods)
            return
        table = method_table(method)
        if not is_given(context, "merge"):
            table.pop("merge", None)  # the library decides, by what the prior makes
        _restore(given, images, out, pictures, table, run, names)

    command.__doc__ = "\n\n".join(part for part in (operators.task_summary(name), operator.text) if part)
    try:
        return spelled_out(command, kinds)
    except ValueError as error:
        raise JaxpriorError(f"{name}: a setting of the operator is called like another option ({error}).") from None


def _options_of_pictures(operator: Any) -> type:
    """The options that say what the pictures of a task are."""
    if takes_originals(operator):
        return opt.NoOptions
    return opt.SizeOptions if keeps_size(operator) else opt.ObservedOptions


def takes_originals(operator: Any) -> bool:
    """Whether the pictures given to a task's command are always the originals."""
    return not operator.degrades or operator.observes_numbers


def spelling(settings: type) -> dict[str, str]:
    """How a task's settings are called in messages: the option and what stands for its value, "--blur SIGMA"."""
    described = about(settings)
    return {name: " ".join(filter(None, (spelled_option(name, one), one.metavar))) for name, one in described.items()}


def _restore(
    task: dict[str, Any],
    paths: list[Path],
    out: Path,
    observed: opt.ObservedOptions,
    method: dict[str, Any],
    options: opt.RunOptions,
    names: dict[str, str],
) -> None:
    """Run one cell, print its table and end with its exit code.

    Arguments:
        task: the table that `evaluation.make_task` takes; names: how its settings are called in messages.
        paths: pictures, folders and archives.
        out: run folder.
        observed: what the pictures are.
        method: the table that `jaxprior.cli.method.resolve` takes.
        options: what is common to all runs.
    """
    from jaxprior import evaluation
    from jaxprior.data.inputs import list_inputs, makes_volumes
    from jaxprior.restoration.presets import origin_of_method
    from jaxprior.system import runtime
    from jaxprior.weights.outlines import outline_prior

    native = _keeps_size(observed)
    opt.check_apart(out, paths)
    check_share(options)
    outline = outline_prior(options.prior)
    found = [] if outline is None else list_inputs(paths, outline.image_shape)

    def cell_of(prior: Any, method_of: Callable[..., Any]) -> Any:
        with mistakes():
            operator, mask = evaluation.make_task(task, prior.image_shape, names=names)
        return evaluation.Cell(
            task=operator,
            method=method_of(method, operator, prior),
            mask=mask,
            clean=observed.clean,
            reference=None if observed.reference is None else str(observed.reference),
            seed=options.seed,
            size="native" if keeps_size_of(prior) else "fit",
            origin=origin_of_method(method, operator, prior=prior),
            measures=opt.words(options.measures),
            error_every=options.error_every,
        )

    def keeps_size_of(prior: Any) -> bool:
        asked = isinstance(observed, opt.SizeOptions) and observed.size is not None
        return native and (asked or not makes_volumes(prior.image_shape))

    if outline is not None:
        with mistakes():
            evaluation.check_cell(cell_of(outline, check), outline, out, perceptual=options.perceptual)
    load_jax()
    from jaxprior.weights import priors
    from jaxprior.weights.card import trained_on

    share = resolve_share(options)
    runtime.enable_compilation_cache()
    prior = priors.load_prior(options.prior)
    found = found or list_inputs(paths, prior.image_shape)
    sources = found[: options.limit]
    cell = cell_of(prior, resolve)
    with mistakes():  # what `run_cell` tells of a mask is not told again
        size = None if cell.keeps_size else evaluation.size_of_masks(prior.image_shape)
        told = None if cell.mask is None else cell.mask.statement(size)
    folder = evaluation.RunFolder(out, share=share)
    rows = solve(
        cell, sources, folder, prior=prior, among=found, batch_size=options.batch_size,
        memory=opt.in_bytes(options.memory), perceptual=options.perceptual, why=_why_fitted(cell),
    )  # fmt: skip
    path = evaluation.write_closing_report([folder], share=share)
    print_summary([cell.title], [rows], told=() if told is None else (told,), trained_on=trained_on(prior.card))
    say_restorer_instead(rows, cell.task)
    say_report(path, out)
    if (rows.status != "ok").any():
        raise typer.Exit(SOME_FAILED)


def _keeps_size(observed: opt.ObservedOptions) -> bool:
    """Whether pictures keep their size: where a task can do that, unless the pictures are originals."""
    if not isinstance(observed, opt.SizeOptions):
        return False
    return not observed.clean if observed.size is None else observed.size.value == "native"


def _why_fitted(cell: Any) -> str | None:
    """Why pictures of other sizes do not keep them; None where they do, or the user has said so."""
    if not keeps_size(cell.task):
        return f"{cell.task.name} answers in the size of its prior's pictures"
    if cell.clean and not cell.keeps_size:
        return "with --clean, pictures are compared at the prior's size; --size native keeps their own"
    return None
