"""VGG-16 and VGG-19: torchvision's state dicts, `features.{i}.weight` [out, in, 3, 3] and `.bias`, to our tree.

A state dict that ends after fewer convolutions is converted as far as it goes; the card's `convolutions` counts them.
The classifier has no place in a feature network and is left out.
"""

import re
from collections.abc import Mapping
from functools import partial

import numpy as np

from jaxprior.errors import WeightsError
from jaxprior.models.vgg.networks import STAGES, convolution_shapes
from weights_convert.choosing import Checkpoint
from weights_convert.report import Converted
from weights_convert.tensors import as_weight
from weights_convert.torchvision import convolutions, left_out, numbered


EXAMPLE_NAMES = "features.0.weight"


def recognise(network: str, state: Mapping[str, np.ndarray]) -> bool:
    """Whether a state may be this VGG: its last convolutions are numbered as its own are."""
    own = set(convolution_shapes(STAGES[network]))
    others = set().union(*map(convolution_shapes, STAGES.values())) - own
    kernels = {
        int(match[1])
        for key, array in state.items()
        if array.ndim == 4 and (match := re.fullmatch(r"features\.(\d{1,3})\.weight", key))
    }
    return {0, 2} <= kernels and not kernels & others


def hint_of(state: Mapping[str, np.ndarray]) -> str | None:
    """The sentence about a VGG that has batch normalisation; None for anything else."""
    if any(re.fullmatch(r"(.*\.)?features\.1\.running_mean", key) for key in state):
        return "a VGG with batch normalisation, which is another network; expected vgg16 or vgg19 without (not vgg*_bn)"
    return None


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
    chosen = checkpoint.choose(partial(recognise, network))
    state = checkpoint.states[chosen]
    state.check_tensors()
    tensors = {}
    classifier = 0
    for key, array in state.items():
        if key.startswith("classifier."):
            classifier += 1
        elif re.fullmatch(r"features\.\d{1,3}\.(weight|bias)", key) is None:
            raise WeightsError(
                f"tensor {state.in_file(key)!r} is no part of a VGG; expected names like {EXAMPLE_NAMES}"
            )
        else:
            tensors[key] = as_weight(state.in_file(key), array)
    shapes = convolution_shapes(STAGES[network])
    last = max(i for i in shapes if f"features.{i}.weight" in tensors)
    held = {i: shape for i, shape in shapes.items() if i <= last}
    tree = convolutions(state, tensors, numbered(held))
    size = f"{len(held)} of {len(shapes)} convolutions (features[:{last + 2}])"
    rest = left_out(checkpoint, chosen, classifier)
    used = f"convolutions from {checkpoint.label(chosen)}"
    notes = checkpoint.choice(chosen, partial(recognise, network))
    config = {"convolutions": len(held)}
    return Converted({"network": tree}, config, used, rest, {}, size, notes=notes, state=chosen)
