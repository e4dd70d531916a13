"""The autoencoder's recipe: triples, one step against PyTorch, a killed run, and refining inversions with it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from commands import call
from PIL import Image
from resuming import check_resumes
from skimage import data
from tiny_prior import random_prior, write_tiny_prior

import jaxprior as jp
from jaxprior.data import images
from jaxprior.data.masks import parse_mask
from jaxprior.errors import ImageError, WeightsError
from jaxprior.models.autoencoder.config import AutoencoderInputs, AutoencoderRecipe
from jaxprior.models.autoencoder.networks import Autoencoder, from_config, to_config
from jaxprior.models.autoencoder.pairs import Triples, draw_masks, load_pairs, mask_spec, mean_filled, read
from jaxprior.models.autoencoder.train import init_state, make_networks, make_step, plan
from jaxprior.training import decoding, session
from jaxprior.training.loop import Interrupted, Pace
from jaxprior.training.metrics_file import read_metrics
from jaxprior.training.pictures import Pictures, load_pictures


RANDOM = np.random.default_rng(0)


def small_recipe(**changes) -> AutoencoderRecipe:
    settings = {"resolution": 16, "widths": (6, 8), "critic_widths": (6, 8), "batch_size": 4, "steps": 20, "seed": 3}
    return AutoencoderRecipe(**{**settings, **changes})


@pytest.fixture(scope="module")
def triples() -> Pictures:
    pixels = RANDOM.integers(0, 256, (32, 16, 16, 7), dtype=np.uint8)
    pixels[..., 6] = 255 * (pixels[..., 6] > 128)
    return Pictures(pixels)


@pytest.fixture(scope="module")
def photos() -> Pictures:
    """Smooth pictures, in which what is missing can be guessed from what is around."""
    cat = data.chelsea()
    places = RANDOM.integers(0, 200, (128, 2))
    crops = np.stack([cat[y : y + 96, x : x + 96] for y, x in places])
    return Pictures(np.stack([images.fit(crop, 16) for crop in crops]))


def test_mean_filled_by_hand():
    picture = np.array([[[10, 0, 0], [20, 0, 0]], [[31, 0, 0], [200, 9, 9]]], np.uint8)[None]
    mask = np.array([[0, 0], [0, 255]], np.uint8)[None, ..., None]
    triple = mean_filled(picture, mask)[0]
    np.testing.assert_array_equal(triple[1, 1], [20, 0, 0, 200, 9, 9, 255])
    np.testing.assert_array_equal(triple[0, 1], [20, 0, 0, 20, 0, 0, 0])


def test_a_picture_meets_other_masks_and_the_same_ones_again(photos):
    masks = draw_masks(parse_mask("block:0.25"), 16, seed=1)
    assert masks.shape == (256, 16, 16, 1) and set(np.unique(masks)) == {0, 255}
    assert len(draw_masks(parse_mask("center:0.25"), 16, seed=1)) == 1
    some = Triples(photos.pixels, masks)
    first = some.batches(0, 128, 7)
    assert first(0).shape == (128, 16, 16, 7)
    np.testing.assert_array_equal(first(3), some.batches(256, 128, 7)(1))
    assert (first(0)[..., 3:6].sum() == first(1)[..., 3:6].sum()) and (first(0)[..., 6] != first(1)[..., 6]).any()
    known = first(0)[..., 6] == 0
    np.testing.assert_array_equal(first(0)[..., :3][known], first(0)[..., 3:6][known])


def test_a_step_is_the_one_of_pytorch(triples):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    recipe = small_recipe(norm="none", mirror=False, learning_rate=1e-2)
    state = init_state(recipe, jax.random.key(0))
    tree = jax.tree.map(
        lambda x: torch.tensor(np.asarray(x), requires_grad=True), state["autoencoder"]["params"]
    )
    batch = triples.pixels[:4]
    inputs, originals, _ = np.split(batch.transpose(0, 3, 1, 2) / np.float32(127.5) - 1, (3, 6), axis=1)
    x = torch.tensor(inputs)
    for name in ("down0", "down1"):
        kernel, bias = tree[name]["kernel"].permute(3, 2, 0, 1), tree[name]["bias"]
        x = functional.leaky_relu(functional.conv2d(x, kernel, bias, stride=2, padding=1), 0.2)
    for name in ("up0", "output"):
        kernel, bias = tree[name]["kernel"].permute(2, 3, 0, 1), tree[name]["bias"]
        x = functional.conv_transpose2d(x, kernel, bias, stride=2, padding=1)
        x = functional.leaky_relu(x, 0.2) if name == "up0" else torch.tanh(x)
    adam = torch.optim.Adam(jax.tree.leaves(tree), lr=1e-2, betas=(0.5, 0.999), eps=1e-8)
    loss = (x - torch.tensor(originals)).square().mean()
    loss.backward()
    adam.step()
    state, metrics = make_step(recipe)(0, state, batch, jax.random.key(1))
    assert float(metrics["loss"]) == pytest.approx(float(loss.detach()), rel=1e-5)
    for ours, theirs in zip(jax.tree.leaves(state["autoencoder"]["params"]), jax.tree.leaves(tree), strict=True):
        np.testing.assert_allclose(ours, theirs.detach().numpy(), atol=2e-4)


def test_a_critic_has_its_weight_in_the_loss(triples):
    """Without weight there is no critic; with it both networks move, the critic at a tenth of the rate."""
    assert "critic" not in init_state(small_recipe(), jax.random.key(0))
    recipe = small_recipe(adversarial=0.5, noise=0.1)
    state = init_state(recipe, jax.random.key(0))
    before = jax.tree.map(np.array, state)
    state, metrics = make_step(recipe)(0, state, triples.pixels[:4], jax.random.key(1))
    assert set(metrics) == {"loss", "generator_loss", "critic_loss"}
    for name, rate in (("autoencoder", 1e-3), ("critic", 1e-4)):
        moved = jax.tree.map(lambda a, b: float(np.abs(a - b).max()), state[name], before[name])
        assert 0.5 * rate < max(jax.tree.leaves(moved["params"])) < 2 * rate  # Adam's first step is the rate
        assert min(jax.tree.leaves(moved["batch_stats"])) > 0


@pytest.mark.parametrize("adversarial", [0.0, 0.001])
def test_killed_and_resumed_equals_never_killed(tmp_path, photos, adversarial):
    recipe = small_recipe(mask="block:0.25", adversarial=adversarial)
    pace = Pace(log_every=2, checkpoint_seconds=1e9, snapshot_seconds=1e9)
    whole = check_resumes(plan(recipe, photos), tmp_path, stops=(2, 5), pace=pace)
    assert len(read_metrics(whole / "held-out.csv")) == 10


def test_a_training_begun_in_memory_goes_on_from_a_file_with_the_same_bits(tmp_path, photos, monkeypatch):
    monkeypatch.setenv("JAXPRIOR_CACHE", str(tmp_path / "cache"))
    (tmp_path / "photos").mkdir()
    for i, pixels in enumerate(photos.pixels):
        images.save_png(tmp_path / "photos" / f"{i:03d}.png", pixels)
    stored = load_pictures(tmp_path / "photos", resolution=16, in_memory=0)
    recipe = small_recipe(mask="block:0.25")
    pace = Pace(log_every=2, checkpoint_seconds=1e9, snapshot_seconds=1e9)
    in_memory, from_file = plan(recipe, photos), plan(recipe, stored)
    session.run(in_memory, tmp_path / "whole", source="noise", pace=pace)
    calls = iter(range(10_000))
    with pytest.raises(Interrupted):
        session.run(in_memory, tmp_path / "run", source="noise", pace=pace, should_stop=lambda: next(calls) >= 3)
    session.run(from_file, tmp_path / "run", source="noise", pace=pace)
    for name in ("metrics.csv", "held-out.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_it_learns_to_fill_holes_of_pictures_it_has_not_seen(tmp_path, photos):
    """Better than the mean colour that it was given; and its file gives the same pictures, to half precision."""
    recipe = small_recipe(mask="center:0.25", steps=400, learning_rate=3e-3, ema_decay=0.95, widths=(24, 32))
    work = plan(recipe, photos)
    states, show = [], work.show
    work = dataclasses.replace(work, show=lambda state, moment: states.append(state["average"]) or show(state, moment))
    session.run(work, tmp_path, source="crops of a cat", pace=Pace(log_every=50))
    row = read_metrics(tmp_path / "held-out.csv")[-1]
    assert float(row["psnr_hole"]) > float(row["given_psnr_hole"]) + 1
    refiner = jp.load_refiner(tmp_path)
    assert refiner.resolution == 16 and refiner.card["training"]["held_out"]["psnr_hole"] == float(row["psnr_hole"])
    some = images.to_float(photos.pixels[-5:])
    expected = make_networks(recipe)[0].apply(states[-1], some)
    np.testing.assert_allclose(refiner(some), expected, atol=0.01)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, photos):
    """A prior's file, pictures, and a run of completions with originals."""
    folder = tmp_path_factory.mktemp("completed")
    prior = write_tiny_prior(folder / "prior.safetensors")
    (folder / "photos").mkdir()
    for i, pixels in enumerate(photos.pixels[:6]):
        images.save_png(folder / "photos" / f"p{i}.png", pixels)
    options = ("--prior", prior, "--codes", 2, "--layer", 2, "--steps", 3)
    call("inpaint", folder / "photos", "--mask", "center:0.25", "--clean", *options, "-o", folder / "run")
    return folder, options


