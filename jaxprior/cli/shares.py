"""From options to the part of a run's pictures that this process does."""

from jaxprior.cli.console import mistakes, say
from jaxprior.cli.options import ShareOptions
from jaxprior.errors import JaxpriorError
from jaxprior.runs.shares import Share


def check_share(options: ShareOptions) -> Share | None:
    """Refuse options that exclude each other, without meeting anybody.

    Returns:
        the part of this process; None where it will be found by meeting the others.

    Raises:
        JaxpriorError: options that exclude each other, or a part that does not exist.
    """
    if options.coordinator is None:
        if options.num_processes is not None or options.process_id is not None:
            raise JaxpriorError("--num-processes and --process-id need --coordinator HOST:PORT, where they meet.")
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
    from jaxprior.system import runtime

    with mistakes():
        index, count = runtime.meet(
            options.coordinator or runtime.AUTO, count=options.num_processes, index=options.process_id
        )
    say(f"process {index} of {count}")
    return Share(index, count)
