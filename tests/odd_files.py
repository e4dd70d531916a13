"""Picture files as the world holds them: odd but valid ones with the colours they show, and broken ones.

`valid()` and `oriented()` give pictures that must decode, with their colours by plain NumPy; `broken()` those that
must be refused, with words of the reason.
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image, features


H, W = 24, 32
AVIF = "avif" in features.get_supported_modules()


def picture(seed=0, h=H, w=W):
    """A smooth picture with some noise, so that lossy formats stay near it and truncation shows."""
    rows, columns = np.mgrid[0:h, 0:w]
    base = np.stack([rows * 255 / max(h - 1, 1), columns * 255 / max(w - 1, 1), (rows + columns) * 4 % 256], -1)
    return (0.9 * base + 25 * np.random.default_rng(seed).random((h, w, 3))).clip(0, 255).astype(np.uint8)


RGB = picture()
GREY = RGB[..., 0]
ALPHA = np.tile(np.linspace(0, 255, W).astype(np.uint8), (H, 1))
DEEP = np.random.default_rng(1).integers(0, 65536, (H, W, 4)).astype(np.uint16)


def saved(array, kind, mode=None, **options):
    buffer = io.BytesIO()
    image = array if isinstance(array, Image.Image) else Image.fromarray(array)
    (image.convert(mode) if mode else image).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(rows, width, height, depth, colour, before=b""):
    """A PNG made by hand, for the depths that Pillow cannot write."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    scan = b"".join(b"\0" + row for row in rows)
    body = chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(scan)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def deep_png(samples, colour, before=b""):
    return png([row.astype(">u2").tobytes() for row in samples], samples.shape[1], len(samples), 16, colour, before)


def packed_png(samples, depth, before=b""):
    bits = np.unpackbits(samples[..., None].astype(np.uint8), axis=-1)[..., -depth:].reshape(len(samples), -1)
    return png([np.packbits(row).tobytes() for row in bits], samples.shape[1], len(samples), depth, 0, before)


def tiff(array, **options):
    import tifffile  # comes with scikit-image

    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def three(grey):
    return np.repeat(np.asarray(grey, np.float64)[..., None], 3, -1)


def on_white(colour, alpha):
    alpha = np.asarray(alpha, np.float64)[..., None] / 255
    return colour * alpha + 255 * (1 - alpha)


def palette(**options):
    image = Image.fromarray(RGB).quantize(64)
    return saved(image, **options), np.asarray(image.convert("RGB")), np.asarray(image)


def ink(c, m, y, k):
    """CMYK samples of constant patches and their colours."""
    patches = np.broadcast_to(np.array([c, m, y, k], np.uint8), (H, W, 4))
    colour = (255 - np.array([c, m, y], np.float64)) * (255 - k) / 255
    return Image.fromarray(np.ascontiguousarray(patches), "CMYK"), np.broadcast_to(colour, (H, W, 3))


def animation(kind, **options):
    frames = [Image.fromarray(picture(seed)) for seed in range(3)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)


