"""Commands that take a run are given every other thing: each answer is one sentence that says what the thing is."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from program import printed
from tiny_prior import write_tiny_prior
from tiny_singan import tiny_singan

from jaxprior.data import images
from jaxprior.models.singan import save_singan
from jaxprior.runs.kinds import what_it_is


TASK = "inpaint center:0.25"


def record(folder: Path, **values) -> Path:
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(values))
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a thing of every kind, each called by its kind."""
    place = tmp_path_factory.mktemp("place")
    write_tiny_prior(place / "prior.safetensors")
    save_singan(place / "singan.safetensors", tiny_singan())
    images.save_png(place / "picture.png", np.zeros((16, 16, 3), np.uint8))
    np.save(place / "direction.npy", np.ones(8, np.float32))
    (place / "text").write_text("somebody's")
    (place / "empty").mkdir()
    (place / "photos").mkdir()
    shutil.copy(place / "picture.png", place / "photos")
    unfinished = {"title": TASK, "versions": {}, "device": "cpu", "batch": 1, "images": 1}
    settings = {"task": "inpaint", "prior": {"name": "tiny", "sha256": "0"}, "resolution": 16}
    record(place / "restoration", kind="restoration", configuration=settings, **unfinished)
    record(place / "evaluation", kind="evaluation", cells=["cell"], configuration={"priors": {}})
    shutil.copytree(place / "restoration", place / "evaluation" / "cell")
    for recipe, file in (("pggan", "prior"), ("singan", "singan")):
        record(place / f"{recipe}-begun", kind="training", configuration={"recipe": recipe})
        shutil.copytree(place / f"{recipe}-begun", place / recipe)
        shutil.copy(place / f"{file}.safetensors", place / recipe / "model.safetensors")
    record(place / "together", kind="training", configuration={"recipe": "singan"})
    shutil.copytree(place / "singan", place / "together" / "cat")
    shutil.copytree(place / "singan", place / "several" / "cat")
    return place


THINGS = {
    "restoration": f"is a restoration run ({TASK})",
    "evaluation": "is the folder of an evaluation (such as evaluation/cell)",
    "pggan": "is the run of a training (pggan)",
    "singan": "is the run of a training (singan)",
    "pggan-begun": "is the run of a training (pggan) that has saved no weights yet",
    "singan-begun": "is the run of a training (singan) that has saved no weights yet",
    "together": "is the run of a training (singan) of several networks (such as together/cat)",
    "several": "is a folder of runs (such as several/cat)",
    "empty": "is an empty folder",
    "photos": "is a folder without a run.json",
    "picture.png": "is a file",
    "text": "is a file",
    "nothing": "does not exist",
}
NETWORKS = {"pggan": "this is a prior (pggan)", "singan": "this is a model of one picture (singan)"}
NO_NETWORKS = {"picture.png": "is a picture; expected a ", "text": "not a safetensors file", "nothing": "neither "}


@pytest.mark.parametrize("name", THINGS)
def test_each_thing_is_called_what_it_is(name, place, monkeypatch):
    monkeypatch.chdir(place)
    assert what_it_is(name) == THINGS[name]


ALONE = ("--steps", 1, "--codes", 1, "--layer", 1, "-o", "out")
TAKE_NETWORKS = {
    "singan sample": (lambda thing: ("singan", "sample", thing, "-o", "out", "--count", 1), {"singan"}),
    "singan animate": (lambda thing: ("singan", "animate", thing, "-o", "out", "--frames", 1), {"singan"}),
    "singan paint": (lambda thing: ("singan", "paint", thing, "picture.png", "-o", "out"), {"singan"}),
    "--prior": (lambda thing: ("reconstruct", "picture.png", "--prior", thing, *ALONE), {"pggan"}),
    "--refine": (
        lambda thing: ("reconstruct", "picture.png", "--prior", "prior.safetensors", "--refine", thing, *ALONE), set()
    ),
    "--features": (
        lambda thing: ("reconstruct", "picture.png", "--prior", "prior.safetensors", "--features", thing, *ALONE), set()
    ),
}  # fmt: skip
"""Commands that take a network or the run of its training -> arguments for a thing, and what they can use."""


@pytest.mark.parametrize("command", TAKE_NETWORKS)
def test_what_takes_a_network_says_what_it_got_instead(command, place, monkeypatch):
    monkeypatch.chdir(place)
    arguments, usable = TAKE_NETWORKS[command]
    for name in THINGS.keys() - usable:
        said = printed(*arguments(name), code=2)
        assert said.count("\n") == 1 and said.startswith(f"jaxprior: {name}"), said
        assert (NETWORKS | NO_NETWORKS).get(name, THINGS[name]) in said, said
    assert not (place / "out").exists()


TAKE_RUNS = {
    "edit": lambda thing: ("edit", thing, "--direction", "direction.npy", "--amount", 1),
    "interpolate": lambda thing: ("interpolate", thing, "a", "b"),
    "report": lambda thing: ("report", thing),
    "report of two": lambda thing: ("report", thing, thing),
    "train autoencoder": lambda thing: ("train", "autoencoder", "--pairs", thing, "--resolution", 16, "-o", "out"),
}
USABLE = {"report": {"restoration", "evaluation", "pggan", "singan", "several"}}


@pytest.mark.parametrize("command", TAKE_RUNS)
def test_what_takes_a_run_says_what_it_got_instead(command, place, monkeypatch):
    monkeypatch.chdir(place)
    for name in THINGS.keys() - USABLE.get(command, set()) - {"restoration"}:
        said = printed(*TAKE_RUNS[command](name), code=2)
        assert said.count("\n") == 1 and said.startswith(f"jaxprior: {name}"), said
        if command in ("edit", "interpolate", "train autoencoder"):
            assert THINGS[name] in said, said
    assert not (place / "out").exists()


def test_a_training_does_not_take_the_folder_of_another_kind_of_run(place, monkeypatch):
    monkeypatch.chdir(place)
    train = ("train", "pggan", "--data", "photos", "--resolution", 8, "--widths", "4,4", "-o")
    assert "holds a restoration run, not a training run; give another" in printed(*train, "restoration", code=2)
    assert "holds an evaluation run, not a training run" in printed(*train, "evaluation", code=2)


def test_a_folder_of_trainings_has_a_page_for_each(place, monkeypatch):
    monkeypatch.chdir(place)
    said = printed("report", "several")
    assert said == "report: several/cat/report.html\n" and (place / "several/cat/report.html").is_file()


def test_a_run_without_a_picture_says_so(place, monkeypatch):
    monkeypatch.chdir(place)
    assert "\nNo picture is finished yet.\n" in printed("report", "restoration")
