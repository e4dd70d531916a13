"""The counting and the judge of `benchmarks/truth_table.py`, and its reader of MNIST's files."""

import gzip
import importlib
import struct
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxprior.data import images
from jaxprior.errors import ImageError


ROOT = Path(__file__).parents[2]


@pytest.fixture
def benchmark(monkeypatch):
    """Imports a module of the folder of benchmarks by its name."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module


def idx(values: np.ndarray) -> bytes:
    return bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def mnist(folder: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Random digits and labels, as MNIST's files in a folder."""
    chance = np.random.default_rng(0)
    pixels, labels = chance.integers(0, 256, (count, 28, 28), np.uint8), np.arange(count, dtype=np.uint8) % 10
    folder.mkdir()
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(pixels)))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(labels))
    return pixels, labels


def test_a_feature_is_counted_and_the_test_is_mcnemars(benchmark):
    count = benchmark("truth_table").truth_table
    labels = np.arange(20) % 10
    wrong = (labels + 1) % 10
    seen = np.where(np.arange(20) < 18, labels, wrong)  # two are not read in the original
    invert = np.where(np.arange(20) % 9 == 8, labels, wrong)  # keeps 8 and 17
    ge = np.where((np.arange(20) < 9) | (np.arange(20) == 17), labels, wrong)  # keeps 0 to 8, and 17
    found = count({"InvertGAN": invert, "GE": ge}, labels, seen)
    assert (found["digits"], found["left_out"]) == (18, 2)
    assert (found["both"], found["only_ge"], found["only_invertgan"], found["neither"]) == (2, 8, 0, 8)
    assert found["mcnemar_p"] == pytest.approx(2 / 2**8) and found["kept"]["GE"] == round(10 / 18, 4)
    assert count({"InvertGAN": ge, "GE": ge}, labels, seen)["mcnemar_p"] == 1.0


def test_digits_become_pictures_with_a_border_and_their_label_in_the_name(benchmark, tmp_path):
    digits = benchmark("digits")
    pixels, labels = mnist(tmp_path / "mnist", 30)
    digits.make_pictures(tmp_path / "mnist", tmp_path / "work", held_out=5)
    paths = [*(tmp_path / "work/train").iterdir(), *(tmp_path / "work/held-out").iterdir()]
    assert len(paths) == 30 and len(list((tmp_path / "work/held-out").iterdir())) == 5
    for path in paths:
        number = int(path.name[:5])
        picture = images.load_image(path)[..., 0]
        np.testing.assert_array_equal(picture[2:-2, 2:-2], pixels[number])
        assert not picture[:2].any() and digits.label_of(path.name) == labels[number]
    (tmp_path / "mnist/t10k-labels-idx1-ubyte").write_bytes(idx(labels)[:-1])
    with pytest.raises(ImageError, match="the file is damaged"):
        digits.make_pictures(tmp_path / "mnist", tmp_path / "other", held_out=5)
    (tmp_path / "mnist/t10k-labels-idx1-ubyte").write_bytes(b"no digits")
    with pytest.raises(ImageError, match="expected unsigned bytes in MNIST's IDX format"):
        digits.make_pictures(tmp_path / "mnist", tmp_path / "other", held_out=5)


def test_the_judge_goes_on_where_it_was_stopped(benchmark, tmp_path):
    digits = benchmark("digits")
    mnist(tmp_path / "mnist", 30)
    digits.make_pictures(tmp_path / "mnist", tmp_path / "work", held_out=5)
    train = tmp_path / "work/train"
    whole = digits.train_judge(train, tmp_path / "whole.safetensors", epochs=2)
    calls = iter([False, True])
    assert digits.train_judge(train, tmp_path / "part.safetensors", epochs=2, until=lambda: next(calls)) is None
    resumed = digits.train_judge(train, tmp_path / "part.safetensors", epochs=2)
    for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(resumed), strict=True):
        np.testing.assert_array_equal(a, b)
    again = digits.train_judge(train, tmp_path / "part.safetensors", epochs=2, until=lambda: pytest.fail("it is done"))
    assert digits.read_digits(again, sorted(train.iterdir())).shape == (25,)
