"""The training of a convolutional autoencoder: its loss, its step against the authors' code, and a killed run."""

import csv
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from commands import call
from golden_convae import image_input, normal_input, state_dict, vae2021
from resuming import check_resumes
from skimage import data
from tiny_prior import write_tiny_prior

import jaxprior as jp
from jaxprior.data import images
from jaxprior.errors import ArgumentError, ImageError, SettingsError
from jaxprior.models.convae.config import PRESETS, ConvAERecipe
from jaxprior.models.convae.networks import ConvAE
from jaxprior.models.convae.train import init_state, make_loss, make_network, make_step, plan
from jaxprior.training import session
from jaxprior.training.damage import Batches, make_damages, pictured
from jaxprior.training.loop import Pace
from jaxprior.training.metrics_file import read_metrics
from jaxprior.training.own_samples import make_samples
from jaxprior.training.pictures import Pictures
from jaxprior.training.players import adam_start, player
from jaxprior.training.recipe import adam


RANDOM = np.random.default_rng(0)
HOLE = "inpaint center:0.25"


def small_recipe(**changes) -> ConvAERecipe:
    settings = {"resolution": 16, "width": 4, "code": 8, "batch_size": 8, "steps": 20, "held_out": 8, "samples": 16}
    return ConvAERecipe(**{**settings, **changes})


@pytest.fixture(scope="module")
def photos() -> Pictures:
    """Crops of a cat."""
    cat, places = data.chelsea(), RANDOM.integers(0, 200, (64, 2))
    return Pictures(np.stack([images.fit(cat[y : y + 96, x : x + 96], 16) for y, x in places]))


@pytest.fixture(scope="module")
def prior_file(tmp_path_factory):
    return write_tiny_prior(tmp_path_factory.mktemp("prior") / "prior.safetensors")


@pytest.mark.parametrize("name", ["vae32", "ae32"])
def test_three_steps_are_those_of_the_authors_code_of_2021(name, golden):
    """Loss, gradients, running statistics, Adam, in float64. "ae32" draws codes, but its loss has no divergence."""
    arrays = golden("convae")
    of_e, of_d = (f"{name}.E.", f"{name}.D.")
    recipe = ConvAERecipe(
        layout="vae2021", variational=True, resolution=32, width=8, code=12, batch_size=4, learning_rate=1e-3,
        beta1=0.5, divergence_weight=0.25 if name == "vae32" else 0.0,
    )  # fmt: skip
    with jax.enable_x64(True):
        state = state_dict([*arrays[f"{of_e}keys"], *arrays[f"{of_d}keys"]], f"{name}.", 1.0)
        variables = jax.tree.map(jnp.asarray, vae2021(state, 4, (64, 2, 2)))
        params, statistics = variables["params"], {"batch_stats": variables["batch_stats"]}
        before, optimizer = statistics, adam_start(params)
        network = ConvAE(32, 8, 12, True, name == "ae32", "vae2021", dtype=jnp.float64)
        loss = make_loss(recipe, network)
        update, gradients = jax.jit(player(loss, adam(recipe))), jax.jit(jax.grad(loss, has_aux=True))
        for step in range(3):
            x = image_input(f"{name}.x{step}", (4, 3, 32, 32))
            noise = normal_input(f"{name}.eps{step}", (4, 12))
            if step == 0:
                first = gradients(params, statistics, x, x, noise)[0]
            params, optimizer, (told, statistics) = update(params, optimizer, statistics, x, x, noise)
            assert float(told["loss"]) == pytest.approx(float(arrays[f"{name}.step{step}.loss"]), rel=1e-9)
            if step == 0:
                after = statistics
        kernel = params["encoder"]["conv0"]["kernel"].transpose(3, 2, 0, 1)
        np.testing.assert_allclose(kernel, arrays[f"{name}.final.E.conv0"], rtol=1e-6, atol=1e-6)
        kernel = params["decoder"]["up0"]["kernel"].transpose(2, 3, 0, 1)
        np.testing.assert_allclose(kernel, arrays[f"{name}.final.D.outlayer"], rtol=1e-6, atol=1e-6)
        was, now = (s["batch_stats"]["encoder"]["conv0"]["norm"] for s in (before, after))
        np.testing.assert_allclose(now["mean"], arrays[f"{name}.step0.E.rm0"], rtol=1e-6, atol=1e-7)
        unbiased = 0.9 * was["var"] + (now["var"] - 0.9 * was["var"]) * 1024 / 1023  # PyTorch divides by n - 1
        np.testing.assert_allclose(unbiased, arrays[f"{name}.step0.E.rv0"], rtol=1e-6)
        if name == "vae32":
            gradient = first["encoder"]["conv0"]["kernel"].transpose(3, 2, 0, 1)
            np.testing.assert_allclose(gradient, arrays[f"{name}.step0.E.grad.main.conv0.weight"], rtol=2e-6, atol=1e-9)
            for part, of in (("encoder", of_e), ("decoder", of_d)):
                norms = sorted(float(jnp.linalg.norm(leaf)) for leaf in jax.tree.leaves(first[part]))
                stored = arrays[f"{name}.step0.{of[-2]}.gradnorms"]
                np.testing.assert_allclose(norms, sorted(stored), rtol=1e-9)


