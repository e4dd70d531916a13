"""From options to the part of a run's pictures that this process does."""

from typing import Any

from jaxprior.cli.console import mistakes, say
from jaxprior.cli.options import ShareOptions
from jaxprior.errors import JaxpriorError


def resolve_share(options: ShareOptions) -> Any:
    """Return the `jaxprior.evaluation.Share` of this process; meets the others if there is a coordinator.

    Must come before anything else that wakes JAX.

    Raises:
        JaxpriorError: options that exclude each other, a part that does not exist, or the others do not come.
    """
    from jaxprior.runs.shares import Share
    from jaxprior.system import runtime

    if options.coordinator is None:
        if options.num_processes is not None or options.process_id is not None:
            raise JaxpriorError("--num-processes and --process-id need --coordinator HOST:PORT, where they meet.")
        return Share() if options.shard is None else Share.parse(options.shard)
    if options.shard is not None:
        raise JaxpriorError("--shard and --coordinator both say which part this process does: give one of them.")
    with mistakes():
        index, count = runtime.meet(options.coordinator, count=options.num_processes, index=options.process_id)
    say(f"process {index} of {count}")
    return Share(index, count)
