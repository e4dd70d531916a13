"""Weight recipes of the golden arrays: parameters are drawn from numpy, so that no weight file is needed.

`mganprior` files: seed 2020 and the PyTorch state-dict names; `pggan_train`: seed 20261120 and the TensorFlow names.
`convae`, `gan3d`, `icgan` and `srgan` share the rule of `filled`.
"""

import math
import zlib

import jax.numpy as jnp
import numpy as np

from jaxprior.models.pggan.config import feature_widths
from jaxprior.models.pggan.networks import Generator


def _normal(seed: int, name: str, shape) -> np.ndarray:
    return np.random.default_rng([seed, zlib.crc32(name.encode())]).standard_normal(shape)


def filled(name: str, shape: tuple[int, ...], *, seed: int, gain: float = 2.0) -> np.ndarray:
    """The float32 weights of a tensor of PyTorch's, by the last part of its name."""
    n = np.random.default_rng([seed, zlib.crc32(name.encode())]).normal(size=shape)
    part = name.split(".")[-1]
    if part == "num_batches_tracked":
        value = np.zeros(shape)
    elif part == "running_mean":
        value = 0.1 * n
    elif part == "running_var":
        value = np.exp(0.2 * n)
    elif part == "bias":
        value = 0.1 * n
    elif len(shape) >= 2:
        value = n * math.sqrt(gain / math.prod(shape[1:]))
    else:
        value = 0.25 + 0.05 * n if math.prod(shape) == 1 else 1 + 0.1 * n
    return value.astype(np.float32)


def mganprior_generator(resolution, *, latent_dim=512, fmap_base=16384, fmap_max=512, image_channels=3, fused=False):
    """(module, params) of the mGANprior goldens. A fused file stores the up-convolutions spatially flipped."""
    widths = feature_widths(resolution, fmap_base=fmap_base, fmap_max=fmap_max)
    params = {}

    def put(name, kernel, bias_name, size):
        bias = (_normal(2020, bias_name, (size,)) * 0.1).astype(np.float32)
        params[name] = {"kernel": jnp.asarray(kernel), "bias": jnp.asarray(bias)}

    for k in range(2 * len(widths)):
        out, into = widths[k // 2], widths[(k - 1) // 2] if k else latent_dim
        if k == 0:
            w = _normal(2020, "layer0.conv.weight", (out, into, 4, 4)).astype(np.float32)
            kernel = w[:, :, ::-1, ::-1].transpose(1, 2, 3, 0)
        elif fused and k % 2 == 0:
            kernel = _normal(2020, f"layer{k}.weight", (3, 3, into, out)).astype(np.float32)[::-1, ::-1]
        else:
            w = _normal(2020, f"layer{k}.conv.weight", (out, into, 3, 3)).astype(np.float32)
            kernel = w.transpose(2, 3, 1, 0)
        put(f"layer{k}", kernel, f"layer{k}.wscale.bias", out)
    for b, width in enumerate(widths):
        w = (_normal(2020, f"output{b}.conv.weight", (image_channels, width, 1, 1)) * 0.3).astype(np.float32)
        put(f"output{b}", w.transpose(2, 3, 1, 0), f"output{b}.wscale.bias", image_channels)
    return Generator(widths, latent_dim, image_channels), params


def tensorflow_networks(golden, form: str):
    """(generator params, critic params) of the `pggan_train` goldens; `form` is "plain" or "fused"."""
    tensors = {}
    for entry in golden[f"{form}.keys"]:
        name, shape = str(entry).split(" ", 1)
        shape = tuple(int(n) for n in shape.strip("(),").split(",") if n.strip())
        values = _normal(20261120, name.replace("/", "."), shape)
        tensors[name] = (values * 0.1 if name.endswith("bias") else values).astype(np.float32)

    def block(name, arrange=lambda kernel: kernel):
        kernel = np.ascontiguousarray(arrange(tensors[f"{name}/weight"]))
        return {"kernel": jnp.asarray(kernel), "bias": jnp.asarray(tensors[f"{name}/bias"])}

    fused = form == "fused"
    generator = {
        "layer0": block("G/4x4/Dense", lambda k: k.reshape(32, 32, 4, 4).transpose(0, 2, 3, 1)),
        "layer1": block("G/4x4/Conv"),
        "output0": block("G/ToRGB_lod2"),
    }
    critic = {
        "layer0": block("D/4x4/Dense0", lambda k: k.reshape(32, 4, 4, 32).transpose(1, 2, 0, 3)),
        "layer1": block("D/4x4/Conv"),
        "output": block("D/4x4/Dense1"),
        "input0": block("D/FromRGB_lod2"),
    }
    for b, r in ((1, 8), (2, 16)):
        up, down = ("Conv0_up", "Conv1_down") if fused else ("Conv0", "Conv1")
        turned = (lambda k: k[::-1, ::-1].transpose(0, 1, 3, 2)) if fused else (lambda k: k)
        generator[f"layer{2 * b}"] = block(f"G/{r}x{r}/{up}", turned)
        generator[f"layer{2 * b + 1}"] = block(f"G/{r}x{r}/Conv1")
        generator[f"output{b}"] = block(f"G/ToRGB_lod{2 - b}")
        critic[f"input{b}"] = block(f"D/FromRGB_lod{2 - b}")
        critic[f"layer{2 * b + 1}"] = block(f"D/{r}x{r}/Conv0")
        critic[f"layer{2 * b}"] = block(f"D/{r}x{r}/{down}")
    return generator, critic


def nhwc(array: np.ndarray) -> np.ndarray:
    """NCHW -> NHWC."""
    return array.transpose(0, 2, 3, 1)


TINY = {"latent_dim": 32, "fmap_base": 256, "fmap_max": 32}
"""Sizes of the `pggan_tiny` goldens."""
