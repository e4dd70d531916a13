"""The networks whose foreign weights can be read: one module with a name map for each."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from jaxprior.errors import WeightsError
from jaxprior.models.lpips.networks import TRUNKS
from jaxprior.weights.storage import load_weights
from weights_convert import alexnet, dcgan, inception, lpips, pggan, squeezenet, srgan, vgg
from weights_convert.choosing import Checkpoint
from weights_convert.critics import looks_like_critic
from weights_convert.report import Converted, printable
from weights_convert.states import State


@dataclass(frozen=True)
class ConvertibleNetwork:
    """An architecture: how to recognise it by the names of tensors, how to convert it, and names it is known by.

    `base` is the network that this one is put onto: its parameter tree and card are then further arguments of
    `convert`.
    """

    recognise: Callable[[Mapping[str, np.ndarray]], bool]
    convert: Callable[..., Converted]
    example_names: str
    base: str | None = None


NETWORKS = {
    "pggan": ConvertibleNetwork(pggan.recognise, pggan.convert, pggan.EXAMPLE_NAMES),
    "vgg16": ConvertibleNetwork(partial(vgg.recognise, "vgg16"), partial(vgg.convert, "vgg16"), vgg.EXAMPLE_NAMES),
    "vgg19": ConvertibleNetwork(partial(vgg.recognise, "vgg19"), partial(vgg.convert, "vgg19"), vgg.EXAMPLE_NAMES),
    "squeezenet": ConvertibleNetwork(squeezenet.recognise, squeezenet.convert, squeezenet.EXAMPLE_NAMES),
    **{
        network: ConvertibleNetwork(
            partial(inception.recognise, network), partial(inception.convert, network), inception.EXAMPLE_NAMES
        )
        for network in inception.CLASSES
    },
    "srgan": ConvertibleNetwork(srgan.recognise, srgan.convert, srgan.EXAMPLE_NAMES),
    "dcgan": ConvertibleNetwork(dcgan.recognise, dcgan.convert, dcgan.EXAMPLE_NAMES),
    "alexnet": ConvertibleNetwork(alexnet.recognise, alexnet.convert, alexnet.EXAMPLE_NAMES),
    **{
        distance: ConvertibleNetwork(
            partial(lpips.recognise, distance),
            partial(lpips.convert, distance),
            lpips.EXAMPLE_NAMES,
            base=trunk.architecture,
        )
        for distance, trunk in TRUNKS.items()
    },
}


def find_network(checkpoint: Checkpoint, wanted: str | None) -> tuple[str, Checkpoint]:
    """The architecture of a checkpoint, from the names of its tensors.

    Arguments:
        checkpoint: what a reader found.
        wanted: name that the user gave, or None.
    Returns:
        (a key of `NETWORKS`, the checkpoint with a state for every network of that architecture in it).
    Raises:
        WeightsError: unknown architecture, or not the wanted one; the sentence shows the names that were
        found.
    """
    if wanted is not None and wanted not in NETWORKS:
        raise WeightsError(f"unknown network {wanted!r}; expected one of {', '.join(NETWORKS)}")
    fitting = {}
    for name in [wanted] if wanted else NETWORKS:
        if (divided := checkpoint.with_states_of(NETWORKS[name].recognise)) is not None:
            fitting[name] = divided
    if len(fitting) == 1:
        return fitting.popitem()
    if fitting:
        raise WeightsError(
            f"{checkpoint.format}: its tensors fit {' and '.join(fitting)} alike; say which it is, e.g. "
            f"`--network {next(iter(fitting))}`"
        )
    for name, state in checkpoint.states.items():
        if hint := _reparametrised(checkpoint, name, state):
            raise WeightsError(f"{checkpoint.format}: {hint}")
    for state in checkpoint.states.values():
        state.check_tensors()
    if checkpoint.states and all(map(looks_like_critic, checkpoint.states.values())):
        raise WeightsError(
            f"{checkpoint.format}: this looks like a critic, also called discriminator, which tells real pictures from "
            "generated ones and makes none; take the file of the generator, often called netG or generator"
        )
    found = [state.in_file(key) for state in checkpoint.states.values() for key in state]
    examples: dict[str, list[str]] = {}
    for name, network in NETWORKS.items():
        examples.setdefault(network.example_names, []).append(name)
    known = "; ".join(f"{', '.join(names)} ({example})" for example, names in examples.items())
    raise WeightsError(
        f"{checkpoint.format}: the {len(found)} tensors ({', '.join(found[:3])}"
        f"{', ...' if len(found) > 3 else ''}) are not those of {wanted or 'a known network'}; "
        f"known are {known}"
    )


_REPARAMETRISED = re.compile(r"(.*?)(?:\.parametrizations)?\.weight(?:_orig|_v|\.original[01]?)")


def _reparametrised(checkpoint: Checkpoint, name: str, state: State) -> str | None:
    """The sentence about a known network whose weights are stored as something that they are computed from."""
    plain = {}
    for key, array in state.items():
        match = _REPARAMETRISED.fullmatch(key)
        plain[f"{match[1]}.weight" if match else key] = array
    if set(plain) == set(state):
        return vgg.hint_of(state)
    divided = replace(checkpoint, states={name: State(plain)})
    if not any(divided.with_states_of(network.recognise) for network in NETWORKS.values()):
        return None
    example = next(key for key in state if _REPARAMETRISED.fullmatch(key))
    return (
        f"its weights are stored under a normalisation of weights ({printable(example, 120)}); remove that in PyTorch, "
        "which leaves the network's function as it is (remove_spectral_norm, remove_weight_norm or "
        "parametrize.remove_parametrizations of torch.nn.utils), and save the state dict again"
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
