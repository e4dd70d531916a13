"""What the page shows of a job while it goes on: how the loss falls, and the pictures of the search."""

from html import escape

import numpy as np

from jaxprior.app.jobs import State
from jaxprior.data.showing import show
from jaxprior.reporting.plots import Line, band


LATEST = 6
"""So many curves are shown at most, the latest ones."""


def curve(state: State) -> str:
    """How the loss of the searches falls, as a page's SVG; empty before there are two points.

    Arguments:
        state: of a job. The mean over the inversions that run together stands for them.
    """
    lines = []
    for number, points in enumerate(state.searches):
        above = [(step, loss) for step, loss in points if loss > 0]
        if len(above) > 1:
            steps, losses = zip(*above, strict=True)
            lines.append(Line(f"search {number + 1}", steps, losses, losses, losses))
    if not lines:
        return ""
    return band(*lines[-LATEST:], across="step", upwards="loss")


def sheet(pictures: np.ndarray | None) -> np.ndarray | None:
    """Pictures of a search on one sheet, uint8 [h, w, 3]; None where there are none.

    Arguments:
        pictures: float [n, r, r, c], about in [-1, 1].
    """
    if pictures is None or not len(pictures):
        return None
    finite = np.nan_to_num(np.asarray(pictures, np.float32), nan=0.0)
    return np.asarray(show(np.clip(finite, -1, 1), columns=4).convert("RGB"))


def progress(state: State) -> str:
    """One line on how far a job is, as HTML."""
    return line(f"{state.text}, {state.seconds:.0f} s", kind="busy")


def line(text: str, *, kind: str = "") -> str:
    """A line of the page's status, as HTML.

    Arguments:
        text: for people, without markup.
        kind: "busy", "wrong", "good", or empty.
    """
    return f'<div class="jaxprior-line {kind}" role="status">{escape(text)}</div>'
