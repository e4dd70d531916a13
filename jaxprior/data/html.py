"""A table and a picture as HTML, for the values that a notebook shows."""

import base64
import html
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from PIL import Image


def table(rows: Mapping[str, Any]) -> str:
    """A table of names and values; what has HTML's own characters is shown as it is.

    Example:
        >>> table({"pictures": 3})
        '<table><tr><th style="text-align:left">pictures</th><td style="text-align:left">3</td></tr></table>'
    """
    cells = "".join(
        f'<tr><th style="text-align:left">{html.escape(str(name))}</th>'
        f'<td style="text-align:left">{html.escape(str(value))}</td></tr>'
        for name, value in rows.items()
    )
    return f"<table>{cells}</table>"


def picture(image: "Image.Image") -> str:
    """A picture, its bytes within the page."""
    data = io.BytesIO()
    image.save(data, format="PNG")
    return f'<img src="data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}">'
