"""The state dict of an official SinGAN generator or critic -> variables of `jaxprior.models.singan.networks`.

Each norm there follows a convolution's bias, which only shifts the running mean; it is subtracted from it.
"""

import re

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.checkpoint import as_weight
from weights_convert.report import printable


_BLOCK = re.compile(r"body\.block[1-9]\.conv\.weight")
_PARTS = ("conv.weight", "conv.bias", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var")


def read_network(state: dict[str, np.ndarray]) -> tuple[dict, list[int]]:
    """Bring one network into our form.

    Arguments:
        state: tensors by name: `head.conv.weight`, `head.norm.running_mean`, `body.block1...`, `tail.0.weight` or
            `tail.weight`.
    Returns:
        (variables {"params": ..., "batch_stats": ...}, channels after every layer but the last).
    Raises:
        WeightsError: missing, unexpected or misshapen tensors, or a negative variance.
    """
    state = {key: array for key, array in state.items() if not key.endswith(".num_batches_tracked")}
    blocks = ["head", *(f"body.block{k}" for k in range(1, 1 + sum(bool(_BLOCK.fullmatch(key)) for key in state)))]
    tail = "tail.0" if "tail.0.weight" in state else "tail"
    expected = [f"{block}.{part}" for block in blocks for part in _PARTS] + [f"{tail}.weight", f"{tail}.bias"]
    for key in expected:
        if key not in state:
            raise WeightsError(f"tensor {key} is missing; expected a network of an official SinGAN training")
    for key in state:
        if key not in expected:
            raise WeightsError(f"tensor {printable(key)} is not one of an official SinGAN network")
    arrays = {key: as_weight(key, array).astype(np.float32) for key, array in state.items()}
    params, statistics = {}, {}
    for k, block in enumerate(blocks):
        weight, *vectors = (arrays[f"{block}.{part}"] for part in _PARTS)
        _check(block, weight, vectors)
        bias, scale, shift, mean, variance = vectors
        if (variance < 0).any():
            raise WeightsError(f"tensor {block}.norm.running_var holds a negative variance")
        params[f"layer{k}"] = {"kernel": weight.transpose(2, 3, 1, 0), "norm": {"scale": scale, "bias": shift}}
        statistics[f"layer{k}"] = {"norm": {"mean": mean - bias, "var": variance}}
    weight, bias = arrays[f"{tail}.weight"], arrays[f"{tail}.bias"]
    _check(tail, weight, [bias])
    params["output"] = {"kernel": weight.transpose(2, 3, 1, 0), "bias": bias}
    return {"params": params, "batch_stats": statistics}, [len(arrays[f"{block}.conv.bias"]) for block in blocks]


def _check(layer: str, weight: np.ndarray, vectors: list[np.ndarray]) -> None:
    if weight.ndim != 4 or any(vector.shape != weight.shape[:1] for vector in vectors):
        raise WeightsError(
            f"layer {layer}: expected a kernel [o, i, k, k] and vectors [o], got {weight.shape} and "
            f"{', '.join(str(vector.shape) for vector in vectors)}"
        )
