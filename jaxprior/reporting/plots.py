"""Plots of reports as inline SVG text: distributions, points with their intervals, a curve with its band.

Colours and type are those of page.css, so that plots follow light and dark mode; labels are escaped.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape

import numpy as np


WIDTH, HEIGHT = 460, 220
MARGIN = 24  # left and right of a distribution
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 28, 46  # around the field of the others
COLOURS = 8  # in page.css; further lines begin again, dashed
DOTS = 500  # beyond, dots would be a solid line


@dataclasses.dataclass(frozen=True)
class Line:
    """Named points with an interval around each: sequences of one length, all finite."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def distribution(values: Sequence[float] | np.ndarray, *, label: str, mark: float | None = None) -> str:
    """Return a histogram with a dot for every value below it (of up to 500 values) and a line at the median.

    Arguments:
        values: finite numbers, at least one.
        label: of the axis, for example "PSNR hole, dB".
        mark: a value that is shown too and gets a line of its own, such as 0 for "no difference".
    """
    data = np.sort(np.asarray(values, np.float64))
    ends = data if mark is None else np.append(data, mark)
    low, high = float(ends.min()), float(ends.max())
    room = max((high - low) * 0.05, 0.02 * max(abs(high), 1e-3))
    low, high = low - room, high + room
    counts, edges = np.histogram(data, bins=int(np.clip(np.sqrt(len(data)) * 2, 4, 30)), range=(low, high))
    x, base = _scale(low, high, MARGIN, WIDTH - MARGIN), HEIGHT - 46
    parts = [_open(f"distribution of {label}", HEIGHT)]
    if len(data) >= 8:
        for count, left, right in zip(counts, edges, edges[1:], strict=False):
            tall = (base - 8) * count / counts.max()
            parts.append(
                f'<rect x="{x(left) + 0.5:.1f}" y="{base - tall:.1f}" '
                f'width="{x(right) - x(left) - 1:.1f}" height="{tall:.1f}"/>'
            )
    if len(data) <= DOTS:
        parts += [f'<circle cx="{x(value):.1f}" cy="{base + 9}" r="3"/>' for value in data]
    middle = float(np.median(data))
    parts += [_line("axis", MARGIN, base, WIDTH - MARGIN, base), _line("median", x(middle), 4, x(middle), base + 15)]
    if mark is not None:
        parts.append(_line("mark", x(mark), 4, x(mark), base + 15))
    parts += [_text(x(value), base + 28, shown) for value, shown in _ticks(low, high)]
    digits = 3 if high - low < 1 else 2
    parts.append(_text(WIDTH / 2, HEIGHT - 4, f"{label} (median {middle:.{digits}f}, n = {len(data)})"))
    return "".join(parts) + "</svg>"


def intervals(lines: Sequence[Line], *, across: str, upwards: str) -> str:
    """Return points joined by lines, a vertical bar over each one's interval, and a legend.

    Arguments:
        lines: at least one, with at least one point each.
        across, upwards: labels of the axes with their units.
    """
    places = sorted({value for line in lines for value in line.x})
    low, high = min(min(line.low) for line in lines), max(max(line.high) for line in lines)
    room = (high - low) * 0.06 or 1.0
    x = _scale(places[0], places[-1], LEFT + 30, WIDTH - RIGHT - 30)
    y = _scale(low - room, high + room, HEIGHT - BOTTOM, TOP)
    x_ticks = [(x(value), f"{value:g}") for value in places]
    y_ticks = [(y(value), shown) for value, shown in _ticks(low - room, high + room)]
    parts = [_frame(across, upwards, x_ticks, y_ticks)]
    for number, line in enumerate(lines):
        shift = 5 * (number - (len(lines) - 1) / 2)  # bars of one place stand side by side
        where = [x(value) + shift for value in line.x]
        parts.append(f'<g class="{_colour(number)}"><path class="line" d="M{_way(where, map(y, line.y))}"/>')
        for here, middle, below, above in zip(where, line.y, line.low, line.high, strict=True):
            parts.append(_line("bar", here, y(below), here, y(above)))
            parts.append(f'<circle cx="{here:.1f}" cy="{y(middle):.1f}" r="3.5"/>')
        parts.append("</g>")
    return "".join(parts) + "</svg>" + _legend([line.name for line in lines])


def boxes(values: Mapping[str, Sequence[float] | np.ndarray], *, upwards: str) -> str:
    """Return a box plot: a box from the lower to the upper quartile with a line at the median, whiskers to the farthest
    value within 1.5 times the box's height, dots beyond, and a legend.

    Arguments:
        values: finite numbers by name, at least one of each.
        upwards: label of the upright axis with its unit.
    """
    data = [np.sort(np.asarray(several, np.float64)) for several in values.values()]
    low, high = min(float(several[0]) for several in data), max(float(several[-1]) for several in data)
    room = (high - low) * 0.06 or 0.05 * abs(high) or 1.0
    y = _scale(low - room, high + room, HEIGHT - BOTTOM, TOP)
    x = _scale(0, len(data), LEFT, WIDTH - RIGHT)
    half = min(x(1) - x(0), 80) * 0.3
    parts = [_frame("method", upwards, [], [(y(value), shown) for value, shown in _ticks(low - room, high + room)])]
    for number, several in enumerate(data):
        bottom, middle, top = np.quantile(several, [0.25, 0.5, 0.75])
        within = several[(several >= bottom - 1.5 * (top - bottom)) & (several <= top + 1.5 * (top - bottom))]
        place = x(number + 0.5)
        parts.append(f'<g class="{_colour(number)}">')
        parts += [_line("bar", place, y(end), place, y(side)) for end, side in ((within[0], bottom), (top, within[-1]))]
        parts.append(
            f'<rect class="box" x="{place - half:.1f}" y="{y(top):.1f}" width="{2 * half:.1f}" '
            f'height="{max(y(bottom) - y(top), 1):.1f}"/>'
        )
        parts.append(_line("bar", place - half, y(middle), place + half, y(middle)))
        beyond = several[(several < within[0]) | (several > within[-1])][:DOTS]
        parts += [f'<circle cx="{place:.1f}" cy="{y(value):.1f}" r="2"/>' for value in beyond]
        parts.append("</g>")
    return "".join(parts) + "</svg>" + _legend(list(values))


