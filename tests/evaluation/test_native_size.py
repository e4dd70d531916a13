"""Runs in which pictures keep their size: rows, files, keys, resuming, masks and originals."""

import csv
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import inside, stable_files
from tiny_prior import write_tiny_prior

from jaxprior.data import images
from jaxprior.data.masks import parse_mask
from jaxprior.data.pixels import to_grey
from jaxprior.errors import RunError
from jaxprior.evaluation import Cell, Observer, RunFolder, Stopped, run_cell, write_report
from jaxprior.evaluation.stored import load_latents
from jaxprior.inversion.codes import MultiCode
from jaxprior.operators import Colorize, Identity, Inpaint
from jaxprior.restoration import drivers
from jaxprior.restoration.presets import Method
from jaxprior.weights.priors import load_prior


METHOD = Method(MultiCode(num_codes=2, layer=4), drivers.Objective(), drivers.Solve(steps=60, init="random"))
QUICK = ("--codes", 2, "--layer", 4, "--steps", 2, "--optimizer", "adam", "--init", "random", "--starts", 1)
SIZES = {"a": (40, 60), "b": (50, 30), "c": (16, 16), "d": (10, 12)}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_tiny_prior(tmp_path_factory.mktemp("prior") / "tiny.safetensors")


@pytest.fixture(scope="module")
def prior(weights):
    return load_prior(weights)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with pictures of several sizes."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for seed, (name, shape) in enumerate(SIZES.items()):
        pixels = np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)
        images.save_png(f"in/{name}.png", pixels)
    return tmp_path


def rows_of(run="run"):
    with open(f"{run}/results.csv", encoding="utf-8") as file:
        return {Path(row["image"]).stem: row for row in csv.DictReader(file)}


def picture(kind, row, run="run"):
    return images.load_image(Path(run, kind, f"{row['file']}.png"))


def write_mask(name, shape, *blocks):
    mask = np.zeros(shape, np.uint8)
    for top, left, bottom, right in blocks:
        mask[top:bottom, left:right] = 255
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).save(name)


def test_inpaint_answers_in_the_pictures_own_sizes(weights, folder):
    command = ("inpaint", "in", "--mask", "center:0.25", "--prior", weights, *QUICK, "-o", "run")
    ended = inside(*command)
    assert ended.code == 0, ended.out + ended.err
    assert "4 pictures of up to 60x40: 4 holes, each restored at 16x16 (x0.6 to x2.5 enlarged)" in ended.out
    for name, row in rows_of().items():
        given, made, mask = images.load_image(f"in/{name}.png"), picture("images", row), picture("masks", row) > 127
        expected = parse_mask("center:0.25").draw(SIZES[name])
        np.testing.assert_array_equal(mask[..., 0], expected)
        np.testing.assert_array_equal(made[~mask], given[~mask])
        assert made.shape == given.shape and picture("raw", row).shape == (16, 16, 3)
        seen = picture("inputs", row)
        assert (seen[mask] == 128).all() and np.array_equal(seen[~mask], given[~mask])
        assert float(row["psnr_known"]) > 0 and not row["psnr"]
    before = stable_files(Path("run"))
    assert inside(*command).code == 0 and stable_files(Path("run")) == before
    settings = json.loads(Path("run/run.json").read_text())["configuration"]
    assert settings["size"] == "native" and "fit" not in settings
    refused = inside(*command, "--size", "fit")
    assert refused.code == 2 and refused.one_sentence


def test_colorize_keeps_the_brightness_and_shows_every_square(weights, folder):
    ended = inside("colorize", "in", "--prior", weights, *QUICK, "-o", "run")
    assert ended.code == 0 and "colours of 7 squares, each restored at 16x16" in ended.out, ended.out + ended.err
    for name, row in rows_of().items():
        given, made = images.load_image(f"in/{name}.png"), picture("images", row)
        assert made.shape == given.shape
        assert np.abs(to_grey(made).astype(int) - to_grey(given)).max() <= 1
        assert np.array_equal(picture("inputs", row)[..., :1], to_grey(given))
        raws = sorted(path.name for path in Path("run/raw").glob(f"{row['file']}*"))
        assert len(raws) == {"a": 2, "b": 2, "c": 1, "d": 2}[name]


