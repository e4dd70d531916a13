"""The recipe of patch-based inpainting: its losses, a killed run, and what its RUN is used for."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from commands import call
from resuming import check_resumes
from skimage import data

import jaxprior as jp
from jaxprior.data import images
from jaxprior.errors import WeightsError
from jaxprior.models.patchgan.config import PatchganRecipe
from jaxprior.models.patchgan.reading import read
from jaxprior.models.patchgan.train import (
    head_weights,
    init_state,
    make_losses,
    make_networks,
    make_step,
    plan,
    prepared,
    with_other_colours,
)
from jaxprior.nn.norm import fold
from jaxprior.training.damage import Batches, make_damages
from jaxprior.training.loop import Pace
from jaxprior.training.metrics_file import read_metrics
from jaxprior.training.pictures import Pictures, to_images
from jaxprior.training.players import copied, ema, player
from jaxprior.training.recipe import adam, average_decay
from jaxprior.training.session import settings_of
from jaxprior.training.settings import PictureInputs
from jaxprior.training.statistics import apply_training, parted
from jaxprior.weights.restorers import build_restorer


def small_recipe(**changes) -> PatchganRecipe:
    settings = {
        "resolution": 32, "width": 4, "dilations": (2,), "critic_widths": (4, 6, 8), "head_width": 8,
        "batch_size": 4, "steps": 20, "seed": 3, "masks": ("block:0.25", "strokes:0.3"),
    }  # fmt: skip
    return PatchganRecipe(**{**settings, **changes})


@pytest.fixture(scope="module")
def photos() -> Pictures:
    cat, chance = data.chelsea(), np.random.default_rng(0)
    places = chance.integers(0, 200, (40, 2))
    return Pictures(np.stack([images.fit(cat[y : y + 96, x : x + 96], 32) for y, x in places]))


def batch_of(photos: Pictures, recipe: PatchganRecipe, index: int = 0) -> dict:
    damages = make_damages([f"inpaint {mask}" for mask in recipe.masks], (32, 32, 3), seed=recipe.seed)
    return Batches(photos, None, damages, 0).batches(0, recipe.batch_size, recipe.seed)(index)


def test_without_weights_of_the_heads_it_is_a_training_of_the_mean_absolute_error_to_the_bit(photos):
    recipe = small_recipe(global_weight=0.0, patch_weight=0.0)
    assert not recipe.adversarial and head_weights(recipe) == {}
    network, state = make_networks(recipe)[0], init_state(recipe, jax.random.key(0))
    assert set(state) == {"generator", "average", "generator_opt"}

    def error(params, statistics, shown, pictures):
        made, statistics = apply_training(network, {"params": params, **statistics}, shown)
        seen = jnp.mean(jnp.abs(made - pictures))
        return 0.995 * seen, ({"l1_loss": seen}, statistics)

    @partial(jax.jit, donate_argnums=1)
    def plain(index, state, batch, key):
        pictures = to_images(batch["pictures"], key)
        shown = prepared(network, pictures, batch["mask"].astype(jnp.float32))
        params, statistics = parted(state["generator"])
        update = player(error, adam(recipe))
        params, optimizer, (seen, statistics) = update(params, state["generator_opt"], statistics, shown, pictures)
        variables = {"params": params, **statistics}
        average = ema(state["average"], variables, average_decay(recipe, index))
        return {"generator": variables, "average": average, "generator_opt": optimizer}, seen

    expected, step = copied(state), make_step(recipe)
    for index in range(3):
        batch, key = batch_of(photos, recipe, index), jax.random.key(index)
        expected, told = plain(index, expected, batch, key)
        state, seen = step(index, state, batch, key)
        assert seen == told
    jax.tree.map(np.testing.assert_array_equal, state, expected)


@pytest.mark.parametrize("head", ["global", "patch"])
def test_heads_have_their_weights_in_the_loss(photos, head):
    """Each head that has a weight changes the generator's gradient by its own share, and the critic learns it."""
    weights = {f"{name}_weight": 0.5 if name == head else 0.0 for name in ("global", "patch")}
    recipe = small_recipe(mirror=False, **weights)
    state = init_state(recipe, jax.random.key(0))
    before = jax.tree.map(np.array, state)
    batch = batch_of(photos, recipe)
    state, told = make_step(recipe)(0, state, batch, jax.random.key(1))
    assert set(told) == {"l1_loss", f"{head}_loss", f"critic_{head}_loss"}
    assert {name.partition("_")[0] for name in before["critic"]["params"]} == {"layer0", "layer1", "layer2", head}
    for name in ("generator", "critic"):
        moved = jax.tree.map(lambda a, b: float(np.abs(a - b).max()), state[name], before[name])
        assert 5e-4 < max(jax.tree.leaves(moved["params"])) < 2e-3  # Adam's first step is the rate
        assert min(jax.tree.leaves(moved["batch_stats"])) > 0
    trunk = jax.tree.map(lambda a, b: float(np.abs(a - b).max()), state["critic"]["params"], before["critic"]["params"])
    assert min(trunk[f"layer{k}"]["kernel"] for k in range(3)) > 5e-4