def valid():
    """(name, file, expected colours in [0, 255], tolerance)."""
    p_png, p_colours, p_indices = palette(kind="PNG")
    p_trans, _, _ = palette(kind="PNG", transparency=5)
    p_alpha, _, _ = palette(kind="PNG", transparency=bytes(range(64)))
    p_gif, _, _ = palette(kind="GIF")
    cmyk, cmyk_colours = ink(200, 30, 100, 40)
    floats = np.random.default_rng(2).random((H, W)).astype(np.float32)
    four = GREY // 16
    two = GREY // 64
    bilevel = GREY > 127
    wide = DEEP[..., 0]
    hidden = np.where(four == 7, 0, 255)
    deep_key = DEEP[3, 4, :3]
    deep_seen = np.where((DEEP[..., :3] >> 8 == deep_key >> 8).all(-1), 0, 255)
    mono_key = np.where(wide == wide[5, 6], 0, 255)
    return [
        ("png", saved(RGB, "PNG"), RGB, 0),
        ("png grey", saved(GREY, "PNG"), three(GREY), 0),
        ("png grey alpha", saved(np.dstack([GREY, ALPHA]), "PNG"), on_white(three(GREY), ALPHA), 1),
        ("png rgba", saved(np.dstack([RGB, ALPHA]), "PNG"), on_white(RGB, ALPHA), 1),
        ("png palette", p_png, p_colours, 0),
        ("png palette, one transparent", p_trans, on_white(p_colours, np.where(p_indices == 5, 0, 255)), 0),
        ("png palette, alphas", p_alpha, on_white(p_colours, p_indices), 1),
        ("png 1-bit", saved(bilevel, "PNG"), three(255 * bilevel), 0),
        ("png 2-bit", packed_png(two, 2), three(two * 85.0), 0),
        ("png 4-bit", packed_png(four, 4), three(four * 17.0), 0),
        (
            "png 4-bit, one transparent",
            packed_png(four, 4, chunk(b"tRNS", b"\0\7")),
            on_white(three(four * 17.0), hidden),
            0,
        ),
        ("png 16-bit grey", deep_png(wide, 0), three(wide / 257), 1),
        (
            "png 16-bit grey, one transparent",
            deep_png(wide, 0, chunk(b"tRNS", struct.pack(">H", wide[5, 6]))),
            on_white(three(wide / 257), mono_key),
            1,
        ),
        ("png 16-bit grey by Pillow", saved(wide, "PNG"), three(wide / 257), 1),
        (
            "png 16-bit grey alpha",
            deep_png(DEEP[..., :2], 4),
            on_white(three(wide / 257), DEEP[..., 1] / 257),
            2,
        ),
        ("png 16-bit rgb", deep_png(DEEP[..., :3], 2), DEEP[..., :3] / 257, 1),
        (
            "png 16-bit rgb, one transparent",
            deep_png(DEEP[..., :3], 2, chunk(b"tRNS", deep_key.astype(">u2").tobytes())),
            on_white(DEEP[..., :3] / 257, deep_seen),
            1,
        ),
        ("png 16-bit rgba", deep_png(DEEP, 6), on_white(DEEP[..., :3] / 257, DEEP[..., 3] / 257), 2),
        ("png animated", animation("PNG"), picture(0), 0),
        ("jpeg", saved(RGB, "JPEG", quality=95), RGB, 40),
        ("jpeg progressive", saved(RGB, "JPEG", quality=95, progressive=True), RGB, 40),
        ("jpeg grey", saved(GREY, "JPEG", quality=95), three(GREY), 20),
        ("jpeg cmyk (Adobe)", saved(cmyk, "JPEG", quality=95), cmyk_colours, 4),
        ("jpeg multi-picture", animation("MPO", quality=95), RGB, 40),
        ("webp lossless", saved(RGB, "WEBP", lossless=True), RGB, 0),
        ("webp", saved(RGB, "WEBP", quality=95), RGB, 60),
        (
            "webp rgba",
            saved(np.dstack([RGB, ALPHA]), "WEBP", lossless=True, exact=True),
            on_white(RGB, ALPHA),
            1,
        ),
        ("webp animated", animation("WEBP", lossless=True), picture(0), 0),
        *([("avif", saved(RGB, "AVIF", quality=100, subsampling="4:4:4"), RGB, 20)] if AVIF else []),
        ("bmp", saved(RGB, "BMP"), RGB, 0),
        ("bmp grey", saved(GREY, "BMP"), three(GREY), 0),
        ("bmp 1-bit", saved(bilevel, "BMP"), three(255 * bilevel), 0),
        ("tiff", saved(RGB, "TIFF"), RGB, 0),
        ("tiff lzw", saved(RGB, "TIFF", compression="tiff_lzw"), RGB, 0),
        ("tiff rgba", saved(np.dstack([RGB, ALPHA]), "TIFF"), on_white(RGB, ALPHA), 1),
        ("tiff cmyk", saved(cmyk, "TIFF"), cmyk_colours, 2),
        ("tiff 16-bit grey", tiff(wide), three(wide / 257), 1),
        ("tiff 16-bit grey, big-endian", tiff(wide, byteorder=">"), three(wide / 257), 1),
        ("tiff 16-bit grey, deflated", tiff(wide, compression="zlib"), three(wide / 257), 1),
        ("tiff 16-bit, white is zero", tiff(wide, photometric="miniswhite"), three(255 - wide / 257), 1),
        ("tiff 8-bit, white is zero", tiff(GREY, photometric="miniswhite"), three(255.0 - GREY), 0),
        ("tiff 16-bit rgb", tiff(DEEP[..., :3].copy(), photometric="rgb"), DEEP[..., :3] / 257, 1),
        (
            "tiff 16-bit rgb, deflated",
            tiff(DEEP[..., :3].copy(), photometric="rgb", compression="zlib"),
            DEEP[..., :3] / 257,
            1,
        ),
        ("tiff float", tiff(floats), three(floats * 255), 1),
        ("tiff of three pages", animation("TIFF"), picture(0), 0),
        ("ppm", saved(RGB, "PPM"), RGB, 0),
        ("pgm", saved(GREY, "PPM"), three(GREY), 0),
        ("pgm 16-bit", b"P5 32 24 65535\n" + wide.astype(">u2").tobytes(), three(wide / 257), 1),
        (
            "pgm of 1000 levels",
            b"P5 32 24 1000\n" + (wide % 1001).astype(">u2").tobytes(),
            three(wide % 1001 * 0.255),
            1,
        ),
        ("ppm 16-bit", b"P6 32 24 65535\n" + DEEP[..., :3].astype(">u2").tobytes(), DEEP[..., :3] / 257, 1),
        ("pgm in text", b"P2 2 8 100\n" + b"0 100 " * 8, three(np.tile([0.0, 255.0], (8, 1))), 0),
        ("pbm", saved(bilevel, "PPM"), three(255 * bilevel), 0),
        ("pfm", b"Pf\n32 24\n-1.0\n" + floats[::-1].astype("<f4").tobytes(), three(floats * 255), 1),
        ("gif", p_gif, p_colours, 0),
        (
            "gif, one transparent",
            palette(kind="GIF", transparency=5)[0],
            on_white(p_colours, np.where(p_indices == 5, 0, 255)),
            0,
        ),
        (
            "gif animated",
            animation("GIF"),
            np.asarray(Image.fromarray(picture(0)).quantize(256).convert("RGB")),
            60,
        ),
        ("1x1", saved(picture(h=1, w=1), "PNG"), picture(h=1, w=1), 0),
        ("1xN", saved(picture(h=1, w=300), "PNG"), picture(h=1, w=300), 0),
        ("Nx1", saved(picture(h=300, w=1), "BMP"), picture(h=300, w=1), 0),
    ]


UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a[::-1].transpose(1, 0, 2),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: a.transpose(1, 0, 2)[::-1],
}
"""EXIF orientation -> what it does to stored pixels so that they stand upright, by the EXIF standard's own words:
6, for example, says that the first row lies at the right."""


def oriented():
    """The eight EXIF orientations in two formats, in the form of `valid`."""
    cases = []
    for orientation, upright in UPRIGHT.items():
        exif = Image.Exif()
        exif[274] = orientation
        for kind, tolerance, options in (("PNG", 0, {}), ("JPEG", 8, {"quality": 100, "subsampling": 0})):
            data = saved(RGB, kind, exif=exif.tobytes(), **options)
            cases.append((f"{kind.lower()} exif {orientation}", data, upright(RGB), tolerance))
    return cases


def huge_headers():
    header = struct.pack(">IIBBBBB", 13000, 13000, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(13000 * (1 + 13000 // 8)), 9)
    flat = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    bmp = bytearray(saved(RGB, "BMP"))
    bmp[18:26] = struct.pack("<ii", 60000, 60000)
    gif = bytearray(saved(RGB, "GIF"))
    gif[6:10] = struct.pack("<HH", 60000, 60000)
    jpeg = bytearray(saved(RGB, "JPEG"))
    start = jpeg.index(b"\xff\xc0") + 5
    jpeg[start : start + 4] = struct.pack(">HH", 65000, 65000)
    wide_tiff = bytearray(saved(GREY, "TIFF"))
    for tag in (256, 257):  # width and height, both stored as unsigned short or long
        entry = next(
            wide_tiff.find(struct.pack("<HHI", tag, kind, 1))
            for kind in (3, 4)
            if struct.pack("<HHI", tag, kind, 1) in wide_tiff
        )
        wide_tiff[entry + 8 : entry + 12] = struct.pack("<I", 40000)
    tall = deep_png(DEEP[:1, :1, 0], 0).replace(struct.pack(">II", 1, 1), struct.pack(">II", 9000, 9000), 1)
    return {
        "a small file of 13000x13000": flat,
        "bmp 60000x60000": bytes(bmp),
        "gif 60000x60000": bytes(gif),
        "jpeg 65000x65000": bytes(jpeg),
        "png 9000x9000 with a wrong check sum": tall,
        "ppm 100000x100000": b"P6 100000 100000 255\n" + bytes(100),
        "tiff 40000x40000": bytes(wide_tiff),
    }


def broken():
    """name -> (file, words that the reason must hold)."""
    good = saved(RGB, "PNG")
    flipped = bytearray(good)
    flipped[good.index(b"IDAT") + 40] ^= 0xFF
    return {
        "empty": (b"", "empty"),
        "text": (b"not a picture at all, but a rather long text", "not a readable picture"),
        "html": (b"<!DOCTYPE html><html><body>404</body></html>", "a web page, which is not read here"),
        "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "a PDF document, which is not read here"),
        "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "a PostScript document"),
        "tga, a format not allowed": (saved(RGB, "TGA"), "a TGA picture, which is not read here"),
        "jpeg 2000, a format not allowed": (saved(RGB, "JPEG2000"), "a JPEG 2000 picture, which is not"),
        "zeros": (bytes(1000), "not a readable picture"),
        "png signature only": (good[:8], ""),
        "png header only": (good[:33], "the file is truncated"),
        "jpeg header only": (saved(RGB, "JPEG")[:30], ""),
        "png without width": (png([], 0, 10, 8, 2), ""),
        "ppm without width": (b"P6 0 10 255\n", ""),
        "png with damaged data": (bytes(flipped), "damaged"),
        "png without data": (good[:33] + chunk(b"IEND", b""), ""),
        "ppm with letters for a size": (b"P6 ab cd 255\n" + bytes(30), ""),
        "tiff of 32-bit integers": (tiff(DEEP[..., 0].astype(np.int32)), "32-bit"),
        "tiff of signed 16-bit integers": (tiff(DEEP[..., 0].astype(np.int16)), "signed"),
        "tiff float beyond 1": (tiff(GREY.astype(np.float32)), "[0, 1]"),
        "tiff float below 0": (tiff(-GREY.astype(np.float32) / 255), "[0, 1]"),
        "tiff float nan": (tiff(np.full((H, W), np.nan, np.float32)), "[0, 1]"),
        "tiff float rgb": (tiff(RGB.astype(np.float32), photometric="rgb"), ""),
        **{name: (data, "") for name, data in huge_headers().items()},
    }
