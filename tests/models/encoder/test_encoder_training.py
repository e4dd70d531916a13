"""Encoders: the network, how pictures are damaged, and a training from the command line to its file."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from commands import call
from flax import linen
from resuming import check_resumes
from tiny_prior import write_tiny_prior

import jaxprior as jp
from jaxprior.data import images
from jaxprior.errors import ArgumentError, SettingsError, WeightsError
from jaxprior.models.encoder.config import EncoderRecipe
from jaxprior.models.encoder.networks import Encoder, from_config, to_config
from jaxprior.models.encoder.train import Networks, defaults, errors, look_loss, plan, rate_share
from jaxprior.models.encoder.use import command
from jaxprior.nn.norm import group_norm
from jaxprior.operators import task_options, task_table
from jaxprior.training.damage import Batches, damaged, files_said, make_damages
from jaxprior.training.loop import Pace
from jaxprior.training.metrics_file import read_metrics
from jaxprior.training.own_samples import Samples, make_samples
from jaxprior.training.pictures import Pictures
from jaxprior.weights.encoders import load_encoder


RANDOM = np.random.default_rng(0)
HOLES = ("inpaint center:0.25", "inpaint block:0.25")
SMALL = {"layer": 3, "widths": (8, 8, 8), "bottleneck": 8, "batch_size": 4, "samples": 64, "own": 1, "held_out": 8}


@pytest.fixture(scope="module")
def prior_file(tmp_path_factory):
    return write_tiny_prior(tmp_path_factory.mktemp("prior") / "prior.safetensors", critic=True)


@pytest.fixture(scope="module")
def photos() -> Pictures:
    """Smooth pictures."""
    colours = RANDOM.integers(0, 256, (48, 2, 2, 3), dtype=np.uint8)
    return Pictures(np.stack([images.fit(four.repeat(8, 0).repeat(8, 1), 16) for four in colours]))


def network() -> Encoder:
    return Encoder(16, (4, 8, 8), latent_dim=5, side=8, channels=6, scale=2.0, bottleneck=8)


def test_every_picture_is_answered_by_itself_with_the_sizes_of_the_prior():
    encoder = network()
    pictures = jnp.asarray(RANDOM.standard_normal((3, 16, 16, 3)), jnp.float32)
    known = jnp.asarray(RANDOM.integers(0, 2, (3, 16, 16, 1)), jnp.float32)
    params = encoder.init(jax.random.key(0), pictures, known)
    answer = encoder.apply(params, pictures, known)
    assert answer["z"].shape == (3, 5) and answer["features"].shape == (3, 8, 8, 6)
    np.testing.assert_allclose(jnp.mean(jnp.square(answer["z"]), axis=1), 1.0, rtol=1e-4)
    alone = encoder.apply(params, pictures[1:2], known[1:2])
    np.testing.assert_allclose(alone["features"][0], answer["features"][1], atol=1e-5)
    hidden = jnp.where(known > 0, pictures, 99.0)  # what stands where nothing is known is not looked at
    np.testing.assert_array_equal(encoder.apply(params, hidden, known)["z"], answer["z"])
    assert from_config(to_config(encoder)) == encoder
    with pytest.raises(ValueError, match="4 widths belong to pictures of 32"):
        from_config(to_config(encoder) | {"widths": [4, 4, 4, 4]})


def test_the_group_norm_is_flaxs():
    x = jnp.asarray(RANDOM.standard_normal((2, 5, 7, 12)) * 3 + 1, jnp.float32)
    scale, bias = (jnp.asarray(RANDOM.standard_normal(12), jnp.float32) for _ in range(2))
    expected = linen.GroupNorm(4, epsilon=1e-5).apply({"params": {"scale": scale, "bias": bias}}, x)
    np.testing.assert_allclose(group_norm(x, scale, bias, groups=4), expected, atol=1e-5)


def test_batches_depend_on_their_number_alone_and_every_picture_draws_a_task(photos):
    samples = Samples(photos.pixels[:8], z=RANDOM.standard_normal((8, 5)).astype(np.float32))
    damages = make_damages((*HOLES, "superres 2", "denoise --sigma 0.1", "colorize"), (16, 16, 3), seed=1)
    some = Batches(photos, samples, damages, own=2)
    first = some.batches(0, 32, 7)
    batch = first(3)
    assert {name: value.shape for name, value in batch.items()} == {
        "pictures": (32, 16, 16, 3), "z": (32, 5), "task": (32,), "mask": (32, 16, 16)
    }  # fmt: skip
    for name, value in some.batches(64, 32, 7)(1).items():
        np.testing.assert_array_equal(value, batch[name])
    assert set(batch["task"]) == set(range(5)) and not batch["z"][:30].any() and batch["z"][30:].any()
    assert set(batch["mask"][batch["task"] < 2].mean(axis=(1, 2))) == {0.25}
    assert not batch["mask"][batch["task"] >= 2].any()
    originals = np.float32(batch["pictures"] / 127.5 - 1)
    masks = np.float32(batch["mask"])
    seen, known = jax.jit(lambda *args: damaged(damages, *args))(originals, batch["task"], masks, jax.random.key(0))
    holes = batch["task"] < 2
    np.testing.assert_array_equal(known[..., 0], 1 - masks)
    np.testing.assert_array_equal(seen[holes], (originals * (1 - masks[..., None]))[holes])
    small, noisy, grey = (np.asarray(seen)[batch["task"] == number] for number in (2, 3, 4))
    assert 0 < np.abs(small - originals[batch["task"] == 2]).mean() < 0.2
    assert 0.05 < np.std(noisy - originals[batch["task"] == 3]) < 0.15
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])


def test_settings_tell_of_a_mask_file_that_has_changed(tmp_path):
    words = f"inpaint '{tmp_path / 'my mask.png'}'"
    said = []
    for width in (4, 4, 5):
        mask = np.zeros((16, 16, 3), np.uint8)
        mask[4:8, 4 : 4 + width] = 255
        images.save_png(tmp_path / "my mask.png", mask)
        said.append(files_said((*HOLES, words, "colorize")))
    assert said[0] == said[1] != said[2] and list(said[0]["task_files"]) == [words]
    assert files_said(HOLES) == {}


def test_the_command_in_which_an_encoder_serves_is_that_of_its_tasks():
    holes = "jaxprior inpaint IMAGES --mask MASK -o OUT --init encoder --encoder"
    assert command({"tasks": ["colorize", HOLES[0]], "layer": 3}) == holes
    assert command({"tasks": ["deblur 1.5"], "layer": 3}).startswith("jaxprior deblur IMAGES --blur 1.5 -o OUT ")
    whole = "jaxprior reconstruct IMAGES -o OUT --codes-kind feature --layer 3 --steps 10 --init encoder --encoder"
    assert command({"tasks": ["reconstruct"], "layer": 3}) == whole


def test_errors_of_the_hole_and_of_what_is_known_by_hand():
    known = jnp.ones((2, 2, 2, 1)).at[0, 0, 0].set(0)
    images_, originals = jnp.zeros((2, 2, 2, 1)).at[0, 0, 0].set(0.5), jnp.zeros((2, 2, 2, 1)).at[0, 1].set(0.3)
    hole, rest = errors(images_, originals, known)
    np.testing.assert_allclose(hole, [0.5, 0.0])
    np.testing.assert_allclose(rest, [0.2, 0.0], rtol=1e-6)


def test_the_learning_rate_rises_and_falls():
    recipe = EncoderRecipe(steps=100, warmup=0.1)
    shares = [float(rate_share(recipe, index)) for index in (0, 4, 9, 55, 99)]
    np.testing.assert_allclose(shares, [0.1, 0.5, 1.0, 0.5, 0.0], atol=0.01)


def test_it_learns_the_codes_and_pictures_of_samples_and_resumes_to_the_bit(tmp_path, prior_file):
    recipe = EncoderRecipe(prior=str(prior_file), tasks=("reconstruct",), steps=60, learning_rate=1e-2, **SMALL)
    prior = jp.load_prior(prior_file)
    samples = make_samples(recipe.prior, recipe.samples, prior)
    np.testing.assert_allclose(
        images.to_float(samples.pixels[[5]]), np.clip(prior.generate(samples.z[5:6]), -1, 1), atol=0.01
    )
    whole = check_resumes(plan(recipe, samples), tmp_path, stops=(7,), pace=Pace(log_every=6))
    rows, figures = read_metrics(whole / "metrics.csv"), read_metrics(whole / "answers.csv")
    for name in ("known_loss", "map_loss"):
        assert float(rows[-1][name]) < 0.8 * float(rows[0][name])
    assert float(figures[-1]["psnr"]) > float(figures[0]["psnr"]) + 0.5
    encoder = load_encoder(whole)
    assert encoder.layer == 3 and encoder.prior_sha256 == prior.sha256 and encoder.image_shape == (16, 16, 3)
    encoder.check_fits(prior)
    seen = images.to_float(samples.pixels[:8])
    answer = encoder(seen, np.ones((8, 16, 16, 1), np.float32))
    assert answer["features"].shape == prior.head(samples.z[:8], 3).shape
    after = np.median(jp.metrics.psnr(prior.tail(answer["features"], 3), seen))
    assert after > float(figures[0]["psnr"])
    other = jp.load_prior(write_tiny_prior(tmp_path / "other.safetensors", seed=1))
    with pytest.raises(ArgumentError, match="the encoder belongs to tiny"):
        encoder.check_fits(other)
    with pytest.raises(ArgumentError, match="batch of pictures"):
        encoder(seen[0], np.ones((16, 16, 1), np.float32))


def test_a_command_trains_on_real_pictures_through_the_frozen_prior(tmp_path, prior_file, photos):
    (tmp_path / "photos").mkdir()
    for i, pixels in enumerate(photos.pixels):
        images.save_png(tmp_path / "photos" / f"{i:03d}.png", pixels)
    asked = ["train", "encoder", "--prior", prior_file, "--data", tmp_path / "photos", "-o", tmp_path / "run"]
    asked += ["--layer", 3, "--widths", "8,8,8", "--bottleneck", 8, "--batch-size", 4, "--own-samples", 1]
    asked += ["--samples", 64, "--steps", 10, "--feature-weight", 0.1, "--realism", 0.1]
    shown = call(*asked, "--task", HOLES[0], "--task", HOLES[1]).stdout
    assert "48 pictures of 16x16 pixels" in shown and "--init encoder --encoder" in shown
    figures = read_metrics(tmp_path / "run/answers.csv")[-1]
    assert {f"gain {task}" for task in HOLES} <= set(figures) and float(figures["reference_psnr"]) > 10
    card = load_encoder(tmp_path / "run").card
    assert card["prior"]["name"] == "tiny" and card["training"]["recipe"]["tasks"] == list(HOLES)
    assert card["training"]["held_out"]["gain"] == float(figures["gain"])
    other = call(*asked, "--task", HOLES[0], code=2).stderr
    assert "tasks" in other  # the folder belongs to another training


def test_a_training_goes_on_with_an_encoder_and_keeps_its_sizes(tmp_path, prior_file):
    asked = ("train", "encoder", "--prior", prior_file, "--samples", 32, "--batch-size", 4, "--task", "reconstruct")
    sizes = ("--layer", 3, "--widths", "8,8,8", "--bottleneck", 8)
    call(*asked, *sizes, "--steps", 4, "-o", tmp_path / "first")
    first, more = load_encoder(tmp_path / "first"), ("--from", tmp_path / "first", "-o", tmp_path / "more")
    call(*asked, *more, "--steps", 10, "--lr", 1e-9)
    second = load_encoder(tmp_path / "more")
    assert second.layer == 3 and second.module == first.module
    for a, b in zip(jax.tree.leaves(first.params), jax.tree.leaves(second.params), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)  # at such a learning rate it stays where it began
    assert second.card["training"]["recipe"]["start_from"] == first.sha256
    for given, said in (
        (("--layer", 2), "--layer cannot be changed with --from"),
        (("--widths", "4,4,4"), "has 8,8,8"),
        (("--from", prior_file), "this is no encoder"),
        (("--prior", write_tiny_prior(tmp_path / "other.safetensors", seed=1)), "the encoder belongs to tiny"),
    ):
        assert said in " ".join(call(*asked, *more[:2], "-o", tmp_path / "x", *given, code=2).stderr.split())
    again = call(*asked, *sizes, "--steps", 10, "--lr", 1e-9, "-o", tmp_path / "more", code=2).stderr
    assert "was begun from the weights of another --from, this command has none" in " ".join(again.split())


def test_mistakes_are_sentences(tmp_path, prior_file):
    asked = ("train", "encoder", "--prior", prior_file, "-o", tmp_path / "run")
    for given, said in (
        (("--task", "inpant center:0.25"), "Did you mean inpaint"),
        (("--task", "inpaint"), "needs a mask"),
        (("--task", f"inpaint {tmp_path}"), "a folder gives each picture"),
        (("--task", "superres three"), "expected a whole number"),
        (("--layer", 9), "has layers 1 to 6"),
        (("--widths", "8,8"), "2 widths belong to pictures of 8"),
        (("--own-samples", 40), "at most the pictures of a step"),
    ):
        assert said in " ".join(call(*asked, *given, code=2).stderr.split())
    assert not (tmp_path / "run").exists()
    with pytest.raises(WeightsError, match="expected an encoder .`jaxprior train encoder` trains one"):
        load_encoder(prior_file)
    with pytest.raises(WeightsError, match="neither the run of .jaxprior train encoder"):
        load_encoder(tmp_path / "nothing")
    bare = write_tiny_prior(tmp_path / "bare.safetensors")
    with pytest.raises(SettingsError, match="this prior has none"):
        plan(EncoderRecipe(prior=str(bare), realism=1.0, **SMALL), Pictures(np.zeros((8, 16, 16, 3), np.uint8)))


def test_a_task_in_the_words_of_its_command():
    assert task_table("inpaint center:0.25") == {"name": "inpaint", "mask": "center:0.25"}
    assert task_table("inpaint --mask 'a b.png' --invert-mask") == {
        "name": "inpaint", "mask": "a b.png", "invert_mask": True
    }  # fmt: skip
    assert task_table("superres --factor=8 --kernel box") == {"name": "superres", "factor": 8, "kernel": "box"}
    assert task_table("denoise 0.1") == {"name": "denoise", "sigma": 0.1}
    for words in ("inpaint 'a b.png' --invert-mask", "superres 8 box", "denoise 0.1", "colorize"):
        table = task_table(words)
        assert task_table(f"{table['name']} {task_options(table)}") == table
    for words, said in (
        ("", "needs a name"), ("colorize 3", "it has no settings"), ("superres --faktor 2", "it takes --factor"),
        ("superres --factor", "needs a value"), ("inpaint 'x", "closing quotation"),
    ):  # fmt: skip
        with pytest.raises(SettingsError, match=said):
            task_table(words)


def test_how_an_answer_looks_is_judged_with_the_known_pixels_put_back():
    recipe = EncoderRecipe(feature_weight=2.0)
    seen = Networks(jax.tree_util.Partial(lambda images: images), None)
    known = jnp.zeros((1, 4, 4, 1)).at[:, :2].set(1)
    originals, images_ = jnp.zeros((1, 4, 4, 3)), jnp.ones((1, 4, 4, 3))
    loss, told = look_loss(recipe, seen, images_, originals, known)
    assert float(loss) == pytest.approx(1.0) and float(told["feature_loss"]) == pytest.approx(0.5)  # of half the pixels
    assert float(look_loss(recipe, Networks(None, None), images_, originals, known)[0]) == 0.0


def test_a_card_states_settings_for_holes_only_if_it_was_trained_to_fill_them():
    stated = defaults(EncoderRecipe(layer=3, tasks=("reconstruct", "inpaint block:0.1")))
    assert stated["inpaint"]["codes"] == {"kind": "feature", "layer": 3} and list(stated) == ["inpaint"]
    assert defaults(EncoderRecipe(tasks=("superres 4",))) == {}
