"""The commands of the tasks with a prior that makes volumes, from a training to the report."""

import csv

import numpy as np
import pytest
from commands import call

from jaxprior.data import images
from jaxprior.runs.runfolder import RunFolder


SIDE = 16
QUICK = ("--codes", "1", "--steps", "2", "--limit", "1")


def refused(*words) -> str:
    """The one sentence with which a mistaken command ends, its lines joined."""
    return " ".join(call(*words, code=2).output.split())


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Boxes of 0 and 1, the mask of their half, a picture, and a prior that was hardly trained on the boxes."""
    place = tmp_path_factory.mktemp("volumes")
    boxes = np.zeros((8, SIDE, SIDE, SIDE), np.uint8)
    for i, box in enumerate(boxes):
        box[2 + i % 3 : 10 + i % 3, 4:12, 2:12] = 1
    np.savez(place / "boxes.npz", boxes=boxes)
    half = np.zeros((SIDE, SIDE, SIDE), bool)
    half[:, : SIDE // 2] = True
    np.save(place / "half.npy", half)
    images.save_png(place / "cat.png", np.full((SIDE, SIDE, 3), 90, np.uint8))
    sizes = ("--resolution", SIDE, "--widths", "6,4", "--critic-widths", "4,6", "--latent-dim", "5")
    call(
        "train", "gan3d", "--data", place / "boxes.npz", *sizes, "--batch-size", "4", "--steps", "2", "-o",
        place / "prior",
    )  # fmt: skip
    return place


def test_half_a_volume_is_completed_and_reported(place, tmp_path):
    out = tmp_path / "run"
    words = ("inpaint", place / "boxes.npz", "--mask", place / "half.npy", "--clean", "--prior", place / "prior")
    ended = call(*words, "--codes", "1", "--steps", "3", "--limit", "2", "-o", out)
    assert "IoU" in ended.stdout and "report.html" in ended.stdout
    assert "2 of 2 volumes" in ended.output and "pictures" not in ended.output
    again = call(*words, "--codes", "1", "--steps", "3", "--limit", "2", "-o", out).stdout
    assert "IoU" in again
    assert (out / "summary.md").read_text().splitlines()[2].startswith("2 volumes: 2 ok")
    rows = list(csv.DictReader((out / "results.csv").open()))
    assert [row["status"] for row in rows] == ["ok", "ok"] and float(rows[0]["psnr_hole"]) > 0
    folder = RunFolder(out)
    result = np.load(folder.volume("images", rows[0]["file"]))
    np.testing.assert_array_equal(result[:, SIDE // 2 :], np.load(place / "boxes.npz")["boxes"][0][:, SIDE // 2 :])
    assert "16x16x16 voxels" in (out / "report.html").read_text()


@pytest.mark.parametrize("command", ["reconstruct", "denoise"])
def test_reconstruction_and_denoising_take_the_same_volumes(place, tmp_path, command):
    out = tmp_path / "run"
    clean = ("--clean",) if command == "denoise" else ()
    call(command, place / "boxes.npz", *clean, *QUICK, "--prior", place / "prior", "-o", out)
    (row,) = csv.DictReader((out / "results.csv").open())
    assert row["status"] == "ok" and float(row["iou"]) >= 0


def test_pictures_and_volumes_are_told_apart(place, tmp_path):
    prior = ("--prior", place / "prior")
    out = ("-o", tmp_path / "run")
    said = refused("reconstruct", place / "cat.png", *prior, *out)
    assert "it is a picture, and this prior makes volumes of 16x16x16 voxels" in said
    said = refused("reconstruct", place / "half.npy", *out)
    assert "it is a file of arrays, and this prior makes pictures" in said
    said = refused("inpaint", place / "boxes.npz", "--mask", place / "cat.png", *prior, *out)
    assert "this prior makes volumes, and this is no file of a volume" in said
    said = refused("superres", place / "boxes.npz", "--clean", *prior, *out)
    assert "works on pictures" in said
    said = refused("inpaint", place / "boxes.npz", "--mask", "center:0.2", "--size", "native", *prior, *out)
    assert "leave --size out" in said
    said = refused("inpaint", place / "boxes.npz", "--mask", "pixels:0.00001", *prior, *out)
    assert "mask pixels:1e-05: at 16x16x16 voxels nothing is missing; take a larger share" in said
    words = ("inpaint", place / "boxes.npz", "--mask", "center:0.2", *prior, *out)
    assert "leave --merge out, or say paste" in refused(*words, "--merge", "harmonic")
    assert not (tmp_path / "run").exists()
