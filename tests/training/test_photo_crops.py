"""Pieces and crops of photographs: what is covered, what is left out, and that batches follow from their numbers."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from jaxprior.data.images import save_png
from jaxprior.errors import ImageError
from jaxprior.training.photo_crops import LONGEST, Crops, corners, load_pieces, shrunk_size
from jaxprior.training.pictures import load_pictures


def noise(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos").mkdir()
    for number, size in enumerate([(32, 32), (40, 64), (33, 80), (64, 64)]):
        save_png(tmp_path / f"photos/{number}.png", noise(number, *size))
    return tmp_path / "photos"


@pytest.mark.parametrize("size", [(32, 32), (33, 32), (64, 65), (100, 250)])
def test_pieces_cover_a_photograph_and_lie_within(size):
    seen = np.zeros(size, bool)
    for top, left in corners(size, 32):
        assert 0 <= top <= size[0] - 32 and 0 <= left <= size[1] - 32
        seen[top : top + 32, left : left + 32] = True
    assert seen.all()


def test_pieces_are_parts_of_the_photographs_in_order(folder):
    found = load_pieces(folder, side=32)
    assert found.counts == (1, 4, 6, 4) and found.pixels.shape == (15, 32, 32, 3) and found.skipped == ()
    first = 0
    for number, (size, count) in enumerate(zip([(32, 32), (40, 64), (33, 80), (64, 64)], found.counts, strict=True)):
        for piece, (top, left) in zip(found.pixels[first : first + count], corners(size, 32), strict=True):
            np.testing.assert_array_equal(piece, noise(number, *size)[top : top + 32, left : left + 32])
        first += count
    trained, held = found.parted(9)
    assert (len(trained), len(held)) == (11, 4)  # no more than a quarter of the photographs


def test_a_random_order_is_always_the_same_and_leaves_no_photograph_out(folder):
    found, again, named = (load_pieces(folder, side=32, order=order) for order in (5, 5, None))
    assert found.counts == again.counts != named.counts and sorted(found.counts) == sorted(named.counts)
    np.testing.assert_array_equal(found.pixels, again.pixels)
    ours, theirs = ({piece.tobytes() for piece in one.pixels} for one in (found, named))
    assert ours == theirs


def test_pieces_in_a_file_are_those_in_memory_and_are_found_again(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("JAXPRIOR_CACHE", str(tmp_path / "cache"))
    kept = load_pieces(folder, side=32, in_memory=0)
    again = load_pieces(folder, side=32, in_memory=0)
    assert kept.folder is not None and again.folder == kept.folder and again.counts == kept.counts
    assert kept.sha256 == load_pieces(folder, side=32).sha256
    squares = load_pictures(folder, resolution=32, in_memory=0)
    assert squares.folder != kept.folder  # another way to make pictures of the same files


def test_what_cannot_be_used_is_named(folder):
    save_png(folder / "a.png", noise(5, 31, 90))
    save_png(folder / "b.png", noise(6, 64, 40)[..., :1].repeat(3, axis=-1))
    (folder / "c.png").write_bytes((folder / "3.png").read_bytes()[:900])  # its head is whole
    found = load_pieces(folder, side=32)
    assert found.counts == (1, 4, 6, 4) and len(found.pixels) == 15
    assert len(found.skipped) == 3
    for name, said in (("a.png", "90x31; expected at least 32x32"), ("b.png", "grey"), ("c.png", "")):
        assert any(name in sentence and said in sentence for sentence in found.skipped)
    with pytest.raises(ImageError, match="no usable photograph among its 7 files"):
        load_pieces(folder, side=96)


def test_photographs_lie_on_their_sides_as_exif_says(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(noise(0, 64, 96)).save(tmp_path / "turned.png", exif=exif)
    found = load_pieces(tmp_path / "turned.png", side=48)
    np.testing.assert_array_equal(found.pixels[0], np.rot90(noise(0, 64, 96), -1)[:48, :48])
    assert found.counts == (len(corners((96, 64), 48)),)


def test_very_large_photographs_are_shrunk(tmp_path):
    assert shrunk_size((100, LONGEST)) == (100, LONGEST) and shrunk_size((3000, 4000)) == (1536, 2048)
    save_png(tmp_path / "wide.png", noise(0, 128, 2 * LONGEST))
    found = load_pieces(tmp_path, side=64)
    assert found.counts == (32,) and found.pixels.std() < 0.7 * noise(0, 128, 128).std()  # averaged


def test_a_zip_archive_is_read(folder, tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(folder.glob("*.png")):
            archive.write(path, path.name)
    (tmp_path / "photos.zip").write_bytes(content.getvalue())
    assert load_pieces(tmp_path / "photos.zip", side=32).sha256 == load_pieces(folder, side=32, limit=4).sha256


def test_batches_follow_from_their_numbers_and_crops_are_of_their_pieces():
    pieces = noise(1, 6 * 16, 16).reshape(6, 16, 16, 3)
    crops = Crops(pieces, 10)
    batch = crops.batches(8, 4, 3)
    first, second = batch(0), batch(1)
    np.testing.assert_array_equal(crops.batches(12, 4, 3)(0), second)  # position 12 is batch 1 after 8
    np.testing.assert_array_equal(batch(0), first)
    assert first.shape == (4, 10, 10, 3) and not np.array_equal(first, second)

    def is_of(crop, piece):
        views = np.lib.stride_tricks.sliding_window_view(piece, (10, 10, 3))[:, :, 0]
        return (views == crop).all(axis=(-3, -2, -1)).any()

    assert all(sum(is_of(crop, piece) for piece in pieces) == 1 for crop in (*first, *second))
    places = {tuple(crop[0, 0]) for index in range(40) for crop in batch(index)}
    assert len(places) > 80  # of 160 crops, with 49 places in each piece


def test_of_several_crops_the_one_with_the_most_detail_is_taken():
    """Flat pieces are left out where there is another; batches still follow from their numbers."""
    pieces = noise(1, 8 * 16, 16).reshape(8, 16, 16, 3)
    pieces[::2] = 100
    plain, chosen = (Crops(pieces, 10, choose).batches(0, 8, 3) for choose in (1, 4))
    flat = [np.mean([np.ptp(crop) == 0 for index in range(8) for crop in batch(index)]) for batch in (plain, chosen)]
    assert flat[0] == 0.5 and flat[1] < 0.1
    np.testing.assert_array_equal(Crops(pieces, 10, 4).batches(8, 8, 3)(0), chosen(1))
