"""Figures of several answers for one picture: how far they differ, how good their best is, and how good their mean.

All three look at what was missing, or at the whole picture where the task has no mask. If the answers follow what is
known, their spread is about the error of their mean: then a wide spread warns of a result that cannot be trusted.
"""

import jax.numpy as jnp

from jaxprior.metrics._images import clip, mean_over, of_volumes
from jaxprior.metrics.signal_to_noise import psnr
from jaxprior.protocols import ANY, DRAWS, RESULT, TRUTH, Metric, Scored


def _spread(scored: Scored):
    """The root of the mean variance of the draws, over the missing pixels and all channels."""
    draws = jnp.asarray(scored.draws)
    variance = jnp.var(draws - draws[:, :1], axis=1, ddof=min(1, draws.shape[1] - 1)).mean(axis=-1)
    return jnp.sqrt(mean_over(variance, _mask(scored), volumes=of_volumes(scored)))


def _best(scored: Scored):
    return jnp.stack([_psnr(draw, scored) for draw in jnp.moveaxis(scored.draws, 1, 0)]).max(axis=0)


def _mean(scored: Scored):
    return _psnr(jnp.mean(scored.draws, axis=1), scored)


def _psnr(result, scored: Scored):
    return psnr(clip(result), scored.truth, mask=_mask(scored), volumes=of_volumes(scored))


def _mask(scored: Scored):
    return None if scored.masks is None else jnp.asarray(scored.masks)


SPREAD = Metric(
    name="spread", title="Spread of draws", function=_spread, part=RESULT, needs=frozenset({DRAWS}), order=80,
    optional=True, takes=ANY,
    note="Spread of draws = root mean variance of the answers where something was missing, in units of [-1, 1].",
)  # fmt: skip
BEST = Metric(
    name="psnr_best_draw", title="PSNR best draw", function=_best, part=RESULT, needs=frozenset({DRAWS, TRUTH}),
    unit="dB", digits=2, order=81, optional=True, takes=ANY,
    note="PSNR of draws = of several answers, merged, where something was missing: of the best one and of their mean.",
)  # fmt: skip
MEAN = Metric(
    name="psnr_mean_draw", title="PSNR mean of draws", function=_mean, part=RESULT, needs=frozenset({DRAWS, TRUTH}),
    unit="dB", digits=2, order=82, optional=True, takes=ANY,
)  # fmt: skip
