"""From options to the part that this process does: of a run's pictures, or of every batch of a training."""

import shlex
from collections.abc import Callable
from pathlib import Path

from jaxprior.cli.console import mistakes, say
from jaxprior.cli.options import MeetingOptions, ShareOptions
from jaxprior.errors import JaxpriorError
from jaxprior.runs.shares import Share
from jaxprior.system import runtime


def check_share(options: ShareOptions) -> Share | None:
    """Refuse options that exclude each other, without meeting anybody.

    Returns:
        the part of this process; None where it will be found by meeting the others.

    Raises:
        JaxpriorError: options that exclude each other, or a part that does not exist.
    """
    if not _is_meeting(options):
        return Share() if options.shard is None else Share.parse(options.shard)
    if options.shard is not None:
        raise JaxpriorError("--shard and --coordinator both say which part this process does: give one of them.")
    return None


def resolve_share(options: ShareOptions) -> Share:
    """Return the `jaxprior.evaluation.Share` of this process; meets the others if there is a coordinator.

    Must come before anything else that wakes JAX.

    Raises:
        JaxpriorError: options that exclude each other, a part that does not exist, or the others do not come.
    """
    if (share := check_share(options)) is not None:
        return share
    return Share(*_met(options, runtime.meet))


def join_others(options: MeetingOptions) -> None:
    """Meet the other processes of a training, if there is a coordinator, and stay together.

    Must come before anything else that wakes JAX.

    Raises:
        JaxpriorError: options without a coordinator, or the others do not come.
    """
    if _is_meeting(options):
        _met(options, runtime.join)


def say_report(path: Path | None, run: Path) -> None:
    """Say where the report of a run is, or that a process that ends later writes it."""
    if path is not None:
        say(f"\nreport: {path}")
        return
    say(
        "\nThis share is finished. The process that finishes the last picture of the run writes the report; "
        f"`jaxprior report {shlex.quote(str(run))}` writes one of what is there at any moment."
    )


def _is_meeting(options: MeetingOptions) -> bool:
    """Whether there are other processes to meet."""
    if options.coordinator is not None:
        runtime.check_coordinator(options.coordinator)
        return True
    if (options.num_processes, options.process_id) != (None, None):
        raise JaxpriorError("--num-processes and --process-id need --coordinator HOST:PORT, where they meet.")
    return False


def _met(options: MeetingOptions, meet: Callable[..., tuple[int, int]]) -> tuple[int, int]:
    """The number of this process and how many there are, after they have met."""
    with mistakes():
        index, count = meet(options.coordinator, count=options.num_processes, index=options.process_id)
    say(f"process {index} of {count}")
    return index, count
