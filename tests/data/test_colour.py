"""Colours that a file states become sRGB: by its profile, by chunks, by EXIF data; and a note says so."""

import io
import struct
import zlib

import icc_files as icc
import numpy as np
import pytest
from icc_files import with_profile
from odd_files import ALPHA, DEEP, GREY, RGB, H, W, chunk, deep_png, on_white, saved, three, tiff
from PIL import Image, ImageCms

from jaxprior.data import decoding
from jaxprior.data.images import load_image, load_images, load_telling, read_picture
from jaxprior.data.kinds import AVIF
from jaxprior.data.profiles import BT709, CODE_POINTS, SRGB_CURVE, matrix_profile
from jaxprior.data.tiles import TRANSPARENT
from jaxprior.errors import ImageError, JaxpriorWarning
from jaxprior.training.pictures import load_pictures


LINEAR = icc.rgb_profile("linear sRGB", icc.SRGB, 1.0)
P3 = icc.rgb_profile("Display P3", icc.DISPLAY_P3, icc.to_light)
ADOBE = icc.rgb_profile("Adobe RGB (1998)", icc.ADOBE_RGB, 2.19921875)
USUAL = icc.rgb_profile("sRGB IEC61966-2.1", icc.SRGB, icc.to_light)
GREY_22, GREY_LINEAR = icc.grey_profile("Gray Gamma 2.2", 2.2), icc.grey_profile("linear grey", 1.0)
SOFT = (RGB // 2 + 64).astype(np.uint8)  # inside of the gamut of sRGB in every space
INKS = np.random.default_rng(3).integers(0, 256, (H, W, 4)).astype(np.uint8)
CORNERS = np.array(  # CIE Lab of all overprints: each ink darkens, and moves the colour
    [
        [[[[max(100 - 30 * c - 25 * m - 4 * y - 70 * k, 4), 20 * (m - c) * (1 - k), 25 * (y - c / 2) * (1 - k)]
           for k in (0, 1)] for y in (0, 1)] for m in (0, 1)] for c in (0, 1)
    ]
)  # fmt: skip
PRINTER = icc.cmyk_profile("a printer", CORNERS)


def gamma(power):
    return lambda samples: np.asarray(samples, np.float64) ** power


def off(data, expected):
    """How far the pixels of a file lie from what is expected, at most."""
    return np.abs(load_image(data) - np.asarray(expected, np.float64)).max()


def before_data(data, *chunks):
    """A PNG file with further chunks behind its header."""
    return data[:33] + b"".join(chunks) + data[33:]


@pytest.mark.parametrize(
    "profile, colours, curve, name",
    [
        (LINEAR, icc.SRGB, gamma(1), "linear sRGB"),
        (P3, icc.DISPLAY_P3, icc.to_light, "Display P3"),
        (ADOBE, icc.ADOBE_RGB, gamma(2.19921875), "Adobe RGB (1998)"),
    ],
    ids=["linear", "Display P3", "Adobe RGB"],
)
@pytest.mark.parametrize("kind, options", [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])
def test_rgb_is_converted_by_its_profile(profile, colours, curve, name, kind, options):
    data = with_profile(SOFT, kind, profile, **options)
    assert off(data, icc.shown(SOFT, colours, curve)) <= 1.5
    assert read_picture(data).notes == (f"converted from {name} to sRGB",)
    assert np.abs(load_image(data).astype(int) - SOFT).max() > 8  # it makes a difference


def test_what_srgb_cannot_show_is_clipped():
    levels = np.zeros((8, 8, 3), np.uint8)
    levels[:4, :, 1], levels[4:, :, 0] = 255, 255
    assert off(with_profile(levels, "PNG", P3), icc.shown(levels, icc.DISPLAY_P3, icc.to_light)) <= 1


def test_jpeg_with_a_profile():
    stored = load_image(saved(SOFT, "JPEG", quality=100))
    data = with_profile(SOFT, "JPEG", P3, quality=100)
    assert off(data, icc.shown(stored, icc.DISPLAY_P3, icc.to_light)) <= 1.5
    assert read_picture(data).notes == ("converted from Display P3 to sRGB",)


@pytest.mark.parametrize(
    "profile", [USUAL, ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()], ids=["by hand", "LittleCMS"]
)
@pytest.mark.parametrize("array", [RGB, GREY, np.dstack([RGB, ALPHA])], ids=["rgb", "grey", "rgba"])
def test_a_profile_of_srgb_changes_nothing_to_the_byte(profile, array):
    plain = read_picture(saved(array, "PNG"))
    picture = read_picture(with_profile(array, "PNG", profile))
    assert np.array_equal(picture.pixels, plain.pixels) and picture.notes == plain.notes


@pytest.mark.parametrize("profile, power", [(GREY_22, 2.2), (GREY_LINEAR, 1.0)], ids=["gamma 2.2", "linear"])
def test_grey_is_converted_by_its_curve(profile, power):
    def expected(levels):
        return three(icc.to_samples(gamma(power)(levels)))

    wide = DEEP[..., 0]
    floats = (wide / 65535).astype(np.float32)
    assert off(with_profile(GREY, "PNG", profile), expected(GREY / 255)) <= 1
    stored = load_image(saved(GREY, "JPEG", quality=100))[..., 0]
    assert off(with_profile(GREY, "JPEG", profile, quality=100), expected(stored / 255)) <= 1
    assert off(with_profile(wide, "PNG", profile), expected(wide / 65535)) <= 2
    assert off(tiff(wide, iccprofile=profile), expected(wide / 65535)) <= 2
    assert off(tiff(wide, iccprofile=profile, photometric="miniswhite"), expected(1 - wide / 65535)) <= 2
    assert off(tiff(floats, iccprofile=profile), expected(floats)) <= 2
    with_alpha = with_profile(np.dstack([GREY, ALPHA]), "PNG", profile)
    assert off(with_alpha, on_white(expected(GREY / 255), ALPHA)) <= 2


def test_a_grey_picture_may_keep_a_profile_of_colours():
    assert off(with_profile(GREY, "PNG", LINEAR), three(icc.to_samples(GREY / 255))) <= 1
    for harmless in (USUAL, P3):  # the greys of Display P3 are those of sRGB
        picture = read_picture(with_profile(GREY, "PNG", harmless))
        assert np.array_equal(picture.pixels, three(GREY)) and picture.notes == ()


@pytest.mark.skipif(not AVIF, reason="this Pillow does not read AVIF")
def test_avif_is_read_turned_and_converted():
    exif = Image.Exif()
    exif[274] = 6
    options = {"quality": 100, "subsampling": "4:4:4"}
    plain = saved(SOFT, "AVIF", **options)
    assert off(plain, SOFT) <= 8 and read_picture(plain).notes == ()
    turned = load_image(saved(SOFT, "AVIF", exif=exif.tobytes(), **options))
    assert np.array_equal(turned, load_image(plain)[::-1].transpose(1, 0, 2))
    stored = load_image(plain)
    assert off(with_profile(SOFT, "AVIF", P3, **options), icc.shown(stored, icc.DISPLAY_P3, icc.to_light)) <= 1.5
    place = plain.index(b"colrnclx") + 8
    named = plain[:place] + struct.pack(">HH", 12, 13) + plain[place + 4 :]
    assert off(named, icc.shown(stored, icc.DISPLAY_P3, icc.to_light)) <= 1.5
    assert read_picture(named).notes == ("converted from Display P3 to sRGB",)
    with pytest.raises(ImageError, match=r"high dynamic range \(PQ\)"):
        load_image(plain[:place] + struct.pack(">HH", 9, 16) + plain[place + 4 :])


def test_palettes_and_transparent_pixels_are_converted_before_they_are_laid_on_white():
    palette = Image.fromarray(SOFT).quantize(64)
    colours = icc.shown(np.asarray(palette.convert("RGB")), icc.SRGB, gamma(1))
    assert off(with_profile(palette, "PNG", LINEAR), colours) <= 1.5
    seen = on_white(icc.shown(SOFT, icc.SRGB, gamma(1)), ALPHA)
    data = with_profile(np.dstack([SOFT, ALPHA]), "PNG", LINEAR)
    assert off(data, seen) <= 2
    assert read_picture(data).notes == ("converted from linear sRGB to sRGB", TRANSPARENT)


def test_rgb_of_16_bits_is_converted_as_exactly_as_the_documentation_says():
    wide = DEEP[..., :3]
    data = before_data(deep_png(wide, 2), chunk(b"iCCP", b"x\0\0" + zlib.compress(LINEAR)))
    assert off(data, icc.to_samples(wide / 65535)) <= 13
    assert read_picture(data).notes == ("converted from linear sRGB to sRGB, after reduction to 8 bits",)
    soft = np.uint16(20000) + wide // 3
    data = before_data(deep_png(soft, 2), chunk(b"iCCP", b"x\0\0" + zlib.compress(ADOBE)))
    assert off(data, icc.shown(soft / 257, icc.ADOBE_RGB, gamma(2.19921875))) <= 6


def interpolated(inks):
    """CIE Lab between the corners of `PRINTER`."""
    found = np.zeros((*inks.shape[:2], 3))
    for corner in np.ndindex(2, 2, 2, 2):
        weights = np.where(np.array(corner) == 1, inks / 255, 1 - inks / 255)
        found += weights.prod(-1, keepdims=True) * CORNERS[corner]
    return found


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_cmyk_is_converted_by_the_printers_profile(kind):
    """Constant patches, because JPEG loses details. JPEG files of CMYK are stored inverted, as Adobe does it."""
    for patch in ((0, 0, 0, 0), (255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0), (0, 0, 0, 255)):
        inks = np.broadcast_to(np.array(patch, np.uint8), (H, W, 4))
        image = Image.fromarray(np.ascontiguousarray(inks), "CMYK")
        data = with_profile(image, kind, PRINTER, **({"quality": 100} if kind == "JPEG" else {}))
        own = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(PRINTER)),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        assert off(data, np.asarray(own)) <= 3
        if patch[3] == 0:  # black point compensation moves dark colours only
            assert off(data, icc.lab_to_srgb(interpolated(inks))) <= 12
        assert read_picture(data).notes == ("converted from a printer to sRGB",)


