"""Single tensors: checks of their data types, their values and their names, and numbers that are stored as tensors."""

from collections.abc import Mapping

import ml_dtypes
import numpy as np

from jaxprior.errors import WeightsError
from jaxprior.weights.storage import DTYPES
from jaxprior.weights.tree import check_matches, unflatten


_FLOATS = tuple(DTYPES[code] for code in ("F16", "BF16", "F32"))


def as_weight(name: str, array: np.ndarray) -> np.ndarray:
    """An array as it is stored: float16, bfloat16 and float32 as they are, float64 as float32.

    Raises:
        WeightsError: another data type, or values that are not finite; the sentence calls the tensor `name`.
    """
    if array.dtype == np.float64:
        with np.errstate(over="ignore"):
            array = array.astype(np.float32)
    if array.dtype not in _FLOATS:
        raise WeightsError(f"tensor {name} has data type {array.dtype}; expected floating point")
    if bad := np.count_nonzero(~np.isfinite(array)):
        raise WeightsError(
            f"tensor {name} holds {bad} values that are NaN or infinite; expected finite weights (a diverged training?)"
        )
    return array


def check_shapes(found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]) -> None:
    """Check that tensors are exactly those that a network has.

    Arguments:
        found, expected: shapes by the names that the file uses.
    Raises:
        WeightsError: missing, unexpected or misshapen tensors: the first three, and how many more.
    """
    wrong = [f"{name} is missing, expected {shape}" for name, shape in expected.items() if name not in found]
    wrong += [
        f"{name} has shape {found[name]}, expected {shape}"
        for name, shape in expected.items()
        if name in found and found[name] != shape
    ]
    wrong += [f"{name} is not expected, got {shape}" for name, shape in found.items() if name not in expected]
    if wrong:
        more = f"; and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise WeightsError(f"its tensors do not fit: {'; '.join(wrong[:3])}{more}")


class _Shape:
    def __init__(self, shape: tuple[int, ...]):
        self.shape = shape


def check_layers(tree: dict, kernels: dict[str, tuple[int, ...]]) -> None:
    """Check that a tree has these layers and no others, each with a kernel and a bias.

    Arguments:
        tree: in our form.
        kernels: path of a layer, "fire2/squeeze1x1", to the shape of its kernel; the bias has its last axis.
    Raises:
        WeightsError: missing, unexpected or misshapen arrays.
    """
    shapes = [(f"{layer}/kernel", shape) for layer, shape in kernels.items()]
    shapes += [(f"{layer}/bias", shape[-1:]) for layer, shape in kernels.items()]
    check_matches(tree, unflatten({name: _Shape(shape) for name, shape in shapes}))


def as_number(value: object) -> float | None:
    """The number that a value is, also an array or a list of one; None if it is none.

    Arguments:
        value: anything. Truth values and texts are no numbers.

    Example:
        >>> as_number(np.ones((1, 1), np.int64)), as_number([0.5]), as_number(True)
        (1.0, 0.5, None)
    """
    if isinstance(value, (list, tuple)) and len(value) == 1:
        (value,) = value
    if isinstance(value, np.ndarray) and value.size == 1:
        is_number = value.dtype.kind in "iuf" or value.dtype == ml_dtypes.bfloat16
        return float(value.reshape(()).astype(np.float64)) if is_number else None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
