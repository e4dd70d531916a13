"""Tables and pictures of several methods that restored the same pictures.

The figures of a method are {name: values [b]}, by the names of the package's metrics, and "seconds". All are over the
same pictures in the same order.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from paired import compared, said

from jaxprior.data import sheets
from jaxprior.metrics import metric


Figures = Mapping[str, Mapping[str, np.ndarray]]
"""The figures of methods by their names in tables."""

NEARNESS = ("gradient_energy", "gradient_energy_hole", "gradient_energy_merged")
"""Figures that are best at 1, neither above nor below."""

SECONDS = "seconds"


def gains(name: str, values: np.ndarray) -> np.ndarray:
    """Values of a figure, turned so that more is better: the negative distance from 1 where 1 is best."""
    if name in NEARNESS:
        return -np.abs(values - 1)
    return values if name != SECONDS and metric(name).higher_is_better else -values


def summary(figures: Figures, *, base: str, names: Sequence[str], paired: Sequence[str]) -> dict:
    """Means and medians of all methods, and each compared picture by picture with one of them.

    Arguments:
        figures: of all methods; one without a figure has none of it in the summary.
        base: the method that others are compared with.
        names: the figures of interest.
        paired: those of them that are compared.

    Returns:
        {method: {"pictures": b, figure: mean, "<figure>_median": median, "gain_<figure>": see `paired.compared`}}.
    """
    found: dict[str, dict] = {}
    for method, values in figures.items():
        there = [name for name in names if name in values]
        row: dict = {"pictures": len(values[there[0]])}
        for name in there:
            row[name] = round(float(np.mean(values[name])), 5)
            row[f"{name}_median"] = round(float(np.median(values[name])), 5)
        for name in paired:
            if method != base and name in values and name in figures.get(base, {}):
                row[f"gain_{name}"] = compared(gains(name, values[name]), gains(name, figures[base][name]))
        found[method] = row
    return found


def markdown(rows: Mapping[str, Mapping], *, base: str, names: Sequence[str], paired: Sequence[str]) -> str:
    """A summary as a table: means, then the paired differences from the base with intervals and shares of wins."""
    there = [name for name in names if any(name in row for row in rows.values())]
    beside = [name for name in paired if any(f"gain_{name}" in row for row in rows.values())]
    titles = ["method", *(_title(name) for name in there)]
    titles += [f"{_title(name, plain=True)} over {base} [95 %], wins" for name in beside]
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for method, row in rows.items():
        cells = [method]
        for name in there:
            value = row.get(f"{name}_median" if name == SECONDS else name)
            cells.append("" if value is None else f"{value:.{_digits(name)}f}")
        for name in beside:
            gain = row.get(f"gain_{name}")
            cells.append("" if gain is None else said(gain, digits=min(_digits(name), 3)))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _title(name: str, *, plain: bool = False) -> str:
    if name == SECONDS:
        return "s a picture"
    if name in NEARNESS and plain:
        return f"nearness of {metric(name).title.lower()} to 1"
    return metric(name).title if plain else metric(name).label


def _digits(name: str) -> int:
    return 3 if name == SECONDS else metric(name).digits


def busiest(picture: np.ndarray, side: int) -> tuple[int, int]:
    """The top left corner of the square that has most detail, by the squared differences of neighbouring pixels.

    Arguments:
        picture: uint8 [h, w, 3]; side: of the square, no more than the picture's.

    Example:
        >>> checked = np.zeros((64, 96, 3), np.uint8)
        >>> checked[32:48, 64:80:2] = 255
        >>> busiest(checked, 16)
        (32, 64)
    """
    pixels = picture.astype(np.float64).mean(axis=-1)
    energy = np.zeros_like(pixels)
    energy[1:] += np.diff(pixels, axis=0) ** 2
    energy[:, 1:] += np.diff(pixels, axis=1) ** 2
    step = max(side // 4, 1)
    places = [
        (top, left)
        for top in range(0, pixels.shape[0] - side + 1, step)
        for left in range(0, pixels.shape[1] - side + 1, step)
    ]
    return max(places, key=lambda at: energy[at[0] : at[0] + side, at[1] : at[1] + side].sum())


def close_ups(
    rows: Sequence[Mapping[str, np.ndarray]], *, busy: Sequence[np.ndarray], side: int
) -> np.ndarray:
    """A page of the same square of every picture, once a method: a row a picture, enlarged, under the methods' names.

    Arguments:
        rows: uint8 pictures of one size by captions, the same captions in each row.
        busy: for each row a picture whose busiest square is shown.
        side: of the square in pixels; the shortest side of all pictures, if that is less.
    """
    side = min(side, *(length for picture in busy for length in picture.shape[:2]))
    shown = []
    for row, detail in zip(rows, busy, strict=True):
        top, left = busiest(detail, side)
        shown += [(title, picture[top : top + side, left : left + side]) for title, picture in row.items()]
    return sheets.captioned_grid(shown, columns=len(rows[0]))
