"""Telling a critic (discriminator) from other networks by its tensors' shapes, for the sentence that refuses it."""

from collections.abc import Mapping

import numpy as np


def looks_like_critic(state: Mapping[str, np.ndarray]) -> bool:
    """Whether a state of PyTorch looks like a critic: a picture goes in, and one number comes out.

    Its kernels are [out, in, k, k]: the first takes 1 or 3 channels, each takes what the one before made, none makes
    fewer features than the one before it, and there are more at the end than at the beginning. The one number is that
    of a last convolution, or of a dense layer [1, n] behind them.

    Example:
        >>> shapes = {"0.weight": (8, 3, 4, 4), "2.weight": (16, 8, 4, 4), "5.weight": (1, 16, 4, 4)}
        >>> looks_like_critic({name: np.zeros(shape) for name, shape in shapes.items()})
        True
    """
    shapes = [(name, np.shape(array)) for name, array in state.items()]
    kernels = [shape for _, shape in shapes if len(shape) == 4]
    dense = [shape for name, shape in shapes if len(shape) == 2 and name.endswith("weight")]
    if dense and dense[-1][0] != 1:
        return False
    body = kernels if dense else kernels[:-1]
    if not dense and (not kernels or kernels[-1][0] != 1):
        return False
    if len(body) < 2 or body[0][1] not in (1, 3):
        return False
    joined = all(before[0] == after[1] for before, after in zip(kernels, kernels[1:], strict=False))
    widths = [shape[0] for shape in body]
    return joined and widths == sorted(widths) and widths[0] < widths[-1]
