"""Networks of the CycleGAN goldens: weights and inputs are drawn from numpy by the names of the public tensors."""

import zlib
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np

from jaxprior.nn.norm import EPSILON


GAIN = {"patch": 2.0, "resg": 1.0}

GENERATOR = {
    "input": (1, 2), "down0": (4, 5), "down1": (7, 8),
    "block0_first": ("10.conv_block.1", "10.conv_block.2"), "block0_second": ("10.conv_block.5", "10.conv_block.6"),
    "block1_first": ("11.conv_block.1", "11.conv_block.2"), "block1_second": ("11.conv_block.5", "11.conv_block.6"),
    "up0": (12, 13), "up1": (15, 16), "output": (19, None),
}  # fmt: skip
CRITIC = {"layer0": (0, None), "layer1": (2, 3), "layer2": (5, 6), "patch_layer": (8, 9), "patch_output": (11, None)}
"""Our blocks -> the public numbers of the convolution and of its norm."""


def _chance(name: str) -> np.random.Generator:
    return np.random.default_rng([20261128, zlib.crc32(name.encode())])


def input_of(golden: Mapping, name: str, mode: str) -> np.ndarray:
    """The input pictures, NHWC, float64 of float32 values."""
    x = _chance(f"input:{name}.{mode}.x").uniform(-1, 1, size=golden[f"{name}.shape"]).astype(np.float32)
    return x.transpose(0, 2, 3, 1).astype(np.float64)


def cotangent_of(golden: Mapping, name: str, mode: str) -> np.ndarray:
    """What the result is multiplied with before its sum is differentiated, NHWC."""
    shape = golden[f"{name}.{mode}.y"].shape
    cot = _chance(f"input:{name}.{mode}.cot").normal(size=shape).astype(np.float32)
    return cot.transpose(0, 2, 3, 1).astype(np.float64)


def tensors_of(golden: Mapping, name: str) -> dict[str, np.ndarray]:
    """The public tensors by name without its prefix, by the rule of the golden files for PyTorch's names."""
    gain, found = GAIN[name.partition("_")[0]], {}
    for entry in map(str, golden[f"{name}.keys"]):
        key, text = entry.split(" ", 1)
        shape = tuple(int(n) for n in text.strip("(),").split(",") if n.strip())
        n, part = _chance(key).normal(size=shape), key.rsplit(".", 1)[-1]
        if part == "num_batches_tracked":
            continue
        if part == "running_var":
            value = np.exp(0.2 * n)
        elif part in ("running_mean", "bias"):
            value = 0.1 * n
        elif len(shape) >= 2:
            value = n * np.sqrt(gain / np.prod(shape[1:]))
        else:
            value = 1 + 0.1 * n
        found[key.removeprefix(f"{name}.model.")] = value.astype(np.float32).astype(np.float64)
    return found


def blocks_of(name: str) -> dict[str, tuple[str, str | None]]:
    """Names of our blocks -> (public name of the convolution, public name of its norm)."""
    blocks = GENERATOR if name.startswith("resg") else CRITIC
    return {ours: (str(conv), None if norm is None else str(norm)) for ours, (conv, norm) in blocks.items()}


def kernel_of(ours: str, weight: np.ndarray) -> np.ndarray:
    """A public kernel as ours, HWIO; those of transposed convolutions have their input channels first."""
    return weight.transpose((2, 3, 0, 1) if ours.startswith("up") else (2, 3, 1, 0))


def variables_of(golden: Mapping, name: str) -> dict:
    """Variables of our network: of norm "batch" for `_bn`, "instance" for `_in`, and those of `_int` in both modes.

    An instance norm with running statistics (`_int`) is in evaluation a scale and a shift: {"params": ..., "affine":
    parameters of a network of norm "affine"}.
    """
    tensors = tensors_of(golden, name)
    params, statistics, affine = {}, {}, {}
    for ours, (conv, norm) in blocks_of(name).items():
        block = {"kernel": jnp.asarray(kernel_of(ours, tensors[f"{conv}.weight"]))}
        if f"{conv}.bias" in tensors:
            block["bias"] = jnp.asarray(tensors[f"{conv}.bias"])
        params[ours] = affine[ours] = block
        if norm is None or f"{norm}.running_mean" not in tensors:
            continue
        mean, variance = tensors[f"{norm}.running_mean"], tensors[f"{norm}.running_var"]
        if f"{norm}.weight" in tensors:
            block["norm"] = {"scale": jnp.asarray(tensors[f"{norm}.weight"])}
            block["norm"]["bias"] = jnp.asarray(tensors[f"{norm}.bias"])
            statistics[ours] = {"norm": {"mean": jnp.asarray(mean), "var": jnp.asarray(variance)}}
        else:
            scale = 1 / np.sqrt(variance + EPSILON)
            affine[ours] = {**block, "scale": scale, "bias": (block["bias"] - mean) * scale}
    found = {"params": params}
    if statistics:
        found["batch_stats"] = statistics
    return {**found, "affine": affine} if name.endswith("_int") else found


def public_gradients(name: str, gradients: Mapping) -> dict[str, np.ndarray]:
    """Gradients of our parameters by the public names."""
    found = {}
    for ours, (conv, norm) in blocks_of(name).items():
        block = gradients[ours]
        turned = (2, 3, 0, 1) if ours.startswith("up") else (3, 2, 0, 1)
        found[f"{name}.model.{conv}.weight"] = np.asarray(block["kernel"]).transpose(turned)
        if "bias" in block:
            found[f"{name}.model.{conv}.bias"] = np.asarray(block["bias"])
        if "norm" in block:
            found[f"{name}.model.{norm}.weight"] = np.asarray(block["norm"]["scale"])
            found[f"{name}.model.{norm}.bias"] = np.asarray(block["norm"]["bias"])
    return found
