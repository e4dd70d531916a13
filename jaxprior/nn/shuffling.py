"""Pixel shuffle: channels become pixels (Shi et al., Real-Time Single Image Super-Resolution, CVPR 2016)."""

import jax


Array = jax.Array


def pixel_shuffle(x: Array, factor: int) -> Array:
    """Enlarge a map by laying its channels beside each other, in PyTorch's order of channels.

        y[factor i + p, factor j + q, c] = x[i, j, factor^2 c + factor p + q]

    Arguments:
        x: features [b, h, w, factor^2 c].
        factor: how many times larger each side becomes.

    Returns:
        Features [b, factor h, factor w, c].

    Example:
        >>> pixel_shuffle(jax.numpy.arange(4.0).reshape(1, 1, 1, 4), 2)[0, :, :, 0].tolist()
        [[0.0, 1.0], [2.0, 3.0]]
    """
    b, h, w, c = x.shape
    x = x.reshape(b, h, w, c // factor**2, factor, factor)
    return x.transpose(0, 1, 4, 2, 5, 3).reshape(b, factor * h, factor * w, c // factor**2)
