"""The state dict of an official SinGAN generator or critic -> variables of `jaxprior.models.singan.networks`.

Each norm there follows a convolution's bias, which only shifts the running mean; it is subtracted from it.
"""

import re
from collections.abc import Mapping

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.states import State
from weights_convert.tensors import as_weight


_BLOCK = re.compile(r"body\.block[1-9]\.conv\.weight")
_PARTS = ("conv.weight", "conv.bias", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var")


def recognise(state: Mapping[str, np.ndarray]) -> bool:
    """Whether a state is a network of a SinGAN, by the names of its ends."""
    return "head.conv.weight" in state or "tail.0.weight" in state


def read_network(state: State) -> tuple[dict, list[int]]:
    """Bring one network into our form.

    Arguments:
        state: tensors by name: `head.conv.weight`, `head.norm.running_mean`, `body.block1...`, `tail.0.weight` or
            `tail.weight`.
    Returns:
        (variables {"params": ..., "batch_stats": ...}, channels after every layer but the last).
    Raises:
        WeightsError: missing, unexpected or misshapen tensors, or a negative variance.
    """
    state.check_tensors()
    own = {key: array for key, array in state.items() if not key.endswith(".num_batches_tracked")}
    blocks = ["head", *(f"body.block{k}" for k in range(1, 1 + sum(bool(_BLOCK.fullmatch(key)) for key in own)))]
    tail = "tail.0" if "tail.0.weight" in own else "tail"
    expected = [f"{block}.{part}" for block in blocks for part in _PARTS] + [f"{tail}.weight", f"{tail}.bias"]
    for key in expected:
        if key not in own:
            raise WeightsError(
                f"tensor {state.in_file(key)} is missing; expected a network of an official SinGAN training"
            )
    for key in own:
        if key not in expected:
            raise WeightsError(f"tensor {state.in_file(key)} is not one of an official SinGAN network")
    arrays = {key: as_weight(state.in_file(key), array).astype(np.float32) for key, array in own.items()}
    params, statistics = {}, {}
    before = None
    for k, block in enumerate(blocks):
        weight, *vectors = (arrays[f"{block}.{part}"] for part in _PARTS)
        before = _check(state.in_file(f"{block}.conv.weight"), weight, vectors, before)
        bias, scale, shift, mean, variance = vectors
        if (variance < 0).any():
            raise WeightsError(f"tensor {state.in_file(f'{block}.norm.running_var')} holds a negative variance")
        params[f"layer{k}"] = {"kernel": weight.transpose(2, 3, 1, 0), "norm": {"scale": scale, "bias": shift}}
        statistics[f"layer{k}"] = {"norm": {"mean": mean - bias, "var": variance}}
    weight, bias = arrays[f"{tail}.weight"], arrays[f"{tail}.bias"]
    _check(state.in_file(f"{tail}.weight"), weight, [bias], before)
    params["output"] = {"kernel": weight.transpose(2, 3, 1, 0), "bias": bias}
    return {"params": params, "batch_stats": statistics}, [len(arrays[f"{block}.conv.bias"]) for block in blocks]


def _check(name: str, weight: np.ndarray, vectors: list[np.ndarray], before: int | None) -> int:
    """Check a layer's shapes; `before` is the number of channels that it gets. Returns what it gives."""
    fits = weight.ndim == 4 and all(vector.shape == weight.shape[:1] for vector in vectors)
    if not fits or before not in (None, weight.shape[1]):
        raise WeightsError(
            f"tensor {name}: expected a kernel [o, {'i' if before is None else before}, k, k], and vectors [o] beside "
            f"it, got {weight.shape} and {', '.join(str(vector.shape) for vector in vectors)}"
        )
    return weight.shape[0]
