"""Volumes are read from every kind of file to the same voxels, and what is no volume is refused in one sentence."""

import gzip
import io
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image

from jaxprior.data.volumes import BINARY, BYTES, UNIT, list_volumes, load_volume, load_volumes, units_of
from jaxprior.errors import ArgumentError, VolumeError


RNG = np.random.default_rng(0)
SHAPE = (5, 6, 7)
GREY = RNG.integers(0, 256, SHAPE, np.uint8)
CELLS = RNG.integers(0, 2, (3, 4, 4, 4), np.uint8)


def tiff(path, slices, mode=None):
    pages = [Image.fromarray(page, mode) for page in slices]
    pages[0].save(path, format="TIFF", save_all=True, append_images=pages[1:])


@pytest.fixture
def files(tmp_path):
    """One volume in every kind of file."""
    np.save(tmp_path / "plain.npy", GREY)
    np.save(tmp_path / "turned.npy", np.asfortranarray(GREY.astype(">f4")))
    np.save(tmp_path / "channel.npy", GREY[..., None])
    (tmp_path / "packed.npy.gz").write_bytes(gzip.compress((tmp_path / "plain.npy").read_bytes()))
    np.savez_compressed(tmp_path / "one.npz", volume=GREY)
    tiff(tmp_path / "stack.tif", GREY)
    (tmp_path / "numbers.raw").write_bytes(GREY.astype(">u2").tobytes())
    return tmp_path


@pytest.mark.parametrize("name", ["plain.npy", "turned.npy", "channel.npy", "packed.npy.gz", "one.npz", "stack.tif"])
def test_every_kind_of_file_has_the_same_voxels(files, name):
    volume = load_volume(files / name)
    assert volume.dtype == np.float32
    np.testing.assert_array_equal(volume, GREY)


def where_zero_is_white(path):
    """Change the photometric interpretation of every page of a TIFF file to "0 is white", and nothing else."""
    data = bytearray(path.read_bytes())
    assert data[:2] == b"II"
    place = struct.unpack_from("<I", data, 4)[0]
    while place:
        count = struct.unpack_from("<H", data, place)[0]
        for entry in range(place + 2, place + 2 + 12 * count, 12):
            if struct.unpack_from("<H", data, entry)[0] == 262:
                struct.pack_into("<H", data, entry + 8, 0)
        place = struct.unpack_from("<I", data, place + 2 + 12 * count)[0]
    path.write_bytes(data)


def test_voxels_are_the_stored_numbers_where_zero_is_white(tmp_path):
    for name, slices in (("grey.tif", GREY), ("bits.tif", CELLS[0].astype(bool)), ("deep.tif", 7 * GREY.astype("u2"))):
        tiff(tmp_path / name, slices)
        where_zero_is_white(tmp_path / name)
        np.testing.assert_array_equal(load_volume(tmp_path / name), slices)


def test_raw_numbers_are_read_with_their_shape_and_type(files):
    np.testing.assert_array_equal(load_volume(files / "numbers.raw", shape=SHAPE, dtype=">u2"), GREY)
    with pytest.raises(VolumeError, match="does not say its shape"):
        load_volume(files / "numbers.raw")
    with pytest.raises(VolumeError, match="5x6x7 voxels of uint8 are 210 bytes, but it has more"):
        load_volume(files / "numbers.raw", shape=SHAPE)
    with pytest.raises(VolumeError, match="840 bytes, but it has 420"):
        load_volume(files / "numbers.raw", shape=SHAPE, dtype="float32")
    with pytest.raises(VolumeError, match="expected a type of NumPy"):
        load_volume(files / "numbers.raw", shape=SHAPE, dtype="grey")


