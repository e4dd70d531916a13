"""The random masks of a training, each of which is drawn when it is first wanted.

A training draws from a few thousand masks. To make all of them beforehand would take seconds, and a short training, or
one of a few pictures, sees a small part of them.
"""

from typing import Any

import jax
import numpy as np


MASKS, MASK_BITS = 4096, 1 << 28
"""Masks of a random kind: so many, or as many as have so many bits together."""


class DrawnMasks:
    """Masks by their numbers; one mask if all are alike. A mask depends on the seed and on its number alone.

    Arguments:
        spec: what is missing, a `jaxprior.data.masks.MaskSpec`.
        size: (height, width) of the pictures, which are square.
        seed: of random masks.

    Raises:
        MaskError: masks that cannot be drawn so.

    Example:
        >>> from jaxprior.data.masks import parse_mask
        >>> masks = DrawnMasks(parse_mask("block:0.25"), (16, 16), seed=0)
        >>> len(masks), masks[7].shape, int(masks[7].sum())
        (4096, (16, 16), 64)
    """

    def __init__(self, spec: Any, size: tuple[int, int], *, seed: int):
        h, w = size
        self.spec, self.size = spec, size
        count = min(MASKS, max(MASK_BITS // (h * w), 1)) if spec.per_image else 1
        self._keys = jax.random.split(jax.random.key(seed), count)
        self._bits: dict[int, np.ndarray] = {}
        self[0]  # a mask that cannot be drawn is refused before a training begins

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, number: int) -> np.ndarray:
        """A mask: uint8 [h, w], 1 = missing. Any thread may ask for it."""
        if number not in self._bits:
            drawn = self.spec.draw(self.size[0], self._keys[number])
            self._bits[number] = np.packbits(drawn.astype(bool))
        h, w = self.size
        return np.unpackbits(self._bits[number], count=h * w).reshape(h, w)
