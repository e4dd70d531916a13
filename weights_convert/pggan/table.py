"""The table of the layouts of PGGAN files, which `--list` and the documentation show: what is read, and what is not."""

from dataclasses import dataclass

from weights_convert.pggan.finding import known
from weights_convert.pggan.layout import Refused


@dataclass(frozen=True)
class Row:
    """One layout.

    Fields:
        name: for `--layout`. project: whose files these are. sign: the tensor that it is recognised by.
        read: "generator", "generator and critic", or "refused". remarks: what is special, or why it is refused.
    """

    name: str
    project: str
    sign: str
    read: str
    remarks: str


def layout_table() -> list[Row]:
    """All known layouts: those that are read, then those that are refused.

    Example:
        >>> {row.name: row.read for row in layout_table()}["gan_zoo"]
        'generator and critic'
    """
    rows = []
    for layout in known().values():
        if isinstance(layout, Refused):
            read, remarks = "refused", layout.reason
        else:
            read, remarks = f"generator{' and critic' if layout.critic else ''}", layout.remarks
        rows.append(Row(layout.name, layout.project, layout.sign, read, remarks))
    return rows


def layout_text() -> str:
    """The table as text: a few lines for each layout."""
    lines = []
    for row in layout_table():
        lines += [f"{row.name}: {row.project}", f"    recognised by {row.sign}; {row.read}"]
        lines += [f"    {row.remarks}"] if row.remarks else []
    return "\n".join(lines)
