"""Figures that a run has only where it asks for them: mean squared error and MS-SSIM."""

import csv
import json

import numpy as np
import pytest
from commands import call
from tiny_prior import write_tiny_prior

import jaxprior as jp
from jaxprior import operators
from jaxprior.data import images, masks
from jaxprior.errors import RunError, SettingsError
from jaxprior.evaluation import Cell, parse_recipe
from jaxprior.evaluation.measures import check_asked
from jaxprior.evaluation.recipes import adapt
from jaxprior.evaluation.scores import score, score_photo
from jaxprior.metrics import check_measures


RANDOM = np.random.default_rng(0)


def pictures(side: int) -> list[np.ndarray]:
    """Raw and merged results and originals of two pictures."""
    return [RANDOM.uniform(-1, 1, (2, side, side, 3)).astype(np.float32) for _ in range(3)]


def test_the_figures_are_those_of_the_functions_and_change_no_other_one():
    raw, merged, truth = pictures(8)
    mask = np.zeros((2, 8, 8), np.float32)
    mask[:, :3, 2:5] = 1
    given = (operators.Inpaint(mask), raw, merged, truth)
    found, without = score(*given, truth, mask, measures=["mse"]), score(*given, truth, mask)
    wanted = {
        "mse": jp.metrics.mse(raw, truth), "mse_hole": jp.metrics.mse(raw, truth, mask=mask),
        "mse_merged": jp.metrics.mse(merged, truth),
    }  # fmt: skip
    for i, (figures, before) in enumerate(zip(found, without, strict=True)):
        for name, values in wanted.items():
            assert figures.pop(name) == pytest.approx(float(values[i]))
        assert figures == before
    assert score(*given, None, mask, measures=["mse"]) == score(*given, None, mask)


def test_ms_ssim_is_there_for_pictures_that_are_large_enough():
    raw, merged, truth = pictures(164)
    (first, _) = score(operators.Identity(), raw, merged, truth, truth, None, measures=["ms-ssim"])
    assert first["ms_ssim"] == pytest.approx(float(jp.metrics.ms_ssim(raw, truth)[0])) and "mse" not in first
    raw, merged, truth = pictures(12)
    assert "ms_ssim" not in score(operators.Identity(), raw, merged, truth, truth, None, measures=["ms-ssim"])[0]
    photo = RANDOM.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    figures = score_photo(photo, 255 - photo, None, measures=["mse", "ms-ssim"])
    assert figures["mse_merged"] > 0.1 and "ms_ssim_merged" not in figures
    assert "mse_merged" not in score_photo(photo, 255 - photo, None)


def test_what_cannot_be_measured_is_one_sentence():
    with pytest.raises(SettingsError, match="unknown measure 'msee': expected .*mse.* Did you mean mse"):
        check_measures(["msee"], 16)
    with pytest.raises(SettingsError, match="ms-ssim: pictures of 64 pixels a side are too small, it needs 161"):
        check_measures(["mse", "ms-ssim"], 64)
    check_measures(["mse", "ms-ssim"], None)
    hole = operators.Inpaint(np.eye(16, dtype=np.float32))
    cell = Cell(task=hole, mask=masks.parse_mask("center:0.25"), method=None, clean=False, measures=("mse",))
    with pytest.raises(RunError, match="mse: further measures compare results with originals"):
        check_asked(cell, (16, 16, 3))
    with pytest.raises(ValueError, match="must be optional"):
        jp.metrics.Metric(name="x", title="X", function=len, asked_as="x")


def test_a_recipe_asks_for_them():
    table = {"task": [{"name": "reconstruct"}], "measures": ["mse"]}
    recipe = parse_recipe(table)
    assert recipe.measures == ("mse",) and adapt(recipe, measures=["ms-ssim", "mse"]).measures == ("mse", "ms-ssim")
    with pytest.raises(SettingsError, match="measures: expected a list"):
        parse_recipe({**table, "measures": "mse"})


def test_a_run_has_them_as_columns_and_goes_on_with_them(tmp_path):
    write_tiny_prior(tmp_path / "tiny.safetensors")
    (tmp_path / "pictures").mkdir()
    for i in range(2):
        images.save_png(tmp_path / "pictures" / f"a{i}.png", RANDOM.integers(0, 256, (16, 16, 3), dtype=np.uint8))
    command = ["inpaint", tmp_path / "pictures", "--clean", "--mask", "center:0.25", "-o", tmp_path / "run"]
    command += ["--prior", tmp_path / "tiny.safetensors", "--codes", 2, "--layer", 4, "--steps", 2, "--init", "random"]
    call(*command, "--limit", 1, "--measures", "mse")
    call(*command)
    assert json.loads((tmp_path / "run/run.json").read_text())["measures"] == ["mse"]
    with open(tmp_path / "run/results.csv", newline="") as file:
        for row in csv.DictReader(file):
            assert 10 * np.log10(1 / float(row["mse_hole"])) == pytest.approx(float(row["psnr_hole"]), abs=0.01)
    summary = (tmp_path / "run/summary.md").read_text()
    assert "| MSE hole | 2 |" in summary and "MSE = mean squared error of the same pixels, in [0, 1]." in summary
    assert "too small" in call(*command, "--measures", "ms-ssim", code=2).stderr
