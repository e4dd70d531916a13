"""How much the prior counts in a hole when results are merged: the rule, by the thickness of the hole.

A thin hole is known almost completely from its surroundings: there the smooth fill of `smooth_fill.py` is better than
anything that a prior generates. In the middle of a thick hole it knows nothing. So two weights are read from a table in
the prior's card, which `benchmarks/merging.py` fits on pictures that the prior has not seen:

    card["merge"] = {"thickness": [...], "biharmonic": [...], "prior": [...]}

`merging.py` says what they weigh. This module imports no JAX.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from jaxprior.checks import described, is_array
from jaxprior.errors import MaskError, WeightsError


Merge = Literal["harmonic", "paste"]
MERGES = get_args(Merge)
"""How known pixels and generated ones become one picture: see `merging.py`."""

FALLBACK = {
    "thickness": [1.0, 1.7, 2.7, 5.0, 9.0, 16.0, 64.0],
    "biharmonic": [0.99, 1.0, 0.93, 0.48, 0.32, 0.16, 0.0],
    "prior": [0.03, 0.19, 0.32, 0.38, 0.35, 0.56, 0.56],
}
"""The table for a prior whose card states none, e.g. a freshly converted one; of the bundled prior cats64."""

COLUMNS = tuple(FALLBACK)


def fills_holes(task: Any) -> bool:
    """Whether a task is one whose results can be merged without a seam; see `jaxprior.operators.Operator`."""
    return bool(getattr(task, "fills_holes", False))


def thickness(missing: np.ndarray) -> np.ndarray:
    """Say how thick the hole is in which each missing pixel lies: the largest distance to a known pixel within it.

    A hole are missing pixels that touch each other at their sides. A single pixel has the thickness 1, a scratch of
    three pixels 2, a square of 32 pixels 16.

    Arguments:
        missing: [h, w], 1 (or true) = missing.

    Returns:
        float32 [h, w] in pixels, 0 at known pixels. Where nothing is known, the longer side of the picture.

    Raises:
        MaskError: `missing` has another number of axes.

    Example:
        >>> hole = np.zeros((8, 8))
        >>> hole[2:5, 2:7] = 1
        >>> float(thickness(hole).max())
        2.0
    """
    import scipy.ndimage  # not for commands that only read the words

    if not is_array(missing) or missing.ndim != 2:
        raise MaskError(f"`missing` must be an array [h, w], got {described(missing)}.")
    hole = np.asarray(missing) > 0
    if hole.all():
        return np.full(hole.shape, max(hole.shape), np.float32)
    labelled: Any = scipy.ndimage.label(hole)
    parts = labelled[0]
    largest = np.zeros(parts.max() + 1)
    np.maximum.at(largest, parts, np.asarray(scipy.ndimage.distance_transform_edt(hole)))
    return largest[parts].astype(np.float32)


@dataclass(frozen=True)
class MergeRule:
    """The weights of the two fills and of the prior by the thickness of a hole.

    Fields:
        thickness: of holes, in pixels of the prior's images, rising; between them the weights are interpolated over the
            thickness' logarithm, and beyond them they stay as at the ends.
        biharmonic: weight of the biharmonic fill against the harmonic one, 0 to 1.
        prior: weight of what the prior adds to the smooth fill, 0 to 1.
    """

    thickness: tuple[float, ...]
    biharmonic: tuple[float, ...]
    prior: tuple[float, ...]

    @classmethod
    def of_card(cls, card: Mapping[str, Any]) -> "MergeRule":
        """The rule of a prior's card, or `FALLBACK` if it states none.

        Raises:
            WeightsError: the card's table is none.

        Example:
            >>> MergeRule.of_card({}).thickness[0]
            1.0
        """
        table = card.get("merge", FALLBACK)
        columns = [table.get(name) for name in COLUMNS] if isinstance(table, Mapping) else [None]
        if not all(isinstance(column, list) and all(_is_number(x) for x in column) for column in columns):
            raise WeightsError(f"the card of {card.get('name')}: merge: expected the lists {', '.join(COLUMNS)}.")
        rule = cls(*(tuple(map(float, column or ())) for column in columns))
        at, weights = rule.thickness, (*rule.biharmonic, *rule.prior)
        rising = all(0 < one < other for one, other in zip(at, at[1:], strict=False))
        if not (at and at[0] > 0 and rising and len(at) == len(rule.biharmonic) == len(rule.prior)):
            expected = "as many weights as thicknesses, and these above 0 and rising"
            raise WeightsError(f"the card of {card.get('name')}: merge: expected {expected}.")
        if not all(0 <= weight <= 1 for weight in weights):
            raise WeightsError(f"the card of {card.get('name')}: merge: expected weights from 0 to 1.")
        return rule

    def of_draws(self) -> "MergeRule":
        """The rule for an answer that is drawn and not averaged: in thick holes all of it comes from the prior.

        The weights of a card make the error least, and so they shrink what the prior is unsure of. A draw shall look
        like a picture instead: the weights of the prior are stretched so that the largest is 1, and what bends the
        smooth fill fades as they rise.

        Example:
            >>> MergeRule((1.0, 9.0), (1.0, 0.5), (0.1, 0.5)).of_draws().prior
            (0.2, 1.0)
        """
        largest = max(self.prior) or 1.0
        prior = tuple(weight / largest for weight in self.prior)
        biharmonic = tuple(plate * (1 - weight) for plate, weight in zip(self.biharmonic, prior, strict=True))
        return MergeRule(self.thickness, biharmonic, prior)

    def weights(self, thickness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The weight of the biharmonic fill and that of the prior, float32 in the thickness' shape, 0 where it is 0."""
        position = np.log(np.maximum(thickness, self.thickness[0]))
        at = np.log(self.thickness)
        columns = (np.where(thickness > 0, np.interp(position, at, y), 0) for y in (self.biharmonic, self.prior))
        plate, prior = (column.astype(np.float32) for column in columns)
        return plate, prior


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