def test_cmyk_without_a_profile_says_so():
    data = saved(Image.fromarray(INKS, "CMYK"), "TIFF")
    assert read_picture(data).notes == ("converted from CMYK by the plain formula, because it has no colour profile",)


def test_cie_lab_is_converted():
    lightness, a, b = np.meshgrid(np.linspace(60, 200, 6), (-20, 0, 25), (-25, 0, 20), indexing="ij")
    stored = np.stack([lightness.round(), a, b], -1).reshape(6, 9, 3)
    data = tiff(stored.astype(np.int16).astype(np.uint8), photometric="cielab")
    assert off(data, icc.lab_to_srgb(stored / (2.55, 1, 1))) <= 1.5
    assert read_picture(data).notes == ("converted from CIE Lab to sRGB",)


def test_chunks_of_a_png_file_state_its_colours():
    plain = saved(SOFT, "PNG")
    linear = before_data(plain, chunk(b"gAMA", struct.pack(">I", 100000)))
    old_mac = before_data(plain, chunk(b"gAMA", struct.pack(">I", 55556)))
    own = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
    primaries = chunk(b"cHRM", struct.pack(">8I", *(round(100000 * value) for value in own)))
    assert off(linear, icc.to_samples(SOFT / 255)) <= 1
    assert read_picture(linear).notes == ("converted from linear light to sRGB",)
    assert off(old_mac, icc.to_samples((SOFT / 255) ** 1.8)) <= 1
    assert read_picture(old_mac).notes == ("converted from gamma 1.8 to sRGB",)
    assert off(before_data(plain, primaries), icc.shown(SOFT, icc.DISPLAY_P3, icc.to_light)) <= 1.5
    named = before_data(plain, chunk(b"cICP", bytes((12, 13, 0, 1))), chunk(b"gAMA", struct.pack(">I", 100000)))
    assert off(named, icc.shown(SOFT, icc.DISPLAY_P3, icc.to_light)) <= 1.5
    assert read_picture(named).notes == ("converted from Display P3 to sRGB",)
    grey = before_data(deep_png(DEEP[..., 0], 0), chunk(b"gAMA", struct.pack(">I", 100000)))
    assert off(grey, three(icc.to_samples(DEEP[..., 0] / 65535))) <= 2


