"""Compare restored pictures with the truth: the figures of a journal row, for a whole batch at once.

PSNR and SSIM are computed on [0, 1] from the unrounded float output of the generator; SSIM uses the uniform
7x7 window. See `CONVENTION`, which every table prints.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior import metrics
from jaxprior.operators import Identity, Operator, batched
from jaxprior.runs.journal import FIGURES


CONVENTION = (
    "PSNR in dB and SSIM on RGB in [0, 1], float output clipped but not rounded to 8 bit, whole picture, "
    "no crop beyond SSIM's own border; SSIM as scikit-image's default (uniform 7x7 window); hole = only "
    "missing pixels (SSIM: mean of its map over the hole); merged = after what is known for certain was put "
    "back; known = consistency with the input: raw output on the known pixels, or for tasks without a mask "
    "the raw output degraded once more against the input."
)


def score(
    task: Operator,
    raw: np.ndarray,
    merged: np.ndarray,
    observed: np.ndarray,
    truth: np.ndarray | None,
    masks: np.ndarray | None,
) -> list[dict[str, float | None]]:
    """Return the figures of each picture.

    Arguments:
        task: the forward operator, arrays shared or per image.
        raw, `merged`: float32 [b, h, w, c] in [-1, 1].
        observed: the observations [b, ...].
        truth: the originals in the layout of `raw`, or None if they are not known.
        masks: [b, h, w], 1 = missing, or None for a task without a mask.

    Returns:
        one dictionary a picture with all names of `FIGURES`; None where there is nothing to compare.
    """
    figures = _figures(task, raw, merged, observed, truth, masks)
    values = {name: np.asarray(value) for name, value in figures.items()}
    return [{name: float(values[name][i]) if name in values else None for name in FIGURES} for i in range(len(raw))]


def merges(task: Operator, observed: jax.ShapeDtypeStruct, restored: jax.ShapeDtypeStruct) -> bool:
    """Say whether an operator's `merge` changes a restored image at all.

    Arguments:
        task: the forward operator of one image; observed, restored: shapes of its observation and its images.
    """
    traced = jax.make_jaxpr(type(task).merge)(task, observed, restored).jaxpr
    return traced.outvars[0] is not traced.invars[-1]


@jax.jit
def _figures(task, raw, merged, observed, truth, masks) -> dict[str, jax.Array]:
    figures = {}
    if masks is not None:
        figures["psnr_known"] = metrics.psnr(raw, observed, mask=1 - jnp.asarray(masks))
    elif not isinstance(task, Identity):
        figures["psnr_known"] = _consistency(batched(task, len(raw)), raw, observed)
    if truth is None:
        return figures
    figures["psnr"], figures["ssim"] = metrics.psnr(raw, truth), metrics.ssim(raw, truth)
    if masks is not None:
        figures["psnr_hole"] = metrics.psnr(raw, truth, mask=masks)
        figures["ssim_hole"] = metrics.ssim(raw, truth, mask=masks)
    one = batched(task, len(raw))
    if merges(jax.tree.map(lambda array: array[0], one), observed[0], raw[0]):
        figures["psnr_merged"], figures["ssim_merged"] = metrics.psnr(merged, truth), metrics.ssim(merged, truth)
    return figures


def _consistency(task, raw, observed) -> jax.Array:
    """PSNR [b] between the raw output, degraded once more, and what the task compares of the observation."""
    again = jax.vmap(type(task).apply)(task, raw)
    wanted = jax.vmap(type(task).compared)(task, jnp.asarray(observed))
    flat = (len(raw), 1, -1, 1)  # observations need not be images
    return metrics.psnr(again.reshape(flat), wanted.reshape(flat))
