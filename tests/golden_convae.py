"""The weights and inputs of the golden arrays of the Generative Encoder's public autoencoders: drawn by name.

PyTorch's names and layouts; what is drawn follows the rule that the golden arrays were made by (seed 20261128).
"""

import re
import zlib
from collections.abc import Sequence

import numpy as np
from golden_weights import filled


SEED = 20261128


def _chance(name: str) -> np.random.Generator:
    return np.random.default_rng([SEED, zlib.crc32(name.encode())])


def normal_input(name: str, shape: Sequence[int]) -> np.ndarray:
    """Numbers from N(0, 1), float64 of the stored float32."""
    return _chance(f"input:{name}").normal(size=shape).astype(np.float32).astype(np.float64)


def image_input(name: str, shape: Sequence[int]) -> np.ndarray:
    """Images [b, c, h, w] from U(-1, 1) -> [b, h, w, c], float64 of the stored float32."""
    drawn = (2 * _chance(f"input:{name}").uniform(size=shape) - 1).astype(np.float32)
    return drawn.astype(np.float64).transpose(0, 2, 3, 1)


def state_dict(keys: Sequence[str], prefix: str, gain: float) -> dict[str, np.ndarray]:
    """The PyTorch state dict of "name (shape)" strings, float64 of float32, without the prefix in the names."""
    found = {}
    for key in keys:
        name, text = re.fullmatch(r"(\S+) \((.*)\)", key).groups()
        shape = tuple(int(n) for n in text.split(",") if n.strip())
        found[name.removeprefix(prefix)] = filled(name, shape, seed=SEED, gain=gain).astype(np.float64)
    return found


def dense(state: dict, name: str, *, of: tuple | None = None, to: tuple | None = None) -> dict:
    """A linear layer; `of` and `to` are PyTorch's [c, h, w] of a map that is flattened before it or made after it."""
    kernel, bias = state[f"{name}.weight"].T, state[f"{name}.bias"]
    if of is not None:
        kernel = kernel.reshape(*of, -1).transpose(1, 2, 0, 3).reshape(kernel.shape)
    if to is not None:
        kernel = kernel.reshape(-1, *to).transpose(0, 2, 3, 1).reshape(kernel.shape)
        bias = bias.reshape(to).transpose(1, 2, 0).reshape(-1)
    return {"kernel": kernel, "bias": bias}


def vae2021(state: dict, levels: int, smallest: tuple[int, int, int]) -> dict:
    """Variables of a `ConvAE` of the layout "vae2021" from the public state dict of its two networks "E" and "D"."""
    params, statistics = {"encoder": {}, "decoder": {}}, {"encoder": {}, "decoder": {}}

    def put(part: str, name: str, kernel: np.ndarray, norm: str):
        scale, bias, mean, var = (state[f"{norm}.{n}"] for n in ("weight", "bias", "running_mean", "running_var"))
        params[part][name] = {"kernel": kernel, "norm": {"scale": scale, "bias": bias}}
        statistics[part][name] = {"norm": {"mean": mean, "var": var}}

    for k in range(levels):
        put("encoder", f"conv{k}", state[f"E.main.conv{k}.weight"].transpose(2, 3, 1, 0), f"E.main.batchNorm{k}")
    for k in range(levels - 1):
        kernel = state[f"D.main.convTranspose{k}.weight"].transpose(2, 3, 0, 1)
        put("decoder", f"up{levels - 1 - k}", kernel, f"D.main.batchNorm{k}")
    params["encoder"] |= {"mean": dense(state, "E.muLayer", of=smallest)}
    params["encoder"] |= {"log_variance": dense(state, "E.varLayer", of=smallest)}
    params["decoder"] |= {"dense": dense(state, "D.formatLayer", to=smallest)}
    params["decoder"] |= {"up0": {"kernel": state["D.main.outlayer.weight"].transpose(2, 3, 0, 1)}}
    return {"params": params, "batch_stats": statistics}


def convae2019(state: dict, smallest: tuple[int, int, int]) -> dict:
    """Parameters of a `ConvAE` of the layout "convae2019" for 64 pixels from the public state dict."""

    def convolution(name: str) -> dict:
        kernel = state[f"{name}.weight"]
        if name.startswith("deconv"):  # stored as a transposed convolution of stride 1
            kernel = kernel[:, :, ::-1, ::-1].transpose(2, 3, 0, 1)
        else:
            kernel = kernel.transpose(2, 3, 1, 0)
        return {"kernel": kernel, "bias": state[f"{name}.bias"]}

    encoder = {"dense": dense(state, "fc1", of=smallest), "mean": dense(state, "feature")}
    decoder = {"dense0": dense(state, "fc3"), "dense1": dense(state, "fc4", to=smallest)}
    for level, places in enumerate(((0, 2, 4, 6), (0, 2, 4), (0, 2, 4), (0, 2))):
        encoder |= {f"conv{level}_{k}": convolution(f"conv{level + 1}.{i}") for k, i in enumerate(places)}
    for level, places in enumerate(((0, 2), (0, 2, 5), (0, 2, 5), (0, 2, 5))):
        decoder |= {f"up{level}_{k}": convolution(f"deconv{level + 1}.{i}") for k, i in enumerate(places)}
    return {"encoder": encoder, "decoder": decoder}