def test_the_losses_are_the_weighted_sums(photos):
    """Values and the generator's gradient beside the same written out."""
    recipe = small_recipe(global_weight=0.5, patch_weight=0.25, norm="none")
    generator, critic = make_networks(recipe)
    state, batch = init_state(recipe, jax.random.key(0)), batch_of(photos, recipe)
    g, d = state["generator"]["params"], state["critic"]["params"]
    pictures = jnp.asarray(batch["pictures"] / np.float32(127.5) - 1)
    missing = jnp.asarray(batch["mask"], jnp.float32)[..., None]
    shown = prepared(generator, pictures, missing[..., 0])

    @jax.jit
    def expected(g):
        made = generator.apply({"params": g}, shown)
        filled = missing * made + (1 - missing) * pictures
        fake, real = (critic.apply({"params": d}, x) for x in (filled, pictures))
        whole, patches = (-jax.nn.log_sigmoid(fake[name]).mean() for name in ("global", "patch"))
        doubts = [-jax.nn.log_sigmoid(real[n]).mean() - jax.nn.log_sigmoid(-fake[n]).mean() for n in fake]
        return 0.995 * jnp.abs(made - pictures).mean() + 0.5 * whole + 0.25 * patches, (sum(doubts), filled)

    error, doubt = make_losses(recipe)
    own = partial(error, statistics={}, shown=shown, originals=pictures, missing=missing > 0.5)
    look = jax.jit(jax.value_and_grad(partial(own, critic_variables={"params": d}), has_aux=True))
    (value, (told, _, filled)), slopes = look(g)
    (wanted, (wanted_doubt, wanted_filled)), wanted_slopes = jax.jit(jax.value_and_grad(expected, has_aux=True))(g)
    assert set(told) == {"l1_loss", "global_loss", "patch_loss"}
    np.testing.assert_allclose(value, wanted, rtol=1e-6)
    np.testing.assert_allclose(filled, wanted_filled, atol=1e-6)
    np.testing.assert_allclose(jax.jit(doubt)(d, {}, pictures, filled)[0], wanted_doubt, rtol=1e-6)
    for ours, theirs in zip(jax.tree.leaves(slopes), jax.tree.leaves(wanted_slopes), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6 + 1e-4 * np.abs(theirs).max())


def test_a_content_loss_has_its_weight(photos):
    """Beside the same written out; and a feature network that is not there is refused."""
    recipe = small_recipe(global_weight=0.0, patch_weight=0.0, norm="none", features="edges", content_weight=0.5)
    edges = jax.tree_util.Partial(lambda x: x[:, 1:] - x[:, :-1])
    generator, _ = make_networks(recipe)
    state, batch = init_state(recipe, jax.random.key(0)), batch_of(photos, recipe)
    pictures = jnp.asarray(batch["pictures"] / np.float32(127.5) - 1)
    missing = jnp.asarray(batch["mask"], jnp.float32)[..., None]
    shown = prepared(generator, pictures, missing[..., 0])
    error, _ = make_losses(recipe)
    value, (told, _, filled) = jax.jit(error)(
        state["generator"]["params"], {}, shown, pictures, missing > 0.5, None, edges
    )
    content = np.square(np.diff(np.asarray(filled - pictures), axis=1)).mean()
    assert told["content_loss"] == pytest.approx(content, rel=1e-5) and content > 0
    assert value == pytest.approx(0.995 * float(told["l1_loss"]) + 0.5 * content, rel=1e-5)
    seen = make_step(recipe)(0, state, batch, jax.random.key(1), edges)[1]
    assert set(seen) == {"l1_loss", "content_loss"} == set(told)
    with pytest.raises(WeightsError, match="edges"):
        plan(recipe, photos)


def test_a_run_from_before_there_were_skips_and_a_content_loss_goes_on():
    """What did not exist then, and is not used, is not stated; what is used is."""
    new = {"choose", "skips", "features", "features_cut", "content_weight"}
    assert not new & set(settings_of(small_recipe()))
    assert {"features", "skips"} == new & set(settings_of(small_recipe(features="squeezenet", skips=True)))


def test_killed_and_resumed_equals_never_killed(tmp_path, photos):
    recipe = small_recipe(held_out=8)
    pace = Pace(log_every=2, checkpoint_seconds=1e9, snapshot_seconds=1e9)
    whole = check_resumes(plan(recipe, photos), tmp_path, stops=(2, 5), pace=pace)
    rows = read_metrics(whole / "holes.csv")
    assert len(rows) == 10 and {"psnr_hole", "biharmonic_psnr_hole", "gradient_energy", "wins"} < set(rows[-1])
    assert {"psnr_hole block:0.25", "psnr_hole strokes:0.3"} < set(rows[-1]) and "perceptual" not in rows[-1]


