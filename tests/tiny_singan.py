"""A SinGAN of three small scales, whose networks do something or nothing; and a picture to train one on."""

import dataclasses

import jax
import numpy as np

from jaxprior.models.singan import Scale, SinGan, plan_scales
from jaxprior.models.singan import networks as singan


MARGIN = 3
PLAN = plan_scales(20, 28, min_size=12, num_scales=3)


def tiny_singan(*, padding: str = "zero", resize: str = "bicubic") -> SinGan:
    """Random weights; a random picture; sizes 13x17, 16x22 and 20x28."""
    scales = []
    for n, (h, w) in enumerate(PLAN.sizes):
        generator, around = singan.Generator(4 << n, 4, layers=MARGIN), 2 * MARGIN if padding == "noise" else 0
        drawn = np.random.default_rng(n).standard_normal((h + around, w + around, 1)).astype(np.float32)
        scales.append(
            Scale(
                generator=generator, variables=random_variables(generator, n),
                amplitude=np.float32(0.3 if n else 1.0), noise=np.repeat(drawn, 3, axis=-1) * np.float32(n == 0),
                size=(h, w),
            )
        )  # fmt: skip
    image = np.random.default_rng(9).uniform(-1, 1, (*PLAN.sizes[-1], 3)).astype(np.float32)
    return SinGan(scales=tuple(scales), image=image, factor=PLAN.step, resize=resize, padding=padding)


def idle_singan(change: float = 0.0, *, resize: str = "bicubic") -> SinGan:
    """The same, but every network adds the same number to the image from below, whatever the noise."""
    model = tiny_singan(resize=resize)
    scales = []
    for scale in model.scales:
        output = scale.variables["params"]["output"]
        output = {"kernel": output["kernel"] * 0, "bias": np.full_like(output["bias"], np.arctanh(change))}
        params = {**scale.variables["params"], "output": output}
        scales.append(dataclasses.replace(scale, variables={**scale.variables, "params": params}))
    return dataclasses.replace(model, scales=tuple(scales))


def random_variables(network, seed: int) -> dict:
    """Weights that do something at any scale, from NumPy."""
    chance = np.random.default_rng(seed)

    def fill(path, leaf):
        if path[-1].key == "kernel":
            return chance.normal(0, 1 / np.sqrt(np.prod(leaf.shape[:3])), leaf.shape).astype(np.float32)
        return chance.uniform(0.5, 1.5, leaf.shape).astype(np.float32) - (path[-1].key in ("mean", "bias"))

    return jax.tree.map_with_path(fill, jax.eval_shape(network.init_variables, jax.random.key(0)))


def smooth_picture(height: int, width: int, pitch: float = 3.0) -> np.ndarray:
    """Waves, uint8 [height, width, 3]; another pitch is another picture."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    return np.uint8(127.5 + 60 * np.sin(y / pitch + c) + 60 * np.cos(x / 4 - c))
