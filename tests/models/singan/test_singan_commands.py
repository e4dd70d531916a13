"""The commands that use a trained SinGAN: what they write, what they say, and what they refuse."""

import importlib
import typing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import printed
from tiny_prior import write_tiny_prior
from tiny_singan import tiny_singan

from jaxprior.data import images
from jaxprior.errors import MaskError
from jaxprior.models.singan import load_mask, save_singan


COMMANDS = ("paint", "harmonize", "edit", "superres", "animate", "sample")


def call(*arguments, code: int = 0) -> str:
    """What `jaxprior singan` printed."""
    return printed("singan", *arguments, code=code)


def flat(height: int, width: int) -> np.ndarray:
    """A picture of four colors."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2] = (40, 90, 200)
    pixels[:, width // 2 :, 0] += 50
    return pixels


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> Path:
    """A folder with a model, a reference, a mask and files that cannot be used."""
    folder = tmp_path_factory.mktemp("given")
    save_singan(folder / "tiny.safetensors", tiny_singan())
    run = folder / "run"
    run.mkdir()
    (run / "model.safetensors").write_bytes((folder / "tiny.safetensors").read_bytes())
    mask = np.zeros((40, 80, 3), np.uint8)
    mask[10:20, 30:50] = 255
    for name, pixels in {
        "clip": flat(40, 80), "same": flat(20, 28), "small": flat(7, 30), "mask": mask, "nothing": mask * 0,
        "other": mask[:30], "corner": np.roll(mask, 30, axis=1),
    }.items():  # fmt: skip
        images.save_png(folder / f"{name}.png", pixels)
    transparent = np.dstack([flat(20, 28), np.full((20, 28), 255, np.uint8)])
    transparent[:, :14, 3] = 0
    Image.fromarray(transparent).save(folder / "transparent.png")
    frames = [Image.fromarray(flat(20, 28)), Image.fromarray(255 - flat(20, 28))]
    frames[0].save(folder / "film.gif", save_all=True, append_images=frames[1:])
    (folder / "text.png").write_text("no picture")
    write_tiny_prior(folder / "pggan.safetensors")
    other = folder / "pggan"
    other.mkdir()
    (other / "model.safetensors").write_bytes((folder / "pggan.safetensors").read_bytes())
    return folder


def names(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def test_paint_tries_all_start_scales(given, tmp_path):
    shown = call("paint", given / "run", given / "clip.png", "-o", tmp_path)
    assert "clip.png: fitted from 80x40, its middle 56x40 to 28x20" in shown and "start scales 1, 2" in shown
    assert names(tmp_path) == ["sheet.png", "start_scale=1.png", "start_scale=2.png"]
    first = images.load_image(tmp_path / "start_scale=1.png")
    assert first.shape == (20, 28, 3) and (first != images.load_image(tmp_path / "start_scale=2.png")).any()
    assert images.load_image(tmp_path / "sheet.png").shape[0] == 6 * 20 + 16 + 8

    model = given / "tiny.safetensors"
    shown = call("paint", model, given / "clip.png", "-o", tmp_path / "some", "--start-scale", 2, "--count", 2)
    assert names(tmp_path / "some") == ["sheet.png", "start_scale=2_000.png", "start_scale=2_001.png"]
    again = call("paint", model, given / "same.png", "-o", tmp_path / "few", "--start-scale", 2, "--colors", 2)
    assert "fitted" not in again and "start scale 2" in again
    seeded = call("paint", model, given / "same.png", "-o", tmp_path / "few", "--start-scale", 2, "--seed", 1)
    assert "1 images" in seeded


@pytest.mark.parametrize("command", ["harmonize", "edit"])
def test_masked_commands(command, given, tmp_path):
    arguments = (command, given / "run", given / "clip.png", "--mask", given / "corner.png", "-o", tmp_path)
    shown = call(*arguments, "--mask-radius", 1, "--mask-blur", 1)
    expected = [f"start_scale={n}{masked}.png" for n in (1, 2) for masked in ("", "_masked")]
    assert names(tmp_path) == sorted(["sheet.png", *expected]) and "4 images" in shown
    assert "mask corner.png: 6.2 % marked, white counts" in shown
    kept = images.load_image(tmp_path / "start_scale=2_masked.png")[:, :10]
    made = images.load_image(tmp_path / "start_scale=2.png")[:, :10]
    middle = Image.fromarray(flat(40, 80)[:, 12:68]).resize((28, 20), Image.Resampling.BICUBIC)
    fitted = np.asarray(middle, int)[:, :10]
    assert np.abs(kept - fitted).max() <= 12 and np.abs(kept - fitted).mean() < 1 < np.abs(made - fitted).mean()


def test_masks_are_read_as_all_commands_read_them(given, tmp_path):
    marked = images.load_image(given / "corner.png")[..., 0] > 0
    kinds = {"label": marked.astype(np.uint8), "inverse": np.where(marked, 0, 255).astype(np.uint8)}
    for name, pixels in kinds.items():
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    masked = ("edit", given / "run", given / "clip.png", "-o", tmp_path / "out", "--start-scale", 2, "--mask")
    refused = call(*masked, tmp_path / "label.png", code=2)
    assert "no pixel is white; its values are 0 and 1" in refused and "--mask-means" in refused
    shown = call(*masked, tmp_path / "label.png", "--mask-means", "painted")
    assert "mask label.png: 6.2 % marked, what is painted counts" in shown
    for options in ({"means": "black"}, {"invert": True}):
        np.testing.assert_array_equal(load_mask(tmp_path / "inverse.png", **options), marked)
    with pytest.raises(MaskError, match="nothing in it is marked"):
        load_mask(given / "nothing.png", means="white")


def test_superres_enlarges_the_models_picture_or_another(given, tmp_path):
    shown = call("superres", given / "run", "-o", tmp_path, "--factor", 1.5)
    assert names(tmp_path) == ["bicubic.png", "superres.png"] and "28x20 to 42x30" in shown
    assert images.load_image(tmp_path / "superres.png").shape == (30, 42, 3)
    shown = call("superres", given / "run", given / "clip.png", "-o", tmp_path, "--factor", 1.2, "--steps", 1)
    assert "80x40 to 96x48" in shown
    bicubic = images.load_image(tmp_path / "bicubic.png").astype(int)
    theirs = Image.fromarray(flat(40, 80)).resize((96, 48), Image.Resampling.BICUBIC)
    assert np.abs(bicubic - np.asarray(theirs))[4:-4, 4:-4].max() <= 1


def test_animate_writes_a_file_or_both_kinds(given, tmp_path):
    options = ("--frames", 3, "--fps", 20)
    assert "0.1 s" in call("animate", given / "run", "-o", tmp_path / "films", *options)
    assert names(tmp_path / "films") == ["animation.gif", "animation.webp"]
    call("animate", given / "run", "-o", tmp_path / "deep" / "one.WEBP", *options)
    for path in (tmp_path / "films/animation.gif", tmp_path / "deep/one.WEBP"):
        with Image.open(path) as film:
            film.seek(2)
            film.load()
            assert (film.n_frames, film.info["duration"], film.info["loop"], film.size) == (3, 50, 0, (28, 20))


def test_sample_shows_all_scales(given, tmp_path):
    call("sample", given / "run", "-o", tmp_path, "--count", 2, "--scales")
    assert names(tmp_path) == ["000.png", "001.png", *(f"scales/{n}.png" for n in range(3)), "sheet.png"]
    sheets = [images.load_image(tmp_path / name) for name in ("scales/0.png", "scales/2.png", "sheet.png")]
    assert sheets[0].shape == (13 + 4, 2 * 17 + 6, 3)
    np.testing.assert_array_equal(sheets[1], sheets[2])
    call("sample", given / "run", "-o", tmp_path / "own", "--count", 2, "--own-statistics")
    assert names(tmp_path / "own") == ["000.png", "001.png", "sheet.png"]
    assert (images.load_image(tmp_path / "own/sheet.png") != sheets[2]).any()


def test_odd_references(given, tmp_path):
    """Transparency is laid on white, and of an animation the first frame is taken, as everywhere."""
    for name, expected in (("transparent.png", (255, 255, 255)), ("film.gif", (40, 90, 200))):
        call("paint", given / "run", given / name, "-o", tmp_path, "--start-scale", 2)
        sheet = images.load_image(tmp_path / "sheet.png")
        left = 4 + sheet.shape[1] // 4  # of the second of four cells
        reference = sheet[20:140:6, left : left + 6 * 28 : 6]
        assert np.abs(reference[3, 3].astype(int) - expected).max() <= 1, name
        assert np.abs(reference[3, 25].astype(int) - (90, 90, 200)).max() <= 8, name


def test_mistakes_are_sentences(given, tmp_path):
    out, run, clip = ("-o", tmp_path / "none"), given / "run", given / "clip.png"
    masked = ("harmonize", run, clip, *out, "--mask")
    for arguments, said in (
        (("paint", given / "nowhere", clip, *out), "nowhere"),
        (("paint", given / "pggan", clip, *out), "is a prior (pggan), for --prior of"),
        (("animate", given / "pggan.safetensors", *out), "is a prior (pggan), for --prior of"),
        (("superres", tmp_path, *out), "model.safetensors"),
        (("paint", run, given / "no.png", *out), "no.png: no such file"),
        (("paint", run, given / "text.png", *out), "text.png: it is not a readable picture"),
        (("paint", run, given / "small.png", *out), "small.png: reference: it is 30x7; expected at least 8x8"),
        (("paint", run, clip, *out, "--start-scale", 0), "expected 1 to 2 for this model, at 0 nothing enters"),
        (("paint", run, clip, *out, "--start-scale", 3), "expected 1 to 2 for this model; got 3"),
        (("paint", run, clip, *out, "--colors", 99999), "colors: expected 1 to 352"),
        ((*masked, given / "no.png"), "no.png: no such file"),
        ((*masked, given / "nothing.png"), "nothing.png: nothing in it is white"),
        ((*masked, given / "other.png"), "mask: it is 80x30 and its picture 80x40"),
        ((*masked, given / "mask.png", "--start-scale", 9), "expected 1 to 2 for this model; got 9"),
        (("edit", run, given / "same.png", *out, "--mask", given / "mask.png"), "it is 80x40 and its picture 28x20"),
        (("superres", run, *out, "--factor", 1), "factor: expected a number above 1"),
        (("superres", run, *out, "--factor", 9999), "take a smaller one"),
        (("superres", run, given / "no.png", *out), "no.png: no such file"),
        (("animate", run, *out, "--start-scale", 3), "start_scale: expected 0 to 2"),
        (("animate", run, *out, "--alpha", 2), "alpha: expected a number from 0 to 1"),
        (("animate", run, *out, "--fps", 0), "fps: expected a number above 0"),
        (("animate", run, *out, "--fps", 60), "up to 50, got 60"),
        (("paint", run, given / "same.png", "-o", clip, "--start-scale", 2), "lies in a file or is one"),
    ):  # fmt: skip
        message = call(*arguments, code=2)
        assert said in message and message.count("\n") == 1, message
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_examples(command):
    assert f"jaxprior singan {command} runs/" in " ".join(call(command, "--help").split())


def test_options_of_the_training_are_words_of_its_settings_as_they_are():
    train = importlib.import_module("jaxprior.models.singan.commands.train")  # the package has the command of that name
    hints = typing.get_type_hints(train.SettingsOptions)
    legal = {"resize": ["bicubic_u8", "bicubic", "bilinear_aa"], "inherit": ["always", "same_width", "never"]}
    for name, words in legal.items():
        assert [word.value for word in typing.get_args(hints[name])[0]] == words
    assert {"train_depth", "milestones", "learning_rate", "edges"} <= set(hints)
    presets = [word.value for word in train.SinganPreset]
    growing = ["consingan", *(f"consingan-{use}" for use in ("retarget", "animate", "harmonize", "edit"))]
    assert presets == ["singan", "seed002", *growing, "superres", "animate"]