SRGB_PRIMARIES = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(b"gAMA", struct.pack(">I", 45455))],
        [chunk(b"gAMA", struct.pack(">I", 45455)), chunk(b"cHRM", SRGB_PRIMARIES)],
        [chunk(b"sRGB", b"\0"), chunk(b"gAMA", struct.pack(">I", 100000))],
        [chunk(b"gAMA", struct.pack(">I", 0))],
        [chunk(b"cICP", bytes((1, 13, 0, 1)))],
    ],
    ids=["gamma", "gamma and primaries", "sRGB", "gamma 0", "cICP"],
)
def test_chunks_that_say_srgb_change_nothing(chunks):
    picture = read_picture(before_data(saved(RGB, "PNG"), *chunks))
    assert np.array_equal(picture.pixels, RGB) and picture.notes == ()


@pytest.mark.parametrize("curve, name", [(16, "PQ"), (18, "HLG")])
def test_high_dynamic_range_is_refused(curve, name):
    data = before_data(saved(RGB, "PNG"), chunk(b"cICP", bytes((9, curve, 0, 1))))
    with pytest.raises(ImageError, match=rf"high dynamic range \({name}\)"):
        load_image(data)


@pytest.mark.parametrize("states", [{0xA001: 2}, {0xA001: 65535, 0xA005: {1: "R03"}}], ids=["colour space", "R03"])
def test_exif_data_of_cameras_state_adobe_rgb(states):
    exif = Image.Exif()
    exif[0x8769] = states
    stored = load_image(saved(SOFT, "JPEG", quality=100))
    data = saved(SOFT, "JPEG", quality=100, exif=exif.tobytes())
    assert off(data, icc.shown(stored, icc.ADOBE_RGB, gamma(2.19921875))) <= 1.5
    assert read_picture(data).notes == ("converted from Adobe RGB (1998) to sRGB",)
    exif[0x8769] = {0xA001: 1, 0xA005: {1: "R98"}}
    assert read_picture(saved(SOFT, "JPEG", exif=exif.tobytes())).notes == ()


