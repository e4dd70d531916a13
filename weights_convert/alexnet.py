"""AlexNet: torchvision's state dict, `features.{i}.weight` [out, in, h, w] and `.bias`, to our tree.

The classifier has no place in a feature network and is left out.
"""

from collections.abc import Mapping

import numpy as np

from jaxprior.models.alexnet.networks import convolution_shapes
from weights_convert.choosing import Checkpoint
from weights_convert.report import Converted
from weights_convert.tensors import as_weight
from weights_convert.torchvision import convolutions, left_out, numbered


EXAMPLE_NAMES = "features.0.weight"


def recognise(state: Mapping[str, np.ndarray]) -> bool:
    """Whether a state may be an AlexNet: its first kernel is 11x11, and its second convolution is number 3."""
    first = state.get("features.0.weight")
    return first is not None and first.ndim == 4 and first.shape[2:] == (11, 11) and "features.3.weight" in state


def convert(checkpoint: Checkpoint) -> Converted:
    """Bring the convolutions into our form.

    Arguments:
        checkpoint: what a reader found.
    Returns:
        Parameter tree (data types as stored, float64 as float32).
    Raises:
        WeightsError: missing, unexpected or misshapen tensors.
    """
    chosen = checkpoint.choose(recognise)
    state = checkpoint.states[chosen]
    state.check_tensors()
    tensors = {
        key: as_weight(state.in_file(key), array) for key, array in state.items() if not key.startswith("classifier.")
    }
    shapes = convolution_shapes()
    tree = convolutions(state, tensors, numbered(shapes))
    rest = left_out(checkpoint, chosen, len(state) - len(tensors))
    used = f"convolutions from {checkpoint.label(chosen)}"
    notes = checkpoint.choice(chosen, recognise)
    size = f"{len(shapes)} convolutions (features[:13])"
    return Converted({"network": tree}, {}, used, rest, {}, size, notes=notes, state=chosen)
