"""A figure of the whole picture, of its hole, and of the merged picture: three metrics of one function."""

from collections.abc import Callable
from typing import Any

from jaxprior.protocols import HOLE, MASK, MERGE, MERGED, TRUTH, WHOLE, Metric


def of_parts(
    function: Callable, *, name: str, title: str, orders: tuple[int, int, int], note: str, **about: Any
) -> tuple[Metric, Metric, Metric]:
    """The metrics NAME, NAME_hole and NAME_merged.

    Arguments:
        function: (scored, images, mask) -> one number a picture, [b]; images are `scored.raw` or `scored.merged`, and
            the mask is that of the missing pixels, or None.
        name, title: of the first; the others have the part behind them.
        orders: of the three. note: of the first.
        about: further fields of all three, see `jaxprior.protocols.Metric`.
    """
    parts = (
        (WHOLE, {TRUTH}, lambda scored: function(scored, scored.raw, None)),
        (HOLE, {TRUTH, MASK}, lambda scored: function(scored, scored.raw, scored.masks)),
        (MERGED, {TRUTH, MERGE}, lambda scored: function(scored, scored.merged, None)),
    )
    whole, hole, merged = (
        Metric(
            name=name if part == WHOLE else f"{name}_{part}", title=title if part == WHOLE else f"{title} {part}",
            function=measure, needs=frozenset(needs), part=part, order=order, optional=True,
            note=note if part == WHOLE else "", **about,
        )
        for (part, needs, measure), order in zip(parts, orders, strict=True)
    )  # fmt: skip
    return whole, hole, merged