def test_with_clean_pictures_are_fitted_unless_it_is_said_otherwise(weights, folder):
    common = ("inpaint", "in", "--mask", "center:0.25", "--prior", weights, *QUICK)
    assert inside(*common, "--clean", "-o", "fit").code == 0
    settings = json.loads(Path("fit/run.json").read_text())["configuration"]
    assert "size" not in settings and settings["fit"].startswith("EXIF-rotated, centre square")
    assert picture("images", rows_of("fit")["a"], "fit").shape == (16, 16, 3)
    assert inside(*common, "--size", "fit", "-o", "observed").code == 0
    assert picture("images", rows_of("observed")["a"], "observed").shape == (16, 16, 3)
    assert inside(*common, "--clean", "--size", "native", "-o", "native").code == 0
    row = rows_of("native")["a"]
    np.testing.assert_array_equal(picture("originals", row, "native"), images.load_image("in/a.png"))
    assert float(row["psnr_merged"]) > float(row["psnr_hole"]) > 0 and not row["psnr"]
    assert "--size" not in inside("superres", "--help").out


def test_a_command_says_why_pictures_do_not_keep_their_size(weights, folder):
    common = ("in/a.png", "--prior", weights, *QUICK)
    said = inside("reconstruct", *common, "-o", "r").out
    assert "\nreconstruct answers in the size of its prior's pictures\n" in said
    said = inside("colorize", *common, "--clean", "-o", "c").out
    assert "cut to the centre square and shrunk to 16x16 (from 60x40)\nwith --clean, pictures are compared at" in said
    said = [line for line in inside("colorize", *common, "-o", "n").out.splitlines() if "defaults by size" not in line]
    assert not [line for line in said if "size" in line]


def test_originals_are_compared_at_the_pictures_own_size(weights, folder):
    Path("originals").mkdir()
    for name in SIZES:
        images.save_png(f"originals/{name}.png", images.load_image(f"in/{name}.png"))
    command = ("inpaint", "in", "--mask", "center:0.25", "--prior", weights, *QUICK, "-o", "run")
    assert inside(*command, "--reference", "originals").code == 0
    row = rows_of()["a"]
    made, given = (one.astype(float) / 255 for one in (picture("images", row), images.load_image("in/a.png")))
    assert float(row["psnr_merged"]) == pytest.approx(-10 * np.log10(((made - given) ** 2).mean()), abs=1e-3)


def test_masks_in_files_are_laid_on_the_whole_picture(weights, folder):
    write_mask("masks/a.png", (40, 60), (0, 50, 10, 60))
    write_mask("masks/b.png", (100, 60), (80, 40, 100, 60))  # of the same shape, twice as large
    write_mask("masks/c.png", (16, 16))  # marks nothing
    write_mask("masks/d.png", (30, 10), (5, 2, 20, 8))  # of another shape
    ended = inside(
        "inpaint", "in", "--mask", "masks", "--mask-means", "white", "--prior", weights, *QUICK, "-o", "run"
    )
    assert ended.code == 1
    rows = rows_of()
    assert np.argwhere(picture("masks", rows["a"])[..., 0] > 127).min(axis=0).tolist() == [0, 50]
    assert np.argwhere(picture("masks", rows["b"])[..., 0] > 127).min(axis=0).tolist() == [40, 20]
    assert "returned unchanged" in rows["c"]["reason"]
    np.testing.assert_array_equal(picture("images", rows["c"]), images.load_image("in/c.png"))
    assert rows["d"]["status"] == "failed" and "12x10 and the mask 10x30" in rows["d"]["reason"]


def test_a_square_mask_lies_on_the_centre_square_with_a_note(weights, folder):
    write_mask("m.png", (20, 20), (5, 5, 15, 15))
    ended = inside("inpaint", "in/a.png", "--mask", "m.png", "--prior", weights, *QUICK, "-o", "run")
    row = rows_of()["a"]
    assert ended.code == 0 and "was laid on the picture's centre square" in row["notes"]
    mask = picture("masks", row)[..., 0] > 127
    assert mask[10:30, 20:40].all() and mask.sum() == 400


def test_a_thin_hole_is_filled_from_around_and_nothing_is_inverted(weights, folder):
    write_mask("m.png", (40, 60), (20, 5, 22, 55))
    ended = inside("inpaint", "in/a.png", "--mask", "m.png", "--prior", weights, *QUICK, "-o", "run")
    row = rows_of()["a"]
    assert ended.code == 0 and "no hole is so thick that it needs the prior" in ended.out
    assert "1 thin hole was filled from around, without the prior" in row["notes"] and not row["loss"]
    assert not list(Path("run/raw").iterdir()) and picture("images", row).shape == (40, 60, 3)
    before = stable_files(Path("run"))
    assert inside("inpaint", "in/a.png", "--mask", "m.png", "--prior", weights, *QUICK, "-o", "run").code == 0
    assert stable_files(Path("run")) == before