def test_from_pictures_to_filled_photographs(tmp_path, photos):
    """As a user goes: train, load the run, fill holes of a photograph of another size."""
    (tmp_path / "photos").mkdir()
    for i, pixels in enumerate(photos.pixels[:12]):
        images.save_png(tmp_path / "photos" / f"{i}.png", pixels)
    shape = ("--resolution", 32, "--width", 4, "--dilations", "2", "--critic-widths", "4,6,8", "--head-width", 8)
    asked = ("--mask", "center:0.25", "--batch-size", 2, "--steps", 10, *shape)
    run = tmp_path / "run"
    shown = call("train", "patchgan", "--data", tmp_path / "photos", *asked, "-o", run).stdout
    assert "12 pictures of 32x32 pixels" in shown and f"--restorer {run}" in shown
    restorer = jp.load_restorer(run)
    assert restorer.card["training"]["recipe"]["masks"] == ["center:0.25"] and restorer.takes_mask
    assert set(restorer.params["down0"]) == {"kernel", "scale", "bias"}  # folded, and the critic is not there
    photo = np.random.default_rng(0).uniform(-1, 1, (1, 30, 44, 3)).astype(np.float32)
    mask = np.zeros((30, 44), np.float32)
    mask[4:20, 8:30] = 1
    filled = np.asarray(restorer(photo, mask))
    np.testing.assert_array_equal(filled[:, mask == 0], photo[:, mask == 0])
    assert np.isfinite(filled).all()


def test_what_is_measured_is_what_the_restorer_does(photos):
    """The evaluator's fills are those of the exported network, to half precision."""
    recipe = small_recipe(held_out=8)
    work = plan(recipe, photos)
    state = work.init(jax.random.key(0))
    params = jax.tree.map(np.asarray, work.export(state))
    restorer = build_restorer(params, work.card(state))
    truth = images.to_float(photos.pixels[-8:])
    for mask in work.evaluator.masks.values():
        np.testing.assert_allclose(restorer(truth, mask), work.evaluator.fill(state, truth, mask), atol=1e-5)
    assert set(fold(state["average"])) == set(params["generator"])
    assert work.show(state, None).shape == (24, 32, 32, 3)


def test_random_crops_of_photographs(tmp_path):
    """Pieces twice as large are read, crops of them are trained on with a foreign colour in their holes."""
    cat = data.chelsea()
    for i in range(6):
        images.save_png(tmp_path / f"{i}.png", cat[20 * i : 20 * i + 80, 30 * i : 30 * i + 150])
    recipe = small_recipe(crops=True, held_out=1)
    found = read(PictureInputs(data=tmp_path), recipe).pictures
    assert found.pixels.shape == (36, 64, 64, 3)  # two rows of three pieces a photograph
    work = plan(recipe, found)
    assert work.evaluator.originals.shape == (6, 32, 32, 3)
    batch = work.phases[0].batch(3)
    assert batch["pictures"].shape == (4, 32, 32, 3) and batch["mask"].shape == (4, 32, 32)
    np.testing.assert_array_equal(batch["pictures"], work.phases[0].batch(3)["pictures"])
    pictures, masks = jnp.asarray(batch["pictures"] / np.float32(127.5) - 1), jnp.asarray(batch["mask"], jnp.float32)
    own = np.asarray(prepared(make_networks(recipe)[0], pictures, masks))
    other, hole = np.asarray(with_other_colours(jnp.asarray(own))), np.asarray(masks) > 0
    np.testing.assert_array_equal(other[~hole], own[~hole])
    for row in range(4):
        np.testing.assert_allclose(other[row, hole[row], :3][0], own[row - 1, hole[row - 1], :3][0], atol=1e-6)


def test_mistakes_are_sentences(tmp_path):
    for change, said in (
        ({"resolution": 24}, "a multiple of 16"), ({"critic_widths": (4, 6)}, "three numbers"),
        ({"masks": ()}, "at least one"), ({"resolution": 16}, "from 32 on"),
        ({"width": 0}, "1 or more"), ({"patch_weight": -1.0}, "from 0 on"), ({"masks": (str(tmp_path),)}, "one file"),
        ({"masks": ("hole",)}, "no such form"), ({"norm": "instance"}, "norm"), ({"dilations": (0,)}, "1 or more"),
        ({"reconstruction_weight": 0.0, "global_weight": 0.0, "patch_weight": 0.0}, "nothing is learned"),
        ({"choose": 2}, "give `crops` too"), ({"choose": 0}, "1 or more"), ({"features_cut": 3}, "name one"),
        ({"content_weight": -1.0}, "from 0 on"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=said) as caught:
            small_recipe(**change)
        assert "\n" not in str(caught.value)
    asked = ("train", "patchgan", "--data", tmp_path, "-o", tmp_path / "run")
    assert "--resolution" in call(*asked, "--resolution", 24, code=2).stderr
    assert "no pictures" in call(*asked, code=2).stderr.lower() or not (tmp_path / "run").exists()
