"""The page of a training of a generator: what it makes, how it came about, how to use it."""

import json
import re

import numpy as np
import pytest
from report_helpers import Page

from jaxprior.data import images
from jaxprior.evaluation import write_training_report
from jaxprior.reporting.samples import samples_over_time
from jaxprior.training.evaluators import read_evaluation
from jaxprior.weights import storage


def sheet(level: int, *, rows: int = 2, side: int = 64) -> np.ndarray:
    """A sheet whose first row never changes, as a training keeps it; further rows have the given grey."""
    tiles = [np.full((side, side, 3), 99 if place < 8 else level, np.uint8) for place in range(8 * rows)]
    return images.grid(tiles, columns=8)


def make_training(run, *, recipe="pggan", architecture="pggan", sheets=(100, 200), **made):
    """The folder of a training as it is left on disk."""
    (run / "samples").mkdir(parents=True)
    card = {"architecture": architecture, "training": {"seconds": 60, "recipe": {}, **made}}
    storage.save_weights(run / "model.safetensors", {"generator": {"x": np.zeros(1, np.float32)}}, card)
    record = {"kind": "training", "configuration": {"recipe": recipe}, "data": "cats.zip"}
    (run / "run.json").write_text(json.dumps(record))
    (run / "metrics.csv").write_text("step,phase,images,loss\n1,8x8,1000,2\n2,16x16 fade,2000,1\n")
    for shown, level in enumerate(sheets, 1):
        images.save_png(run / f"samples/{1000 * shown:08d}.png", sheet(level))
    if sheets:
        images.save_png(run / "samples.png", sheet(sheets[-1]))
    return run


def test_page_has_samples_over_time_distances_and_commands(tmp_path):
    run = make_training(tmp_path / "my cats")
    table = "step,phase,images,swd_mean,real_mean\n1,8x8,1000,40.5,3\n2,16x16,2000,20.5,3\n"
    (run / "swd.csv").write_text(table)
    text = write_training_report(run).read_text()
    page = Page(text)
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    headings = ["Newest samples", "How to use it", "Samples over time", "Losses", "Figures", "Settings"]
    assert re.findall("<h2>(.*?)</h2>", text) == headings
    assert "after 1,000 pictures<br><span class='soft'>8x8</span>" in text and "16x16 fade</span>" in text
    assert f"jaxprior inpaint PHOTO --mask MASK -o RUN --prior '{run}'".replace("'", "&#x27;") in text
    assert 'aria-label="sliced Wasserstein distance x 1000 against thousand pictures shown"' in text
    assert ">swd mean</span>" in text and ">real mean</span>" in text and "Lower is better" in text
    assert "unfinished" not in text


def test_an_unfinished_training_says_how_far_it_is(tmp_path):
    run = make_training(tmp_path / "run", sheets=(), unfinished={"steps": 1200, "of": 5000})
    text = write_training_report(run).read_text()
    assert "<b>unfinished: step 1,200 of 5,000; the same command goes on</b>" in text
    assert "Samples over time" not in text and "Newest samples" not in text


@pytest.mark.parametrize(("recipe", "architecture", "said", "unsaid"), [
    ("lsgan", "dcgan", "jaxprior reconstruct IMAGES -o RUN --prior", "--refine"),
    ("autoencoder", "autoencoder", "jaxprior inpaint IMAGES --mask MASK -o RUN --refine", "--prior"),
    ("unheard-of", "unheard-of", "Samples over time", "How to use it"),
])  # fmt: skip
def test_every_recipe_has_the_commands_in_which_it_serves(tmp_path, recipe, architecture, said, unsaid):
    text = write_training_report(make_training(tmp_path / "run", recipe=recipe, architecture=architecture)).read_text()
    assert said in text and unsaid not in text


def test_a_network_that_was_given_holes_serves_from_python(tmp_path):
    run = make_training(tmp_path / "run", recipe="autoencoder", architecture="autoencoder")
    record = json.loads((run / "run.json").read_text())
    record["configuration"]["mask"] = "center:0.25"
    (run / "run.json").write_text(json.dumps(record))
    text = write_training_report(run).read_text()
    assert "refiner = jaxprior.load_refiner(" in text and "--refine" not in text


def test_the_row_over_time_is_the_first_one_that_changed_and_sheets_are_few(tmp_path):
    run = make_training(tmp_path / "run", sheets=range(100, 140))
    found = samples_over_time(run / "samples")
    assert len(found) == 10 and found[0].images == 1000 and found[-1].images == 40_000
    assert [int(one.row[5, 5, 0]) for one in found[:: len(found) - 1]] == [100, 139]


def test_damaged_sheets_and_pictures_of_another_kind_are_left_out(tmp_path):
    run = make_training(tmp_path / "run", sheets=(100, 110, 120))
    (run / "samples/00002000.png").write_bytes(b"not a picture")
    images.save_png(run / "samples/notes.png", sheet(1))
    images.save_png(run / "samples/00009000.png", np.zeros((30, 50, 3), np.uint8))
    assert [one.images for one in samples_over_time(run / "samples")] == [1000, 3000]
    assert samples_over_time(tmp_path / "nowhere") == []
    assert "Samples over time" in write_training_report(run).read_text()


def test_figures_of_an_evaluator_that_is_not_known_are_a_table(tmp_path):
    run = make_training(tmp_path / "run")
    (run / "own.csv").write_text("step,phase,images,beauty\n1,8x8,1000,7\n2,8x8,2000,8\n")
    found = read_evaluation(run)
    assert found.title == "Figures" and found.curve == "" and [row["beauty"] for row in found.rows] == ["7", "8"]
    text = write_training_report(run).read_text()
    assert ">beauty</th>" in text and re.findall("<h3>(.*?)</h3>", text) == ["loss"]
