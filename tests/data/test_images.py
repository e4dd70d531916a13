"""Pictures: finding, fitting, converting, naming and writing them."""

import doctest
import io
import os
import time
import zipfile
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from jaxprior.data import decoding, images, listing, sources
from jaxprior.data.images import (
    content_name,
    fit,
    grid,
    list_images,
    load_image,
    load_images,
    pixels_id,
    save_png,
    to_float,
    to_uint8,
)
from jaxprior.errors import ImageError, RangeWarning


H, W = 24, 32


def picture(seed=0, h=H, w=W):
    return np.random.default_rng(seed).integers(0, 256, (h, w, 3)).astype(np.uint8)


def saved(array, kind):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind)
    return buffer.getvalue()


RGB = picture()


def test_fit():
    photo = picture(h=100, w=140)
    centre = photo[:, 20:120]
    assert np.array_equal(fit(photo, 100), centre)
    expected = np.asarray(Image.fromarray(centre).resize((25, 25), Image.Resampling.BICUBIC))
    assert np.array_equal(fit(photo, 25), expected)
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[::2] = 255  # a resize without antialiasing would see only one kind of row
    assert abs(fit(stripes, 16)[2:-2].astype(int) - 127).max() <= 2
    assert set(np.unique(fit(stripes, 16, resample="nearest"))) <= {0, 255}
    assert fit(picture(h=8, w=9), 64).shape == (64, 64, 3)
    with pytest.raises(ImageError, match="1x300; expected at least 8x8"):
        fit(picture(h=300, w=1), 64)
    with pytest.raises(ImageError, match="uint8 array"):
        fit(to_float(photo), 64)
    with pytest.raises(ImageError, match="bicubic, bilinear"):
        fit(photo, 64, resample="cubic")


def test_float_conversion_is_exact_both_ways():
    levels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(to_uint8(to_float(levels)), levels)
    assert to_float(levels).dtype == np.float32
    assert to_float(levels)[[0, 255]].tolist() == [-1, 1]
    assert to_uint8(np.array([-9, 9, np.nan, np.inf, 0.999])).tolist() == [0, 255, 0, 255, 255]
    assert to_uint8(jax.numpy.zeros((2, 2))).tolist() == [[128, 128], [128, 128]]
    with pytest.raises(ImageError, match="uint8"):
        to_float(np.zeros(3))


def test_identity_depends_on_pixels_and_shape_only():
    other = RGB.copy()
    other[3, 4, 1] ^= 1
    assert pixels_id(RGB) == pixels_id(load_image(saved(RGB, "BMP"))) != pixels_id(other)
    assert pixels_id(RGB) != pixels_id(RGB.reshape(W, H, 3))
    assert pixels_id(RGB[:, ::-1]) == pixels_id(np.ascontiguousarray(RGB[:, ::-1]))
    assert 0 <= pixels_id(RGB) < 2**32
    assert pixels_id(np.zeros((8, 8, 3), np.uint8)) == ZEROS_ID  # never change: runs are resumed by it
    jax.random.fold_in(jax.random.key(0), 2**32 - 1)


ZEROS_ID = int("458e0cbb", 16)


def test_content_name():
    assert content_name("cat", RGB) == f"cat-{pixels_id(RGB):08x}"
    assert content_name("a/b\0:c*é", RGB).startswith("a_b__c_é-")
    assert content_name("..", RGB).startswith("image-")
    assert len(content_name("ж" * 300, RGB).encode()) <= 160


def test_save_png(tmp_path):
    save_png(tmp_path / "a.png", RGB[:, ::-1])
    assert np.array_equal(load_image(tmp_path / "a.png"), RGB[:, ::-1])
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    with pytest.raises(ImageError, match="uint8"):
        save_png(tmp_path / "b.png", to_float(RGB))
    with pytest.raises(OSError):
        save_png(tmp_path / "missing" / "b.png", RGB)


def test_grid():
    page = grid(np.stack([RGB, 255 - RGB, RGB]), columns=2, pad=3)
    assert page.shape == (2 * H + 9, 2 * W + 9, 3)
    assert np.array_equal(page[3 : 3 + H, 6 + W : 6 + 2 * W], 255 - RGB)
    assert (page[6 + H :, 6 + W :] == 255).all()
    with pytest.raises(ImageError, match="one size"):
        grid([RGB, picture(h=9)], columns=2)
    with pytest.raises(ImageError, match="columns"):
        grid([], columns=2)


@pytest.fixture
def folder(tmp_path):
    for name in [
        "b.png",
        "a.JPG",
        "deep/er/c.webp",
        "deep/a.png",
        ".hidden.png",
        ".git/x.png",
        "__MACOSX/y.png",
    ]:
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(saved(RGB, "PNG"))
    (tmp_path / "photos" / "notes.txt").write_text("not a picture")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for path in sorted((tmp_path / "photos").rglob("*"), reverse=True):
            if path.is_file():
                archive.write(path, path.relative_to(tmp_path / "photos"), zipfile.ZIP_DEFLATED)
    return tmp_path


def test_listing(folder, monkeypatch):
    monkeypatch.chdir(folder)
    inside = ["a.JPG", "b.png", "deep/a.png", "deep/er/c.webp"]
    assert [source.name for source in list_images("photos")] == [f"photos/{name}" for name in inside]
    assert [source.name for source in list_images(["photos.zip"])] == [f"photos.zip/{name}" for name in inside]
    assert [source.stem for source in list_images("photos.zip")] == ["a", "b", "a", "c"]
    both = list_images(["photos.zip", "photos/b.png", "photos"], limit=6)
    assert [source.name for source in both][4:] == ["photos/b.png", "photos/a.JPG"]
    assert list_images("photos/notes.txt")[0].name == "photos/notes.txt"  # it was named: it gets a row
    for source in list_images(["photos", "photos.zip"]):
        assert np.array_equal(load_image(source), RGB)
    photos = load_images(["photos", "photos.zip"], size=16, limit=5)
    assert photos.shape == (5, 16, 16, 3) and photos.dtype == np.float32
    assert np.array_equal(photos[0], to_float(fit(RGB, 16)))


