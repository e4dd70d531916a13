"""What converters of torchvision's feature networks share: convolutions in PyTorch's order, and what is left out."""

from collections.abc import Mapping

import numpy as np

from weights_convert.choosing import Checkpoint
from weights_convert.states import State
from weights_convert.tensors import check_shapes


def convolutions(
    state: State, tensors: Mapping[str, np.ndarray], layers: Mapping[str, tuple[str, tuple[int, int, int, int]]]
) -> dict[str, dict[str, np.ndarray]]:
    """The convolutions of a network in our form, each of the expected shape.

    Arguments:
        state: where the tensors come from.
        tensors: `NAME.weight` [out, in, height, width] and `NAME.bias` [out] of every layer, and no others.
        layers: what we call a layer -> (NAME, (height, width, in, out)).
    Returns:
        What we call a layer -> {"kernel": [height, width, in, out], "bias": [out]}.
    Raises:
        WeightsError: missing, unexpected or misshapen tensors.
    """
    expected: dict[str, tuple[int, ...]] = {}
    for name, (height, width, into, out) in layers.values():
        expected |= {f"{name}.weight": (out, into, height, width), f"{name}.bias": (out,)}
    check_shapes(
        {state.in_file(key): array.shape for key, array in tensors.items()},
        {state.in_file(key): shape for key, shape in expected.items()},
    )
    return {
        ours: {"kernel": tensors[f"{name}.weight"].transpose(2, 3, 1, 0), "bias": tensors[f"{name}.bias"]}
        for ours, (name, _) in layers.items()
    }


def numbered(shapes: Mapping[int, tuple[int, int, int, int]]) -> dict[str, tuple[str, tuple[int, int, int, int]]]:
    """The layers `conv{i}` of a network that calls them `features.{i}`, by their numbers; see `convolutions`."""
    return {f"conv{i}": (f"features.{i}", shape) for i, shape in shapes.items()}


def left_out(checkpoint: Checkpoint, chosen: str, classifier: int) -> tuple[str, ...]:
    """What of a file is not kept: the classifier of the chosen network, and everything beside it.

    Arguments:
        checkpoint: the file. chosen: the state that is taken. classifier: the number of the classifier's tensors.
    """
    own = [f"classifier ({classifier} tensors)"] if classifier else []
    others = [part for name in checkpoint.states if name != chosen for part in checkpoint.rest(name)]
    return (*own, *checkpoint.left_out, *others)
