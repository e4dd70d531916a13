"""Simple methods that know nothing of the pictures' subject: what restored pictures are compared with.

Each takes observations [b, ...] in [-1, 1] and the task, and returns pictures [b, h, w, 3] in [-1, 1]. Where a method
has a strength, `strengths` lists some: `settings.py` compares them on pictures that no quality is reported on, so that
simple methods are treated as the prior is.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from skimage.restoration import denoise_nl_means, inpaint_biharmonic, wiener
from skimage.transform import resize


Method = Callable[[np.ndarray, Any], np.ndarray]

NOISE_STRENGTH, WIENER_BALANCE = 0.8, 1e-4
"""Of non-local means, as a multiple of the noise, and of Wiener's filter; see `strengths`."""


def mean_fill(photos: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Known pixels kept, the hole filled with their mean colour."""
    known = 1 - masks[..., None]
    mean = (photos * known).sum(axis=(1, 2), keepdims=True) / known.sum(axis=(1, 2), keepdims=True)
    return np.where(masks[..., None] > 0, mean, photos).astype(np.float32)


def biharmonic(photos: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """scikit-image's biharmonic inpainting, picture by picture."""
    pairs = zip((photos + 1) / 2, masks > 0, strict=True)
    return np.stack([inpaint_biharmonic(p, m, channel_axis=-1) for p, m in pairs]).astype(np.float32) * 2 - 1


TV_STEPS = 1000
"""Iterations of `total_variation`: twice as many changed no pixel by a level, a quarter of 64x64 pixels missing."""


def total_variation(photos: np.ndarray, masks: np.ndarray, *, steps: int = TV_STEPS) -> np.ndarray:
    """Fill holes so that the total variation is least (Chan and Shen 2002), the three channels' edges being one.

    It is found by the primal-dual iteration of Chambolle and Pock (2011) with step sizes of 1 / sqrt(8), beginning at
    the mean colour. Known pixels are kept.

    Arguments:
        photos: [b, h, w, c] in [-1, 1]; masks: [b, h, w], 1 = missing; steps: iterations.

    Returns:
        float32 [b, h, w, c].
    """
    return np.asarray(_total_variation(jnp.asarray(mean_fill(photos, masks)), masks[..., None] > 0, steps))


@partial(jax.jit, static_argnames="steps")
def _total_variation(filled: jax.Array, missing: jax.Array, steps: int) -> jax.Array:
    size = 8**-0.5

    def gradient(x: jax.Array) -> jax.Array:
        down = jnp.diff(x, axis=1, append=x[:, -1:])
        right = jnp.diff(x, axis=2, append=x[:, :, -1:])
        return jnp.stack([down, right])

    def divergence(p: jax.Array) -> jax.Array:
        down = p[0].at[:, -1].set(0)
        right = p[1].at[:, :, -1].set(0)
        return down - jnp.pad(down, ((0, 0), (1, 0), (0, 0), (0, 0)))[:, :-1] + (
            right - jnp.pad(right, ((0, 0), (0, 0), (1, 0), (0, 0)))[:, :, :-1]
        )

    def step(_: int, state: tuple) -> tuple:
        x, ahead, p = state
        p = p + size * gradient(ahead)
        p = p / jnp.maximum(1, jnp.sqrt(jnp.sum(p * p, axis=(0, -1), keepdims=True)))
        after = jnp.where(missing, x + size * divergence(p), filled)
        return after, 2 * after - x, p

    return jax.lax.fori_loop(0, steps, step, (filled, filled, jnp.zeros((2, *filled.shape))))[0]


def as_observed(observed: np.ndarray, task: Any) -> np.ndarray:
    """The damaged pictures as they are, which is what a user has without any method."""
    return np.asarray(observed)


def bicubic(observed: np.ndarray, task: Any) -> np.ndarray:
    """scikit-image's bicubic enlarging."""
    side = observed.shape[1] * task.factor
    larger = [resize(one, (side, side), order=3, mode="edge", anti_aliasing=False) for one in observed]
    return np.stack(larger).astype(np.float32)


def non_local_means(observed: np.ndarray, task: Any, strength: float = NOISE_STRENGTH) -> np.ndarray:
    """scikit-image's non-local means (Buades et al., CVPR 2005), told how strong the noise is."""
    sigma = task.sigma / 2  # pictures in [0, 1]
    clean = partial(
        denoise_nl_means, patch_size=5, patch_distance=6, h=strength * sigma, sigma=sigma, fast_mode=False,
        channel_axis=-1,
    )  # fmt: skip
    return np.stack([clean((one + 1) / 2) for one in observed]).astype(np.float32) * 2 - 1


def wiener_filter(observed: np.ndarray, task: Any, balance: float = WIENER_BALANCE) -> np.ndarray:
    """scikit-image's Wiener filter, told the blur; pictures are mirrored beyond their borders, as the blur does."""
    kernel = np.asarray(task.kernel)
    margin = len(kernel)
    beyond = ((margin, margin), (margin, margin), (0, 0))
    pictures = []
    for one in observed:
        wide = np.pad((one + 1) / 2, beyond, mode="symmetric")
        sharp = [wiener(wide[..., c], kernel, balance, clip=False) for c in range(wide.shape[-1])]
        pictures.append(np.stack(sharp, axis=-1)[margin:-margin, margin:-margin])
    return np.stack(pictures).astype(np.float32) * 2 - 1


SIMPLE: dict[str, dict[str, Method]] = {
    "colorize": {"grey": as_observed},
    "superres": {"bicubic": bicubic},
    "denoise": {"noisy": as_observed, "non-local means": non_local_means},
    "deblur": {"blurred": as_observed, "Wiener filter": wiener_filter},
    "inpaint": {
        "mean fill": lambda observed, task: mean_fill(observed, np.asarray(task.mask)),
        "biharmonic": lambda observed, task: biharmonic(observed, np.asarray(task.mask)),
    },
}
"""By the name of a task; a reconstruction has none."""


def strengths(name: str) -> dict[str, Method]:
    """The method of a task in several strengths, where it has one."""
    if name == "denoise":
        return {f"{s}": partial(non_local_means, strength=s) for s in (0.4, 0.6, 0.8, 1.0, 1.2)}
    if name == "deblur":
        return {f"{b}": partial(wiener_filter, balance=b) for b in (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)}
    return {}