def test_a_picture_with_nothing_known_around_a_hole_fails_and_the_others_go_on(weights, folder):
    for name, shape in SIZES.items():
        write_mask(f"masks/{name}.png", shape, *([(0, 0, 40, 59)] if name == "a" else [(2, 2, 8, 8)]))
    ended = inside("inpaint", "in", "--mask", "masks", "--prior", weights, *QUICK, "-o", "run")
    assert ended.code == 1
    assert {name: row["status"] for name, row in rows_of().items()} == {"a": "failed", "b": "ok", "c": "ok", "d": "ok"}
    assert "nothing is known at 16 pixels" in rows_of()["a"]["reason"]


def several_holes(folder, prior):
    """A cell with two holes in each picture."""
    for name, shape in SIZES.items():
        height, width = shape
        write_mask(f"masks/{name}.png", shape, (1, 1, 7, 7), (height - 7, width - 7, height - 1, width - 1))
    return Cell(task=Inpaint(np.zeros((16, 16))), mask=parse_mask("masks"), method=METHOD, clean=False, size="native")


def go(cell, prior, run, **options):
    rows = run_cell(cell, images.list_images(["in"]), RunFolder(run), prior=prior, **options)
    write_report([RunFolder(run)])
    return rows


def test_a_stopped_run_goes_on_inside_a_picture_to_the_same_bytes(folder, prior):
    cell = several_holes(folder, prior)

    class Stopping(Observer):
        def step(self, pictures, steps_done, steps_total, mean_loss):
            if steps_total > 60 and steps_done > 60:  # in the second hole of the first picture
                os.kill(os.getpid(), signal.SIGTERM)

    class Steps(Observer):
        steps = ()

        def step(self, pictures, steps_done, steps_total, mean_loss):
            self.steps = (*self.steps, (steps_done, steps_total))

    go(cell, prior, "whole")
    with pytest.raises(Stopped):
        go(cell, prior, "run", observer=Stopping())
    assert RunFolder("run").in_flight.is_file() and not list(RunFolder("run").journal)
    watched = Steps()
    rows = go(cell, prior, "run", observer=watched)
    assert watched.steps[0][0] > 60 and watched.steps[0][1] == 120
    assert stable_files(Path("run")) == stable_files(Path("whole"))
    first = next(row for row in rows if row.image.endswith("a.png"))
    for name in (first.file, f"{first.file}-2"):
        assert RunFolder("run").file("raw", name).is_file() and RunFolder("run").file("latents", name).is_file()
    assert load_latents(RunFolder("run"), first)["z"].shape == (2, 8)


def test_equal_pictures_and_another_name_get_all_files_of_all_squares(folder, prior):
    cell = several_holes(folder, prior)
    images.save_png("in/a_copy.png", images.load_image("in/a.png"))
    Path("masks/a_copy.png").write_bytes(Path("masks/a.png").read_bytes())
    rows = {Path(row.image).stem: row for row in go(cell, prior, "run")}
    run = RunFolder("run")
    assert rows["a_copy"].key == rows["a"].key
    assert rows["a_copy"].file != rows["a"].file
    Path("in/a.png").rename("in/renamed.png")
    Path("masks/a.png").rename("masks/renamed.png")
    renamed = next(row for row in go(cell, prior, "run") if "renamed" in row.image)
    for name in (rows["a_copy"].file, renamed.file):
        for suffix in ("", "-2"):
            for kind in ("raw", "latents"):
                assert run.file(kind, f"{name}{suffix}").is_file(), (kind, name, suffix)
        copied, own = (images.load_image(run.file("raw", f"{one}-2")) for one in (name, rows["a"].file))
        np.testing.assert_array_equal(copied, own)


def test_a_task_that_cannot_keep_sizes_is_refused(prior):
    with pytest.raises(RunError, match="reconstruct answers in the size of its prior's images"):
        Cell(task=Identity(), method=METHOD, size="native")
    with pytest.raises(RunError, match="takes each picture's mask from a specification"):
        Cell(task=Inpaint(np.zeros((16, 16))), method=METHOD, size="native")
    assert Cell(task=Colorize(), method=METHOD, size="native").keeps_size
