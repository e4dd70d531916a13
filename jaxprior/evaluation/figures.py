"""Pictures for reports: thumbnails as data addresses, one sheet as PNG, distributions as inline SVG."""

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from jaxprior import images
from jaxprior.evaluation.journal import Row
from jaxprior.evaluation.runfolder import RunFolder


WIDTH, HEIGHT, MARGIN = 460, 130, 34
TILE = 128  # smaller pictures are shown enlarged to about this many pixels


def data_address(path: Path) -> str | None:
    """Return a PNG file as a `data:` address for an HTML page, or None if there is no such file."""
    if not path.is_file():
        return None
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def enlarge(picture: np.ndarray, side: int) -> np.ndarray:
    """Scale a uint8 picture [h, h, 3] to `side` pixels, pixel by pixel (nearest neighbour)."""
    if picture.shape[:2] == (side, side):
        return picture
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.NEAREST))


def tile_side(side: int) -> int:
    """Return the pixels to show a picture of `side` pixels with: a whole multiple, up to about 128."""
    return side * max(1, TILE // side)


def sheet(folder: RunFolder, rows: Sequence[Row], *, limit: int = 32) -> np.ndarray | None:
    """Return the first pictures of a run as one uint8 picture: a row each, columns as in the folder's layout.

    Arguments:
        folder: the run; rows: of its journal, in the order wanted.
        limit: pictures at most.
    """
    shown = [row for row in rows if row.file is not None][:limit]
    kinds = [kind for kind in folder.kinds() if shown and folder.file(kind, shown[0].file).is_file()]
    files = [folder.file(kind, row.file) for row in shown for kind in kinds]
    tiles = [images.load_image(file) for file in files if file.is_file()]
    if not tiles or len(tiles) != len(shown) * len(kinds):
        return None
    side = tile_side(max(tile.shape[0] for tile in tiles))
    return images.grid([enlarge(tile, side) for tile in tiles], columns=len(kinds), pad=4)


def distribution(values: Sequence[float], *, label: str) -> str:
    """Return a histogram with a dot for every value below it and a line at the median, as SVG text.

    Arguments:
        values: finite numbers, at least one.
        label: of the axis, for example "PSNR hole, dB".
    """
    data = np.sort(np.asarray(values, np.float64))
    low, high = float(data[0]), float(data[-1])
    room = max((high - low) * 0.05, 0.02 * max(abs(high), 1e-3))
    low, high = low - room, high + room
    counts, edges = np.histogram(data, bins=int(np.clip(np.sqrt(len(data)) * 2, 4, 30)), range=(low, high))

    def place(value: float) -> float:
        return MARGIN + (value - low) / (high - low) * (WIDTH - 2 * MARGIN)

    base = HEIGHT - 46
    parts = [
        f'<svg class="distribution" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="distribution of {escape(label, quote=True)}">'
    ]
    if len(data) >= 8:
        for count, left, right in zip(counts, edges, edges[1:], strict=False):
            tall = (base - 8) * count / counts.max()
            parts.append(
                f'<rect x="{place(left) + 0.5:.1f}" y="{base - tall:.1f}" '
                f'width="{place(right) - place(left) - 1:.1f}" height="{tall:.1f}"/>'
            )
    parts += [f'<circle cx="{place(value):.1f}" cy="{base + 9}" r="3"/>' for value in data[:2000]]
    middle = place(float(np.median(data)))
    parts.append(f'<line class="median" x1="{middle:.1f}" x2="{middle:.1f}" y1="4" y2="{base + 15}"/>')
    parts.append(f'<line class="axis" x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{base}" y2="{base}"/>')
    digits = 3 if high - low < 1 else 1
    for value in np.linspace(low, high, 5):
        parts.append(f'<text x="{place(value):.1f}" y="{base + 28}">{value:.{digits}f}</text>')
    parts.append(
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 4}">{escape(label)} '
        f"(median {np.median(data):.{max(digits, 2)}f}, n = {len(data)})</text></svg>"
    )
    return "".join(parts)
