"""Originals given with `--reference`: every picture is compared with its own, or with none."""

import csv
from pathlib import Path

import numpy as np
import pytest
from program import inside
from tiny_prior import write_tiny_prior

from jaxprior.data import images


QUICK = ("--codes", 2, "--layer", 4, "--steps", 1, "--optimizer", "adam", "--init", "random", "--starts", 1)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_tiny_prior(tmp_path_factory.mktemp("prior") / "tiny.safetensors")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(name, seed, shape=(16, 16)):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    images.save_png(name, np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8))


def inpaint(weights, *arguments):
    """The exit code, what was printed, and the rows of `results.csv` by picture."""
    command = ("inpaint", *arguments, "--mask", "center:0.25", "--prior", weights, *QUICK, "-o", "run")
    ended = inside(*command)
    with open("run/results.csv", encoding="utf-8") as file:
        return ended.code, ended.out, {row["image"]: row for row in csv.DictReader(file)}


def test_pictures_of_one_name_in_two_folders_are_compared_with_their_own_originals(weights, folder):
    for i, name in enumerate("ab"):
        save(f"in/{name}/x.png", i)
        save(f"ref/{name}/x.png", i)
    code, out, rows = inpaint(weights, "in", "--reference", "ref", "--merge", "paste")
    assert code == 0 and "file name alone" not in out
    for row in rows.values():  # what is known is the original's, to the bit: only the hole differs
        hole, merged = float(row["psnr_hole"]), float(row["psnr_merged"])
        assert merged == pytest.approx(hole + 10 * np.log10(4), abs=0.3)


def test_an_original_for_two_pictures_fails_both_and_names_them(weights, folder):
    for i, name in enumerate("ab"):
        save(f"in/{name}/x.png", i)
    save("ref/x.png", 0)
    code, _, rows = inpaint(weights, "in", "--reference", "ref")
    assert code == 1 and [row["status"] for row in rows.values()] == ["failed"] * 2
    assert "ref/x.png could also belong to in/b/x.png" in rows["in/a/x.png"]["reason"]
    assert all(row["psnr_merged"] == "" for row in rows.values())


def test_each_share_of_a_run_knows_the_pictures_of_the_others(weights, folder):
    for i, name in enumerate("ab"):
        save(f"in/{name}/x.png", i)
    save("ref/x.png", 0)
    code, _, rows = inpaint(weights, "in", "--reference", "ref", "--shard", "1/2")
    assert code == 1 and "ambiguous" in rows["in/a/x.png"]["reason"]


def test_with_a_limit_too_an_original_for_two_pictures_belongs_to_none(weights, folder):
    for i, name in enumerate("ab"):
        save(f"in/{name}/x.png", i)
    save("ref/x.png", 1)  # the original of the picture that the limit leaves out
    code, _, rows = inpaint(weights, "in", "--reference", "ref", "--limit", 1)
    assert code == 1 and list(rows) == ["in/a/x.png"] and "ambiguous" in rows["in/a/x.png"]["reason"]


def test_no_picture_is_its_own_original(weights, folder):
    save("in/x.png", 0)
    save("in/x_original.png", 1)
    code, _, rows = inpaint(weights, "in/x.png", "--reference", "in")
    assert code == 1 and "its original would be the picture itself, found in in: " in rows["in/x.png"]["reason"]


def test_an_original_that_was_found_by_its_name_alone_is_told_of(weights, folder):
    save("in/new/x.png", 0)
    save("ref/old/x.png", 0)
    code, out, rows = inpaint(weights, "in", "--reference", "ref")
    assert code == 0 and rows["in/new/x.png"]["psnr_merged"]
    assert "1 original was found by the file name alone, in another folder: ref/old/x.png for in/new/x.png." in out


def test_an_original_of_another_shape_is_no_original(weights, folder):
    save("in/x.png", 0, (16, 24))
    save("ref/x.png", 0, (24, 16))
    save("in/y.png", 0, (16, 16))
    save("ref/y.png", 0, (24, 16))
    code, _, rows = inpaint(weights, "in", "--reference", "ref")
    assert code == 1 and rows["in/y.png"]["status"] == "ok"
    assert "it is 24x16 and its original, ref/x.png, 16x24" in rows["in/x.png"]["reason"]
