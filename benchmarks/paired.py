"""Paired comparisons: how much better one method is than another, picture by picture."""

from collections.abc import Sequence

import numpy as np
import scipy.stats


RESAMPLES = 4999


def compared(values: Sequence[float] | np.ndarray, base: Sequence[float] | np.ndarray) -> dict:
    """Compare two methods on the same pictures.

    Arguments:
        values, base: a figure of every picture [b], of which more is better.

    Returns:
        "gain": the median of values - base; "interval": where it lies with 95 % (basic bootstrap over the pictures);
        "wins": the number of pictures on which the first is better; "pictures".
    """
    difference = np.asarray(values) - np.asarray(base)
    ends = [0.0, 0.0]
    if len(difference) > 1 and np.any(difference != difference[0]):
        chance = np.random.default_rng(0)
        sure = scipy.stats.bootstrap((difference,), np.median, n_resamples=RESAMPLES, rng=chance, method="basic")
        ends = [round(float(end), 3) for end in sure.confidence_interval]
    gain, wins = round(float(np.median(difference)), 3), int((difference > 0).sum())
    return {"gain": gain, "interval": ends, "wins": wins, "pictures": len(difference)}


def said(found: dict, *, digits: int = 2) -> str:
    """A comparison as a cell of a table: "+0.30 [-0.28, +0.88], 59 %"."""
    low, high = found["interval"]
    share = found["wins"] / found["pictures"]
    return f"{found['gain']:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}], {share:.0%}"
