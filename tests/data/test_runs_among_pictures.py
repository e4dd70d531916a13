"""Runs that lie among the pictures: the same command finds the same pictures when it is repeated."""

import json

import numpy as np
import pytest
from program import inside, printed
from tiny_prior import write_tiny_prior

from jaxprior.data import images
from jaxprior.data.listing import survey
from jaxprior.errors import ImageError


QUICK = ("--codes", 1, "--layer", 1, "--steps", 1)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder with two pictures, in which commands are called."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for number, place in enumerate(("a.png", "more/b.png")):
        images.save_png(folder / place, np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8))
    write_tiny_prior(tmp_path / "prior.safetensors")
    monkeypatch.chdir(folder)
    return folder


def test_a_run_inside_the_folder_is_passed_over_when_the_command_is_repeated(photos):
    command = ("reconstruct", ".", "--prior", "../prior.safetensors", "-o", "out", *QUICK)
    printed(*command)
    printed(*command)
    assert json.loads((photos / "out" / "run.json").read_text())["images"] == 2
    found = survey(".")
    assert [source.name for source in found.sources] == ["a.png", "more/b.png"] and found.runs == ("out",)
    assert found.sentences() == [
        ".: passed over 1 run of jaxprior: out (to take pictures of a run, give one of its folders)."
    ]
    assert len(survey("out/images").sources) == 2
    with pytest.raises(ImageError, match="out is a restoration run .reconstruct., .* for example out/images"):
        survey("out")


def test_other_peoples_files_of_this_name_change_nothing(photos):
    (photos / "more" / "run.json").write_text('{"name": "somebody\'s"}')
    (photos / "run.json").write_text("no JSON")
    assert len(survey(".").sources) == 2


@pytest.mark.parametrize("command", [
    ("reconstruct", ".", "--prior", "../prior.safetensors", *QUICK),
    ("train", "pggan", "--data", ".", "--resolution", 8),
    ("evaluate", "quick", "--data", "."),
])  # fmt: skip
def test_a_run_is_not_made_of_the_folder_of_the_pictures(command, photos):
    before = sorted(photos.rglob("*"))
    for out in (".", photos, "more/.."):
        ended = inside(*command, "-o", out)
        assert ended.code == 2 and "holds the pictures, and results would lie among them" in ended.err, ended.err
    assert sorted(photos.rglob("*")) == before
