"""`jaxprior evaluate`: a recipe's grid of priors, data sets, tasks and methods, into one folder."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from jaxprior.cli import options as opt
from jaxprior.cli.completing import feature_names, prior_names, recipe_names
from jaxprior.cli.console import load_jax, mistakes, print_sets, print_summary, print_table, say, say_error, showing_run
from jaxprior.cli.shares import check_share, resolve_share, say_report
from jaxprior.cli.signature import spelled_out
from jaxprior.cli.solving import SOME_FAILED
from jaxprior.cli.stops import STOPPED, done_so_far, go_on, this_command
from jaxprior.errors import JaxpriorError
from jaxprior.system.amounts import duration, size


_RECIPE = "Instead of what the recipe says"


@spelled_out
def evaluate(
    recipe: Annotated[
        str | None,
        typer.Argument(
            help="A ready recipe's name, or a TOML file; without one, the ready ones are listed.",
            autocompletion=recipe_names,
        ),
    ] = None,
    out: Annotated[Path | None, opt.out_option("Folder of the evaluation; the same command goes on in it.")] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Originals: folder, zip archive or picture; give it several times for several data sets.",
            metavar="PATH",
            rich_help_panel=_RECIPE,
        ),
    ] = None,
    prior: Annotated[
        list[str] | None,
        typer.Option(
            help="Bundled or installed name, .safetensors file or training RUN; several times for several priors.",
            metavar="NAME|FILE|RUN",
            autocompletion=prior_names,
            rich_help_panel=_RECIPE,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(help="At most N pictures of every data set.", metavar="N", min=1, rich_help_panel=_RECIPE),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Gradient steps of every method.", metavar="K", min=1, rich_help_panel=_RECIPE)
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            help="Perceptual distance of every method; none where a network is not installed.",
            metavar="none|critic|NAME|FILE",
            autocompletion=feature_names,
            rich_help_panel=_RECIPE,
        ),
    ] = None,
    precision: Annotated[
        Literal["fp32", "tf32", "bf16"] | None,
        typer.Option(help="Arithmetic of the network in every method.", rich_help_panel=_RECIPE),
    ] = None,
    perceptual: opt.Perceptual = None,
    measures: opt.Measures = None,
    error_every: opt.ErrorEvery = None,
    set_features: opt.SetFeatures = None,
    batch_size: opt.BatchSize = None,
    memory: opt.Memory = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; print what would be done, its memory and its time.")
    ] = False,
    device: Annotated[
        str | None,
        typer.Option(
            help="With --dry-run: estimate for one such device instead of this machine, which need not have it.",
            metavar="h100|h200",
        ),
    ] = None,
    *,
    processes: opt.ShareOptions,
) -> None:
    """Run a recipe: every prior with every data set, task and method, on originals that are degraded first.

    The same command resumes, with a larger --limit too. RUN holds one folder for each cell (a data set with a prior, a
    task and a method), and tables and an offline report over all of them; `jaxprior report RUN` rebuilds these at any
    moment.

    The examples with bedroom256 and thesis_table_6 need pictures of yours, the prior (`jaxprior priors get bedroom256`)
    and the network of the perceptual distance (`jaxprior priors get vgg16`), which --features none does without.

    ```
    jaxprior evaluate
    jaxprior evaluate quick -o runs/quick
    jaxprior evaluate mganprior_colorization --prior bedroom256 --data bedrooms.zip --dry-run
    jaxprior evaluate mganprior_colorization --data bedrooms.zip --dry-run --device h100 --precision tf32
    jaxprior evaluate thesis_table_6 --prior bedroom.safetensors --data bedrooms.zip --dry-run
    jaxprior evaluate thesis_table_6 --data cats.zip --limit 4 --steps 20 --features none -o runs/rehearsal
    jaxprior evaluate my_recipe.toml -o runs/mine --shard 2/8
    ```

    Read more in docs/recipes.md.
    """
    from jaxprior import evaluation
    from jaxprior.restoration.known_devices import known_device
    from jaxprior.system import runtime  # all that is imported here needs no JAX until it is used

    if recipe is None:
        _list_recipes()
        return
    if device is not None and not dry_run:
        raise JaxpriorError("--device says for which device --dry-run estimates: give it together with --dry-run.")
    folder = Path() if out is None and dry_run else out
    if folder is None:
        raise JaxpriorError("Say with -o RUN where the results go, or look at what it takes with --dry-run.")
    check_share(processes)
    changed = evaluation.adapt(
        evaluation.load_recipe(recipe),
        data=data or (),
        priors=prior or (),
        limit=limit,
        steps=steps,
        features=features,
        precision=precision,
        perceptual=perceptual,
        set_features=set_features,
        measures=opt.words(measures),
        error_every=error_every,
    )
    with mistakes():
        elsewhere = None if device is None else known_device(device)
    opt.check_apart(folder, [one.path for one in changed.data if one.path is not None])
    with mistakes():
        evaluation.check_recipe(changed, folder)
        if not dry_run:
            evaluation.check_kind(folder)
    if not changed.names_priors:
        say(f"The recipe names no prior: {_best_prior()} is taken, the best bundled one (--prior NAME for another).")
    load_jax()
    share = resolve_share(processes)
    runtime.enable_compilation_cache()
    limits = {"batch_size": batch_size, "memory": opt.in_bytes(memory)}
    if dry_run:
        with mistakes():
            plan = evaluation.make_plan(changed, folder)
            _print_forecast(evaluation.forecast_cells(plan, **limits, share=share, device=device), elsewhere)
        return
    report, told = _run(changed, folder, share=share, **limits)
    runs = evaluation.runs_in(folder)
    rows = [run.rows() for run in runs]
    print_summary(evaluation.short_titles([run.read()["cell"] for run in runs]), rows, told=told)
    print_sets((run.title, run.record) for run in evaluation.snapshots(runs))
    say_report(report, folder)
    if any((part.status != "ok").any() for part in rows):
        raise typer.Exit(SOME_FAILED)


def _list_recipes() -> None:
    from jaxprior import evaluation

    recipes = evaluation.list_recipes()
    widest = max(map(len, recipes))
    for name, title in recipes.items():
        say(f"{name:<{widest}}  {title}")
    say(
        "\nRun one with `jaxprior evaluate NAME -o RUN`, on pictures of yours with --data and a prior of yours with "
        "--prior; --dry-run says what it takes. `jaxprior evaluate --help` shows more."
    )


def _best_prior() -> str:
    """Name of the prior that is taken where nobody names one."""
    from jaxprior.weights.loader import prior_file

    return prior_file(None).parent.name


def _run(recipe: Any, out: Path, **settings: Any) -> tuple[Path | None, set[str]]:
    """All cells with progress shown; a stop ends the program with a sentence on how to go on.

    Returns:
        Where the report is, and the notes that were printed on the way.
    """
    from jaxprior import evaluation

    shown: list[Any] = []

    @contextlib.contextmanager
    def watch(number: int, count: int, planned: Any) -> Iterator[Any]:
        with showing_run(f"cell {number} of {count}, {planned.title}") as progress:
            shown.append(progress)
            yield progress

    try:
        with mistakes():
            report = evaluation.run_recipe(recipe, out, watch=watch, command=this_command(), **settings)
        return report, {note for progress in shown for note in progress.notes}
    except evaluation.Stopped:
        last = shown[-1] if shown else None
        where = f" in {last.title}{done_so_far(last.done, last.total, last.noun)}" if last else ""
    say_error(f"Stopped{where}; {go_on(this_command())}")
    raise typer.Exit(STOPPED)


def _print_forecast(cells: list[Any], elsewhere: Any = None) -> None:
    """Print what cells take: on this machine, or elsewhere, on a device from `jaxprior.restoration.known_devices`."""
    titles = ("cell", "pictures", "inversions", "steps", "batch", "memory", "time")
    every, cells = cells, [cell for cell in cells if cell.seconds is not None]
    rows = [
        (c.title, c.pictures, *([""] * 3), "not known", "not known")
        if c.seconds is None
        else (c.title, c.pictures, c.inversions, c.steps, c.batch, size(c.bytes), duration(c.seconds))
        for c in every
    ]
    seconds, most = sum(cell.seconds for cell in cells), max((cell.bytes for cell in cells), default=0)
    total = (f"{len(every)} cells", sum(c.pictures for c in every), sum(c.inversions for c in cells), "", "")
    last = (size(most), duration(seconds)) if cells else ("", "")
    print_table(titles, [*rows, (*total, *last)], words=1)
    if len(cells) < len(every):
        say("\nRestorers answer at once, without steps; their time, which the pictures' sizes decide, is not in it.")
    if not cells:
        return
    steps, compiling, rest = (
        duration(sum(getattr(cell, f"{part}_seconds") for cell in cells)) for part in ("steps", "compiling", "rest")
    )
    where = "this device" if elsewhere is None else elsewhere.title
    say(
        f"\nA full run takes about {duration(seconds)} on {where}: {steps} for steps, {compiling} for compiling, "
        f"{rest} for reading, measuring and saving."
    )
    if elsewhere is not None:
        say("This is an estimate. Operations and memory are counted from the programs, and not run.")
        for sentence in elsewhere.source:
            say(sentence)
        return
    measured = "was measured now and is kept" if any(cell.measured for cell in cells) else "is known from before"
    say(f"Operations and memory are counted from the programs; the speed of this machine {measured}.")
