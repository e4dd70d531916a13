"""The IcGAN recipe: killed runs, what a run serves for, changes of labels, and mistakes of commands and programs."""

import csv

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from commands import call
from resuming import check_resumes

import jaxprior as jp
from jaxprior.cli.attributes import _changes, _file_words
from jaxprior.data.images import save_png
from jaxprior.data.labels import Labels
from jaxprior.models.icgan.config import PRESETS, IcganRecipe, sizes
from jaxprior.models.icgan.train import plan
from jaxprior.restoration.attributes import LEARNING_RATE
from jaxprior.training.labelled_pictures import LabelledPictures
from jaxprior.training.loop import Pace
from jaxprior.training.metrics_file import read_metrics


TINY = (
    "--resolution 16 --channels 1 --widths 5,4 --critic-widths 4,5 --latent-dim 6 --encoder-widths 3,4 --dense 7 "
    "--batch-size 4 --steps 6 --code-steps 2 --label-steps 2 --judge-steps 2 --held-out 8"
).split()


def small_recipe(**changes) -> IcganRecipe:
    settings = {
        "resolution": 16, "image_channels": 1, "widths": (5, 4), "critic_widths": (4, 5), "latent_dim": 6,
        "encoder_widths": (3, 4), "dense": 7, "batch_size": 4, "steps": 6, "code_steps": 2, "label_steps": 2,
        "judge_steps": 2, "held_out": 8, "seed": 3,
    }  # fmt: skip
    return IcganRecipe(**{**settings, **changes})


@pytest.fixture(scope="module")
def pictures() -> LabelledPictures:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 16, 16, 1), dtype=np.uint8)
    labels = Labels(("dark", "bright"), np.eye(2, dtype=np.uint8)[np.arange(32) % 2], exclusive=True)
    return LabelledPictures(pixels, labels=labels)


def test_killed_and_resumed_equals_never_killed(tmp_path, pictures):
    """Stopped in the first stage, and in the third."""
    pace = Pace(log_every=1, checkpoint_seconds=1e9, snapshot_seconds=1e9)
    whole = check_resumes(plan(small_recipe(), pictures), tmp_path, stops=(1, 5), pace=pace)
    rows = read_metrics(whole / "metrics.csv")
    assert [row["step"] for row in rows] == [str(step) for step in range(1, 13)]
    assert [row["phase"].split(",")[0] for row in rows] == ["judge"] * 2 + ["labels"] * 2 + ["cgan"] * 6 + ["codes"] * 2
    assert all(np.isfinite(float(row["critic_loss"])) for row in rows[4:10])
    figures = read_metrics(whole / "labels.csv")
    assert len(figures) == 10
    assert {"judge", "label_encoder", "generated", "changed", "rebuilt_mse", "random_mse"} <= set(figures[-1])


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Two classes of pictures: dark ones and bright ones, each with a little noise."""
    folder, chance = tmp_path_factory.mktemp("photos"), np.random.default_rng(1)
    for name, level in (("dark", 40), ("bright", 200)):
        (folder / "data" / name).mkdir(parents=True)
        for number in range(16):
            pixels = np.repeat(level + chance.integers(-20, 20, (16, 16, 1)), 3, axis=2).astype(np.uint8)
            save_png(folder / "data" / name / f"{name}{number}.png", pixels)
    return folder / "data"


@pytest.fixture(scope="module")
def run(tmp_path_factory, photos):
    """A tiny run, made by the command line."""
    out = tmp_path_factory.mktemp("runs") / "shades"
    words = call("train", "icgan", "--data", photos, "-o", out, *TINY).output
    assert "2 classes: bright (16), dark (16)" in words
    return out


@pytest.fixture(scope="module")
def model(run):
    return jp.load_attribute_model(run)


@pytest.fixture(scope="module")
def images(photos):
    """A dark and a bright picture as the model sees them."""
    both = jp.load_images([photos / "dark/dark0.png", photos / "bright/bright0.png"], size=16)
    return np.asarray(both).mean(axis=-1, keepdims=True)


def test_a_run_is_a_prior_with_its_encoder(model, run, images):
    prior = jp.load_prior(run)
    assert prior.image_shape == (16, 16, 1) and prior.latent_dim == 8 and prior.num_layers == 2
    assert sizes(prior.card["config"]).latent_dim == 8
    z, labels = model.encode(images)
    assert z.shape == (2, 6) and set(np.unique(labels)) <= {-1.0, 1.0} and (labels.sum(axis=1) == 0).all()
    answer = prior.encoder(jnp.asarray(images), jnp.ones((2, 16, 16, 1)))["z"]
    np.testing.assert_allclose(answer, model.codes(z, labels), atol=1e-6)
    np.testing.assert_allclose(prior.generate(answer), model.generate(z, labels), atol=1e-6)
    one = model.conditioned("dark")
    assert one.latent_dim == 6 and one.sha256 != prior.sha256 != model.conditioned("bright").sha256
    np.testing.assert_allclose(one.generate(z), model.generate(z, model.label("dark")), atol=1e-6)


def test_steps_of_the_engine_hold_the_label(model, images):
    """The error falls from the encoder's code on, and not a number of the label moves."""
    codes = model.codes(*model.encode(images))
    result = jp.invert(
        model.prior, images, key=jax.random.key(0), codes=jp.HeldCode(held=2), objective=jp.Objective(pixel="l2"),
        solve=jp.Solve(steps=5, learning_rate=LEARNING_RATE), start=jp.GivenStart({"z": codes}),
    )  # fmt: skip
    assert np.array_equal(result.latents["z"][:, 6:], codes[:, 6:])
    assert not np.array_equal(result.latents["z"][:, :6], codes[:, :6])
    assert (result.trace[:, -1] < result.trace[:, 0]).all()
    z, labels = jp.codes_with_labels(model, images, steps=5)
    np.testing.assert_allclose(z, result.latents["z"][:, :6], atol=1e-6)
    other, held = jp.codes_with_labels(model, images, labels="dark", steps=5)
    assert (np.asarray(held) == np.asarray(model.label("dark"))).all() and labels.shape == held.shape