@pytest.mark.parametrize(
    "array, profile, reason",
    [
        (RGB, b"no profile at all", "is damaged"),
        (RGB, P3[:200], "is damaged"),
        (RGB, icc.rgb_profile("night", icc.SRGB, lambda x: 0 * x), "is damaged"),
        (RGB, GREY_22, "is for grey pictures"),
        (RGB, PRINTER, "is for CMYK pictures"),
        (GREY, PRINTER, "is for CMYK pictures"),
        (RGB, P3 + bytes(16_000_000), "has 16006"),
    ],
    ids=["text", "cut", "all black", "grey", "CMYK", "CMYK for grey", "large"],
)
def test_a_profile_that_cannot_be_used_is_named_and_the_picture_is_read_as_srgb(array, profile, reason):
    picture = read_picture(with_profile(array, "TIFF", profile))
    assert np.array_equal(picture.pixels, load_image(saved(array, "PNG")))
    assert len(picture.notes) == 1 and picture.notes[0].startswith(f"read as sRGB, because its colour profile {reason}")


def test_a_damaged_profile_of_cmyk_leaves_the_plain_formula():
    image = Image.fromarray(INKS, "CMYK")
    picture = read_picture(with_profile(image, "TIFF", P3))
    assert np.array_equal(picture.pixels, load_image(saved(image, "TIFF")))
    (note,) = picture.notes
    assert note == "converted from CMYK by the plain formula, because its colour profile is for RGB pictures"


