"""Tensors of PyTorch networks with batch norms: what of them is read, and the checks of all of it."""

from collections.abc import Mapping

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.states import State
from weights_convert.tensors import as_weight, check_shapes


NORM_PARTS = ("weight", "bias", "running_mean", "running_var")
"""The tensors of a batch norm that say what it does."""


def without_counters(state: State) -> dict[str, np.ndarray]:
    """The tensors of a state without the numbers of batches that its norms have seen."""
    return {key: array for key, array in state.items() if not key.endswith(".num_batches_tracked")}


def checked_arrays(
    state: State, found: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """Tensors as float32, if they are exactly those that a network has.

    Arguments:
        state: that they are of, which knows their names in the file.
        found: from `without_counters`. shapes: of the network's tensors, by name.

    Raises:
        WeightsError: missing, unexpected or misshapen tensors, other than finite numbers, or a negative variance.
    """
    check_shapes(
        {state.in_file(key): array.shape for key, array in found.items()},
        {state.in_file(key): shape for key, shape in shapes.items()},
    )
    arrays = {key: np.asarray(as_weight(state.in_file(key), array), np.float32) for key, array in found.items()}
    for key, array in arrays.items():
        if key.endswith("running_var") and (array < 0).any():
            raise WeightsError(f"tensor {state.in_file(key)} holds a negative variance")
    return arrays
