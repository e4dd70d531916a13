"""SRGAN's networks beside the public implementation, at rest as restorers, and layers that they are made of."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from srgan_golden import FIRST_SET, SECOND_SET, critic_of, generator_of, nhwc

from jaxprior.errors import WeightsError
from jaxprior.models.srgan.networks import Critic, Generator, at_rest, from_config, to_config
from jaxprior.nn.norm import fold
from jaxprior.nn.rescaling import enlarge_bicubic, shrink_bicubic
from jaxprior.nn.shuffling import pixel_shuffle
from jaxprior.operators import SuperResolve
from jaxprior.training.losses import total_variation
from jaxprior.training.statistics import apply_training
from jaxprior.weights.restorers import build_restorer, load_restorer
from jaxprior.weights.storage import save_weights


CHANCE = np.random.default_rng(0)

FORWARDS = (
    ("g5x4.train", 4, FIRST_SET, ""), ("g5x2.eval", 2, FIRST_SET, ""), ("sr13x9x2.eval", 2, SECOND_SET, "sr13x9x2."),
    ("sr13x9x4.eval", 4, SECOND_SET, "sr13x9x4."),
)  # fmt: skip


@pytest.mark.parametrize("name, factor, seed, prefix", FORWARDS, ids=[one[0] for one in FORWARDS])
def test_generators_are_those_of_the_public_code(golden, name, factor, seed, prefix):
    """Images and the gradient in the input, with batch statistics and with running ones. The first set is float32."""
    with jax.enable_x64(True):
        arrays = golden("srgan")
        generator, variables = generator_of(prefix, factor, seed=seed)

        @jax.jit
        def images(x, variables):
            if name.endswith("train"):
                return (apply_training(generator, variables, 2 * x - 1)[0] + 1) / 2
            return (generator.apply(variables, 2 * x - 1) + 1) / 2

        y, pull = jax.vjp(lambda x: images(x, variables), nhwc(arrays[f"{name}.x"]))
        tolerance = 2e-6 if seed == FIRST_SET else 1e-7
        np.testing.assert_allclose(y, nhwc(arrays[f"{name}.y"]), atol=tolerance)
        (gradient,) = pull(nhwc(arrays[f"{name}.cot"]))
        expected = nhwc(arrays[f"{name}.dx"])
        np.testing.assert_allclose(gradient, expected, atol=tolerance * np.abs(expected).max())


def test_a_generator_at_rest_has_its_norms_folded(golden):
    with jax.enable_x64(True):
        arrays = golden("srgan")
        generator, variables = generator_of("sr13x9x4.", 4, seed=SECOND_SET)
        params = at_rest(variables)
        assert all("norm" not in block and "scale" not in block for block in params.values())
        x = 2 * nhwc(arrays["sr13x9x4.eval.x"]) - 1
        y = jax.jit(generator.clone(norm="none").apply)({"params": params}, x)
        np.testing.assert_allclose((y + 1) / 2, nhwc(arrays["sr13x9x4.eval.y"]), atol=1e-7)


def test_the_critic_is_that_of_the_public_code(golden):
    with jax.enable_x64(True):
        arrays = golden("srgan")
        critic, variables = critic_of("", seed=FIRST_SET)
        x = nhwc(arrays["d.eval.x"])
        share, pull = jax.vjp(jax.jit(lambda x: jax.nn.sigmoid(critic.apply(variables, 2 * x - 1))), x)
        np.testing.assert_allclose(share, arrays["d.eval.y"], atol=1e-6)
        expected = nhwc(arrays["d.eval.dx"])
        (gradient,) = pull(arrays["d.eval.cot"].astype(np.float64))
        np.testing.assert_allclose(gradient, expected, atol=2e-6 * np.abs(expected).max())


def test_total_variation_is_that_of_the_public_code(golden):
    with jax.enable_x64(True):
        arrays = golden("srgan")
        value, gradient = jax.value_and_grad(total_variation)(jnp.asarray(nhwc(arrays["tv13x9.x"])))
        np.testing.assert_allclose(value, arrays["tv13x9.loss"], rtol=1e-12)
        np.testing.assert_allclose(gradient, nhwc(arrays["tv13x9.dx"]), atol=1e-8)


def test_pixel_shuffle_has_the_order_of_pytorch():
    """Channel c f^2 + p f + q of a small pixel becomes channel c at row p and column q of its cell."""
    x = CHANCE.normal(size=(2, 3, 4, 12)).astype(np.float32)
    y = pixel_shuffle(jnp.asarray(x), 2)
    assert y.shape == (2, 6, 8, 3)
    for c in range(3):
        for p in range(2):
            for q in range(2):
                np.testing.assert_array_equal(y[:, p::2, q::2, c], x[..., 4 * c + 2 * p + q])


@pytest.mark.parametrize("factor", [2, 4])
def test_bicubic_shrinking_and_enlarging_are_pillows(factor):
    """To a level of 256, since Pillow rounds to 8 bits after each axis."""
    rows, columns = np.mgrid[:40, :64]
    smooth = 127 + 90 * np.sin(rows / 5)[..., None] * np.cos(columns[..., None] / np.array([4, 7, 9]))
    x = np.round(smooth).astype(np.uint8)
    for ours, size in (
        (shrink_bicubic(x.astype(np.float64), factor), (64 // factor, 40 // factor)),
        (enlarge_bicubic(x.astype(np.float64), factor), (64 * factor, 40 * factor)),
    ):
        theirs = np.asarray(Image.fromarray(x).resize(size, Image.Resampling.BICUBIC)).astype(np.float64)
        assert ours.shape == theirs.shape and np.abs(ours - theirs).max() < 1.51


def test_bicubic_shrinking_is_that_of_the_task():
    """Networks are trained on what `jaxprior superres --clean` will show them."""
    x = CHANCE.uniform(-1, 1, (20, 32, 3)).astype(np.float32)
    task = SuperResolve(4, "antialiased")
    np.testing.assert_allclose(shrink_bicubic(jnp.asarray(x), 4), task.apply(jnp.asarray(x)), atol=1e-6)


@pytest.mark.parametrize("ending", ["shuffles", "direct"])
@pytest.mark.parametrize("factor", [2, 4])
def test_a_pixel_beyond_the_reach_changes_nothing(ending, factor):
    """And one at the reach does: tiles overlap by it."""
    generator = Generator(blocks=1, width=4, factor=factor, norm="none", ending=ending, kernel=5)
    variables = jax.tree.map(lambda a: a + 0.3, generator.init_variables(jax.random.key(0)))  # no tap is zero
    size, reach = 31, generator.reach
    x = np.zeros((1, size, 3, 3), np.float32)
    draw = jax.jit(lambda x: generator.apply(variables, x))
    changed = np.array(x)
    changed[0, 15] = 1.0
    moved = np.abs(draw(changed) - draw(x)).max(axis=(0, 2, 3)) > 0
    places = np.flatnonzero(moved) // factor  # the small pixels whose results have changed
    assert 15 - places.min() == reach and places.max() - 15 == reach


def test_an_untrained_network_with_the_skip_is_bicubic_enlargement():
    generator = Generator(blocks=2, width=8, norm="none", skip=True, ending="direct", kernel=3)
    x = CHANCE.uniform(-1, 1, (1, 9, 7, 3)).astype(np.float32)
    y = generator.apply(generator.init_variables(jax.random.key(0)), x)
    np.testing.assert_allclose(y, enlarge_bicubic(jnp.asarray(x), 4), atol=1e-6)


def test_forms_for_cpus_are_the_plain_ones_to_rounding():
    shared = {"blocks": 2, "width": 32, "norm": "none", "kernel": 5}
    variables = Generator(**shared).init_variables(jax.random.key(1))
    x = CHANCE.uniform(-1, 1, (1, 40, 36, 3)).astype(np.float32)
    plain = Generator(**shared).apply(variables, x)
    np.testing.assert_allclose(Generator(**shared, trained_on="cpu").apply(variables, x), plain, atol=2e-5)


def saved(folder, **changes):
    """A file of random weights; its path, its generator and its parameters."""
    generator = Generator(**{"blocks": 2, "width": 8, "factor": 2, "kernel": 3, "ending": "direct", **changes})
    variables = generator.init_variables(jax.random.key(3))
    card = {"architecture": "srgan", "config": to_config(generator), "name": "random", "source": "", "licence": ""}
    save_weights(folder / "model.safetensors", {"generator": at_rest(variables)}, card)
    return folder / "model.safetensors", generator, variables


@pytest.mark.parametrize("skip", [False, True])
def test_a_file_is_a_restorer(tmp_path, skip):
    path, generator, variables = saved(tmp_path, skip=skip)
    restorer = load_restorer(path)
    assert (restorer.task, restorer.factor, restorer.reach, restorer.multiple) == ("superres", 2, 7, 1)
    assert not restorer.takes_mask and restorer.channels == 3
    x = CHANCE.uniform(-0.9, 0.9, (2, 11, 6, 3)).astype(np.float32)
    y = restorer(x)
    assert y.shape == (2, 22, 12, 3)
    np.testing.assert_allclose(y, np.clip(generator.apply(variables, x), -1, 1), atol=1e-5)
    assert from_config(restorer.card["config"]) == generator.clone(norm="none")


def test_files_that_do_not_fit_are_refused_in_one_sentence(tmp_path):
    config = to_config(Generator(blocks=1, width=4))
    params = {"generator": at_rest(Generator(blocks=1, width=4).init_variables(jax.random.key(0)))}
    for change, said in (
        ({"factor": 3}, "`factor` must be one of 2, 4, got 3"),
        ({"blocks": 0}, "`blocks` must be a whole number from 1 to 4096, got 0"),
        ({"width": 2.5}, "`width` must be a whole number"),
        ({"ending": "other"}, "`ending` must be one of shuffles, direct"),
        ({"width": 5}, "the weights do not fit the architecture"),
    ):
        with pytest.raises(WeightsError, match=said):
            build_restorer(params, {"architecture": "srgan", "config": {**config, **change}})
    with pytest.raises(WeightsError, match="'blocks'"):
        build_restorer(params, {"architecture": "srgan", "config": {"factor": 4}})


def test_running_statistics_move_in_training_only():
    critic = Critic(widths=(4, 4, 8, 8), dense=8)
    variables = critic.init_variables(jax.random.key(0))
    x = CHANCE.uniform(-1, 1, (3, 32, 32, 3)).astype(np.float32)
    scores, changed = apply_training(critic, variables, x)
    assert scores.shape == (3,) and scores.dtype == jnp.float32
    moved = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), changed["batch_stats"], variables["batch_stats"])
    assert all(change > 0 for change in jax.tree.leaves(moved)) and len(jax.tree.leaves(moved)) == 14
    folded = critic.clone(norm="affine").apply({"params": fold(variables)}, x)
    np.testing.assert_allclose(folded, critic.apply(variables, x), atol=1e-5)
