"""ICC profiles for colour spaces that a file names without holding a profile: Adobe RGB, and those of PNG and AVIF.

A colour space of three primaries is described by their chromaticities, the chromaticity of its white, and the curve
from samples to light. The profile made of them has the form "matrix and curves" of the specification ICC.1:2010, so
that LittleCMS converts every picture in one way, whatever its file says about colours.
"""

import struct
from collections.abc import Sequence

import numpy as np


Chromaticities = Sequence[tuple[float, float]]
"""(x, y) of white, red, green and blue."""

D65 = (0.3127, 0.3290)
BT709 = (D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
"""White and primaries of sRGB."""

SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""The curve of sRGB, as (g, a, b, c, d): light is (a x + b)^g from the sample d on, and c x below it."""

CODE_POINTS = {
    1: ("BT.709", BT709),
    4: ("BT.470 System M", ((0.310, 0.316), (0.67, 0.33), (0.21, 0.71), (0.14, 0.08))),
    5: ("BT.470 System B, G", (D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06))),
    6: ("SMPTE 170M", (D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070))),
    7: ("SMPTE 240M", (D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070))),
    9: ("BT.2020", (D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046))),
    11: ("DCI-P3", ((0.314, 0.351), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060))),
    12: ("Display P3", (D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060))),
}
"""Names, white and primaries by the numbers ("code points") of ITU-T H.273, which PNG and AVIF use."""

_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def matrix_profile(name: str, chromaticities: Chromaticities, curve: Sequence[float]) -> bytes:
    """Make the ICC profile of a colour space.

    Arguments:
        name: by which messages call it.
        chromaticities: of white, red, green and blue.
        curve: (g,) for light = sample^g, or (g, a, b, c, d) as in `SRGB_CURVE`.

    Returns:
        the profile, version 4.3. Equal arguments give equal bytes.

    Raises:
        ValueError: the chromaticities are of no colour space, for example all the same.

    Example:
        >>> len(matrix_profile("linear light", BT709, (1.0,)))
        496
    """
    white, *primaries = [_xyz(*point) for point in chromaticities]
    cones = _BRADFORD @ white
    adapt = np.linalg.inv(_BRADFORD) @ np.diag(_BRADFORD @ _D50 / cones) @ _BRADFORD
    colours = np.stack(primaries, axis=-1)
    try:
        columns = adapt @ (colours * np.linalg.solve(colours, white))
    except np.linalg.LinAlgError:
        raise ValueError("the primaries lie on one line") from None
    kind = {1: 0, 5: 3}[len(curve)]
    light = b"para" + bytes(4) + struct.pack(">HH", kind, 0) + _fixed(curve)
    tags = {
        b"desc": _text(name),
        b"cprt": _text("no copyright"),
        b"wtpt": b"XYZ " + bytes(4) + _fixed(_D50),
        b"chad": b"sf32" + bytes(4) + _fixed(adapt.ravel()),
        **{b"%cXYZ" % letter: b"XYZ " + bytes(4) + _fixed(columns[:, i]) for i, letter in enumerate(b"rgb")},
        **{b"%cTRC" % letter: light for letter in b"rgb"},
    }
    return _assembled(tags)


def _xyz(x: float, y: float) -> np.ndarray:
    """The tristimulus values of a chromaticity, with Y = 1."""
    if not y > 0:
        raise ValueError("a chromaticity has no positive y")
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _fixed(values: Sequence[float] | np.ndarray) -> bytes:
    """Numbers as the format s15Fixed16Number stores them."""
    scaled = np.rint(np.asarray(values) * 65536)
    if not (np.abs(scaled) < 2**31).all():
        raise ValueError("the primaries are too far apart")
    return scaled.astype(">i4").tobytes()


def _text(text: str) -> bytes:
    """A text in American English, in the format multiLocalizedUnicode."""
    encoded = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II", 1, 12) + b"enUS" + struct.pack(">II", len(encoded), 28) + encoded


def _assembled(tags: dict[bytes, bytes]) -> bytes:
    """The whole profile: header, table of the tags, and their values, of which equal ones are stored once."""
    place, table, body, stored = 132 + 12 * len(tags), b"", b"", {}
    for tag, value in tags.items():
        if value not in stored:
            stored[value] = place + len(body)
            body += value + bytes(-len(value) % 4)
        table += tag + struct.pack(">II", stored[value], len(value))
    header = bytes(4) + struct.pack(">I", 0x04300000) + b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28)
    rest = header + _fixed(_D50) + bytes(48) + struct.pack(">I", len(tags)) + table + body
    return struct.pack(">I", 4 + len(rest)) + rest
