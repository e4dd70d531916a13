"""Odd, damaged and hostile picture files: each gives the right pixels, or an `ImageError` that says why."""

import io
import resource
import threading
import warnings

import numpy as np
import pytest
from odd_files import RGB, H, W, broken, chunk, saved, valid
from PIL import Image, ImageCms, ImageOps

from jaxprior.data import decoding
from jaxprior.data.images import load_image
from jaxprior.errors import ImageError


VALID, BROKEN = valid(), broken()


@pytest.mark.parametrize("data, expected, tolerance", [case[1:] for case in VALID], ids=[case[0] for case in VALID])
def test_odd_pictures_decode_to_the_right_pixels(data, expected, tolerance):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pixels = load_image(data)
    assert pixels.dtype == np.uint8 and pixels.flags.c_contiguous
    assert pixels.shape == np.shape(expected)
    assert np.abs(pixels - np.asarray(expected, np.float64)).max() <= tolerance


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_picture_converted_in_tiles_is_the_whole_picture(monkeypatch, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    files = [data for _, data, _, _ in VALID] + [saved(RGB, "PNG", exif=exif.tobytes())]
    whole = [load_image(data) for data in files]
    monkeypatch.setattr(decoding, "_TILE_PIXELS", 7)
    for data, expected in zip(files, whole, strict=True):
        np.testing.assert_array_equal(load_image(data), expected)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_pictures_are_refused_with_a_reason(name):
    data, words = BROKEN[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageError) as caught:
            decoding.decode(data, name="odd.png")
    message = str(caught.value)
    assert message.startswith("odd.png: ") and words in message and "\n" not in message
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # KiB


def test_the_pixel_limit_is_the_callers():
    data = saved(RGB, "PNG")
    assert load_image(data, max_pixels=H * W).shape == RGB.shape
    with pytest.raises(ImageError, match="32x24; expected at most 767"):
        load_image(data, max_pixels=H * W - 1)


# A text file that ends in "10" cannot be told from one that ended in "100".
@pytest.mark.parametrize("name", [case[0] for case in VALID if case[0] != "pgm in text"])
def test_truncated_files_are_refused_or_complete(name):
    data = next(case[1] for case in VALID if case[0] == name)
    whole = load_image(data)
    refused = 0
    for cut in [*range(0, len(data), max(1, len(data) // 15)), len(data) - 1, len(data) - 2]:
        try:
            pixels = load_image(data[:cut])
        except ImageError:
            refused += 1
        else:
            assert np.array_equal(pixels, whole), f"cut at {cut} of {len(data)}"
    assert refused >= 4


def test_flipped_bytes_never_escape_as_another_error():
    chance = np.random.default_rng(0)
    for _, data, _, _ in VALID:
        for _ in range(12):
            damaged = bytearray(data)
            for place in chance.integers(0, len(data), 3):
                damaged[place] = chance.integers(256)
            try:
                load_image(bytes(damaged), max_pixels=100_000)
            except ImageError:
                pass


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(kind, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}.get(kind, {})
    data = saved(RGB, kind, exif=exif.tobytes(), **options)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    assert np.array_equal(load_image(data), np.asarray(upright))
    if kind == "PNG" and orientation == 6:  # the picture's top edge is stored as its left edge
        assert np.array_equal(load_image(data)[0], RGB[::-1, 0])


def test_damaged_exif_does_not_lose_the_picture():
    data = saved(RGB, "PNG")
    exif = chunk(b"eXIf", b"MM\0*\0\0\0\x08\xff\xff\x01\x12")
    assert np.array_equal(load_image(data[:33] + exif + data[33:]), RGB)


def test_users_warning_filters_survive_threads():
    before = list(warnings.filters)
    threads = [threading.Thread(target=lambda: [load_image(VALID[5][1]) for _ in range(30)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before


@pytest.mark.parametrize("damaged", [b"IHDR", b"iCCP", b"IDAT"])
def test_a_png_file_with_a_wrong_check_sum_says_so_wherever_it_is(damaged):
    file = io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGB", (16, 16)).save(file, "PNG", icc_profile=profile)
    data = bytearray(file.getvalue())
    start = data.index(damaged)
    data[start + 4 + int.from_bytes(data[start - 4 : start], "big")] ^= 1
    with pytest.raises(ImageError, match="^x.png: its data is damaged .a PNG check sum is wrong"):
        decoding.decode(bytes(data), name="x.png")
