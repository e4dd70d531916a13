"""Where commands write: a folder is never given the name of a file, and a file is never taken for a folder."""

from pathlib import Path

import numpy as np
import pytest
from program import printed
from tiny_prior import write_tiny_prior
from tiny_singan import tiny_singan

from jaxprior.data import images
from jaxprior.errors import RunError
from jaxprior.models.singan import save_singan
from jaxprior.runs.lock import only_writer
from jaxprior.system.files import check_plain_folder, make_folder


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a picture, a prior, a SinGAN and a file of text."""
    folder = tmp_path_factory.mktemp("place")
    images.save_png(folder / "picture.png", np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8))
    write_tiny_prior(folder / "prior.safetensors")
    save_singan(folder / "singan.safetensors", tiny_singan())
    (folder / "text").write_text("somebody's")
    return folder


COMMANDS = {
    "demo": ("demo",),
    "evaluate": ("evaluate", "quick"),
    "reconstruct": ("reconstruct", "picture.png", "--prior", "prior.safetensors"),
    "singan animate": ("singan", "animate", "singan.safetensors"),
    "singan edit": ("singan", "edit", "singan.safetensors", "picture.png", "--mask", "picture.png"),
    "singan paint": ("singan", "paint", "singan.safetensors", "picture.png"),
    "singan sample": ("singan", "sample", "singan.safetensors"),
    "singan superres": ("singan", "superres", "singan.safetensors"),
    "singan train": ("singan", "train", "."),
    "train pggan": ("train", "pggan", "--data", "."),
}
"""Commands whose -o is a folder; that of `singan animate` may be a file of its own kinds, too."""


@pytest.mark.parametrize("command", [name for name in COMMANDS if "singan" in name and "train" not in name])
def test_a_folder_named_like_a_file_is_refused_before_anything_is_written(command, place, monkeypatch):
    monkeypatch.chdir(place)
    before = sorted(place.iterdir())
    for name in ("clip.mp4", "sheet.PNG", "model.safetensors", "report.pdf"):
        said = printed(*COMMANDS[command], "-o", name, code=2)
        assert said.startswith(f"jaxprior: {name} is named like a file; expected ") and said.count("\n") == 1
        assert ".gif or .webp, or a folder" in said or command != "singan animate"
    assert sorted(place.iterdir()) == before


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("out", ["text", "text/inside"])
def test_a_file_in_the_way_is_one_sentence(command, out, place, monkeypatch):
    monkeypatch.chdir(place)
    said = printed(*COMMANDS[command], "-o", out, code=2)
    assert said == f"jaxprior: {out} lies in a file or is one: give another folder with -o.\n"
    assert (place / "text").read_text() == "somebody's"


def test_an_animation_is_a_file_of_its_kinds_or_both_in_a_folder(place, monkeypatch):
    monkeypatch.chdir(place)
    animate = (*COMMANDS["singan animate"], "--frames", 2)
    printed(*animate, "-o", "clip.GIF")
    printed(*animate, "-o", "version-1.5")
    assert (place / "clip.GIF").read_bytes().startswith(b"GIF") and (place / "version-1.5/animation.webp").is_file()


def test_names_with_dots_and_folders_that_are_there_are_taken(tmp_path):
    (tmp_path / "cats.zip").mkdir()
    for name in ("cats.zip", "runs/photos", "runs/v1.2", "a.b.c", "2026.11.29", "photos.final"):
        check_plain_folder(tmp_path / name)
    with pytest.raises(RunError, match="named like a file"):
        check_plain_folder(tmp_path / "dogs.zip")


def test_a_run_may_be_called_like_its_picture(tmp_path):
    with only_writer(tmp_path / "cat.png"):
        assert (tmp_path / "cat.png").is_dir()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "disk").symlink_to(tmp_path / "gone")
    for path in (tmp_path / "disk", tmp_path / "disk" / "run"):
        with pytest.raises(RunError, match="a link to a disk that is not there"):
            make_folder(path)
