"""The heads of LPIPS 0.1 (PyTorch), which are put onto a converted AlexNet, VGG-16 or SqueezeNet.

LPIPS saves one vector `lin{k}.model.1.weight` [1, c, 1, 1] a map. Which network they are for follows from the numbers
of channels.
"""

import hashlib
from collections.abc import Mapping
from functools import partial

import numpy as np

from jaxprior.errors import WeightsError
from jaxprior.models.lpips.networks import TRUNKS
from jaxprior.weights.features import build_features
from weights_convert.choosing import Checkpoint
from weights_convert.report import Converted, printable
from weights_convert.tensors import as_weight


EXAMPLE_NAMES = "lin0.model.1.weight"

OLD = ("8a9f071221953c58", "1a1c8db5a561a681", "e60d8ee2c0926a5b")
"""First digits of the sha256 of the numbers of LPIPS 0.0, which have the same names and shapes."""

CAFFE_TITLE = "LPIPS-style (SqueezeNet, Caffe weights)"


def recognise(distance: str, state: Mapping[str, np.ndarray]) -> bool:
    """Whether a state is the heads of a distance, one of `TRUNKS`; those for no known network count as SqueezeNet's."""
    if EXAMPLE_NAMES not in state:
        return False
    widths = {name: _fits(name, state) for name in TRUNKS}
    return widths[distance] or (distance == "lpips-squeeze" and not any(widths.values()))


def convert(distance: str, checkpoint: Checkpoint, params: dict, card: dict) -> Converted:
    """Put the heads of LPIPS onto a converted network.

    Arguments:
        distance: one of `TRUNKS`.
        checkpoint: what a reader found.
        params, card: of the network.
    Returns:
        Both in one parameter tree.
    Raises:
        WeightsError: heads for no known network, with negative weights or of LPIPS 0.0; or a network that does not have
            all layers that they are for.
    """
    trunk = TRUNKS[distance]
    state = checkpoint.states[checkpoint.choose(partial(recognise, distance))]
    state.check_tensors()
    heads = {}
    for key, array in state.items():
        index = key.removeprefix("lin").removesuffix(".model.1.weight")
        if f"lin{index}.model.1.weight" != key or not index.isdecimal():
            raise WeightsError(f"tensor {state.in_file(key)!r} is no linear layer of LPIPS ({EXAMPLE_NAMES})")
        heads[int(index)] = as_weight(state.in_file(key), array)
    if not _fits(distance, state):
        got = " ".join("x".join(map(str, heads[k].shape)) for k in sorted(heads))
        known = ", ".join(f"{one.heads} ({' '.join(map(str, one.widths))} channels)" for one in TRUNKS.values())
        raise WeightsError(
            f"{len(heads)} linear layers of LPIPS ({got}) that are those of no known network; expected one of {known}"
        )
    if any(np.any(array < 0) for array in heads.values()):
        raise WeightsError("the linear layers have negative weights; expected those of LPIPS, which have none")
    together = b"".join(heads[k].astype(np.float32).tobytes() for k in sorted(heads))
    if hashlib.sha256(together).hexdigest()[:16] in OLD:
        raise WeightsError(
            f"the linear layers are those of LPIPS 0.0, which computes its maps from another input; expected "
            f"those of LPIPS 0.1 (`lpips/weights/v0.1/{trunk.heads}`)"
        )
    tree = {"features": params["network"], **{f"head{k}": array.reshape(-1) for k, array in heads.items()}}
    build_features({"network": tree}, {"architecture": distance}, where=f"the heads on {printable(str(card['name']))}")
    title = f"LPIPS ({trunk.title})" if _is_torchvisions(trunk.architecture, card) else CAFFE_TITLE
    onto = {key: card.get(key) for key in ("name", "source", "licence", "sha256", "sha256_source")}
    extra = {"title": title, "onto": onto}
    used = f"linear layers, onto {printable(str(card.get('name')))} (sha256 {card['sha256'][:12]}...)"
    return Converted({"network": tree}, {}, used, checkpoint.left_out, extra, title)


def _fits(distance: str, state: Mapping[str, np.ndarray]) -> bool:
    """Whether a state has as many heads as a distance, of its widths."""
    shapes = {f"lin{k}.model.1.weight": (1, width, 1, 1) for k, width in enumerate(TRUNKS[distance].widths)}
    return {key: array.shape for key, array in state.items()} == shapes


def _is_torchvisions(architecture: str, card: Mapping) -> bool:
    """Whether a network has the weights for which the heads were fitted, as far as its card tells."""
    return architecture != "squeezenet" or card.get("config", {}).get("weights") == "torchvision"
