"""Places that are spread evenly over many: which of many things are shown or measured."""

import numpy as np


def evenly(count: int, most: int) -> np.ndarray:
    """Indices of at most so many of `count` things, evenly spread, with the first and the last.

    Arguments:
        count: of the things; most: of them that are wanted.

    Example:
        >>> evenly(9, 3).tolist(), evenly(2, 3).tolist()
        ([0, 4, 8], [0, 1])
    """
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