def test_the_loss_by_hand():
    recipe = small_recipe(variational=True, divergence_weight=0.5)
    network = make_network(recipe)
    x = jnp.asarray(RANDOM.uniform(-1, 1, (2, 16, 16, 3)), jnp.float32)
    seen, noise = jnp.concatenate([x, 0.5 * x]), jnp.zeros((4, 8))
    params = network.init(jax.random.key(0), x)["params"]
    images_, code = network.apply({"params": params}, seen, noise, method="reconstruct")
    value, (told, _) = make_loss(recipe, network)(params, {}, seen, x, noise)
    whole, damaged = (float(jnp.mean(jnp.square(some - x))) for some in jnp.split(images_, 2))
    divergence = float(jnp.mean(code.divergence())) / 8
    assert float(told["whole_loss"]) == pytest.approx(whole, rel=1e-5)
    assert float(told["damaged_loss"]) == pytest.approx(damaged, rel=1e-5)
    assert float(value) == pytest.approx(whole + damaged + 2 * 0.5 * divergence, rel=1e-5)
    plain = make_network(small_recipe())
    params = plain.init(jax.random.key(0), x)["params"]
    value, (told, _) = make_loss(small_recipe(), plain)(params, {}, x, x, None)
    assert set(told) == {"loss", "whole_loss"} and float(value) == float(told["whole_loss"])


def test_batches_are_half_samples_of_the_prior(photos, prior_file):
    samples = make_samples(str(prior_file), 16, jp.load_prior(prior_file))
    damages = make_damages((HOLE, "superres 4"), (16, 16, 3), seed=1)
    batch = Batches(photos, samples, damages, 4).batches(0, 8, 7)(3)
    known = {one.tobytes() for one in photos.pixels}
    assert [one.tobytes() in known for one in batch["pictures"]] == [True] * 4 + [False] * 4
    alone = Batches(photos, None, (), 0).batches(0, 8, 7)(3)
    assert set(alone) == {"pictures"} and all(one.tobytes() in known for one in alone["pictures"])
    originals = np.float32(batch["pictures"] / 127.5 - 1)
    masks, chosen = np.float32(batch["mask"]), np.arange(8, dtype=np.int32) % 2
    masks[0] = 0
    masks[0, :8] = 1
    seen = np.asarray(jax.jit(lambda *args: pictured(damages, *args))(originals, chosen, masks, jax.random.key(0)))
    np.testing.assert_array_equal(seen[0], originals[0] * (1 - masks[0, ..., None]))
    tiles = seen[1].reshape(4, 4, 4, 4, 3)  # enlarged to the nearest pixel
    np.testing.assert_array_equal(tiles, np.broadcast_to(tiles[:, :1, :, :1], tiles.shape))