def test_pairs_are_the_pictures_of_a_run(runs):
    folder, _ = runs
    pairs = load_pairs([folder / "run", folder / "run"], resolution=16)
    assert pairs.pixels.shape == (12, 16, 16, 7)
    np.testing.assert_array_equal(pairs.pixels[0], pairs.pixels[1])  # one original of two runs: side by side
    given, truth, mask = np.split(pairs.pixels, (3, 6), axis=-1)
    known = np.broadcast_to(mask == 0, given.shape)
    np.testing.assert_array_equal(given[known], truth[known])
    assert (given[~known] != truth[~known]).mean() > 0.5 and mask.mean() == 255 / 4
    assert len(load_pairs([folder / "run"], resolution=16, limit=4)) == 4
    with pytest.raises(ImageError, match="expected 32x32 pixels, got 16x16"):
        load_pairs([folder / "run"], resolution=32)
    with pytest.raises(ImageError, match="holds no originals"):
        load_pairs([folder], resolution=16)


def test_many_pairs_lie_in_a_file(runs, tmp_path, monkeypatch):
    folder, _ = runs
    expected = load_pairs([folder / "run"], resolution=16).pixels
    monkeypatch.setenv("JAXPRIOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(decoding, "IN_MEMORY", 0)
    for _ in range(2):
        pairs = load_pairs([folder / "run"], resolution=16)
        assert pairs.folder is not None
        np.testing.assert_array_equal(np.asarray(pairs.pixels), expected)


def test_from_completions_to_refined_completions(runs, tmp_path):
    """As a user goes: train on a run's pairs, repair with it, from the command line and from Python."""
    folder, options = runs
    trained, refined = tmp_path / "trained", tmp_path / "refined"
    shape = ("--resolution", 16, "--widths", "6,8", "--batch-size", 2, "--steps", 20)
    shown = call("train", "autoencoder", "--pairs", folder / "run", *shape, "-o", trained).stdout
    assert "6 pairs of 16x16 pixels" in shown and f"--refine {trained}" in shown
    asked = ("inpaint", folder / "photos", "--mask", "center:0.25", "--clean", *options, "--refine", trained)
    call(*asked, "-o", refined)
    plain, better = (sorted((run / "images").glob("*.png")) for run in (folder / "run", refined))
    hole = np.zeros((16, 16), bool)
    hole[4:12, 4:12] = True
    for a, b in zip(plain, better, strict=True):
        a, b = images.load_image(a), images.load_image(b)
        np.testing.assert_array_equal(a[~hole], b[~hole])
        assert (a[hole] != b[hole]).mean() > 0.5
    prior, refiner = jp.load_prior(folder / "prior.safetensors"), jp.load_refiner(trained)
    photos = jp.load_images(sorted((folder / "photos").glob("*.png")), size=16)
    task, method = jp.Inpaint(hole.astype(np.float32)), {
        "codes": jp.MultiCode(num_codes=2, layer=2), "solve": jp.Solve(steps=3), "key": jax.random.key(0)
    }  # fmt: skip
    before, after = (jp.restore(prior, photos, task, **method, refine=r) for r in (None, refiner))
    np.testing.assert_allclose(after.images, refiner(before.merged), atol=1e-5)
    np.testing.assert_array_equal(np.asarray(after.merged)[:, ~hole], np.asarray(before.merged)[:, ~hole])
    alone = jp.restore(prior, photos[:1], task, **method, refine=refiner)
    np.testing.assert_array_equal(alone.images[0], after.images[0])
    other = call("inpaint", folder / "photos", "--mask", "center:0.25", "--clean", *options, "-o", refined, code=2)
    assert "refine" in other.stderr  # the folder's results are refined: nothing is mixed


def test_a_masks_file_is_read_as_all_commands_read_it(runs, tmp_path):
    folder, _ = runs
    hole = np.zeros((16, 16), np.uint8)
    hole[4:12, 4:8] = 1
    Image.fromarray(hole).save(tmp_path / "label.png")
    asked = ("train", "autoencoder", "--data", folder / "photos", "--mask", tmp_path / "label.png", "--resolution", 16)
    asked += ("--minutes", 0.001, "-o", tmp_path / "run")
    refused = call(*asked, code=2).stderr
    assert "no pixel is white; its values are 0 and 1" in refused and not (tmp_path / "run").exists()
    recipe = small_recipe(mask=str(tmp_path / "label.png"), mask_means="painted")
    data = read(AutoencoderInputs(data=folder / "photos"), recipe)
    assert data.notes == ("mask label.png: 12.5 % missing, what is painted counts",)
    assert np.array_equal(draw_masks(mask_spec(recipe), 16, seed=0)[0, ..., 0], 255 * hole)
    assert session.settings_of(recipe)["mask_means"] == "painted"
    assert not {"mask_means", "invert_mask"} & set(session.settings_of(small_recipe(mask="block:0.25")))
    with pytest.raises(ValueError, match="give one file, or block:F"):
        small_recipe(mask=str(tmp_path))
    with pytest.raises(ValueError, match="give `mask` too"):
        small_recipe(invert_mask=True)


def test_mistakes_are_sentences(runs, tmp_path):
    folder, options = runs
    for change, said in (
        ({"adversarial": 1.0}, "below 1"), ({"resolution": 18}, "cannot be halved 2 times"), ({"mask": "hole"}, "hole"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            small_recipe(**change)
    asked = ("train", "autoencoder", "-o", tmp_path / "run")
    for given in ((), ("--data", folder / "photos"), ("--mask", "center:0.25"), ("--pairs", "a", "--data", "b")):
        assert "Give --pairs" in call(*asked, *given, code=2).stderr
    assert "no originals" in call(*asked, "--pairs", folder, code=2).stderr
    assert "do not suffice" in call(*asked, "--pairs", folder / "run", "--resolution", 16, "--limit", 3, code=2).stderr
    with pytest.raises(WeightsError, match="expected a refiner"):
        jp.load_refiner(folder / "prior.safetensors")
    with pytest.raises(WeightsError, match="neither the run"):
        jp.load_refiner(folder / "nothing")
    options = (*options, "--refine", folder, "-o", tmp_path / "x")
    wrong = call("inpaint", folder / "photos", "--mask", "center:0.25", *options, code=2)
    assert "neither the run" in wrong.stderr


def test_a_refiner_of_another_size_is_refused():
    network = Autoencoder((4, 6), norm="affine")
    assert from_config(to_config(network, 32)) == (network, 32)
    params = network.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3)))["params"]
    refiner = jp.Refiner(module=network, params=params, resolution=32)
    with pytest.raises(ValueError, match="32 pixels, the prior makes 16"):
        jp.restore(random_prior(), jnp.zeros((1, 16, 16, 3)), key=jax.random.key(0), refine=refiner)
