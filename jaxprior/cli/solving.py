"""Running a cell from a command: progress is shown, and a stop ends the program with a sentence on how to go on."""

from collections.abc import Sequence
from typing import Any

import typer

from jaxprior.cli.console import mistakes, say_error, showing_run
from jaxprior.cli.stops import STOPPED, done_so_far, go_on, this_command


SOME_FAILED = 1
"""Exit code of a command some of whose pictures could not be restored."""


def solve(
    cell: Any,
    sources: list[Any],
    folder: Any,
    *,
    prior: Any,
    among: Sequence[Any] = (),
    batch_size: int | None = None,
    memory: float | None = None,
    perceptual: str | None = None,
    why: str | None = None,
) -> Any:
    """Run a cell with progress shown; a stop ends the program with a sentence on how to go on.

    Arguments:
        cell, sources, folder, prior, among, batch_size, memory, perceptual: see `jaxprior.evaluation.run_cell`.
        why: pictures do not keep their size, which is said where they were fitted.
    """
    from jaxprior import evaluation
    from jaxprior.data.inputs import noun_of

    command = this_command()
    noun = noun_of(getattr(prior, "image_shape", ()))  # pictures that a restorer takes have no size of their own
    with showing_run(cell.title, why, noun=noun) as progress, mistakes():
        try:
            return evaluation.run_cell(
                cell, sources, folder, prior=prior, among=among, batch_size=batch_size, memory=memory,
                perceptual=perceptual, observer=progress, command=command,
            )  # fmt: skip
        except evaluation.Stopped:
            pass
    say_error(f"Stopped{done_so_far(progress.done, progress.total, noun)}; {go_on(command)}")
    raise typer.Exit(STOPPED)
