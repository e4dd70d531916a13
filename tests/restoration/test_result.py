"""What was found for a batch, as a person looks at it and keeps it."""

import csv
import dataclasses

import numpy as np
import pytest

import jaxprior as jp
from jaxprior.data import images
from jaxprior.errors import ArgumentError
from jaxprior.weights.card import Card


def found(count=2, draws=None, channels=3):
    """A result of flat pictures: the first is black, the next are lighter."""
    values = np.linspace(-1, 1, count, dtype=np.float32)
    merged = values.reshape(-1, 1, 1, 1) * np.ones((1, 16, 16, channels), np.float32)
    return jp.Result(
        images=merged, merged=merged, latents={}, loss=np.arange(count) / 2.0, steps=np.arange(count),
        diverged=np.arange(count) > 0, trace=np.zeros((count, 3)), seconds=np.full(count, 0.25),
        draws=None if draws is None else np.stack([merged] * draws, axis=1),
    )  # fmt: skip


def test_rows_of_the_sheet_are_observed_restored_and_original():
    result = found()
    alone, three = result.show(), result.show(result.merged, result.merged)
    assert three.height > 3 * alone.height - 20 and three.width == alone.width
    assert found(draws=4).show(result.merged).height > 4 * alone.height


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_and_a_table_are_written(tmp_path, channels):
    files = found(channels=channels).save(tmp_path / "new" / "folder")
    assert [file.name for file in files] == ["0000.png", "0001.png"]
    assert (images.load_image(files[0]) == 0).all() and (images.load_image(files[1]) == 255).all()
    rows = list(csv.DictReader((tmp_path / "new" / "folder" / "results.csv").open()))
    assert rows[1] == {"name": "0001", "loss": "0.5", "step": "1", "diverged": "True", "seconds": "0.25"}


def test_draws_have_files_of_their_own(tmp_path):
    files = found(draws=2).save(tmp_path, names=["a", "b.c"])
    assert [file.name for file in files] == ["a-1.png", "a-2.png", "b.c-1.png", "b.c-2.png"]


@pytest.mark.parametrize("names", [["a"], "ab", ["a", "a"], ["a", "../b"], ["a", ""], ["a", "b/c"]])
def test_names_that_cannot_be_are_refused(tmp_path, names):
    with pytest.raises(ArgumentError, match="`names`"):
        found().save(tmp_path, names=names)
    assert not list(tmp_path.iterdir())


def test_volumes_are_shown_by_their_middle_slices_and_written_as_arrays(tmp_path):
    merged = np.full((2, 6, 16, 8, 1), -1, np.float32)
    merged[:, 3] = 1
    result = dataclasses.replace(found(), images=merged, merged=merged)
    assert np.asarray(result.show()).min() == 255
    shown = result.show(observed=merged, originals=merged)
    assert shown.height > result.show().height and "<img" in result._repr_html_()
    files = result.save(tmp_path)
    assert [file.name for file in files] == ["0000.npy", "0001.npy"] and (tmp_path / "results.csv").is_file()
    np.testing.assert_array_equal(np.load(files[1]), merged[1])
    drawn = dataclasses.replace(result, draws=np.stack([merged] * 3, axis=1))
    assert drawn.show().height > 2 * result.show().height and len(drawn.save(tmp_path / "d")) == 6


def test_a_notebook_shows_results_priors_and_cards():
    page = found()._repr_html_()
    assert "<th" in page and "diverged" in page and 'src="data:image/png;base64,' in page
    prior = jp.load_prior("cats32")
    assert "cat faces" in prior._repr_html_() and "32x32" in prior._repr_html_()
    card = Card({"name": "<b>", "defaults": {"steps": 3}})
    assert "&lt;b&gt;" in card._repr_html_() and "steps" in card._repr_html_()
