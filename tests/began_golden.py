"""Networks of the BEGAN goldens: weights are drawn from numpy by the names of the public implementations' tensors."""

import zlib
from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np

from jaxprior.models.began.networks import Critic, Generator


def tensors_of(keys: Sequence[str], scale: Callable) -> dict[str, np.ndarray]:
    """Tensors by name, float64 of float32 values: normal, a bias times 0.1, all others times `scale` of their shape."""
    tensors = {}
    for key in map(str, keys):
        name, shape = key.split(" ", 1)
        shape = tuple(int(n) for n in shape.strip("(),").split(",") if n.strip())
        values = np.random.default_rng([20261128, zlib.crc32(name.encode())]).normal(size=shape)
        values = values * (0.1 if "bias" in name.rsplit(".", 1)[-1] else scale(shape))
        tensors[name] = values.astype(np.float32).astype(np.float64)
    return tensors


def block(tensors: dict[str, np.ndarray], key: str, shape: tuple[int, ...] | None = None) -> dict:
    """Kernel and bias of a TensorFlow layer; a dense kernel gets another shape, and so the bias of one that spreads."""
    kernel, bias = tensors[f"{key}.weights"], tensors[f"{key}.biases"]
    if shape is not None:
        kernel = kernel.reshape(shape)
        bias = bias if bias.size == shape[-1] else bias.reshape(shape[1:])
    return {"kernel": jnp.asarray(kernel), "bias": jnp.asarray(bias)}


def sizes_of(golden, name: str) -> dict[str, float]:
    """The settings of a golden run by name."""
    return dict(zip(golden["config_names"].tolist(), golden[f"{name}.config"].tolist(), strict=True))


def networks_of(golden, name: str):
    """((generator, its parameters), (critic, its parameters)) of `began32` or `began16`, float64."""
    config = sizes_of(golden, name)
    side, n, z = (int(config[word]) for word in ("size", "n", "z"))
    sizes = {"resolution": side, "width": n, "latent_dim": z, "dtype": jnp.float64}
    generator, critic = Generator(**sizes), Critic(**sizes)
    tensors = tensors_of(golden[f"{name}.keys"], lambda shape: np.sqrt(2 / np.prod(shape[:-1])))

    def decoder(dense: str, player: str, first: int) -> dict:
        count = generator.num_layers
        names = [f"layer{k}" for k in range(1, count)] + ["output"]
        found = {block_name: convolution(player, first + k) for k, block_name in enumerate(names)}
        return {"layer0": block(tensors, dense, (z, 8, 8, n)), **found}

    def convolution(player: str, k: int) -> dict:
        return block(tensors, f"{name}.{player}.Conv{f'_{k}' if k else ''}")

    encoder = len(critic.layers())
    last = critic.layers()[-1][0]
    found = {f"layer{k}": convolution("D", k) for k in range(encoder)}
    found["code"] = block(tensors, f"{name}.D.fully_connected", (8, 8, last, z))
    found["decoder"] = decoder(f"{name}.D.fully_connected_1", "D", encoder)
    return (generator, decoder(f"{name}.G.fully_connected", "G", 0)), (critic, found)


def public_order(golden, name: str, player: str, params: dict) -> list[np.ndarray]:
    """Arrays of a tree of parameters in the order of the golden's `gradkeys`."""
    encoder = sum(key.startswith("layer") for key in params) if player == "D" else 0
    found = []
    for key in map(str, golden[f"{name}.gradkeys.{player}"]):
        _, layer, part = key.split(".")
        tree = params
        if layer.startswith("fully_connected"):
            block_name = "layer0"
            if player == "D":
                tree, block_name = (params["decoder"], "layer0") if layer.endswith("_1") else (params, "code")
        else:
            number = int(layer.partition("_")[2] or 0)
            block_name = f"layer{number}"
            if player == "G" or number >= encoder:
                tree = params["decoder"] if player == "D" else params
                number = number - encoder + 1
                block_name = f"layer{number}" if f"layer{number}" in tree else "output"
        found.append(np.asarray(tree[block_name][{"weights": "kernel", "biases": "bias"}[part]]))
    return found


SIZES_OF_AUTHORS = {"resolution": 64, "width": 6, "latent_dim": 8, "skips": True}
"""Of the decoder and the encoder of the Generative Encoder's authors, in the arrays "old64"."""


def tensors_of_authors(arrays, part: str) -> dict[str, np.ndarray]:
    """PyTorch's tensors of their decoder, "dec", or encoder, "enc"."""
    return tensors_of(arrays[f"old64.{part}.keys"], lambda shape: np.sqrt(1.5 / np.prod(shape[1:])))


def convolution(tensors, key: str) -> dict[str, jnp.ndarray]:
    """A convolution of PyTorch's layout [out, in, h, w]."""
    kernel = tensors[f"{key}.weight"].transpose(2, 3, 1, 0)
    return {"kernel": jnp.asarray(kernel), "bias": jnp.asarray(tensors[f"{key}.bias"])}


def of_authors(arrays) -> tuple[Generator, dict]:
    """Their decoder as a generator, in float64, and its parameters."""
    d = tensors_of_authors(arrays, "dec")
    inner = [f"{part}.{2 * i}" for part in ("front", "inter1", "inter2", "inter3") for i in range(4)]
    g = {f"layer{k}": convolution(d, f"old64.dec.{key}") for k, key in enumerate([*inner, "end.0"], 1)}
    g["output"] = convolution(d, "old64.dec.end.2")
    g["layer0"] = {
        "kernel": jnp.asarray(d["old64.dec.fc.weight"].reshape(6, 8, 8, 8).transpose(3, 1, 2, 0)),
        "bias": jnp.asarray(d["old64.dec.fc.bias"].reshape(6, 8, 8).transpose(1, 2, 0)),
    }
    return Generator(**SIZES_OF_AUTHORS, dtype=jnp.float64), g