def curves(lines: Mapping[str, Sequence[tuple[float, float]]], *, across: str, upwards: str) -> str:
    """Return curves and a legend.

    Arguments:
        lines: finite points (x, y) by the name of their curve; at least one of each.
        across, upwards: labels of the axes with their units.
    """
    xs, ys = ([point[axis] for points in lines.values() for point in points] for axis in (0, 1))
    low, high = min(ys), max(ys)
    room = (high - low) * 0.06 or 0.05 * abs(high) or 1.0
    x, y = _scale(min(xs), max(xs), LEFT, WIDTH - RIGHT), _scale(low - room, high + room, HEIGHT - BOTTOM, TOP)
    x_ticks = [(x(value), shown) for value, shown in _ticks(min(xs), max(xs))]
    parts = [_frame(across, upwards, x_ticks, [(y(v), shown) for v, shown in _ticks(low - room, high + room)])]
    for number, points in enumerate(lines.values()):
        places = [(x(a), y(b)) for a, b in points]
        alone = f'<circle cx="{places[0][0]:.1f}" cy="{places[0][1]:.1f}" r="3.5"/>' if len(places) == 1 else ""
        way = _way(*zip(*places, strict=True))
        parts.append(f'<g class="{_colour(number)}"><path class="line" d="M{way}"/>{alone}</g>')
    return "".join(parts) + "</svg>" + _legend(list(lines))


def band(*lines: Line, across: str, upwards: str) -> str:
    """Return curves on a logarithmic axis, each with the band of its interval, and a legend.

    Arguments:
        lines: at least one, all their values above 0; their names explain curve and band.
        across, upwards: labels of the axes with their units.
    """
    low, high = min(min(line.low) for line in lines), max(max(line.high) for line in lines)
    if high < 1.2 * low:
        low, high = low / 1.1, high * 1.1
    first, last = min(min(line.x) for line in lines), max(max(line.x) for line in lines)
    x = _scale(first, last, LEFT, WIDTH - RIGHT)
    upright = _scale(math.log10(low), math.log10(high), HEIGHT - BOTTOM, TOP)

    def y(value: float) -> float:
        return upright(math.log10(value))

    x_ticks = [(x(value), shown) for value, shown in _ticks(first, last)]
    y_ticks = [(y(value), f"{value:g}") for value in _log_ticks(low, high)]
    parts = [_frame(across, upwards, x_ticks, y_ticks)]
    for number, line in enumerate(lines):
        where = [x(value) for value in line.x]
        around = _way([*where, *where[::-1]], map(y, [*line.high, *line.low[::-1]]))
        parts.append(
            f'<g class="{_colour(number)}"><path class="band" d="M{around}Z"/>'
            f'<path class="line" d="M{_way(where, map(y, line.y))}"/></g>'
        )
    return f"{''.join(parts)}</svg>{_legend([line.name for line in lines])}"


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """The map from values to places on an axis; a single value stands in its middle."""
    if high == low:
        return lambda _value: (start + end) / 2
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """About five round values between two ends, with their texts."""
    if high == low:
        return [(low, f"{low:g}")]
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((power, 2 * power, 5 * power, 10 * power), key=lambda step: abs(math.log(step / rough)))
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    numbers = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    return [(number * step, f"{number * step:.{digits}f}") for number in numbers]


def _log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten between two positive ends, thinned out if many, with their doubles and fivefolds if few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    decades = math.log10(high / low)
    if decades < 0.7:
        return [value for value, _ in _ticks(low, high)]
    factors = (1, 2, 5) if decades < 2.5 else (1,)
    every = 1 + int(decades // 7)
    values = [factor * 10.0**power for power in powers if power % every == 0 for factor in factors]
    return [value for value in values if low <= value <= high]


def _frame(
    across: str, upwards: str, x_ticks: Sequence[tuple[float, str]], y_ticks: Sequence[tuple[float, str]]
) -> str:
    """The opened plot with axes: lines across at the upright axis's ticks, labels at both."""
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [_open(f"{upwards} against {across}", HEIGHT)]
    for place, shown in y_ticks:
        parts += [_line("grid", LEFT, place, right, place), _text(LEFT - 6, place + 4, shown, "end")]
    parts.append(_line("axis", LEFT, bottom, right, bottom))
    for place, shown in x_ticks:
        parts += [_line("axis", place, bottom, place, bottom + 4), _text(place, bottom + 17, shown)]
    return "".join(parts) + _text((LEFT + right) / 2, HEIGHT - 8, across) + _text(4, 14, upwards, "start")


def _open(label: str, height: int) -> str:
    return f'<svg class="plot" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label, quote=True)}">'


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _way(x: Iterable[float], y: Iterable[float]) -> str:
    return "L".join(f"{across:.1f} {up:.1f}" for across, up in zip(x, y, strict=True))


def _colour(number: int) -> str:
    return f"c{number % COLOURS}" + (" again" if number >= COLOURS else "")


def _legend(names: Sequence[str]) -> str:
    spans = "".join(f'<span class="{_colour(number)}">{escape(name)}</span>' for number, name in enumerate(names))
    return f'<div class="legend">{spans}</div>'
