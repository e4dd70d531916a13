"""Values that no command can work with: each is refused before anything is computed, in a sentence that names it."""

import io

import jax
import numpy as np
import pytest
from program import inside
from rich.console import Console
from tiny_prior import write_tiny_prior
from tiny_singan import tiny_singan

import jaxprior as jp
from jaxprior.cli import stops
from jaxprior.data import images
from jaxprior.errors import JaxpriorError
from jaxprior.evaluation import Cell, parse_recipe
from jaxprior.models.singan import draw, save_singan
from jaxprior.runs.display import Display
from jaxprior.settings import MOST_SEED, check_seed
from jaxprior.system.activity import doing
from jaxprior.training.settings import TrainingSettings


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("place")
    images.save_png(folder / "picture.png", np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8))
    write_tiny_prior(folder / "prior.safetensors")
    save_singan(folder / "singan.safetensors", tiny_singan())
    return folder


PRIOR = ("picture.png", "--prior", "prior.safetensors", "-o", "out")
PGGAN = ("train", "pggan", "--data", ".", "--resolution", 8, "-o", "out")
LSGAN = ("train", "lsgan", "--data", ".", "--resolution", 8, "--widths", "4", "-o", "out")
ANIMATE = ("singan", "animate", "singan.safetensors", "-o", "out")
SAMPLE = ("singan", "sample", "singan.safetensors", "-o", "out")
WRONG = [
    (("reconstruct", *PRIOR), "--seed", [2**32, 2**64, -1], "--seed"),
    (("reconstruct", *PRIOR), "--lr", [-1, "nan", "inf", 0], "--lr"),
    (("reconstruct", *PRIOR), "--target-psnr", ["nan"], "--target-psnr"),
    (("reconstruct", *PRIOR), "--layer", [0, 99], "--layer"),
    (("reconstruct", *PRIOR), "--codes", [0], "--codes"),
    (("reconstruct", *PRIOR), "--steps", [0], "--steps"),
    (("reconstruct", *PRIOR), "--batch-size", [0], "--batch-size"),
    (("reconstruct", *PRIOR), "--limit", [0], "--limit"),
    (("denoise", *PRIOR), "--sigma", [300], "noise of 300 levels of 255 is sigma=2.35"),
    (("denoise", *PRIOR), "--sigma", ["nan", 0], "sigma"),
    (("deblur", *PRIOR), "--blur", [1000], "--blur SIGMA: expected up to 16, the side of the pictures, got 1000"),
    (PGGAN, "--seed", [2**32, -1], "--seed"),
    (PGGAN, "--lr", [-1, "nan", "inf", 0], "--lr"),
    (PGGAN, "--widths", ["0,4"], "--widths"),
    (PGGAN, "--resolution", [0, -8, 12], "--resolution"),
    (PGGAN, "--train-kimg", ["nan", "inf", -1], "--train-kimg"),
    (LSGAN, "--kernel", [99], "--kernel"),
    (LSGAN, "--dropout", [2, "nan"], "--dropout"),
    (LSGAN, "--lr", [0], "--lr"),
    (SAMPLE, "--width-scale", ["nan", "inf"], "--width-scale"),
    (SAMPLE, "--width-scale", [1e7], "more than 64000000 pixels"),
    (SAMPLE, "--width-scale", [0.001], "leaves nothing of the coarsest scale"),
    (SAMPLE, "--width-scale", [0], "width_scale"),
    (SAMPLE, "--count", [0], "--count"),
    (SAMPLE, "--seed", [2**32], "--seed"),
    (ANIMATE, "--frames", [0], "--frames"),
    (ANIMATE, "--fps", [0, "nan"], "fps"),
    (ANIMATE, "--start-scale", [99], "start_scale: expected 0 to 2"),
]


@pytest.mark.parametrize(
    "command, option, values, said", WRONG, ids=[f"{c[0]} {c[1]} {option}" for c, option, *_ in WRONG]
)
def test_wrong_values_are_refused_by_name(command, option, values, said, place, monkeypatch):
    monkeypatch.chdir(place)
    for value in values:
        ended = inside(*command, option, value)
        assert ended.code == 2 and not ended.traced, (value, ended.out + ended.err)
        assert said in " ".join(ended.err.replace("│", " ").split()), (value, ended.err)
    assert not (place / "out").exists()


def test_a_training_of_no_steps_is_refused(place, monkeypatch):
    """It would be finished before it begins, without any weights."""
    monkeypatch.chdir(place)
    ended = inside(*PGGAN, "--start-resolution", 8, "--final-kimg", 0)
    assert ended.code == 2 and "There is nothing to train" in ended.err


def test_the_largest_seed_is_a_seed_of_its_own():
    check_seed(MOST_SEED)
    for wrong in (-1, MOST_SEED + 1):
        with pytest.raises(JaxpriorError, match="seed: expected a whole number from 0 to 4294967295"):
            check_seed(wrong)
        with pytest.raises(JaxpriorError, match="seed"):
            Cell(task=jp.Identity(), method=None, seed=wrong)
        with pytest.raises(JaxpriorError, match="seed"):
            parse_recipe({"seed": wrong, "task": [{"name": "reconstruct"}]})
        with pytest.raises(JaxpriorError, match="seed"):
            TrainingSettings(seed=wrong)


def test_drawings_have_a_limit():
    with pytest.raises(ValueError, match="more than 64000000 pixels"):
        draw(tiny_singan(), jax.random.key(0), width_scale=1e6)


@pytest.mark.parametrize("words, goes_on", [
    ("bench", False), ("doctor", False), ("priors get vgg16", True), ("priors", False),
    ("convert a.pth -o a.safetensors", False),
    ("report runs/a", False), ("edit runs/a", False), ("interpolate runs/a x y", False),
    ("singan sample runs/a", False),
    ("singan paint runs/a b.png --colors 5", False), ("singan paint runs/a b.png --retrain", True),
    ("singan train a.png -o runs/a", True), ("train pggan --data a", True), ("demo", True), ("evaluate quick", True),
    ("inpaint a.png -o runs/a", True), ("superres a.png -o runs/a", True), ("", False),
])  # fmt: skip
def test_only_commands_that_resume_say_that_they_go_on(words, goes_on, monkeypatch):
    monkeypatch.setattr("sys.argv", ["jaxprior", *words.split()])
    said, full = stops.stopped(words.split()), stops.disk_is_full("x", words.split())
    how = "goes on" if goes_on else "begins anew"
    assert said.startswith(f"Stopped; the same command {how}: jaxprior")
    assert ("what was finished is kept" in full) == goes_on and "disk is full" in full


@pytest.mark.parametrize("words, said", [
    ("inpaint a.png -o runs/a", "Stopped with 1 of 3 pictures done; the same command goes on"),
    ("evaluate quick -o runs/a", "Stopped in cats with 1 of 3 pictures done; the same command goes on"),
    ("train pggan --data a", "Stopped; the same command goes on"),  # steps since the last checkpoint are not kept
])  # fmt: skip
def test_a_program_that_is_ended_in_the_midst_says_how_much_is_done(words, said, monkeypatch, capsys):
    """As while a program compiles for longer than a stop may take."""
    ended = []
    monkeypatch.setattr("os._exit", ended.append)
    display = Display(interval=0, console=Console(file=io.StringIO()))
    with display, doing("cats", total=3, unit="pictures") as run, doing("compiling the step"):
        run.moved(1)
        stops.end_now(display, words.split())
    assert capsys.readouterr().err.startswith(f"jaxprior: {said}: ") and ended == [stops.STOPPED]
