"""Training pictures with labels: they stay together through limits, splits and batches."""

import gzip

import numpy as np
import pytest
from PIL import Image

from jaxprior.data.labels import Labels
from jaxprior.errors import ImageError
from jaxprior.training.labelled_pictures import LabelledPictures, Part, load_labelled, others, trained_and_held


def shades(count=40, kinds=4):
    """Pictures whose every pixel is their number, and whose class is that number modulo `kinds`."""
    pixels = np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 8, 8, 1))
    values = np.eye(kinds, dtype=np.uint8)[np.arange(count) % kinds]
    return LabelledPictures(pixels, labels=Labels(tuple("abcd"[:kinds]), values, exclusive=True))


def test_pictures_keep_their_labels(tmp_path):
    names = ("one/1.png", "one/2.png", "two/3.png", "two/4.png", "two/x-broken.png", "two/5.png")
    for number, name in enumerate(names):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        if "broken" in name:
            (tmp_path / "data" / name).write_bytes(b"no picture")
        else:
            Image.fromarray(np.full((8, 8, 3), 40 * number, np.uint8)).save(tmp_path / "data" / name)
    found = load_labelled(tmp_path / "data", resolution=8, channels=1)
    assert found.pixels[:, 0, 0, 0].tolist() == [0, 40, 80, 120, 160 + 40]
    assert found.labels.values.argmax(1).tolist() == [0, 0, 1, 1, 1] and len(found.skipped) == 1
    few = load_labelled(tmp_path / "data", resolution=8, channels=3, limit=4)
    assert few.labels.counts() == {"one": 1, "two": 2} and len(few.skipped) == 1  # of the four, one is broken
    with pytest.raises(ImageError, match="names of classes belong to IDX files"):
        load_labelled(tmp_path / "data", resolution=8, class_names=("a", "b"))


def test_idx_files_are_fitted_and_named(tmp_path):
    def write(name, values):
        head = bytes([0, 0, 8, values.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in values.shape)
        (tmp_path / name).write_bytes(gzip.compress(head + values.astype(np.uint8).tobytes()))

    write("t-images-idx3-ubyte.gz", np.full((3, 12, 12), 7) * np.arange(3)[:, None, None])
    write("t-labels-idx1-ubyte.gz", np.array([1, 0, 1]))
    path = tmp_path / "t-images-idx3-ubyte.gz"
    found = load_labelled(path, resolution=16, channels=1, class_names=("zero", "one"))
    assert found.pixels.shape == (3, 16, 16, 1) and found.pixels[:, 5, 5, 0].tolist() == [0, 7, 14]
    assert found.labels.names == ("zero", "one") and found.labels.values.argmax(1).tolist() == [1, 0, 1]
    assert load_labelled(path, resolution=16, channels=3).labels.names == ("0", "1")
    write("short-idx1", np.array([1, 0]))
    with pytest.raises(ImageError, match="it has 2 labels, but .* has 3 pictures"):
        load_labelled(path, resolution=16, labels=tmp_path / "short-idx1")
    with pytest.raises(ImageError, match="labels up to 1, so 2 classes, and 1 are named"):
        load_labelled(path, resolution=16, class_names=("zero",))


def test_a_batch_is_a_function_of_its_number():
    pictures = shades()
    part, held = trained_and_held(pictures, 10, seed=3)
    assert len(part) == 30 and len(held) == 10 and not set(part.numbers) & set(held.numbers)
    batch, again = part.batches(0, 6, 5), part.batches(6, 6, 5)
    for name, values in batch(3).items():
        assert np.array_equal(values, again(2)[name]), name
    seen = np.concatenate([batch(index)["pictures"][:, 0, 0, 0] for index in range(5)])
    assert sorted(seen) == sorted(part.numbers)  # an epoch shows each of them once


def test_labels_of_a_batch():
    batch = Part(shades(), np.arange(40)).batches(0, 16, 0)(0)
    own = batch["labels"].argmax(1)
    assert np.array_equal(own, batch["pictures"][:, 0, 0, 0] % 4) and set(np.unique(batch["labels"])) == {-1, 1}
    assert (batch["wrong"].argmax(1) != own).all()
    assert batch["drawn"].shape == (16, 4) and (batch["drawn"].argmax(1) != own).any()


def test_others_differ_in_a_label():
    values = np.array([[1, 1], [1, -1], [-1, -1]], np.float32)
    own = values[np.arange(300) % 3]
    found = others(values, own, 0, seed=1)
    assert (found != own).any(axis=1).all()
    pairs = {(tuple(a), tuple(b)) for a, b in zip(own.tolist(), found.tolist(), strict=True)}
    assert len(pairs) == 6  # each of the other two comes after each


def test_labels_are_part_of_what_a_run_belongs_to():
    pictures = shades()
    assert pictures.sha256 == shades().sha256 != LabelledPictures(pictures.pixels, labels=shades(40, 2).labels).sha256


def test_too_few_pictures():
    with pytest.raises(ImageError, match="3 pictures do not suffice"):
        trained_and_held(shades(3, 3), 1, seed=0)
    with pytest.raises(ImageError, match="4 pictures are too few"):
        trained_and_held(shades(4, 4), 1, seed=0)
