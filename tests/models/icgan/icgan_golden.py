"""Networks and weights of the transcribed public IcGAN by the rule that tests/golden/icgan.npz was made with."""

import re
from typing import Any

import jax.numpy as jnp
import numpy as np
from golden_weights import filled

from jaxprior.models.icgan.networks import Critic, Encoder, Generator


Arrays = dict[str, np.ndarray]
SEED = 20261128


def tensors(keys: np.ndarray) -> Arrays:
    """The weights that the lines "name (shape)" stand for, by their names, float64."""
    found = {}
    for line in map(str, keys):
        name, shape = re.fullmatch(r"(\S+) \((.*)\)", line).groups()  # type: ignore[union-attr]
        sizes = tuple(int(n) for n in shape.split(",") if n.strip())
        found[name] = np.asarray(filled(name, sizes, seed=SEED), np.float64)
    return found


def _block(arrays: Arrays, conv: str, norm: str | None, kernel: np.ndarray) -> tuple[dict, dict]:
    """Parameters and statistics of a layer. A bias in front of a norm only moves the mean that the norm takes away."""
    bias = jnp.asarray(arrays[f"{conv}.bias"])
    if norm is None:
        return {"kernel": jnp.asarray(kernel), "bias": bias}, {}
    of = {part: jnp.asarray(arrays[f"{norm}.{part}"]) for part in ("weight", "bias", "running_mean", "running_var")}
    params = {"kernel": jnp.asarray(kernel), "norm": {"scale": of["weight"], "bias": of["bias"]}}
    return params, {"norm": {"mean": of["running_mean"] - bias, "var": of["running_var"]}}


def _gathered(blocks: dict[str, tuple[dict, dict]]) -> dict[str, Any]:
    statistics = {name: found for name, (_, found) in blocks.items() if found}
    return {"params": {name: params for name, (params, _) in blocks.items()}, "batch_stats": statistics}


def generator_of(arrays: Arrays, prefix: str, *, labels: int) -> tuple[Generator, dict]:
    """The generator and its variables. A transposed kernel is [in, out, k, k]."""
    numbers = sorted({int(n) for n in re.findall(rf"{re.escape(prefix)}(\d+)\.weight", " ".join(arrays))})
    convs = [n for n in numbers if arrays[f"{prefix}{n}.weight"].ndim == 4]
    blocks, widths = {}, []
    for k, n in enumerate(convs):
        kernel = arrays[f"{prefix}{n}.weight"]
        last = n == convs[-1]
        ours = kernel.transpose(0, 2, 3, 1) if k == 0 else kernel.transpose(2, 3, 0, 1)
        name = "output" if last else f"layer{k}"
        blocks[name] = _block(arrays, f"{prefix}{n}", None if last else f"{prefix}{n + 1}", ours)
        widths += [] if last else [kernel.shape[1]]
    latent_dim = arrays[f"{prefix}{convs[0]}.weight"].shape[0]
    network = Generator(tuple(widths), latent_dim, slope=0.0, labels=labels, exclusive=False, dtype=jnp.float64)
    return network, _gathered(blocks)


def critic_of(arrays: Arrays, first: str, main: str, *, side: int, slope: float = 0.2) -> tuple[Critic, dict]:
    """The critic and its variables; its last convolution covers the whole map, which is a dense layer."""
    kernel = arrays[f"{first}0.weight"]
    blocks, widths = {"layer0": _block(arrays, f"{first}0", None, kernel.transpose(2, 3, 1, 0))}, [kernel.shape[0]]
    numbers = sorted({int(n) for n in re.findall(rf"{re.escape(main)}(\d+)\.weight", " ".join(arrays))})
    convs = [n for n in numbers if arrays[f"{main}{n}.weight"].ndim == 4]
    for k, n in enumerate(convs[:-1], 1):
        kernel = arrays[f"{main}{n}.weight"]
        blocks[f"layer{k}"] = _block(arrays, f"{main}{n}", f"{main}{n + 1}", kernel.transpose(2, 3, 1, 0))
        widths.append(kernel.shape[0])
    kernel = arrays[f"{main}{convs[-1]}.weight"].transpose(2, 3, 1, 0).reshape(-1, 1)
    blocks["output"] = _block(arrays, f"{main}{convs[-1]}", None, kernel)
    return Critic(tuple(widths), side, slope=slope, dtype=jnp.float64), _gathered(blocks)


def encoder_of(arrays: Arrays, prefix: str) -> tuple[Encoder, dict]:
    """An encoder and its variables. PyTorch flattens a map channel by channel, we pixel by pixel."""
    blocks, widths, side = {}, [], 32
    for k, n in enumerate((0, 3, 6)):
        kernel = arrays[f"{prefix}{n}.weight"]
        blocks[f"layer{k}"] = _block(arrays, f"{prefix}{n}", f"{prefix}{n + 1}", kernel.transpose(2, 3, 1, 0))
        widths.append(kernel.shape[0])
        side //= 2
    dense = arrays[f"{prefix}10.weight"]
    ours = dense.reshape(len(dense), widths[-1], side, side).transpose(2, 3, 1, 0).reshape(-1, len(dense))
    blocks["dense"] = _block(arrays, f"{prefix}10", f"{prefix}11", ours)
    last = arrays[f"{prefix}13.weight"]
    blocks["output"] = _block(arrays, f"{prefix}13", None, last.T)
    return Encoder(tuple(widths), len(last), len(dense), dtype=jnp.float64), _gathered(blocks)


def nhwc(x: np.ndarray) -> np.ndarray:
    """A stored map [b, c, h, w] as float64 [b, h, w, c]."""
    return x.transpose(0, 2, 3, 1).astype(np.float64)
