"""The deep image prior: its network and its steps against golden numbers, what it restores, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxprior as jp
from jaxprior.cli.completing import prior_names
from jaxprior.errors import ArgumentError, RunError, SettingsError, WeightsError
from jaxprior.evaluation.edits import check_prior
from jaxprior.inversion import engine
from jaxprior.models.dip.config import HourglassSettings
from jaxprior.models.dip.networks import Generator, weight_tree
from jaxprior.operators import batched
from jaxprior.restoration.presets import check_method, make_method
from jaxprior.weights import loader
from jaxprior.weights.cut import CutGenerator
from jaxprior.weights.outlines import outline_prior


KEY = jax.random.key(0)
NETWORKS = {"bilinear": ((4, 6), (2, 0)), "nearest": ((5, 4), (0, 3))}
"""Upsampling of the golden networks -> their widths and skips."""


def tiny(**changes) -> jp.Prior:
    return jp.deep_image_prior(16, 16, widths=(6, 6), skips=(2, 2), input_channels=4, **changes)


@pytest.mark.parametrize("case", NETWORKS)
def test_network_and_steps_are_those_of_a_pytorch_transcription(golden, case):
    wanted = {name.removeprefix(f"{case}/"): value for name, value in golden("deep_image_prior").items()}
    widths, skips = NETWORKS[case]
    settings = HourglassSettings(height=8, width=12, widths=widths, skips=skips, upsample=case, input_channels=3)
    with jax.enable_x64(True):
        module = Generator(settings, jnp.float64)
        generator = CutGenerator(module=module, layer=1, params={"amplitude": jnp.full((1,), 0.1)})
        codes = jp.NetworkCode(perturbation=0.0, average=0.9)
        latents = {**codes.init(generator, KEY), "input": jnp.asarray(wanted["input"], jnp.float64)}
        paths, _ = jax.tree.flatten_with_path(weight_tree(settings, latents["z"]))
        names = [jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in paths]
        assert sorted(f"weights/{name}" for name in names) == sorted(n for n in wanted if n.startswith("weights/"))
        latents["z"] = jnp.concatenate([jnp.asarray(wanted[f"weights/{name}"], jnp.float64).ravel() for name in names])
        np.testing.assert_allclose(jax.jit(codes.answer)(generator, latents), wanted["first"], rtol=0, atol=1e-12)
        solve = jp.Solve(steps=6, optimizer="adam", learning_rate=0.01, keep="last")
        operator = batched(jp.Inpaint(np.asarray(wanted["missing"])), 1)
        static = {"codes": codes, "solve": solve}
        photos, batch = jnp.asarray(wanted["photo"], jnp.float64)[None], jax.tree.map(lambda x: x[None], latents)
        arguments = (generator, jp.Objective(), operator)
        state, target = engine.begin(*arguments, photos, KEY[None], latents=batch, **static)
        state, losses = engine.advance(state, *arguments, target, steps=6, platform="cpu", **static)
        np.testing.assert_allclose(losses[:, 0], wanted["losses"], rtol=1e-9)
        found = engine.finish(state, *arguments, target, **static)
        np.testing.assert_allclose(found["images"][0], wanted["average"], rtol=0, atol=1e-9)
        last = jax.jit(codes.synthesize)(generator, jax.tree.map(lambda x: x[0], found["latents"]))
        np.testing.assert_allclose(last, wanted["last"], rtol=0, atol=1e-8)


def test_a_hole_in_a_smooth_picture_is_filled_better_than_by_its_mean():
    prior, (y, x) = tiny(), np.mgrid[-1:1:16j, -1:1:16j]
    pictures = [np.stack(channels, axis=-1) for channels in ((0.8 * y, 0.6 * x, 0.4 * (x + y)), (x * y, y, -x))]
    photos = np.stack(pictures).astype(np.float32)
    mask = jp.parse_mask("center:0.25").draw(16)
    codes = jp.NetworkCode(perturbation=0.01, average=0.9)
    solve = jp.Solve(steps=250, learning_rate=0.02, keep="last")
    result = jp.restore(prior, photos, jp.Inpaint(mask), key=KEY, codes=codes, solve=solve)
    mean = photos * (1 - mask)[..., None]
    mean = mean + mask[..., None] * mean.sum((1, 2), keepdims=True) / (1 - mask).sum()
    of_mean = np.asarray(jp.metrics.psnr(mean, photos, mask=mask))
    assert np.all(np.asarray(jp.metrics.psnr(result.images, photos, mask=mask)) > of_mean + 3)
    assert result.latents["z"].shape == (2, prior.latent_dim) and not result.diverged.any()
    # every picture has a network of its own: alone, and at another place, it gets the same
    alone = jp.restore(
        prior, photos[1:], jp.Inpaint(mask), key=KEY, codes=codes, solve=solve, ids=np.array([1], np.uint32)
    )
    np.testing.assert_array_equal(alone.images[0], result.images[1])
    again = jp.render(prior, result.latents, codes=codes)
    np.testing.assert_array_equal(again, result.images)


def test_the_input_is_perturbed_anew_and_is_not_optimised():
    prior, codes = tiny(), jp.NetworkCode(perturbation=0.1, average=0.0)
    generator = prior.split(1)
    latents = codes.init(generator, KEY)
    assert set(latents) == {"z", "input", "perturbation"} and latents["z"].shape == (prior.latent_dim,)
    assert 0 <= float(latents["input"].min()) and float(latents["input"].max()) <= 0.1
    moved = codes.constrain(latents, jax.random.key(7))
    synthesize, answer = jax.jit(codes.synthesize), jax.jit(codes.answer)
    images = [synthesize(generator, one) for one in (latents, latents, moved)]
    np.testing.assert_array_equal(images[0], images[1])
    assert float(jnp.abs(images[0] - images[2]).max()) > 1e-4
    np.testing.assert_array_equal(answer(generator, latents), answer(generator, moved))
    gradients = jax.jit(jax.grad(lambda one: codes.synthesize(generator, one).sum()))(latents)
    assert float(jnp.abs(gradients["z"]).max()) > 0
    assert not np.any(gradients["input"]) and not np.any(gradients["perturbation"])


def test_weights_begin_as_those_of_pytorch():
    settings = HourglassSettings(height=32, width=32, widths=(16, 32), skips=(4, 4))
    z = Generator(settings).apply({"params": {"amplitude": jnp.full((1,), 0.1)}}, KEY, method="draw")["z"]
    tree = weight_tree(settings, z)
    kernel, bias = tree["up0"]["convolution"]["kernel"], tree["up0"]["convolution"]["bias"]
    reach = (9 * 36) ** -0.5
    assert kernel.shape == (3, 3, 36, 16)
    assert 0.99 * reach < float(jnp.abs(kernel).max()) <= reach and float(jnp.abs(bias).max()) <= reach
    assert np.isclose(float(kernel.std()), reach / 3**0.5, rtol=0.05)
    assert np.all(tree["join0"]["scale"] == 1) and not np.any(tree["join0"]["bias"])


@pytest.mark.parametrize("name", ["dip64", "dip128", "dip256", "dip256-paper"])
def test_bundled_ones_are_what_the_function_makes(name):
    side = int(name.removeprefix("dip").partition("-")[0])
    made = jp.deep_image_prior(side, side, preset="paper" if name.endswith("paper") else "small")
    loaded, outline = jp.load_prior(name), outline_prior(name)
    assert loaded.card == made.card and loaded.module == made.module
    assert loaded.image_shape == outline.image_shape == (side, side, 3)
    assert loaded.latent_dim == outline.sizes.latent_dim and loaded.sha256 == outline.sha256 == made.sha256
    assert name not in loader.named_priors() and name in loader.untrained_priors()


def test_priors_of_other_networks_have_other_identities():
    assert len({jp.deep_image_prior(64, 64, skips=skips).sha256 for skips in ((4,) * 4, (0,) * 4)}) == 2


def test_larger_pictures_get_further_levels():
    widths = [jp.deep_image_prior(*sides).module.settings.widths for sides in ((64, 64), (128, 192), (256, 256))]
    assert [len(one) for one in widths] == [4, 5, 6]


@pytest.mark.parametrize(
    ("sides", "changes", "sentence"),
    [
        ((60, 64), {}, "`height` must be a multiple of 16 from 32 pixels on, because 4 levels .*, got 60"),
        ((64, 16), {}, "`width` must be a multiple of 16 from 32 pixels on"),
        ((64, 64), {"preset": "large"}, "`preset`"),
        ((64, 64), {"skips": (4,)}, "`widths` and `skips` must have one number for each level, got 4 and 1"),
        ((64, 64), {"upsample": "cubic"}, "`upsample`"),
        ((64.0, 64), {}, "`height`"),
    ],
)
def test_impossible_networks_are_refused(sides, changes, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        jp.deep_image_prior(*sides, **changes)


def test_its_card_states_settings_for_every_task():
    outline = outline_prior("dip64")
    for task in (jp.Inpaint(np.zeros((64, 64), np.float32)), jp.Denoise(0.1), jp.SuperResolve(4), None):
        method = check_method({}, task, prior=outline)
        assert method.codes == jp.NetworkCode()
        assert method.solve.keep == "last" and method.solve.optimizer == "adam" and method.solve.learning_rate == 0.01
    changed = check_method({"codes": {"perturbation": 0.0, "average": 0.5}, "solve": {"steps": 7}}, prior=outline)
    assert changed.codes == jp.NetworkCode(perturbation=0.0, average=0.5) and changed.solve.steps == 7


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"preset": "mganprior", "objective": {"features": "none"}}, "dip64 is an untrained network"),
        ({"codes": {"num_codes": 5}}, "dip64 is an untrained network, which has no latent codes"),
        ({"codes": {"kind": "single"}}, "dip64 is an untrained network"),
        ({"tune": {"steps": 5}}, "are found for each picture already: do not tune them"),
        ({"draws": 3}, "an untrained network has no distribution of answers"),
        ({"solve": {"optimizer": "langevin"}}, "an untrained network has no distribution of answers"),
        ({"codes": {"average": 1.0}}, "`average`"),
    ],
)
def test_what_does_not_go_with_it_is_refused(table, sentence):
    with pytest.raises(ValueError, match=sentence):
        check_method(table, prior=outline_prior("dip64"))


def test_codes_and_priors_that_do_not_go_together_are_refused():
    with pytest.raises(SettingsError, match="cats32 is a trained prior: take another"):
        make_method({"codes": {"kind": "network"}}, prior=jp.load_prior("cats32"))
    prior, photos = tiny(), np.zeros((1, 16, 16, 3), np.float32)
    with pytest.raises(SettingsError, match="is an untrained network, which has no latent codes"):
        jp.restore(prior, photos, key=KEY, codes=jp.SingleCode())
    with pytest.raises(ArgumentError, match="This prior is an untrained network, which has no codes to draw"):
        jp.restore(prior, photos, key=KEY, solve=jp.Solve(init="bank", steps=1))
    with pytest.raises(ArgumentError, match="is a trained one"):
        jp.NetworkCode().init(jp.load_prior("cats32").split(1), KEY)


def test_weights_of_a_run_are_not_moved_along_directions():
    prior = jp.load_prior("dip64")
    with pytest.raises(RunError, match="dip64 is an untrained network, and the latents of the run are its weights"):
        check_prior(prior, {"configuration": {"prior": {"name": "dip64", "sha256": prior.sha256}}})


def test_only_trained_priors_are_ranked():
    with pytest.raises(WeightsError, match="dip64 is an untrained network, .* only trained priors are ranked"):
        jp.rank_priors(np.zeros((64, 64, 3), np.uint8), "dip64")


def test_the_shell_completes_untrained_networks():
    assert {"dip64", "dip128", "dip256"} <= set(prior_names("dip"))