def test_volumes_of_a_folder_and_of_its_archive_are_listed_in_the_order_of_names(files):
    (files / "notes.txt").write_text("not a volume")
    found = list_volumes(files)
    assert [source.stem for source in found] == ["channel", "one", "packed", "plain", "stack", "turned"]
    with zipfile.ZipFile(files / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("plain.npy", "one.npz", "stack.tif", "packed.npy.gz"):
            archive.write(files / name, f"rock/{name}")
    zipped = list_volumes(files / "all.zip")
    assert [source.stem for source in zipped] == ["one", "packed", "plain", "stack"]
    for source in zipped:
        np.testing.assert_array_equal(source.read(), GREY)
    assert [source.stem for source in list_volumes(files / "p*.npy")] == ["plain"]
    assert len(list_volumes([files, files / "plain.npy"], limit=4)) == 4
    with_raw = list_volumes(files, shape=SHAPE, dtype=">u2")
    assert "numbers" in {source.stem for source in with_raw}


@pytest.mark.parametrize("stored", [CELLS, CELLS[:, None], CELLS[..., None]])
@pytest.mark.parametrize("packed", [False, True])
def test_an_array_of_many_volumes_is_read_one_by_one_or_as_a_batch(tmp_path, stored, packed):
    path = tmp_path / ("cells.npy.gz" if packed else "cells.npy")
    data = io.BytesIO()
    np.save(data, stored)
    path.write_bytes(gzip.compress(data.getvalue()) if packed else data.getvalue())
    sources = list_volumes(path)
    assert [source.stem for source in sources] == ["cells-0", "cells-1", "cells-2"]
    assert len({source.location for source in sources}) == 3
    for source, cells in zip(sources, CELLS, strict=True):
        np.testing.assert_array_equal(source.read(), cells)
    np.testing.assert_array_equal(load_volumes(path), (CELLS[..., None] * 2.0 - 1).astype(np.float32))
    with pytest.raises(VolumeError, match="it has 3 volumes; expected one"):
        load_volume(path)


def test_arrays_of_an_archive_are_chosen_by_name(tmp_path):
    path = tmp_path / "sets.npz"
    np.savez(path, train=CELLS, test=CELLS[0], mask=CELLS[1])
    assert [source.stem for source in list_volumes(path)] == [
        "sets-mask", "sets-test", "sets-train-0", "sets-train-1", "sets-train-2",
    ]  # fmt: skip
    np.testing.assert_array_equal(load_volume(path, array="mask"), CELLS[1])
    (chosen,) = list_volumes(f"{path}:test")
    np.testing.assert_array_equal(chosen.read(), CELLS[0])
    with pytest.raises(VolumeError, match="no array 'other'; it has mask, test, train"):
        load_volume(path, array="other")


def test_units_are_found_and_turned_back_exactly():
    for volume, units in ((CELLS, BINARY), (GREY, BYTES), (GREY / 255, UNIT)):
        assert units_of(volume) is units
        scaled = units.scaled(volume)
        assert scaled.dtype == np.float32 and scaled.min() >= -1 and scaled.max() <= 1
        np.testing.assert_allclose(units.unscaled(scaled), volume, atol=1e-7 if units is UNIT else 0)
    assert BYTES.unscaled(np.array([-3.0, 3.0])).tolist() == [0, 255]


@pytest.mark.parametrize(
    "volume, reason",
    [
        (np.array([0, 1, 2]), "look like labels"),
        (np.array([-1.0, 1.0]), "go from -1 to 1; expected 0 and 1"),
        (np.array([0, 4000]), "go from 0 to 4000"),
        (np.array([0.5, 30.25]), "go from 0.5 to 30.25"),
    ],
)
def test_other_units_are_refused_with_their_range(volume, reason):
    with pytest.raises(VolumeError, match=reason):
        units_of(volume.reshape(-1, 1, 1), "rock.npy")


def broken(tmp_path, name):
    """A file that is no volume, by the name of what is wrong with it."""
    path = tmp_path / "file.npy"
    good = io.BytesIO()
    np.save(good, GREY)
    arrays = {
        "picture": GREY[0], "empty": np.zeros((0, 3, 3)), "text": np.full(SHAPE, "a"), "complex": GREY * 1j,
        "nan": np.where(GREY > 200, np.nan, GREY / 255), "six": np.zeros((1,) * 6),
    }  # fmt: skip
    if name in arrays:
        np.save(path, arrays[name])
    elif name == "objects":
        np.save(path, np.array([[[{}]]], object), allow_pickle=True)
    elif name == "short":
        path.write_bytes(good.getvalue()[:-7])
    elif name == "huge":
        header = good.getvalue()[:128].replace(b"(5, 6, 7), }    ", b"(99999, 99, 999)").replace(b"999)", b"999)}")
        path.write_bytes(header[:128])
    elif name == "noise":
        path.write_bytes(RNG.bytes(400))
    elif name == "pages":
        path = tmp_path / "file.tif"
        tiff(path, [GREY[0], GREY[0, :3]])
    elif name == "colours":
        path = tmp_path / "file.tif"
        tiff(path, [np.stack([page] * 3, -1) for page in GREY])
    elif name == "one page":
        path = tmp_path / "file.tif"
        Image.fromarray(GREY[0]).save(path)
    elif name == "zipped text":
        path = tmp_path / "file.npz"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("readme.txt", "hello")
    elif name == "ending":
        path = tmp_path / "file.png"
        Image.fromarray(GREY[0]).save(path)
    elif name == "gzip":
        path = tmp_path / "file.npy.gz"
        path.write_bytes(gzip.compress(good.getvalue())[:-20])
    return path


@pytest.mark.parametrize(
    "name, reason",
    [
        ("picture", "it is a picture, [6, 7]; expected a volume"),
        ("empty", "it is empty"),
        ("text", "expected real numbers"),
        ("complex", "expected real numbers"),
        ("nan", "are not finite"),
        ("six", "an array of 6 axes"),
        ("objects", "could run code"),
        ("short", "it was cut off"),
        ("huge", "expected at most"),
        ("noise", "damaged or of another format"),
        ("pages", "expected pages of one size"),
        ("colours", "a picture in colours (RGB)"),
        ("one page", "it has one page"),
        ("zipped text", "'readme.txt', which is no array"),
        ("ending", "no file of a volume by its ending"),
        ("gzip", "damaged"),
        ("missing", "no such file"),
    ],
)
def test_what_is_no_volume_is_refused_in_one_sentence(tmp_path, name, reason):
    path = broken(tmp_path, name)
    with pytest.raises(VolumeError) as caught:
        load_volume(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and reason in message and "\n" not in message


def test_another_shape_than_the_priors_is_refused(files):
    with pytest.raises(VolumeError, match="plain.npy: it has the shape 5x6x7; expected 5x6x8"):
        load_volume(files / "plain.npy", shape=(5, 6, 8))
    np.save(files / "small.npy", GREY[:2])
    with pytest.raises(VolumeError, match="expected volumes of one shape"):
        load_volumes([files / "plain.npy", files / "small.npy"])
    with pytest.raises(ArgumentError, match="three whole numbers"):
        load_volume(files / "plain.npy", shape=(5, 6))
    with pytest.raises(VolumeError, match="no volumes found"):
        empty = files / "empty"
        empty.mkdir()
        list_volumes(empty)