@pytest.mark.parametrize("layout", ["table1", "vae2021"])
def test_killed_and_resumed_equals_never_killed(tmp_path, photos, prior_file, layout):
    recipe = small_recipe(
        layout=layout, variational=layout == "vae2021", tasks=(HOLE, "denoise 0.3"), prior=str(prior_file)
    )
    pace = Pace(log_every=2, checkpoint_seconds=1e9, snapshot_seconds=1e9)
    whole = check_resumes(plan(recipe, photos), tmp_path, stops=(2, 5), pace=pace)
    rows = read_metrics(whole / "reconstructions.csv")
    assert len(rows) == 10 and {"mse", "psnr", "mean_mse", f"mse {HOLE}", "psnr denoise 0.3"} <= set(rows[0])
    card = jp.load_refiner(whole).card
    assert card["prior"]["sha256"] == jp.load_prior(prior_file).sha256 and card["tasks"] == list(recipe.tasks)
    assert card["own_samples"] == 0.5 and card["training"]["held_out"]["mse"] == float(rows[-1]["mse"])


def test_it_learns_more_than_the_mean_picture_and_to_see_through_damage(tmp_path):
    colours = RANDOM.integers(0, 256, (96, 2, 2, 3), dtype=np.uint8)
    photos = Pictures(np.stack([images.fit(four.repeat(8, 0).repeat(8, 1), 16) for four in colours]))
    recipe = small_recipe(
        tasks=(HOLE,), steps=200, width=8, code=24, batch_size=16, learning_rate=3e-3, ema_decay=0.95
    )
    session.run(plan(recipe, photos), tmp_path, source="colours", pace=Pace(log_every=50))
    row = read_metrics(tmp_path / "reconstructions.csv")[-1]
    mean = float(row["mean_mse"])
    assert float(row["mse"]) < 0.5 * mean and float(row[f"mse {HOLE}"]) < 0.7 * mean
    refiner, features = jp.load_refiner(tmp_path), jp.load_features(tmp_path)
    some = images.to_float(photos.pixels[-8:])
    assert float(np.mean((np.asarray(refiner(some)) - some) ** 2)) == pytest.approx(float(row["mse"]), rel=0.02)
    damaged = some.copy()
    damaged[:, 4:12, 4:12] = 0
    between = float(jnp.mean(jnp.square(features(some) - features(damaged))))
    others = float(jnp.mean(jnp.square(features(some) - features(some[::-1]))))
    assert between < others  # the code of a damaged picture is nearer to its own than to another picture's


def test_the_published_recipes_have_their_networks():
    wanted = {"table1": (256, False, True), "vae2021": (256, True, False), "convae2019": (128, False, False)}
    for name, recipe in PRESETS.items():
        assert recipe.layout == name and (recipe.code, recipe.variational, recipe.tanh) == wanted[name]
    state = init_state(make_network(small_recipe(layout="vae2021")), jax.random.key(0))
    assert "batch_stats" in state["autoencoder"]
    state, told = make_step(small_recipe(layout="vae2021"), make_network(small_recipe(layout="vae2021")), ())(
        0, state, {"pictures": np.zeros((8, 16, 16, 3), np.uint8)}, jax.random.key(1)
    )
    assert set(told) == {"loss", "whole_loss"} and np.isfinite(float(told["loss"]))


