"""The context encoder to the letter: it predicts the middle alone, of a short code, and its edges count ten times."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from commands import call
from resuming import check_resumes
from skimage import data

import jaxprior as jp
from jaxprior.data import images
from jaxprior.models.autoencoder.config import PRESETS, AutoencoderRecipe
from jaxprior.models.autoencoder.networks import ContextEncoder, from_config, to_config
from jaxprior.models.autoencoder.pairs import Triples, draw_masks, mask_spec
from jaxprior.models.autoencoder.train import init_state, make_networks, make_step, plan
from jaxprior.training.loop import Pace
from jaxprior.training.pictures import Pictures
from jaxprior.training.session import settings_of


def small_recipe(**changes) -> AutoencoderRecipe:
    settings = {
        "resolution": 16, "widths": (4, 6), "code": 10, "overlap": 1, "mask": "center:0.140625",
        "critic_widths": (4, 6), "batch_size": 4, "steps": 20, "seed": 3, "adversarial": 0.001,
    }  # fmt: skip
    return AutoencoderRecipe(**{**settings, **changes})


@pytest.fixture(scope="module")
def photos() -> Pictures:
    cat, chance = data.chelsea(), np.random.default_rng(0)
    places = chance.integers(0, 200, (32, 2))
    return Pictures(np.stack([images.fit(cat[y : y + 96, x : x + 96], 16) for y, x in places]))


def test_the_preset_is_the_public_one():
    recipe = PRESETS["pathak2016"]
    network, critic = make_networks(recipe)
    assert isinstance(network, ContextEncoder) and network.resolution == 128 and critic.resolution == 64
    shapes = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 128, 128, 3)))["params"]
    kernels = {name: block["kernel"].shape for name, block in shapes.items()}
    assert kernels == {
        "down0": (4, 4, 3, 64), "down1": (4, 4, 64, 64), "down2": (4, 4, 64, 128), "down3": (4, 4, 128, 256),
        "down4": (4, 4, 256, 512), "code_layer": (4, 4, 512, 4000), "project": (4000, 4, 4, 512),
        "up0": (4, 4, 512, 256), "up1": (4, 4, 256, 128), "up2": (4, 4, 128, 64), "output": (4, 4, 64, 3),
    }  # fmt: skip
    weights = network.weights()
    assert weights.shape == (1, 64, 64, 1) and int((weights == 1).sum()) == 56**2
    assert int((weights == 10).sum()) == 64**2 - 56**2
    mask = draw_masks(mask_spec(recipe), 128, seed=0)[0, ..., 0] > 0
    assert mask.sum() == 56**2 and mask[36:92, 36:92].all()
    assert (recipe.learning_rate, recipe.beta1, recipe.adversarial) == (2e-3, 0.5, 0.001)


def test_other_presets_say_nothing_of_it():
    for name in ("narrow", "seed001"):
        assert not {"code", "overlap"} & set(settings_of(PRESETS[name]))
    assert settings_of(small_recipe())["code"] == 10


def test_only_the_hole_is_filled_and_what_it_shows_does_not_matter():
    network = ContextEncoder((4, 6), 10, 1, norm="affine")
    assert from_config(to_config(network, 16)) == (network, 16)
    with pytest.raises(TypeError, match="pictures of 16 pixels"):
        from_config({**to_config(network, 16), "resolution": 32})
    x = jax.random.uniform(jax.random.key(1), (2, 16, 16, 3), minval=-1.0)
    params = jax.jit(network.init)(jax.random.key(0), x)
    params = jax.tree.map(lambda one: 5 * one, params)
    fill = jax.jit(network.apply)
    answer = np.asarray(fill(params, x))
    hole = np.zeros((16, 16), bool)
    hole[5:11, 5:11] = True
    np.testing.assert_array_equal(answer[:, ~hole], np.asarray(x)[:, ~hole])
    np.testing.assert_array_equal(fill(params, jnp.where(hole[..., None], 0.3, x)), answer)
    middle = network.apply(params, x, method="predicted")
    assert middle.shape == (2, 8, 8, 3)
    np.testing.assert_allclose(answer[:, 5:11, 5:11], middle[:, 1:7, 1:7], atol=1e-6)
    other = fill(params, x.at[:, 4, 4].add(0.5))  # the band around the hole is known and seen
    assert np.abs(np.asarray(other) - answer)[:, hole].max() > 1e-6


def test_the_loss_of_a_step(photos):
    """.999 of the weighted square error of the middle and .001 of the critic's; the critic's rate is a tenth."""
    recipe = small_recipe(mirror=False)
    network, critic = make_networks(recipe)
    state = init_state(recipe, jax.random.key(0))
    first = jax.tree.map(np.array, state)
    batch = Triples(photos.pixels, draw_masks(mask_spec(recipe), 16, seed=0)).batches(0, 4, 0)(0)
    state, told = make_step(recipe)(0, state, batch, jax.random.key(1))
    inputs, originals = batch[..., :3] / 127.5 - 1, batch[..., 3:6] / 127.5 - 1
    look = jax.jit(lambda x: network.apply(
        first["autoencoder"], x, train=True, mutable=["batch_stats"], method="predicted"
    )[0])  # fmt: skip
    middle = np.asarray(look(jnp.asarray(inputs, jnp.float32)))
    weights = np.full((8, 8, 1), 10.0)
    weights[1:7, 1:7] = 1
    expected = np.mean(np.square(middle - originals[:, 4:12, 4:12]) * weights)
    assert float(told["loss"]) == pytest.approx(expected, rel=1e-4)
    assert critic.resolution == 8 and set(told) == {"loss", "generator_loss", "critic_loss"}
    for name, rate in (("autoencoder", 1e-3), ("critic", 1e-4)):
        moved = jax.tree.map(lambda a, b: float(np.abs(a - b).max()), state[name]["params"], first[name]["params"])
        assert 0.5 * rate < max(jax.tree.leaves(moved)) < 2 * rate


def test_killed_and_resumed_and_then_used(tmp_path, photos):
    recipe, pace = small_recipe(), Pace(log_every=2, checkpoint_seconds=1e9, snapshot_seconds=1e9)
    whole = check_resumes(plan(recipe, photos), tmp_path, stops=(3,), pace=pace)
    refiner = jp.load_refiner(whole)
    assert refiner.resolution == 16 and isinstance(refiner.module, ContextEncoder)
    some = images.to_float(photos.pixels[:2])
    np.testing.assert_array_equal(np.asarray(refiner(some))[:, :5], some[:, :5])


def test_mistakes_are_sentences(tmp_path):
    for change, said in (
        ({"mask": "block:0.140625"}, "must be center:0.140625"), ({"mask": None}, "6x6 pixels is missing"),
        ({"mask": "center:0.25"}, "got center:0.25"), ({"overlap": 4}, "from 0 to 3"),
        ({"code": None}, "give `code` too"),
        ({"resolution": 32}, "one for each halving"), ({"critic_widths": (4, 4, 4, 4)}, "cannot be halved"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            small_recipe(**change)
    asked = ("train", "autoencoder", "--data", tmp_path, "--preset", "pathak2016", "-o", tmp_path / "x")
    assert "--widths" in call(*asked, "--resolution", 64, code=2).stderr
