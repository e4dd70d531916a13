"""Inception-v3: state dicts with torchvision's names, `Mixed_5b.branch1x1.conv.weight` and `.bn.*`, to our tree.

Every convolution is followed by a batch normalisation with fixed statistics, which is folded into its kernel and bias.
pytorch-fid's file, of the Frechet inception distance, has the same names as torchvision's, but 1008 classes and no
second classifier. The classifiers have no place in a feature network and are left out.
"""

import functools
from collections.abc import Mapping
from functools import partial

import jax
import numpy as np

from jaxprior.errors import WeightsError
from jaxprior.models.inception.networks import SIDE, Inception
from jaxprior.weights.tree import flatten, unflatten
from weights_convert.choosing import Checkpoint
from weights_convert.report import Converted
from weights_convert.tensors import as_weight, check_shapes


EXAMPLE_NAMES = "Mixed_5b..."

MARK = "Mixed_5b.branch1x1.conv.weight"
"""A tensor by which the network is recognised."""

EPSILON = 1e-3
"""Of the batch normalisations."""

STATISTICS = ("weight", "bias", "running_mean", "running_var")
CLASSIFIERS = ("fc.", "AuxLogits.")
COUNTER = ".num_batches_tracked"
"""Batches that a normalisation was trained on: a number of which nothing depends."""

CLASSES = {"inception": 1008, "inception-torchvision": 1000}
"""Classes of the classifier, by which the two networks are told apart."""


def recognise(network: str, state: Mapping[str, np.ndarray]) -> bool:
    """Whether a state may be this Inception-v3; a file without classifiers may be either."""
    if MARK not in state:
        return False
    second = any(key.startswith("AuxLogits.") for key in state)
    classes = state["fc.bias"].shape if "fc.bias" in state else None
    if network == "inception":
        return not second and classes in (None, (CLASSES[network],))
    return classes != (CLASSES["inception"],)


def convert(network: str, checkpoint: Checkpoint) -> Converted:
    """Bring the convolutions into our form.

    Arguments:
        network: "inception" or "inception-torchvision".
        checkpoint: what a reader found.
    Returns:
        Parameter tree, float32.
    Raises:
        WeightsError: missing, unexpected or misshapen tensors, or a variance below zero.
    """
    chosen = checkpoint.choose(partial(recognise, network))
    state = checkpoint.states[chosen]
    state.check_tensors()
    classifiers = [key for key in state if key.startswith(CLASSIFIERS)]
    tensors = {
        key: as_weight(state.in_file(key), array)
        for key, array in state.items()
        if key not in classifiers and not key.endswith(COUNTER)
    }
    shapes = kernel_shapes()
    expected = {}
    for layer, (height, width, into, out) in shapes.items():
        expected[f"{layer}.conv.weight"] = (out, into, height, width)
        expected |= {f"{layer}.bn.{name}": (out,) for name in STATISTICS}
    check_shapes(
        {state.in_file(key): array.shape for key, array in tensors.items()},
        {state.in_file(key): shape for key, shape in expected.items()},
    )
    flat = {}
    for layer in shapes:
        kernel, *statistics = (
            tensors[f"{layer}.{name}"].astype(np.float64) for name in ("conv.weight", *(f"bn.{n}" for n in STATISTICS))
        )
        if np.any(statistics[3] < 0):
            raise WeightsError(f"tensor {state.in_file(f'{layer}.bn.running_var')} holds a negative variance")
        path = layer.replace(".", "/")
        flat[f"{path}/kernel"], flat[f"{path}/bias"] = folded(kernel, *statistics)
    left_out = [f"classifiers ({len(classifiers)} tensors)"] if classifiers else []
    left_out += checkpoint.left_out
    left_out += [part for name in checkpoint.states if name != chosen for part in checkpoint.rest(name)]
    used = f"convolutions with their normalisations from {checkpoint.label(chosen)}"
    notes = checkpoint.choice(chosen, partial(recognise, network))
    size = f"{len(shapes)} convolutions, normalisations folded in"
    return Converted({"network": unflatten(flat)}, {}, used, tuple(left_out), {}, size, notes=notes, state=chosen)


def folded(
    kernel: np.ndarray, weight: np.ndarray, bias: np.ndarray, mean: np.ndarray, variance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A convolution without a bias and the batch normalisation after it, as one convolution.

    Arguments:
        kernel: [out, in, h, w], float64.
        weight, bias, mean, variance: of the normalisation [out], float64.
    Returns:
        Kernel [h, w, in, out] and bias [out], float32.
    """
    scale = weight / np.sqrt(variance + EPSILON)
    return (kernel.transpose(2, 3, 1, 0) * scale).astype(np.float32), (bias - mean * scale).astype(np.float32)


@functools.cache
def kernel_shapes() -> dict[str, tuple[int, int, int, int]]:
    """Name of every convolution, "Mixed_5b.branch1x1", and the shape of its kernel, [h, w, in, out]."""
    images = jax.ShapeDtypeStruct((1, SIDE, SIDE, 3), np.float32)
    tree = jax.eval_shape(Inception("inception").init, jax.random.key(0), images)["params"]
    return {
        name.removesuffix("/kernel").replace("/", "."): leaf.shape
        for name, leaf in flatten(tree).items()
        if name.endswith("/kernel")
    }
