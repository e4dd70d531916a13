"""The networks whose foreign weights can be read: one module with a name map for each."""

from collections.abc import Callable
from dataclasses import dataclass

from jaxprior.errors import WeightsError
from weights_convert import pggan
from weights_convert.checkpoint import Checkpoint
from weights_convert.report import Converted, printable


@dataclass(frozen=True)
class KnownNetwork:
    """An architecture: how to recognise it in a checkpoint, how to convert it, and names it is known by."""

    recognise: Callable[[Checkpoint], bool]
    convert: Callable[[Checkpoint], Converted]
    example_names: str


NETWORKS = {"pggan": KnownNetwork(pggan.recognise, pggan.convert, pggan.EXAMPLE_NAMES)}


def find_network(checkpoint: Checkpoint, wanted: str | None) -> str:
    """The architecture of a checkpoint, from the names of its tensors.

    Arguments:
        checkpoint: what a reader found.
        wanted: name that the user gave, or None.
    Returns:
        A key of `NETWORKS`.
    Raises:
        WeightsError: unknown architecture, or not the wanted one; the sentence shows the names that were
        found.
    """
    if wanted is not None and wanted not in NETWORKS:
        raise WeightsError(f"unknown network {wanted!r}; expected one of {', '.join(NETWORKS)}")
    for name in [wanted] if wanted else NETWORKS:
        if NETWORKS[name].recognise(checkpoint):
            return name
    found = [printable(key) for state in checkpoint.states.values() for key in state]
    known = "; ".join(f"{name} ({network.example_names})" for name, network in NETWORKS.items())
    raise WeightsError(
        f"{checkpoint.format}: the {len(found)} tensors ({', '.join(found[:5])}"
        f"{', ...' if len(found) > 5 else ''}) are not those of {wanted or 'a known network'}; "
        f"known are {known}"
    )
