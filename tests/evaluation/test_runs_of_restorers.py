"""Runs of `--restorer`: pictures of any size through the same runner, journal and report as those of priors."""

import json
import os
import signal

import numpy as np
import pytest
import tiny_restorer
from commands import call
from foreign_features import vgg_state, vgg_tree
from PIL import Image
from tiny_prior import write_tiny_prior

import jaxprior as jp
from jaxprior import operators
from jaxprior.data import images
from jaxprior.errors import RunError
from jaxprior.evaluation import Cell, Observer, RestorerCell, RunFolder, Stopped, run_cell, solving
from jaxprior.evaluation.at_once import RestorerSolver
from jaxprior.weights import registry
from jaxprior.weights.storage import save_weights


@pytest.fixture(autouse=True)
def family(tmp_path, monkeypatch):
    """The package of the tiny restorers is installed."""
    with tiny_restorer.installed(tmp_path, monkeypatch):
        yield


@pytest.fixture
def enlarging(tmp_path):
    return tiny_restorer.save(tmp_path / "x2.safetensors")


@pytest.fixture
def filling(tmp_path):
    return tiny_restorer.save(tmp_path / "fill.safetensors", task="inpaint", multiple=4)


def pixels_of(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def photos(tmp_path):
    """A folder of photographs of several sizes and kinds, and a broken one."""
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(pixels_of(21, 30)).save(folder / "a.png")
    Image.fromarray(pixels_of(17, 12)[..., 0]).save(folder / "grey.png")
    Image.fromarray(np.dstack([pixels_of(16, 20), np.full((16, 20), 255, np.uint8)])).save(folder / "rgba.png")
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def rows_of(run) -> dict:
    return {os.path.basename(row.image): row for row in RunFolder(run).rows()}


def picture(run, kind: str, row) -> np.ndarray:
    return images.load_image(RunFolder(run).file(kind, row.file))


def test_photographs_come_back_larger_and_a_bad_file_is_a_failed_row(enlarging, photos, tmp_path):
    said = call("superres", photos, "--restorer", enlarging, "-o", tmp_path / "run", code=1).output
    rows, restorer = rows_of(tmp_path / "run"), jp.load_restorer(enlarging)
    assert [row.status for row in rows.values()] == ["ok", "failed", "ok", "ok"] and "broken.png: failed" in said
    for name, row in rows.items():
        if row.status == "ok":
            given = images.load_image(photos / name)
            np.testing.assert_array_equal(picture(tmp_path / "run", "images", row), jp.apply_restorer(restorer, given))
            np.testing.assert_array_equal(picture(tmp_path / "run", "inputs", row), given)
            assert row.psnr is None and row.loss is None and row.seconds > 0
    assert "Restorer tiny, pictures of their own size" in (tmp_path / "run/summary.md").read_text()
    page = (tmp_path / "run/report.html").read_text()
    assert "superres x2" in page and "Restorer tiny" in page and "generator is what" not in page
    assert not any((tmp_path / "run/raw").iterdir()) and not any((tmp_path / "run/latents").iterdir())
    call("report", tmp_path / "run")


def test_originals_are_cropped_shrunk_and_compared_at_full_size(enlarging, photos, tmp_path):
    (photos / "broken.png").unlink()
    command = ("superres", photos, "--restorer", enlarging, "--clean", "--measures", "psnr-luma,gradient-energy")
    shown = call(*command, "-o", tmp_path / "run").output
    assert "superres x2 antialiased" in shown and "PSNR-Y" in shown
    row, whole = rows_of(tmp_path / "run")["a.png"], pixels_of(21, 30)[:20]
    small = np.asarray(Image.fromarray(whole).resize((15, 10), Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(picture(tmp_path / "run", "inputs", row).astype(int) - small).max() <= 1
    assert row.notes == ("cropped to 30x20",)
    large = picture(tmp_path / "run", "images", row)
    x, y = (images.to_float(one)[None] for one in (large, whole))
    assert row.psnr == pytest.approx(float(jp.metrics.psnr(x, y)[0]), abs=1e-5)
    assert row.ssim == pytest.approx(float(jp.metrics.ssim(x, y)[0]), abs=1e-5)
    assert row.psnr_luma == pytest.approx(float(jp.metrics.psnr_luma(x, y, border=2)[0]), abs=1e-5)
    assert row.gradient_energy == pytest.approx(float(jp.metrics.gradient_energy(x, y)[0]), abs=1e-5)
    assert row.psnr_merged is None
    call(*command, "--kernel", "box", "-o", tmp_path / "box")
    boxed = whole.reshape(10, 2, 15, 2, 3).mean(axis=(1, 3))
    found = picture(tmp_path / "box", "inputs", rows_of(tmp_path / "box")["a.png"])
    assert np.abs(found - boxed).max() <= 0.51


def test_observed_pictures_are_compared_with_originals_that_are_as_many_times_larger(enlarging, tmp_path):
    for name, size in {"small/a": (10, 15), "small/b": (10, 15), "large/a": (21, 30), "large/b": (15, 15)}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels_of(*size)).save(tmp_path / f"{name}.png")
    command = ("superres", tmp_path / "small", "--restorer", enlarging, "--reference", tmp_path / "large")
    call(*command, "-o", tmp_path / "run", code=1)
    good, bad = rows_of(tmp_path / "run").values()
    assert good.psnr > 0 and picture(tmp_path / "run", "originals", good).shape == (20, 30, 3)
    assert "expected an original of 30x20 pixels, 2 times as large" in bad.reason


def test_holes_are_filled_at_full_size_and_known_pixels_stay_to_the_bit(filling, photos, tmp_path):
    (photos / "broken.png").unlink()
    call("inpaint", photos, "--mask", "block:0.25", "--restorer", filling, "-o", tmp_path / "run")
    for name, row in rows_of(tmp_path / "run").items():
        given, made = images.load_image(photos / name), picture(tmp_path / "run", "images", row)
        missing = picture(tmp_path / "run", "masks", row)[..., 0] > 0
        assert 0.2 < missing.mean() < 0.3 and made.shape == given.shape
        np.testing.assert_array_equal(made[~missing], given[~missing])
        np.testing.assert_array_equal(made, jp.apply_restorer(str(filling), given, missing))
        assert (picture(tmp_path / "run", "inputs", row)[missing] == 128).all()
    shown = call("inpaint", photos, "--mask", "center:0.25", "--restorer", filling, "--clean", "-o", tmp_path / "clean")
    assert "PSNR hole" in shown.output and "PSNR merged" in shown.output
    row = rows_of(tmp_path / "clean")["a.png"]
    made, truth = (images.to_float(picture(tmp_path / "clean", kind, row))[None] for kind in ("images", "originals"))
    mask = (picture(tmp_path / "clean", "masks", row)[None, ..., 0] > 0).astype(np.float32)
    assert row.psnr_hole == pytest.approx(float(jp.metrics.psnr(made, truth, mask=mask)[0]), abs=1e-4)
    assert row.psnr_merged == pytest.approx(float(jp.metrics.psnr(made, truth)[0]), abs=1e-4)


def test_masks_of_a_wrong_size_empty_ones_and_full_ones(filling, tmp_path):
    for folder in ("photos", "masks"):
        (tmp_path / folder).mkdir()
    shapes = {"empty": (12, 16), "full": (12, 16), "good": (12, 16), "wrong": (12, 19)}
    for name, shape in shapes.items():
        Image.fromarray(pixels_of(12, 16)).save(tmp_path / f"photos/{name}.png")
        mask = np.zeros(shape, np.uint8)
        mask[3:6, 4:9] = 0 if name == "empty" else 255
        Image.fromarray(np.full(shape, 255, np.uint8) if name == "full" else mask).save(tmp_path / f"masks/{name}.png")
    run = tmp_path / "run"
    call("inpaint", tmp_path / "photos", "--mask", tmp_path / "masks", "--mask-means", "white", "--restorer", filling,
         "-o", run, code=1)  # fmt: skip
    rows = {name.partition(".")[0]: row for name, row in rows_of(run).items()}
    assert {name: row.status for name, row in rows.items()} == {
        "empty": "ok", "full": "failed", "good": "ok", "wrong": "failed",
    }  # fmt: skip
    assert "nothing is missing" in rows["empty"].reason
    np.testing.assert_array_equal(picture(run, "images", rows["empty"]), pixels_of(12, 16))
    assert "12" in rows["wrong"].reason


def test_a_single_pixel_is_a_picture_too(enlarging, tmp_path):
    Image.fromarray(pixels_of(1, 1)).save(tmp_path / "one.png")
    call("superres", tmp_path / "one.png", "--restorer", enlarging, "-o", tmp_path / "run")
    (row,) = rows_of(tmp_path / "run").values()
    assert picture(tmp_path / "run", "images", row).shape == (2, 2, 3)
    call("superres", tmp_path / "one.png", "--restorer", enlarging, "--clean", "-o", tmp_path / "clean", code=1)
    (row,) = rows_of(tmp_path / "clean").values()
    assert row.reason == "it is 1x1, and shrunk by 2 nothing of it is left."


def test_a_stopped_run_goes_on_by_the_same_command(enlarging, photos, tmp_path):
    """SIGTERM between two tiles: what is done is kept, nothing is done twice, and the bytes are the same."""
    (photos / "broken.png").unlink()
    restorer, sources = jp.load_restorer(enlarging), images.list_images([photos])
    cell = RestorerCell(task=operators.SuperResolve(2, kernel="antialiased"), clean=False)
    run_cell(cell, sources, RunFolder(tmp_path / "whole"), prior=restorer)
    solved = []

    class Killing(Observer):
        def step(self, pictures, steps_done, steps_total, mean_loss):
            if len(solved) == 1:
                os.kill(os.getpid(), signal.SIGTERM)

        def rows(self, rows, *, computed):
            solved.extend(row.image for row in rows if computed)

    with pytest.raises(Stopped):
        run_cell(cell, sources, RunFolder(tmp_path / "run"), prior=restorer, observer=Killing())
    assert 1 <= len(solved) < 3
    done = list(solved)
    solved.extend(["no more killing"] * 9)
    rows = run_cell(cell, sources, RunFolder(tmp_path / "run"), prior=restorer, observer=Killing())
    assert len(rows) == 3 and sorted([*done, *solved[len(done) + 9 :]]) == sorted(row.image for row in rows)
    assert {p.name: p.read_bytes() for p in (tmp_path / "run/images").iterdir()} == {
        p.name: p.read_bytes() for p in (tmp_path / "whole/images").iterdir()
    }


def test_the_same_command_continues_and_other_weights_are_refused(enlarging, photos, tmp_path):
    (photos / "broken.png").unlink()
    command = ("superres", photos, "-o", tmp_path / "run", "--restorer")
    call(*command, enlarging, "--limit", "1")
    call(*command, enlarging)
    assert len(rows_of(tmp_path / "run")) == 3
    other = tiny_restorer.save(tmp_path / "x3.safetensors", factor=3)
    assert "was made with" in call(*command, other, code=2).output
    assert json.loads((tmp_path / "run/run.json").read_text())["configuration"]["restorer"]["name"] == "tiny"
    refused = call("edit", tmp_path / "run", "--direction", tmp_path / "d.npy", "--amount", "1", code=2).output
    assert "no latents" in " ".join(refused.split())


@pytest.mark.parametrize(
    "words, sentence",
    [
        ("superres P --restorer FILL", "tiny fills holes: give it to `jaxprior inpaint`"),
        ("inpaint P --mask center:0.25 --restorer X2", "tiny enlarges pictures: give it to `jaxprior superres`"),
        ("superres P --restorer X2 --factor 4", "tiny enlarges by 2, and the factor here is 4"),
        ("superres P --restorer X2 --prior cats32", "--prior means nothing beside it"),
        ("superres P --restorer X2 --codes 4 --steps 3", "--codes or --steps mean nothing beside it"),
        ("superres P --restorer X2 --memory 1", "--memory means nothing beside it"),
        ("inpaint P --mask center:0.2 --restorer FILL --size fit", "--size means nothing beside it"),
        ("superres P --restorer X2 --kernel box", "--kernel says how originals are shrunk: give --clean with it"),
        ("superres P --restorer nowhere", "nowhere: neither a bundled restorer"),
        ("superres P --restorer cats32", "cats32: this is a prior (pggan)"),
        ("superres P --prior X2", "is a restorer (tinyrestorer), for --restorer"),
        ("superres P --restorer X2 --clean --reference P", "give one"),
        ("superres P --restorer X2 --measures mse", "further measures compare results with originals"),
        ("inpaint P --restorer FILL", "--mask"),
        ("denoise P --restorer X2", "No such option"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(words, sentence, enlarging, filling, photos, tmp_path):
    places = {"P": photos, "X2": enlarging, "FILL": filling}
    given = [places.get(word, word) for word in words.split()]
    output = " ".join(call(*given, "-o", tmp_path / "run", code=2).output.split())
    assert sentence in output and not (tmp_path / "run").exists()


def test_a_picture_that_is_too_small_for_a_figure_has_all_others_and_a_grey_one_stays_grey(enlarging, photos, tmp_path):
    (photos / "broken.png").unlink()
    rng = np.random.default_rng(0)
    small, grey = rng.integers(0, 256, (4, 20, 3)), np.repeat(rng.integers(0, 256, (16, 16, 1)), 3, axis=-1)
    for name, pixels in (("small", small), ("grey", grey)):
        images.save_png(photos / f"{name}.png", pixels.astype(np.uint8))
    call("superres", photos, "--restorer", enlarging, "--clean", "-o", tmp_path / "run")
    rows = rows_of(tmp_path / "run")
    assert rows["small.png"].ssim is None and rows["small.png"].psnr > 0
    assert all(row.ssim is not None for name, row in rows.items() if name != "small.png")
    found = picture(tmp_path / "run", "images", rows["grey.png"])
    assert found.shape == (16, 16, 3) and (found == found[..., :1]).all()


def test_a_command_names_a_restorer_where_pictures_are_not_like_the_priors(photos, tmp_path, monkeypatch):
    monkeypatch.setenv("JAXPRIOR_DATA", str(tmp_path / "data"))
    (photos / "broken.png").unlink()
    write_tiny_prior(tmp_path / "prior.safetensors")
    monkeypatch.setattr(solving, "judge", lambda _prior, observed, _task: ["poor"] * len(observed))
    command = ["superres", photos, "--clean", "--limit", "1", "--factor", "2", "-o", tmp_path / "run"]
    command += ["--prior", tmp_path / "prior.safetensors", "--codes", 2, "--layer", 4, "--steps", 1, "--init", "random"]
    assert "--restorer" not in call(*command).output
    for name, factor in (("other", 3), ("right", 2)):
        (registry.restorers_folder() / name).mkdir(parents=True)
        tiny_restorer.save(registry.restorers_folder() / name / "model.safetensors", factor=factor)
    assert "`--restorer right` does this for pictures of any kind and size" in call(*command).output


def test_a_command_names_a_restorer_where_pictures_are_too_large_for_the_prior(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXPRIOR_DATA", str(tmp_path / "data"))
    write_tiny_prior(tmp_path / "prior.safetensors")
    images.save_png(tmp_path / "photo.png", np.full((40, 60, 3), 90, np.uint8))
    (registry.restorers_folder() / "right").mkdir(parents=True)
    tiny_restorer.save(registry.restorers_folder() / "right" / "model.safetensors", factor=2)
    command = ("superres", tmp_path / "photo.png", "--factor", "2", "-o", tmp_path / "run")
    told = call(*command, "--prior", tmp_path / "prior.safetensors", code=1).output
    assert "would be shrunk and not enlarged" in told
    assert "`--restorer right` does this for pictures of any kind and size" in told


def test_whole_pictures_are_compared_in_a_network_that_is_named(enlarging, filling, photos, tmp_path):
    (photos / "broken.png").unlink()
    cut = tmp_path / "cut.safetensors"
    save_weights(cut, {"network": vgg_tree(vgg_state("vgg16", last=14))}, {"architecture": "vgg16", "name": "cut"})
    common = ("--clean", "--limit", "1", "--perceptual", cut)
    call("superres", photos, "--restorer", enlarging, *common, "-o", tmp_path / "large")
    call("inpaint", photos, "--mask", "center:0.25", "--restorer", filling, *common, "-o", tmp_path / "filled")
    network = jp.load_features(cut)
    for run, hole in (("large", False), ("filled", True)):
        row = rows_of(tmp_path / run)["a.png"]
        x, y = (images.to_float(picture(tmp_path / run, kind, row))[None] for kind in ("images", "originals"))
        assert row.perceptual == pytest.approx(float(jp.metrics.perceptual(network, x, y)[0]), rel=1e-3)
        assert (row.perceptual_hole is not None) == hole
    observed = ("superres", photos, "--restorer", enlarging, "--perceptual", cut, "-o", tmp_path / "none")
    assert "compares results with originals" in call(*observed, code=2).output


def test_cells_and_networks_of_two_kinds_are_told_apart(enlarging, photos, tmp_path):
    restorer, task, sources = jp.load_restorer(enlarging), operators.SuperResolve(2), images.list_images([photos])
    with pytest.raises(RunError, match="a RestorerCell goes with a restorer"):
        run_cell(Cell(task=task, method=None), sources, RunFolder(tmp_path / "run"), prior=restorer)
    with pytest.raises(RunError, match="Restorers do superres and inpaint, and not colorize"):
        RestorerCell(task=operators.Colorize())
    with pytest.raises(RunError, match="takes each picture's mask from `mask`"):
        RestorerCell(task=operators.Inpaint(np.zeros((1, 1))))
    solver = RestorerSolver(RestorerCell(task=task), restorer, wanted=4)
    assert solver.at_once == 4 and solver.shrink() and solver.batch == 2
    assert solver.shrink() and not solver.shrink() and solver.batch == solver.at_once == 1