def test_a_command_trains_and_its_run_serves(tmp_path, photos, prior_file):
    (tmp_path / "photos").mkdir()
    for i, pixels in enumerate(photos.pixels[:24]):
        images.save_png(tmp_path / "photos" / f"{i:03d}.png", pixels)
    asked = ("train", "convae", "--data", tmp_path / "photos", "--prior", prior_file, "--task", HOLE)
    asked += ("--width", 4, "--code", 8, "--batch-size", 4, "--samples", 8, "--steps", 10, "-o", tmp_path / "run")
    shown = call(*asked).stdout
    assert "24 pictures of 16x16 pixels" in shown
    assert "--prior PRIOR --preset generative_encoder --encoder" in " ".join(shown.split())
    assert jp.load_features(tmp_path / "run")(images.to_float(photos.pixels[:2])).shape == (2, 1, 1, 8)
    other = call(*asked, "--no-mirror", code=2).stderr
    assert "mirror" in other  # the folder belongs to another training
    hole = np.zeros((16, 16), np.float32)
    hole[4:12, 4:12] = 1
    answered = ("inpaint", tmp_path / "photos", "--limit", 2, "--mask", "center:0.25", "--clean", "--prior", prior_file)
    call(*answered, "--answer", tmp_path / "run", "-o", tmp_path / "answers")
    record = json.loads((tmp_path / "answers/run.json").read_text())["configuration"]
    assert record["refine"]["type"] == "OwnAnswer" and record["solve"]["steps"] == 0
    with open(tmp_path / "answers/results.csv", newline="") as file:
        assert [row["loss"] for row in csv.DictReader(file)] == ["", ""]
    page = (tmp_path / "answers/report.html").read_text()
    assert "<figcaption>autoencoder</figcaption>" in page and "Nothing was inverted" in page
    assert "<figcaption>generator</figcaption>" not in page and "loss against steps" not in page
    assert "defaults" not in json.loads((tmp_path / "answers/run.json").read_text())
    refiner, some = jp.load_refiner(tmp_path / "run"), images.to_float(photos.pixels[:2])
    expected = refiner(some * (1 - hole[..., None]))
    for i in range(2):
        (path,) = (tmp_path / "answers/raw").glob(f"{i:03d}-*.png")
        np.testing.assert_allclose(images.to_float(images.load_image(path)), expected[i], atol=0.01)
    result = jp.restore(
        jp.load_prior(prior_file), some, jp.Inpaint(hole), key=jax.random.key(0), codes=jp.SingleCode(),
        solve=jp.Solve(steps=0), refine=jp.OwnAnswer(network=refiner),
    )  # fmt: skip
    np.testing.assert_allclose(result.images, expected, atol=1e-5)
    small = jp.restore(
        jp.load_prior(prior_file), some, jp.SuperResolve(4), key=jax.random.key(0), codes=jp.SingleCode(),
        solve=jp.Solve(steps=0), refine=jp.OwnAnswer(network=jax.tree_util.Partial(lambda x: x)),
    )  # fmt: skip
    tiles = np.asarray(small.images).reshape(2, 4, 4, 4, 4, 3)
    np.testing.assert_array_equal(tiles, np.broadcast_to(tiles[:, :, :1, :, :1], tiles.shape))
    for given, said in (("--refine", "two uses of an autoencoder"), ("--draws", "has one answer; leave out --draws")):
        value = tmp_path / "run" if given == "--refine" else 2
        wrong = call(*answered, "--answer", tmp_path / "run", given, value, "-o", tmp_path / "x", code=2)
        assert said in " ".join(wrong.stderr.split())
    searches = {"--preset": "generative_encoder", "--codes": 20, "--init": "bank", "--steps": 5, "--encoder": "runs/x"}
    for given, value in searches.items():
        wrong = call(*answered, "--answer", tmp_path / "run", given, value, "-o", tmp_path / "x", code=2).stderr
        assert f"--answer: an autoencoder answers without a search, so that {given} does" in " ".join(wrong.split())


def test_mistakes_are_sentences(tmp_path, prior_file, photos):
    asked = ("train", "convae", "--data", tmp_path, "-o", tmp_path / "run")
    for given, said in (
        (("--task", "inpant center:0.25"), "Did you mean inpaint"),
        (("--task", "inpaint"), "needs a mask"),
        (("--task", "superres three"), "expected a whole number"),
        (("--prior", prior_file, "--resolution", 32), "tiny makes pictures of 16 pixels a side; leave out --res"),
        (("--prior", prior_file, "--channels", 1), "tiny makes pictures of 3 channels"),
        (("--prior", tmp_path / "nothing"), "neither a bundled prior"),
        (("--resolution", 48), "must be a power of 2 from 4 on"),
        (("--preset", "convae2019", "--resolution", 8), "a power of 2 from 16 on"),
        (("--own-samples", 4), "give `prior` too"),
        (("--prior", prior_file, "--own-samples", 100), "from 0 to the pictures of a step"),
    ):
        assert said in " ".join(call(*asked, *given, code=2).stderr.split()), given
    assert not (tmp_path / "run").exists()
    with pytest.raises(SettingsError, match="tiny makes pictures of 16 pixels a side"):
        plan(small_recipe(resolution=32, prior=str(prior_file)), photos)
    with pytest.raises(ArgumentError, match="the factor 5 does not divide"):
        plan(small_recipe(tasks=("superres 5",)), photos)
    with pytest.raises(ImageError, match="do not suffice"):
        plan(small_recipe(), Pictures(photos.pixels[:3]))