def test_damaged_profiles_never_escape_as_another_error_and_always_give_a_note_or_a_picture():
    chance = np.random.default_rng(0)
    for profile, array in ((P3, RGB), (GREY_22, GREY), (LINEAR, RGB)):
        for _ in range(60):
            damaged = bytearray(profile)
            for place in chance.integers(0, len(profile), 4):
                damaged[place] = chance.integers(256)
            assert load_image(with_profile(array, "TIFF", bytes(damaged))).shape == RGB.shape


def test_a_profile_with_an_odd_name_gives_a_short_printable_note():
    odd = icc.rgb_profile("two\nlines \x1b[31m" + "long " * 100, icc.SRGB, 1.0)
    (note,) = read_picture(with_profile(RGB, "PNG", odd)).notes
    assert note.isprintable() and len(note) < 100


def test_a_picture_converted_in_tiles_is_the_whole_picture(monkeypatch):
    files = [with_profile(RGB, "PNG", P3), with_profile(GREY, "PNG", GREY_22), tiff(DEEP[..., 0], iccprofile=GREY_22)]
    whole = [load_image(data) for data in files]
    monkeypatch.setattr(decoding, "_TILE_PIXELS", 7)
    assert all(np.array_equal(load_image(data), pixels) for data, pixels in zip(files, whole, strict=True))


@pytest.mark.parametrize("number", CODE_POINTS)
def test_profiles_made_of_primaries_agree_with_the_definition(number):
    """XYZ of each primary, adapted to D50, sums up to white; and LittleCMS understands the profile."""
    name, points = CODE_POINTS[number]
    data = matrix_profile(name, points, SRGB_CURVE)
    profile = ImageCms.ImageCmsProfile(io.BytesIO(data)).profile
    assert profile.profile_description == name and len(data) == struct.unpack(">I", data[:4])[0]
    columns = np.array([profile.red_colorant[0], profile.green_colorant[0], profile.blue_colorant[0]])
    np.testing.assert_allclose(columns.sum(0), icc.D50, atol=2e-4)
    if number == 12:
        np.testing.assert_allclose(columns, icc.DISPLAY_P3, atol=5e-4)


def test_primaries_of_no_colour_space_are_refused():
    with pytest.raises(ValueError, match="one line"):
        matrix_profile("x", [BT709[0], BT709[1], BT709[1], BT709[1]], (1.0,))
    flat = struct.pack(">8I", 31270, 32900, *(30000, 30000) * 3)
    (note,) = read_picture(before_data(saved(RGB, "PNG"), chunk(b"cHRM", flat))).notes
    assert note == "read as sRGB, because the colours that it names (primaries of its own) are impossible"


def test_readers_for_python_warn_of_each_note_once(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(with_profile(RGB, "PNG", P3))
    (tmp_path / "c.png").write_bytes(saved(RGB, "PNG"))
    for read in (lambda: load_images(tmp_path, size=16), lambda: load_pictures(tmp_path, resolution=16)):
        with pytest.warns(JaxpriorWarning) as told:
            read()
        assert [str(one.message) for one in told] == [f"converted from Display P3 to sRGB: {tmp_path}/a.png and 1 more"]
    with pytest.warns(JaxpriorWarning, match=f"converted from Display P3 to sRGB: {tmp_path}/b.png"):
        load_telling(tmp_path / "b.png")
