"""Compare restored pictures with the truth: the figures of a journal row, for a whole batch at once.

PSNR and SSIM are computed on [0, 1] from the unrounded float output of the generator; SSIM uses the uniform
7x7 window. See `CONVENTION`, which every table prints.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior import metrics
from jaxprior.evaluation.journal import FIGURES


CONVENTION = (
    "PSNR in dB and SSIM on RGB in [0, 1], float output clipped but not rounded to 8 bit, whole picture, "
    "no crop beyond SSIM's own border; SSIM as scikit-image's default (uniform 7x7 window); hole = only "
    "missing pixels (SSIM: mean of its map over the hole); merged = known pixels put back; known = raw "
    "output on the known pixels."
)


def score(
    raw: np.ndarray,
    merged: np.ndarray,
    observed: np.ndarray,
    truth: np.ndarray | None,
    masks: np.ndarray | None,
) -> list[dict[str, float | None]]:
    """Return the figures of each picture.

    Arguments:
        raw, `merged`, `observed`: float32 [b, h, w, c] in [-1, 1].
        truth: the originals in the same layout, or None if they are not known.
        masks: [b, h, w], 1 = missing, or None for a task without a mask.

    Returns:
        one dictionary a picture with all names of `FIGURES`; None where there is nothing to compare.
    """
    values = {name: np.asarray(value) for name, value in _figures(raw, merged, observed, truth, masks).items()}
    return [{name: float(values[name][i]) if name in values else None for name in FIGURES} for i in range(len(raw))]


@jax.jit
def _figures(raw, merged, observed, truth, masks) -> dict[str, jax.Array]:
    figures = {}
    if masks is not None:
        figures["psnr_known"] = metrics.psnr(raw, observed, mask=1 - jnp.asarray(masks))
    if truth is None:
        return figures
    figures["psnr"], figures["ssim"] = metrics.psnr(raw, truth), metrics.ssim(raw, truth)
    if masks is not None:
        figures["psnr_hole"] = metrics.psnr(raw, truth, mask=masks)
        figures["ssim_hole"] = metrics.ssim(raw, truth, mask=masks)
        figures["psnr_merged"], figures["ssim_merged"] = (
            metrics.psnr(merged, truth),
            metrics.ssim(merged, truth),
        )
    return figures
