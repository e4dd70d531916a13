"""The networks whose foreign weights can be read: one module with a name map for each."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from jaxprior.errors import WeightsError
from jaxprior.weights.storage import load_weights
from weights_convert import pggan, squeezenet, vgg
from weights_convert.checkpoint import Checkpoint
from weights_convert.report import Converted, printable


@dataclass(frozen=True)
class ConvertibleNetwork:
    """An architecture: how to recognise it in a checkpoint, how to convert it, and names it is known by.

    `base` is the network that this one is put onto: its parameter tree and card are then further arguments of
    `convert`.
    """

    recognise: Callable[[Checkpoint], bool]
    convert: Callable[..., Converted]
    example_names: str
    base: str | None = None


NETWORKS = {
    "pggan": ConvertibleNetwork(pggan.recognise, pggan.convert, pggan.EXAMPLE_NAMES),
    "vgg16": ConvertibleNetwork(partial(vgg.recognise, "vgg16"), partial(vgg.convert, "vgg16"), vgg.EXAMPLE_NAMES),
    "vgg19": ConvertibleNetwork(partial(vgg.recognise, "vgg19"), partial(vgg.convert, "vgg19"), vgg.EXAMPLE_NAMES),
    "squeezenet": ConvertibleNetwork(squeezenet.recognise, squeezenet.convert, squeezenet.EXAMPLE_NAMES),
    "lpips-squeeze": ConvertibleNetwork(
        squeezenet.recognise_heads, squeezenet.convert_heads, squeezenet.EXAMPLE_HEAD_NAMES, base="squeezenet"
    ),
}


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
    fitting = [name for name in ([wanted] if wanted else NETWORKS) if NETWORKS[name].recognise(checkpoint)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise WeightsError(
            f"{checkpoint.format}: its tensors fit {' and '.join(fitting)} alike; say which it is, e.g. "
            f"`--network {fitting[0]}`"
        )
    found = [printable(key) for state in checkpoint.states.values() for key in state]
    examples: dict[str, list[str]] = {}
    for name, network in NETWORKS.items():
        examples.setdefault(network.example_names, []).append(name)
    known = "; ".join(f"{', '.join(names)} ({example})" for example, names in examples.items())
    raise WeightsError(
        f"{checkpoint.format}: the {len(found)} tensors ({', '.join(found[:5])}"
        f"{', ...' if len(found) > 5 else ''}) are not those of {wanted or 'a known network'}; "
        f"known are {known}"
    )


def find_base(network: str, onto: str | os.PathLike | None) -> tuple:
    """What a network is put onto: (parameter tree, card) of the file `onto`, or nothing for most networks.

    Raises:
        WeightsError: `onto` is missing, not wanted, or another network.
    """
    base = NETWORKS[network].base
    if base is None and onto is None:
        return ()
    if base is None:
        raise WeightsError(f"a whole network ({network}) is not put onto another; leave `--onto` out")
    if onto is None:
        raise WeightsError(f"these are heads for {base}: name the converted file with `--onto {base}.safetensors`")
    params, card = load_weights(onto)
    if card.get("architecture") != base:
        raise WeightsError(f"`--onto` {onto}: expected a converted {base}, got {card.get('architecture')}")
    return params, card