def test_changes_from_python(model, images):
    changed = jp.change_attributes(model, images, "bright")
    z, own = model.encode(images)
    np.testing.assert_allclose(changed.images, model.generate(z, model.label("bright")), atol=1e-6)
    np.testing.assert_allclose(changed.rebuilt, model.generate(z, own), atol=1e-6)
    swapped = jp.swap_attributes(model, images[0], images[1])
    assert np.array_equal(swapped.wanted, swapped.own[::-1])
    frames = jp.interpolate_attributes(model, images[0], images[1], frames=5)
    ends = changed.rebuilt
    np.testing.assert_allclose(frames[0], ends[0], atol=1e-5)
    np.testing.assert_allclose(frames[-1], ends[1], atol=1e-5)


def test_mistakes_of_programs(model, images):
    for label, sentence in (
        ("brigth", "no class 'brigth'; expected one of bright, dark. Did you mean bright?"),
        ({"dark": 0}, "`label` must be one class"),
        ({"dark": 1, "bright": 1}, "`label` must be one class"),
        ({"dark": 0.5}, "the value of dark must be 0 or 1, got 0.5"),
        (np.ones((1, 3)), r"`labels` must be \[2, 2\]"),
    ):
        with pytest.raises(jp.JaxpriorError, match=sentence):
            jp.change_attributes(model, images, label)
    with pytest.raises(jp.JaxpriorError, match="`images`"):
        model.encode(images[:, :8])
    with pytest.raises(jp.JaxpriorError, match="`first` must be one picture"):
        jp.swap_attributes(model, images, images[0])


def test_the_command(run, photos, tmp_path):
    words = call("attributes", run, photos / "dark", "--set", "bright", "--limit", 3, "-o", tmp_path / "out").output
    assert "of 3 are read by the judge as wanted" in words
    with open(tmp_path / "out/labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 and {row["change"] for row in rows} == {"bright"}
    assert {row["as wanted"] for row in rows} <= {"yes", "no"} and rows[0]["picture"].startswith("dark0-")
    made = sorted(path.name for path in (tmp_path / "out").glob("*-bright.png"))
    assert made == [f"{row['picture']}-bright.png" for row in rows] and (tmp_path / "out/sheet.png").is_file()
    pair = (photos / "dark/dark1.png", photos / "bright/bright1.png")
    call("attributes", run, "--swap", *pair, "--steps", 2, "-o", tmp_path / "swap")
    assert len(list((tmp_path / "swap").glob("*-swapped.png"))) == 2
    call("attributes", run, "--interpolate", *pair, "--frames", 4, "-o", tmp_path / "way")
    assert len(list((tmp_path / "way").glob("frame-*.png"))) == 4


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--set", "brigth"], "Did you mean bright?"),
        (["--set", "dark=0"], "a picture has one class"),
        (["--set", "dark=2"], "expected dark=0 or dark=1"),
        (["--set", "dark", "--frames", "3"], "--frames counts the pictures of --interpolate"),
        (["--set", "dark", "--set", "dark=1", "--set", "bright=0"], "a picture has one class"),
        ([], "Say one thing to be done"),
        (["--swap", "a.png", "b.png"], "names its two pictures itself"),
        (["--set", "dark", "--swap", "a.png", "b.png"], "Say one thing to be done"),
    ],
)
def test_mistakes_of_the_command(run, photos, tmp_path, words, sentence):
    said = call("attributes", run, photos / "dark", *words, "-o", tmp_path / "out", code=2).output
    assert sentence in said and "Traceback" not in said and not (tmp_path / "out").exists()


def test_options_that_a_pair_has_no_use_for_are_refused(run, photos, tmp_path):
    pair = (photos / "dark/dark1.png", photos / "bright/bright1.png")
    for words, sentence in (
        (["--swap", *pair, "--limit", 1], "--limit counts the pictures of --set"),
        (["--swap", *pair, "--frames", 3], "--frames counts the pictures of --interpolate"),
    ):
        said = call("attributes", run, *words, "-o", tmp_path / "out", code=2).output
        assert sentence in said and not (tmp_path / "out").exists()


def test_values_that_contradict_each_other_are_refused(model):
    with pytest.raises(jp.JaxpriorError, match=r"--set dark=0: dark=1 was asked for too"):
        _changes(["dark=1", "dark=0"], model.names, exclusive=False)
    assert _changes(["a=b"], ("a=b", "c"), exclusive=model.exclusive) == [("a=b", "a=b")]


def test_no_two_changes_share_a_file():
    assert _file_words(["a b", "a-b", "A B", "+"]) == {"a b": "a-b", "a-b": "a-b-2", "A B": "A-B-3", "+": "changed"}


def test_another_network_is_refused(photos, tmp_path):
    said = call("attributes", "cats32", photos / "dark", "--set", "bright", "-o", tmp_path / "out", code=2).output
    assert "expected a model of attributes (`jaxprior train icgan` trains one)" in said


def test_settings_that_do_not_fit():
    for changes in ({"widths": (4,)}, {"critic_widths": (4,) * 5}, {"steps": -1}, {"dense": 0}, {"encoder_rate": 0.0}):
        with pytest.raises(ValueError, match="|".join(changes)):
            small_recipe(**changes)
    assert set(PRESETS) == {"small", "paper"}
