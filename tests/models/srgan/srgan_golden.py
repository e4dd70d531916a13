"""Networks and weights of the public SRGAN (leftthomas) by the rule that tests/golden/srgan.npz was made with."""

import jax
import jax.numpy as jnp
import numpy as np
from golden_weights import filled

from jaxprior.models.srgan.networks import Critic, Generator
from weights_convert.srgan import layers_of, slopes_of, variables_of


FIRST_SET, SECOND_SET = 20261120, 20261128
NORM = ("weight", "bias", "running_mean", "running_var")


def generator_of(name: str, factor: int, *, seed: int) -> tuple[Generator, dict]:
    """The public generator of five blocks as float64, and its variables. `name` ends in a dot if it is not empty."""
    generator = Generator(blocks=5, factor=factor, output="tanh", dtype=jnp.float64, trained_on="cpu")
    shapes = {}
    for ours, conv, norm in layers_of(generator):
        wide, size = (256, 3) if ours.startswith("up") else (64, 3)
        shape = {"first": (64, 3, 9, 9), "output": (3, 64, 9, 9)}.get(ours, (wide, 64, size, size))
        shapes |= {f"{conv}.weight": shape, f"{conv}.bias": shape[:1]}
        shapes |= {} if norm is None else {f"{norm}.{part}": (64,) for part in NORM}
    shapes |= {f"{theirs}.weight": (1,) for _, theirs in slopes_of(generator)}
    arrays = {k: filled(name + k, v, seed=seed, gain=0.25).astype(np.float64) for k, v in shapes.items()}
    return generator, jax.tree.map(jnp.asarray, variables_of(arrays, generator))


NUMBERS = (0, 2, 5, 8, 11, 14, 17, 20)
"""Public numbers of the critic's convolutions; norms have the next one."""


def critic_of(name: str, *, seed: int) -> tuple[Critic, dict]:
    """The public critic as float64, and its variables."""
    gain, params, statistics, before = 2.0 if seed == SECOND_SET else 0.25, {}, {}, 3

    def tensor(key: str, *shape: int) -> jax.Array:
        return jnp.asarray(filled(f"{name}net.{key}", shape, seed=seed, gain=gain).astype(np.float64))

    for k, number in enumerate(NUMBERS):
        width = 64 << k // 2
        kernel = tensor(f"{number}.weight", width, before, 3, 3).transpose(2, 3, 1, 0)
        bias, before = tensor(f"{number}.bias", width), width
        if k == 0:
            params["layer0"] = {"kernel": kernel, "bias": bias}
            continue
        scale, shift, mean, variance = (tensor(f"{number + 1}.{part}", width) for part in NORM)
        params[f"layer{k}"] = {"kernel": kernel, "norm": {"scale": scale, "bias": shift}}
        statistics[f"layer{k}"] = {"norm": {"mean": mean - bias, "var": variance}}
    for ours, number, shape in (("dense", 24, (1024, 512)), ("output", 26, (1, 1024))):
        kernel = tensor(f"{number}.weight", *shape, 1, 1)[..., 0, 0].T
        params[ours] = {"kernel": kernel, "bias": tensor(f"{number}.bias", shape[0])}
    return Critic(dtype=jnp.float64, trained_on="cpu"), {"params": params, "batch_stats": statistics}


def nhwc(x: np.ndarray) -> np.ndarray:
    """A stored map [b, c, h, w] as float64 [b, h, w, c]."""
    return x.transpose(0, 2, 3, 1).astype(np.float64)
