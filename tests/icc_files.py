"""ICC profiles made by hand, of version 2, and files that hold them: what other people's programs write into pictures.

Nothing here comes from the package, so that what it makes of these profiles is proved against the ICC's own
definitions: a profile of matrix and curves says that light is `curve(sample)`, and XYZ a matrix times the light.
"""

import io
import struct

import numpy as np
from PIL import Image


D50 = (0.9642, 1.0, 0.8249)
SRGB = ((0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7139))
DISPLAY_P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
ADOBE_RGB = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))
"""XYZ of red, green and blue, adapted to D50, as the makers' own profiles have them."""


def to_light(samples):
    """sRGB samples in [0, 1] -> light, by IEC 61966-2-1."""
    samples = np.asarray(samples, np.float64)
    return np.where(samples <= 0.04045, samples / 12.92, ((samples + 0.055) / 1.055) ** 2.4)


def to_samples(light):
    """Light -> sRGB samples in [0, 255], clipped, not rounded."""
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def shown(levels, colours, curve):
    """What samples [..., 3] in [0, 255] of a space of given primaries and curve look like in sRGB, by plain algebra."""
    light = curve(np.asarray(levels, np.float64) / 255) @ np.array(colours)
    return to_samples(light @ np.linalg.inv(np.array(SRGB)))


def numbers(*values):
    return b"".join(struct.pack(">i", round(65536 * value)) for value in values)


def tag_xyz(values):
    return b"XYZ " + bytes(4) + numbers(*values)


def tag_curve(curve):
    """A number is a gamma; a function is stored as a table of 1024 values."""
    if callable(curve):
        values = np.rint(65535 * curve(np.linspace(0, 1, 1024))).astype(">u2")
        return b"curv" + bytes(4) + struct.pack(">I", 1024) + values.tobytes()
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(curve * 256))


def assembled(space, tags, *, name, kind=b"mntr", connection=b"XYZ "):
    text = name.encode()
    description = b"desc" + bytes(4) + struct.pack(">I", len(text) + 1) + text + bytes(79)
    tags = {b"desc": description, b"wtpt": tag_xyz(D50), b"cprt": b"text" + bytes(4) + b"none\0", **tags}
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for tag, value in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    header = bytes(4) + bytes((2, 0x40, 0, 0)) + kind + space + connection + bytes(12) + b"acsp" + bytes(28)
    rest = header + numbers(*D50) + bytes(48) + struct.pack(">I", len(tags)) + table + body
    return struct.pack(">I", 4 + len(rest)) + rest


def rgb_profile(name, colours, curve):
    red, green, blue = map(tag_xyz, colours)
    light = tag_curve(curve)
    tags = {b"rXYZ": red, b"gXYZ": green, b"bXYZ": blue, b"rTRC": light, b"gTRC": light, b"bTRC": light}
    return assembled(b"RGB ", tags, name=name)


def grey_profile(name, curve):
    return assembled(b"GRAY", {b"kTRC": tag_curve(curve)}, name=name)


def cmyk_profile(name, corners):
    """A printer's profile with two values an ink: `corners` [2, 2, 2, 2, 3] holds CIE Lab of no and full ink."""
    lab = np.asarray(corners, np.float64).reshape(16, 3)
    encoded = np.rint(lab * (652.80, 256, 256) + (0, 32768, 32768)).clip(0, 65535).astype(">u2")
    line = struct.pack(">HH", 0, 65535)
    table = b"mft2" + bytes(4) + bytes((4, 3, 2, 0)) + numbers(1, 0, 0, 0, 1, 0, 0, 0, 1) + struct.pack(">HH", 2, 2)
    table += 4 * line + encoded.tobytes() + 3 * line
    return assembled(b"CMYK", {b"A2B0": table, b"A2B1": table}, name=name, kind=b"prtr", connection=b"Lab ")


def with_profile(array, kind, profile, mode=None, **options):
    buffer = io.BytesIO()
    image = array if isinstance(array, Image.Image) else Image.fromarray(array)
    (image.convert(mode) if mode else image).save(buffer, kind, icc_profile=profile, **options)
    return buffer.getvalue()


def lab_to_srgb(lab):
    """CIE Lab (D50) -> sRGB samples in [0, 255], by the definitions."""
    lightness, a, b = np.moveaxis(np.asarray(lab, np.float64), -1, 0)
    y = (lightness + 16) / 116
    f = np.stack([y + a / 500, y, y - b / 200], -1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * D50
    return to_samples(xyz @ np.linalg.inv(np.array(SRGB)))
