"""The picture, changed at random: what a ConSinGAN that starts from pictures is trained on (Hinz et al., WACV 2021).

    harmonize    a quarter of the time other colors or noise, and mostly one or two rectangles of one color
    edit         one to five rectangles of the picture, copied to a place near by; weak noise

The model learns to make the picture of it again, so that later it makes one of what was pasted or moved. The official
code changes colors by the library albumentations, of which the kinds, chances and strengths here are. It gives that
library floats from 0 to 255 where 0 to 1 is expected, by which its sepia, its shift of hue and two kinds of its noise
come out as an almost black picture; here they are what they are called. Everything is NumPy: a step changes one small
picture, on the host.
"""

from collections.abc import Callable

import numpy as np


SHUFFLED_NOISE = 0.1
"""Strength of the noise that is added to a picture that was shuffled."""

RECOLORED, COVERED = 0.25, 0.9
"""How often the colors are changed, and how often rectangles of the picture are covered."""

TILES = {1: (0.2, 0.5, 0.15), 2: (0.15, 0.3, 0.1), 3: (0.1, 0.2, 0.1), 4: (0.1, 0.15, 0.1), 5: (0.1, 0.15, 0.1)}
"""Number of rectangles -> their least and largest side, and how far one is moved at most, as shares of a side."""

LEAST_MOVE = 0.05
SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])

Chance = np.random.Generator


def changed(starts_from: str, image: np.ndarray, chance: Chance) -> np.ndarray:
    """What the coarsest stage gets in one training step.

    Arguments:
        starts_from: "augmented" or "shuffled", see `config.StartsFrom`.
        image: the picture at the coarsest scale, [h, w, 3] in [-1, 1].
        chance: where everything random comes from.

    Returns:
        float32 [h, w, 3]: in [-1, 1], but for the noise of "shuffled".

    Example:
        >>> changed("shuffled", np.zeros((25, 38, 3)), np.random.default_rng(0)).shape
        (25, 38, 3)
    """
    levels = 127.5 * (np.clip(image, -1, 1).astype(np.float64) + 1)
    if starts_from == "augmented":
        return _floats(augmented(levels, chance))
    noise = SHUFFLED_NOISE * chance.standard_normal(image.shape)
    return (_floats(shuffled(levels, chance)) + noise).astype(np.float32)


def augmented(image: np.ndarray, chance: Chance) -> np.ndarray:
    """Change the colors of a picture at random, and cover parts of it.

    Arguments:
        image: [h, w, 3], values from 0 to 255.
        chance: where everything random comes from.
    """
    if chance.random() < RECOLORED:
        image = np.clip(KINDS[chance.choice(len(KINDS), p=WEIGHTS)](image, chance), 0, 255)
    return covered(image, chance) if chance.random() < COVERED else image


def covered(image: np.ndarray, chance: Chance) -> np.ndarray:
    """Cover one rectangle of 30 to 60 pixels a side, or two of 15 to 30, with one color; [h, w, 3] as `augmented`."""
    image, (height, width) = image.copy(), image.shape[:2]
    color = chance.integers(0, 255, 3, endpoint=True)
    count = chance.integers(1, 2, endpoint=True)
    h, w = chance.integers(*((30, 60) if count == 1 else (15, 30)), 2, endpoint=True)
    for _ in range(count):
        top = max(chance.integers(0, height, endpoint=True) - h // 2, 0)
        left = max(chance.integers(0, width, endpoint=True) - w // 2, 0)
        image[top : top + h, left : left + w] = color
    return image


def shuffled(image: np.ndarray, chance: Chance) -> np.ndarray:
    """Copy one to five rectangles of a picture to places near by, of what it was before.

    Arguments:
        image: [h, w, c].
        chance: where everything random comes from.
    """
    size = image.shape[:2]
    count = int(chance.integers(1, 5, endpoint=True))
    least, most, farthest = TILES[count]

    def between(low: float, high: float) -> list[int]:
        """A whole number for each axis, between two shares of its side."""
        return [int(chance.integers(int(n * low), int(n * high), endpoint=True)) for n in size]

    moved = []
    for _ in range(count):
        corner, side = between(0, 1), between(least, most)
        side = [min(s, n - c) for s, n, c in zip(side, size, corner, strict=True)]
        shift = between(LEAST_MOVE, farthest)
        if chance.random() < 0.5:
            place = [max(c - d, 0) for c, d in zip(corner, shift, strict=True)]
        else:
            place = [min(c + d, n - s) for c, d, n, s in zip(corner, shift, size, side, strict=True)]
        moved.append((corner, side, place))
    result = image.copy()
    for (y, x), (h, w), (to_y, to_x) in moved:
        result[to_y : to_y + h, to_x : to_x + w] = image[y : y + h, x : x + w]
    return result


def _floats(levels: np.ndarray) -> np.ndarray:
    return (levels / 127.5 - 1).astype(np.float32)


def _multiplied(image: np.ndarray, chance: Chance) -> np.ndarray:
    return image * chance.uniform(0.5, 1.5, image.shape)


def _gray_noise(image: np.ndarray, chance: Chance) -> np.ndarray:
    return image + chance.uniform(2.55, 12.75) * chance.standard_normal((*image.shape[:2], 1))


def _color_noise(image: np.ndarray, chance: Chance) -> np.ndarray:
    return image + np.sqrt(chance.uniform(10, 50)) * chance.standard_normal(image.shape)


def _inverted(image: np.ndarray, _chance: Chance) -> np.ndarray:
    return 255 - image


def _sepia(image: np.ndarray, _chance: Chance) -> np.ndarray:
    return image @ SEPIA.T


def _without_channel(image: np.ndarray, chance: Chance) -> np.ndarray:
    return image * (np.arange(3) != chance.integers(3))


def _permuted(image: np.ndarray, chance: Chance) -> np.ndarray:
    return image[..., chance.permutation(3)]


def _hue_shifted(image: np.ndarray, chance: Chance) -> np.ndarray:
    from skimage import color  # It takes long to import.

    hue, saturation, value = np.moveaxis(color.rgb2hsv(image / 255), -1, 0)
    shift = chance.uniform([-20, -30, -20], [20, 30, 20]) / [180, 255, 255]
    parts = (hue + shift[0]) % 1, np.clip(saturation + shift[1], 0, 1), np.clip(value + shift[2], 0, 1)
    return 255 * color.hsv2rgb(np.stack(parts, axis=-1))


KINDS: tuple[Callable[[np.ndarray, Chance], np.ndarray], ...] = (
    _multiplied, _gray_noise, _color_noise, _inverted, _sepia, _without_channel, _permuted, _hue_shifted,
)  # fmt: skip
"""All changes of colors: (picture [h, w, 3] from 0 to 255, chance) -> another, which is then clipped to that."""

WEIGHTS = np.array([0.5 * 2 / 12, 0.5 * 5 / 12, 0.5 * 5 / 12, *4 * [0.25], 0.1]) / 1.6
"""How often each of them is taken: the official choice of one of four kinds, and in three of them of one of several."""
