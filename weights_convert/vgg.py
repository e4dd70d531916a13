"""VGG-16 and VGG-19: torchvision's state dicts, `features.{i}.weight` [out, in, 3, 3] and `.bias`, to our tree.

A state dict that ends after fewer convolutions is converted as far as it goes; the card's `convolutions` counts them.
The classifier has no place in a feature network and is left out.
"""

import re

import numpy as np

from jaxprior.errors import WeightsError
from jaxprior.models.vgg.networks import STAGES, convolution_shapes
from weights_convert.checkpoint import Checkpoint, as_weight, check_layers
from weights_convert.report import Converted, printable


EXAMPLE_NAMES = "features.0.weight"


def recognise(network: str, checkpoint: Checkpoint) -> bool:
    """Whether one of the file's states may be this VGG: its convolutions, or the first of them and no others."""
    return bool(_states(network, checkpoint))


def convert(network: str, checkpoint: Checkpoint) -> Converted:
    """Bring the convolutions into our form.

    Arguments:
        network: "vgg16" or "vgg19".
        checkpoint: what a reader found.
    Returns:
        Parameter tree (data types as stored, float64 as float32) and configuration.
    Raises:
        WeightsError: missing, unexpected or misshapen tensors.
    """
    states = _states(network, checkpoint)
    chosen = checkpoint.choose(states)
    tree: dict = {}
    classifier = 0
    for key, array in checkpoint.states[chosen].items():
        match = re.fullmatch(r"features\.(\d{1,3})\.(weight|bias)", key)
        if key.startswith("classifier."):
            classifier += 1
        elif match is None:
            raise WeightsError(f"tensor {printable(key)!r} is no part of a VGG; expected names like {EXAMPLE_NAMES}")
        else:
            kind, array = ("bias", array) if match[2] == "bias" else ("kernel", _hwio(array))
            tree.setdefault(f"conv{int(match[1])}", {})[kind] = as_weight(key, array)
    shapes = convolution_shapes(STAGES[network])
    last = max(i for i in shapes if f"conv{i}" in tree)
    held = {f"conv{i}": shape for i, shape in shapes.items() if i <= last}
    check_layers(tree, held)
    left_out = [f"classifier ({classifier} tensors)"] if classifier else []
    left_out += [*checkpoint.left_out, *(printable(name) for name in checkpoint.states if name != chosen)]
    size = f"{len(held)} of {len(shapes)} convolutions (features[:{last + 2}])"
    used = f"convolutions from {printable(chosen) or 'the only state dict'}"
    return Converted({"network": tree}, {"convolutions": len(held)}, used, tuple(left_out), {}, size)


def _hwio(array: np.ndarray) -> np.ndarray:
    return array.transpose(2, 3, 1, 0) if array.ndim == 4 else array


def _states(network: str, checkpoint: Checkpoint) -> list[str]:
    """States that this VGG may be: their last convolutions are numbered as its own are."""
    own = set(convolution_shapes(STAGES[network]))
    others = set().union(*map(convolution_shapes, STAGES.values())) - own
    found = []
    for name, state in checkpoint.states.items():
        kernels = {
            int(match[1])
            for key, array in state.items()
            if array.ndim == 4 and (match := re.fullmatch(r"features\.(\d{1,3})\.weight", key))
        }
        if {0, 2} <= kernels and not kernels & others:
            found.append(name)
    return found
