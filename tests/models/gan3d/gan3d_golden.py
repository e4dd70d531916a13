"""Networks and weights of the public 3D-GAN (xchhuang) by the rule that tests/golden/gan3d.npz was made with."""

import golden_weights
import jax
import jax.numpy as jnp

from jaxprior.models.gan3d.networks import Critic, Generator


FIRST_SET, SECOND_SET = 20261120, 20261128
LAYERS = 5


def filled(name: str, shape: tuple[int, ...], *, seed: int) -> jax.Array:
    """The weights of a tensor, rounded to float32, as float64."""
    return jnp.asarray(golden_weights.filled(name, shape, seed=seed), jnp.float64)


def norms_of(prefix: str, widths, *, seed: int) -> tuple[list[dict], list[dict]]:
    """Scales and biases, and running statistics, of layers 1, 2, ..."""
    params, statistics = [], []
    for k, width in enumerate(widths, 1):
        of = {part: filled(f"{prefix}layer{k}.1.{part}", (width,), seed=seed) for part in
              ("weight", "bias", "running_mean", "running_var")}  # fmt: skip
        params.append({"norm": {"scale": of["weight"], "bias": of["bias"]}})
        statistics.append({"norm": {"mean": of["running_mean"], "var": of["running_var"]}})
    return params, statistics


def middle(kernel, side: int):
    """The taps of the projection's kernel that are used: all 4^3, or the middle 2^3, where the padding hides others."""
    return kernel if side == 4 else kernel[:, :, 1:3, 1:3, 1:3]


def generator_of(prefix: str, *, first: int, latent: int, width: int, seed: int) -> tuple[Generator, dict]:
    """The public generator, and its variables. `prefix` ends in a dot if it is not empty."""
    widths = tuple(width * n for n in (8, 4, 2, 1))
    params, statistics = norms_of(prefix, widths, seed=seed)
    shapes = list(zip((latent, *widths), (*widths, 1), strict=True))
    kernels = [filled(f"{prefix}layer{k}.0.weight", (*shape, 4, 4, 4), seed=seed) for k, shape in enumerate(shapes, 1)]
    params[0]["kernel"] = middle(kernels[0], first).transpose(0, 2, 3, 4, 1)
    for block, kernel in zip(params[1:], kernels[1:], strict=False):
        block["kernel"] = kernel.transpose(2, 3, 4, 0, 1)
    named = {f"layer{k}": block for k, block in enumerate(params)}
    named["output"] = {"kernel": kernels[-1].transpose(2, 3, 4, 0, 1)}
    network = Generator(widths, latent, base=first, dtype=jnp.float64, platform="cpu")
    return network, {"params": named, "batch_stats": {f"layer{k}": s for k, s in enumerate(statistics)}}


def critic_of(prefix: str, *, first: int, width: int, seed: int) -> tuple[Critic, dict]:
    """The public critic, and its variables."""
    widths = tuple(width * n for n in (1, 2, 4, 8))
    params, statistics = norms_of(prefix, widths, seed=seed)
    shapes = list(zip((*widths, 1), (1, *widths), strict=True))
    kernels = [filled(f"{prefix}layer{k}.0.weight", (*shape, 4, 4, 4), seed=seed) for k, shape in enumerate(shapes, 1)]
    for block, kernel in zip(params, kernels, strict=False):
        block["kernel"] = kernel.transpose(2, 3, 4, 1, 0)
    named = {f"layer{k}": block for k, block in enumerate(params)}
    named["output"] = {"kernel": middle(kernels[-1], first).transpose(2, 3, 4, 1, 0).reshape(-1, 1)}
    network = Critic(widths, first << 4, dtype=jnp.float64, platform="cpu", first_norm=True)
    return network, {"params": named, "batch_stats": {f"layer{k}": s for k, s in enumerate(statistics)}}
