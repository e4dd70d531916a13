"""Weights of a training that is not done say so: in their card, when they are loaded, and in commands."""

import warnings

import pytest
from program import Outcome
from program import inside as run_inside
from tiny_singan import smooth_picture

import jaxprior as jp
from jaxprior.cli.console import warnings_as_notes
from jaxprior.data import images
from jaxprior.errors import JaxpriorWarning
from jaxprior.models.singan import load_singan
from jaxprior.weights.card import unfinished
from jaxprior.weights.storage import read_card


SINGAN = ("--min-size", 16, "--num-scales", 2, "--steps", 2, "--width", 4, "--layers", 2)
SINGAN += ("--critic-steps", 1, "--generator-steps", 1)
PGGAN = ("--resolution", 8, "--start-resolution", 8, "--widths", "4,4", "--latent-dim", 8, "--batch-size", 2)
PGGAN += ("--train-kimg", 0.002, "--final-kimg", 0.006)


def inside(*arguments) -> Outcome:
    """Run the program in this process, with warnings as the program shows them."""
    with warnings_as_notes():
        return run_inside(*arguments)


@pytest.fixture
def picture(tmp_path):
    (tmp_path / "pictures").mkdir()
    path = tmp_path / "pictures" / "waves.png"
    images.save_png(path, smooth_picture(18, 24, 3))
    return path


def test_a_half_trained_singan_says_how_far_it_is(picture, tmp_path):
    run = tmp_path / "run"
    train = ("singan", "train", picture, "-o", run, *SINGAN)
    sample = ("singan", "sample", run, "-o", tmp_path / "samples", "--count", 2)
    assert inside(*train, "--minutes", 0).code == 0
    assert read_card(run / "model.safetensors")["training"]["unfinished"] == {"steps": 1, "of": 4}
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["1"]
    drawn = inside(*sample)
    said = "its weights were saved after 1 of 4 steps of training (scale 0 of 0 to 1), so what it makes will look unf"
    assert drawn.code == 0 and (drawn.out + drawn.err).count(f"note: {run}: {said}") == 1
    with pytest.warns(JaxpriorWarning, match="1 of 4 steps"):
        load_singan(run)

    assert inside(*train).code == 0
    assert "unfinished" not in read_card(run / "model.safetensors")["training"]
    drawn = inside(*sample)
    assert drawn.code == 0 and "note:" not in drawn.out + drawn.err


def test_a_prior_of_a_barely_begun_training_says_so(picture, tmp_path):
    run = tmp_path / "run"
    train = ("train", "pggan", "--data", picture.parent, "-o", run, *PGGAN)
    assert inside(*train, "--minutes", 0).code == 0
    use = ("reconstruct", picture, "--prior", run, "-o", tmp_path / "restored", "--codes", 1, "--layer", 1)
    used = inside(*use, "--steps", 1)
    said = f"note: {run}: its weights were saved after 1 of 3 steps of training (8x8), so what it makes will look unf"
    assert used.code == 0 and (used.out + used.err).count(said) == 1
    with pytest.warns(JaxpriorWarning, match="1 of 3 steps"):
        jp.load_prior(run)

    assert inside(*train).code == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error", JaxpriorWarning)
        jp.load_prior(run)


def test_cards_of_others_say_nothing():
    for card in ({}, {"training": {"images_shown": 5}}, {"training": {"unfinished": {"steps": "x"}}}, {"training": 3}):
        assert unfinished(card) is None
