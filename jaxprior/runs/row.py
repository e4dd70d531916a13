"""A row: what a run says of one picture, and how it is written as a line of the journal (see journal.py)."""

import dataclasses
import json
import math
import sys
import zlib
from collections.abc import Mapping
from typing import Any

from jaxprior.discovery import TAKEN, installed_metrics
from jaxprior.errors import SettingsError


OK, FAILED, DIVERGED = "ok", "failed", "diverged"
GOOD, POOR = "good", "poor"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """The line of one picture. A field is None where there is nothing to say.

    Figures can be read like fields: `row.psnr_hole` is `row.figures.get("psnr_hole")`, None where there is nothing to
    measure.

    Arguments:
        image: the name of the picture, as it is shown to the user.
        id: the first 32 bits of the sha256 of its decoded pixels; None if it cannot be decoded.
        status: "ok", "failed" (nothing was computed) or "diverged" (the best iterate with a finite loss was kept).
        reason: why the status is not "ok", in one sentence.
        figures: what metrics have measured, unrounded, by their names (see `jaxprior.metrics.Metric`). "psnr" and
            "ssim" compare what the generator produced with the original over the whole picture, "psnr_hole" and
            "ssim_hole" over the missing pixels, "psnr_merged" and "ssim_merged" after the known pixels were put back.
            "psnr_known" says how well what the generator produced agrees with the input: over the known pixels, or, for
            tasks without a mask, after it was degraded in the same way as the input. None is the same as no figure.
        loss: the loss of the iterate that was kept.
        steps: how many steps the solver has done.
        seconds: wall time of the batch divided by the number of its pictures.
        device: the kind of device on which the picture was solved.
        batch: the number of pictures in the compiled shape.
        written: when the line was written, in seconds of Unix time. Where several journals have a line about the same
            picture, the latest line counts.
        file: the name of the picture's files, without suffix.
        key: the sha256 of everything that decides the result.
        notes: what a user should know of how the picture and its mask were read, a short phrase each, for example
            "converted from Display P3 to sRGB". A line without notes does not mention them.
        fit: whether the picture looks like what the prior was trained on, "good" or "poor" (see
            `jaxprior.fit_of`). None if that is not known; a line does not mention it then.
    """

    image: str
    id: int | None = None
    status: str = OK
    reason: str | None = None
    figures: Mapping[str, float | None] = dataclasses.field(default_factory=dict, hash=False)
    loss: float | None = None
    steps: int | None = None
    seconds: float | None = None
    device: str | None = None
    batch: int | None = None
    written: float | None = dataclasses.field(default=None, compare=False)
    file: str | None = None
    key: str | None = None
    notes: tuple[str, ...] = ()
    fit: str | None = None

    def __post_init__(self):
        there = {name: value for name, value in self.figures.items() if value is not None}
        if taken := sorted(TAKEN & there.keys()):
            raise SettingsError(f"{taken[0]}: a figure cannot have the name of a field of the journal; rename it.")
        object.__setattr__(self, "figures", there)

    def __getattr__(self, name: str) -> float | None:
        figures = self.__dict__.get("figures", {})
        if name not in figures and all(one.name != name for one in installed_metrics()):
            raise AttributeError(f"a row has no field and no figure {name!r}.")
        return figures.get(name)


FIELDS = tuple(field.name for field in dataclasses.fields(Row))
PROVENANCE = ("seconds", "device", "batch", "written")
"""Fields that differ between machines and between repetitions, and are therefore left out of the tables."""
OPTIONAL = ("notes", "fit")
"""Fields that a line, and a table, does not mention where there is nothing to say."""
NAMES = frozenset(FIELDS)
PLAIN = tuple(name for name in FIELDS if name not in ("figures", "notes"))
"""Fields that stand in a line as they are."""
NOT_FIGURES = TAKEN - NAMES
"""Names that nothing in a line has beside the checksum."""
NUMBER, WORD = (float, int, type(None)), (str, type(None))
KINDS = {
    **dict.fromkeys(("status", "reason", "device", "file", "key", "fit"), WORD),
    **dict.fromkeys(("loss", "steps", "seconds", "batch", "written"), NUMBER),
    "image": (str,),
    "id": (int, type(None)),
    "notes": (list,),
}
"""The types that the fields of a line may have. What is no field is a figure if it is a number."""
LARGEST = int(sys.float_info.max)
"""No number of a line is larger."""
LARGEST_ID = (1 << 63) - 1
CHECKSUM = b', "crc": "00000000"}\n'
"""The end of every line; instead of the noughts stands the CRC-32 of the line without its checksum."""


def columns(row: Row) -> dict[str, Any]:
    """Return the values of a row by the names that a line of the journal has, in that order.

    Instead of the field `figures` stand the figures of all installed metrics, None where there is none, and then those
    that the row has of metrics which are not installed. Fields that are `OPTIONAL`, and figures of optional metrics,
    are left out where they are empty.

    Raises:
        SettingsError: an installed metric has the name of a field.
    """
    values: dict[str, Any] = {}
    for name in FIELDS:
        if name == "figures":
            shown = [one.name for one in installed_metrics() if not one.optional or one.name in row.figures]
            values |= {figure: row.figures.get(figure) for figure in shown} | dict(row.figures)
        elif name not in OPTIONAL or getattr(row, name):
            values[name] = getattr(row, name)
    return values


def encode(row: Row) -> str:
    """Return a row as a line of JSON with its checksum. Numbers have six decimals; what is not finite is null."""
    values = {name: _rounded(value) for name, value in columns(row).items()}
    body = json.dumps(values, ensure_ascii=False)
    return f'{body[:-1]}, "crc": "{zlib.crc32(body.encode()):08x}"}}\n'


def decode(line: str) -> Row | None:
    """Return the row of a line, or None if the line is incomplete, damaged or no line of a journal."""
    values = values_of(line.encode(errors="replace"))
    return None if values is None else row_of(values)


def values_of(line: bytes) -> dict[str, Any] | None:
    """Return what stands in a line, or None if the line is incomplete, damaged or no line of a journal.

    A line in which a field has a value of another type than a row has counts as damaged.

    Arguments:
        line: with the line break at its end.
    """
    start, body = -len(CHECKSUM), line[: -len(CHECKSUM)]
    checksum = zlib.crc32(b"}", zlib.crc32(body))
    if line[start:] != CHECKSUM.replace(b"00000000", b"%08x" % checksum):
        return None
    try:
        values = json.loads(body.decode() + "}")
    except ValueError:
        return None
    if not isinstance(values, dict) or "image" not in values or not NOT_FIGURES.isdisjoint(values):
        return None
    for name, value in values.items():
        kind, allowed = type(value), KINDS.get(name)
        if allowed is not None and kind not in allowed:
            return None
        if kind is int and abs(value) > (LARGEST_ID if name == "id" else LARGEST):
            return None
    return values


def row_of(values: Mapping[str, Any]) -> Row:
    """Return the row of what stands in a line, from `values_of`."""
    figures = {name: value for name, value in values.items() if name not in NAMES and is_figure(value)}
    fields: dict[str, Any] = {name: values.get(name) for name in PLAIN}
    return Row(**fields, figures=figures, notes=tuple(map(str, values.get("notes", ()))))


def is_figure(value: Any) -> bool:
    """Whether a value of a line is a number, as those of metrics are."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rounded(value):
    """Round a floating point number to six decimals; None if it is not finite. Other values stay as they are."""
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
