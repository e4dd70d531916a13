"""Random strokes, as of a brush or a scratch: masks whose holes are long, bent and of uneven width.

A stroke is the path of a round brush. It begins anywhere, goes on in short steps, and turns a little at each of them.
Strokes of several widths are laid over each other until the wanted part of the picture is covered. Free-form masks of
this kind are common in the training of inpainting networks (Yu et al., ICCV 2019, algorithm 1); the numbers are ours.
"""

import math

import numpy as np


WIDTHS = (0.02, 0.08)
"""Widths of brushes, shares of the picture's shorter side."""

LENGTHS = (0.3, 1.2)
"""Lengths of strokes, shares of the same."""

TURN = 0.35
"""Standard deviation of the turn at a step of one radius, in radians."""


def draw_strokes(fraction: float, shape: tuple[int, int], chance: np.random.Generator) -> np.ndarray:
    """Draw random strokes that cover a fraction of a picture.

    Arguments:
        fraction: of the area, between 0 and 1.
        shape: (height, width) in pixels.
        chance: decides the strokes.

    Returns:
        float32 [height, width], 1 under a stroke. Exactly round(fraction * height * width) pixels are.

    Example:
        >>> mask = draw_strokes(0.25, (64, 64), np.random.default_rng(0))
        >>> float(mask.mean())
        0.25
    """
    wanted, side = round(fraction * shape[0] * shape[1]), min(shape)
    mask, covered = np.zeros(shape[0] * shape[1], np.float32), 0
    while covered < wanted:
        radius = max(side * chance.uniform(*WIDTHS) / 2, 0.5)
        path = _path(radius, side * chance.uniform(*LENGTHS), shape, chance)
        places = (path[:, None] + _disc(radius)[None]).reshape(-1, 2)
        places = places[((places >= 0) & (places < shape)).all(axis=1)]
        under = places[:, 0] * shape[1] + places[:, 1]
        under = under[mask[under] == 0]
        _, first = np.unique(under, return_index=True)
        new = under[np.sort(first)[: wanted - covered]]  # in the order of the path
        mask[new] = 1
        covered += len(new)
    return mask.reshape(shape)


def _path(radius: float, length: float, shape: tuple[int, int], chance: np.random.Generator) -> np.ndarray:
    """The brush's centres, whole numbers [n, 2], one radius apart; at the picture's border the path turns back."""
    step = max(radius, 1.0)
    steps = max(int(length / step), 2)
    angles = chance.uniform(0, 2 * math.pi) + np.cumsum(chance.normal(0, TURN, steps))
    way = step * np.cumsum(np.stack([np.sin(angles), np.cos(angles)], axis=1), axis=0)
    last = np.asarray(shape) - 1.0
    places = chance.uniform(0, 1, 2) * last + way
    folded = last - np.abs(np.mod(places, np.maximum(2 * last, 1)) - last)
    return np.clip(np.rint(folded), 0, last).astype(int)


def _disc(radius: float) -> np.ndarray:
    """The pixels of a round brush, [k, 2], from its centre."""
    reach = math.floor(radius)
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1)
    return np.stack([rows, columns], axis=1)[rows**2 + columns**2 <= radius**2]