def test_listing_errors(folder):
    (folder / "none").mkdir()
    (folder / "fake.zip").write_bytes(b"PK but no archive")
    (folder / "photos" / "d.png").write_bytes(saved(RGB, "PNG")[:100])
    (folder / "photos" / "e.png").write_bytes(saved(picture(h=3, w=3), "PNG"))
    for paths, words in [
        (folder / "absent", "absent: no such file or folder"),
        (folder / "none", "none: no pictures found; expected"),
        ([], "empty list"),
        (folder / "fake.zip", "not a readable zip archive"),
    ]:
        with pytest.raises(ImageError, match=words):
            list_images(paths)
    with pytest.raises(ImageError, match="`limit` must be 1 or more"):
        list_images(folder / "photos", limit=0)
    with pytest.raises(ImageError, match=r"photos/d.png: the file is truncated"):
        load_images(folder / "photos", size=16)
    with pytest.raises(ImageError, match=r"e.png: it is 3x3; expected at least 8x8"):
        load_images(folder / "photos" / "e.png", size=16)
    with pytest.raises(ImageError, match=r"notes.txt: it is not a readable picture"):
        load_image(folder / "photos" / "notes.txt")
    with pytest.raises(ImageError, match=r"absent.png: no such file"):
        load_image(folder / "absent.png")
    with pytest.raises(ImageError, match="it is a folder"):
        load_image(folder)


def test_damaged_archives(tmp_path, monkeypatch):
    path = tmp_path / "a.zip"
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3)).astype(np.uint8)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("1.png", "2.png", "3.png"):
            archive.writestr(name, saved(noise, "PNG"))
    data = bytearray(path.read_bytes())
    first, second = list_images(path)[0].member, list_images(path)[1].member
    data[second.header_offset + 500] ^= 0xFF  # data of the second
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1  # says that the first is encrypted
    assert first.header_offset == 0
    path.write_bytes(bytes(data))
    one, two, three_ = list_images(path)
    with pytest.raises(ImageError, match=r"a.zip/1.png: it is encrypted"):
        one.read()
    with pytest.raises(ImageError, match=r"a.zip/2.png: "):
        load_image(two)
    assert np.array_equal(load_image(three_), noise)
    monkeypatch.setattr(sources, "MAX_BYTES", 100)
    with pytest.raises(ImageError, match="more than the limit of 100"):
        three_.read()
    path.write_bytes(bytes(data[:-200]))
    with pytest.raises(ImageError, match="not a readable zip archive"):
        list_images(path)
    with pytest.raises(ImageError, match="3.png"):
        path.write_bytes(bytes(100))
        three_.read()


def test_names_that_cannot_be_printed_or_stored_are_escaped(tmp_path):
    raw = {b"\xff\xfe.png": "\\udcff\\udcfe.png", b"a\nb\x1b[31m.png": "a\\nb\\x1b[31m.png"}
    raw["猫 ü.png".encode()] = "猫 ü.png"
    for name in raw:
        (tmp_path / os.fsdecode(name)).write_bytes(saved(RGB, "PNG"))
    found = {source.name.rpartition("/")[2]: source for source in list_images(tmp_path)}
    assert set(found) == set(raw.values())
    assert all(np.array_equal(load_image(source), RGB) and source.name.encode() for source in found.values())
    (tmp_path / os.fsdecode(b"\xff\xfe.png")).write_bytes(b"text")
    with pytest.raises(ImageError) as caught:
        load_image(found["\\udcff\\udcfe.png"])
    assert str(caught.value).isprintable()


def test_a_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    start = time.monotonic()
    with pytest.raises(ImageError, match="device or pipe"):
        load_image(list_images(tmp_path / "pipe.png")[0])
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("module", [images, sources, listing, decoding], ids=lambda module: module.__name__)
def test_examples_run(module, folder, monkeypatch):
    monkeypatch.chdir(folder)
    save_png("cat.png", RGB)
    names = vars(images) | vars(decoding) | vars(sources) | vars(listing) | {"jax": jax, "np": np}
    for example in doctest.DocTestFinder().find(module, extraglobs=names):
        assert doctest.DocTestRunner().run(example).failed == 0


def test_a_pattern_is_expanded_in_the_order_of_names(tmp_path):
    for name in ("b.png", "a.png", "c.jpg"):
        images.save_png(tmp_path / name, np.full((8, 8, 3), ord(name[0]), np.uint8))
    names = [Path(source.name).name for source in images.list_images(str(tmp_path / "*.png"))]
    assert names == ["a.png", "b.png"]
    batch = images.load_images(tmp_path / "[ab].png", size=8)
    np.testing.assert_array_equal(images.to_uint8(batch)[:, 0, 0, 0], [ord("a"), ord("b")])
    images.save_png(tmp_path / "x[1].png", np.zeros((8, 8, 3), np.uint8))  # a name is no pattern if it exists
    assert len(images.list_images(tmp_path / "x[1].png")) == 1
    with pytest.raises(ImageError, match="nothing matches it as a pattern"):
        images.list_images(tmp_path / "*.webp")


def test_pixels_that_are_made_white_by_mistake_give_a_warning():
    with pytest.warns(RangeWarning, match="0 to 255, which all become white"):
        images.to_uint8(np.arange(0, 256, dtype=np.float32))
