"""Weight and noise recipes of the SinGAN goldens, in the official code's names, and models made of them.

The goldens are those of a transcription of the official code with PyTorch. `singan_forward` holds every third pixel of
its maps.
"""

import zlib

import jax.numpy as jnp
import numpy as np

from jaxprior.models.singan import Scale, SinGan, plan_scales
from jaxprior.models.singan import networks as singan


SEED = 20190904
BLOCKS = ("head", "body.block1", "body.block2", "body.block3")
AMPLITUDES = (1, 0.05, 0.10, 0.15, 0.20, 0.25)
PLAN = plan_scales(90, 120)


def chance(name: str) -> np.random.Generator:
    """The golden recipe's source of chance for one array."""
    return np.random.default_rng([SEED, zlib.crc32(name.encode())])


def noise(name: str, *shape: int) -> np.ndarray:
    """A noise, NHWC of an NCHW `shape`."""
    return nhwc(chance(name).standard_normal(shape).astype(np.float32))


def nhwc(array: np.ndarray) -> np.ndarray:
    """NCHW -> NHWC."""
    return array.transpose(0, 2, 3, 1)


def state(prefix: str, width: int = 32, *, critic: bool = False) -> dict[str, np.ndarray]:
    """State dict of a network of the official code."""
    def draw(key, *shape):
        return chance(f"{prefix}.{key}").normal(0, 0.02, shape).astype(np.float32)

    tensors = {}
    for k, block in enumerate(BLOCKS):
        tensors[f"{block}.conv.weight"] = draw(f"{block}.conv.weight", width, width if k else 3, 3, 3)
        tensors[f"{block}.conv.bias"] = draw(f"{block}.conv.bias", width)
        tensors[f"{block}.norm.weight"] = 1 + draw(f"{block}.norm.weight", width)
        tensors[f"{block}.norm.bias"] = np.zeros(width, np.float32)
        tensors[f"{block}.norm.running_mean"] = np.zeros(width, np.float32)
        tensors[f"{block}.norm.running_var"] = np.ones(width, np.float32)
        tensors[f"{block}.norm.num_batches_tracked"] = np.array(3)
    tail, out = ("tail", 1) if critic else ("tail.0", 3)
    tensors[f"{tail}.weight"] = draw(f"{tail}.weight", out, width, 3, 3)
    tensors[f"{tail}.bias"] = draw(f"{tail}.bias", out)
    return tensors


def variables(tensors: dict[str, np.ndarray]) -> dict:
    """The same in our form, written out from the definitions; a bias before a norm shifts its running mean."""
    params, statistics = {}, {}
    for k, block in enumerate(BLOCKS):
        norm = {"scale": tensors[f"{block}.norm.weight"], "bias": tensors[f"{block}.norm.bias"]}
        params[f"layer{k}"] = {"kernel": hwio(tensors[f"{block}.conv.weight"]), "norm": norm}
        mean = tensors[f"{block}.norm.running_mean"] - tensors[f"{block}.conv.bias"]
        statistics[f"layer{k}"] = {"norm": {"mean": mean, "var": tensors[f"{block}.norm.running_var"]}}
    tail = "tail.0" if "tail.0.weight" in tensors else "tail"
    params["output"] = {"kernel": hwio(tensors[f"{tail}.weight"]), "bias": tensors[f"{tail}.bias"]}
    return {"params": params, "batch_stats": statistics}


def hwio(kernel: np.ndarray) -> np.ndarray:
    """OIHW -> HWIO."""
    return kernel.transpose(2, 3, 1, 0)


def fixed_noise(n: int) -> np.ndarray:
    """Noise of the reconstruction at scale n, [h, w, 3]: drawn at the coarsest, zeros above."""
    h, w = PLAN.sizes[n]
    drawn = noise("dc.zopt", 1, 1, h, w)[0] if n == 0 else np.zeros((h, w, 1), np.float32)
    return np.repeat(drawn, 3, axis=-1)


def model() -> SinGan:
    """The six scales of the drawing goldens."""
    scales = [
        Scale(
            generator=singan.Generator(), variables=variables(state(f"netG{n}")), amplitude=jnp.float32(AMPLITUDES[n]),
            noise=fixed_noise(n), size=PLAN.sizes[n],
        )
        for n in range(6)
    ]  # fmt: skip
    return SinGan(scales=tuple(scales), image=jnp.zeros((*PLAN.sizes[5], 3)), factor=PLAN.factor)
