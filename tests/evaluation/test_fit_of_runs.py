"""Runs say of their pictures whether they look like what the prior was trained on."""

from pathlib import Path

import numpy as np
import pytest
from commands import call
from program import journal_rows
from tiny_prior import write_tiny_prior

from jaxprior.data import images
from jaxprior.evaluation import solving


QUICK = ("--codes", 2, "--layer", 4, "--steps", 2, "--optimizer", "adam", "--init", "random", "--starts", 1)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with a prior and a judge to whom pictures fit that are bright where they are known."""
    monkeypatch.chdir(tmp_path)
    write_tiny_prior(Path("tiny.safetensors"))
    Path("in").mkdir()

    def judge(_prior, observed, task):
        masks = np.broadcast_to(task.mask, observed.shape[:3]) > 0
        means = [float(picture[~mask].mean()) for picture, mask in zip(np.asarray(observed), masks, strict=True)]
        return ["good" if mean > 0 else "poor" for mean in means]

    monkeypatch.setattr(solving, "judge", judge)
    return tmp_path


def save(name, pixels):
    images.save_png(f"in/{name}.png", np.repeat(pixels[..., None], 3, -1).astype(np.uint8))


def inpaint(*more):
    return call("inpaint", "in", "-o", "run", "--prior", "tiny.safetensors", *QUICK, *more).stdout


def test_a_command_names_the_pictures_that_fit_poorly_and_ends_well(folder):
    save("bright", np.full((16, 16), 200))
    save("dark", np.full((16, 16), 20))
    shown = inpaint("--mask", "center:0.25", "--size", "fit")
    said = "1 of 2 pictures does not look like what tiny was trained on; take another prior: `jaxprior priors`"
    assert said in shown
    assert {Path(row.image).stem: (row.status, row.fit) for row in journal_rows(folder / "run")} == {
        "bright": ("ok", "good"),
        "dark": ("ok", "poor"),
    }
    assert "fit" in (folder / "run/results.csv").read_text().splitlines()[0].split(",")
    assert said in inpaint("--mask", "center:0.25", "--size", "fit")  # again, with the rows that are there


def test_a_photograph_fits_poorly_if_the_squares_of_most_of_its_holes_do(folder):
    left_dark = np.repeat(np.where(np.arange(80) < 40, 20, 200)[None], 32, 0)
    mask = np.zeros((32, 80), np.uint8)
    mask[8:22, 8:22] = mask[10:16, 60:66] = 255
    images.save_png("mask.png", np.repeat(mask[..., None], 3, -1))
    save("dark", left_dark)
    save("bright", left_dark[:, ::-1])
    inpaint("--mask", "mask.png")
    assert {Path(row.image).stem: row.fit for row in journal_rows(folder / "run")} == {"dark": "poor", "bright": "good"}
