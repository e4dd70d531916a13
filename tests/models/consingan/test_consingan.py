"""ConSinGAN's networks and drawing beside PyTorch; its file, and what is refused."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from growing_torch import Growing, nchw

from jaxprior.errors import JaxpriorError, WeightsError
from jaxprior.models import singan
from jaxprior.models.consingan.config import PRESETS, ConsinganRecipe
from jaxprior.models.consingan.model import ConSinGan
from jaxprior.models.consingan.networks import draw_biases
from jaxprior.models.consingan.stage import networks_of
from jaxprior.models.consingan.stored import build_consingan
from jaxprior.models.singan import draw, load_singan, reconstruct, save_singan
from jaxprior.models.singan.noise import draw_normals
from jaxprior.models.singan.planning import scales_of
from jaxprior.nn.bicubic import upsample_bicubic
from jaxprior.weights.storage import load_weights, save_weights


SIZES = ((9, 12), (11, 14), (15, 19))


def random_model(*, layers: int = 2, norm: str = "none", edges: str = "enlarged") -> ConSinGan:
    """A model of three stages whose weights do something, and whose noise is not weak."""
    draw_one = np.random.default_rng(0)
    recipe = ConsinganRecipe(width=4, layers=layers, norm=norm, edges=edges)
    generator, critic = networks_of(recipe, 3)

    def filled(shapes):
        return jax.tree.map(lambda x: jnp.float32(draw_one.normal(0, 0.25, x.shape)), shapes)

    variables, critic_variables = (
        filled(jax.eval_shape(network.init_variables, jax.random.key(0))) for network in (generator, critic)
    )
    noises = [jnp.float32(draw_one.normal(size=generator.noise_shape(n, size))) for n, size in enumerate(SIZES)]
    return ConSinGan(
        generator=generator, variables=variables, critic=critic, critic_variables=critic_variables,
        amplitudes=jnp.float32([1, 0.5, 0.25]), noises=tuple(noises), sizes=SIZES, image=jnp.zeros((*SIZES[-1], 3)),
    )  # fmt: skip


def test_sizes_widths_and_rates_are_the_official_ones():
    recipe = PRESETS["consingan"]
    sizes = scales_of(recipe, 167, 250).sizes
    assert sizes == ((25, 38), (31, 47), (41, 61), (60, 89), (115, 171), (167, 250))
    generator, critic = networks_of(recipe, 6)
    counts = [
        sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(network.init_variables, jax.random.key(0))))
        for network in (generator, critic)
    ]
    assert counts == [1_792 + 6 * 3 * 36_928 + 1_731, 1_792 + 3 * 36_928 + 577]
    assert generator.noise_shape(0, sizes[0]) == (25, 38, 3) and generator.noise_shape(2, sizes[2]) == (47, 67, 64)
    assert recipe.trained(0) == {"head": 1, "stage0": 1, "tail": 1}
    assert recipe.trained(2) == pytest.approx({"head": 0.01, "stage0": 0.01, "stage1": 0.1, "stage2": 1, "tail": 1})
    assert recipe.trained(4) == pytest.approx({"stage2": 0.01, "stage3": 0.1, "stage4": 1, "tail": 1})


@pytest.mark.parametrize("size", [(11, 15), (9, 13), (23, 40), (12, 13), (1, 20)])
def test_upsampling_is_pytorchs(size):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(2, 9, 13, 3))
    theirs = torch.nn.functional.interpolate(nchw(torch, x), size=size, mode="bicubic", align_corners=True)
    with jax.enable_x64(True):
        ours = upsample_bicubic(jnp.asarray(x), size)
        np.testing.assert_allclose(ours, theirs.numpy().transpose(0, 2, 3, 1), atol=1e-13)


@pytest.mark.parametrize("edges", ["enlarged", "zero"])
def test_drawing_is_what_pytorch_makes_of_the_noises(edges):
    torch = pytest.importorskip("torch")
    recipe = ConsinganRecipe(width=4, layers=2, edges=edges)
    model = random_model(edges=edges)
    theirs = Growing(torch, recipe, model.variables["params"], model.critic_variables["params"])

    def made(noises, sizes):
        with torch.no_grad():
            image = theirs.generate([nchw(torch, n) for n in noises], np.asarray(model.amplitudes), sizes)
        return image.numpy().transpose(0, 2, 3, 1)

    kept = [noise[None] for noise in model.noises]
    remade = reconstruct(model)
    assert [image.shape[1:3] for image in remade] == list(model.sizes) and float(jnp.std(remade[-1])) > 0.05
    np.testing.assert_allclose(remade[-1], made(kept, model.sizes), atol=1e-5)
    key = jax.random.key(5)
    wide = [(h, round(1.6 * w)) for h, w in model.sizes]
    for start, sizes, width_scale in ((1, model.sizes, 1.0), (0, wide, 1.6)):
        shapes = [model.generator.noise_shape(n, size) for n, size in enumerate(sizes)]
        noises = [noise[1:] for noise in draw_normals(key, shapes, count=2)]
        ours = draw(model, key, count=2, start_scale=start, width_scale=width_scale)
        assert ours.shape == (2, *sizes[-1], 3)
        np.testing.assert_allclose(ours[1:], made(kept[:start] + noises[start:], sizes), atol=1e-5)
    assert float(jnp.abs(ours[0] - ours[1]).mean()) > 0.01
    for arguments, said in (
        ({"start_scale": 3}, "expected 0 to 2"), ({"start_scale": 1, "width_scale": 2.0}, "start_scale 0"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            draw(model, key, **arguments)


@pytest.mark.parametrize(("edges", "start"), [("enlarged", 0), ("enlarged", 1), ("zero", 2)])
def test_animations_walk_around_the_reconstruction(edges, start):
    model, key = random_model(edges=edges), jax.random.key(3)
    still = singan.animate(model, key, frames=2, start_scale=start, alpha=1.0)
    np.testing.assert_allclose(still, np.broadcast_to(reconstruct(model)[-1], (2, 15, 19, 3)), atol=1e-5)
    moving = np.asarray(singan.animate(model, key, frames=3, start_scale=start, alpha=0.2, beta=0.7))
    assert np.abs(np.diff(moving, axis=0)).mean() > 1e-3

    def noises(number):
        return model.draw_noises(jax.random.fold_in(key, number), SIZES, count=1)

    kept = [noise[None] for noise in model.noises]
    older, old = kept, [0.95 * z + 0.05 * n for z, n in zip(kept, noises(0), strict=True)]
    for t in range(3):
        now = [
            0.2 * z + 0.8 * (b + 0.7 * (b - a) + 0.3 * n)
            for z, a, b, n in zip(kept, older, old, noises(t + 1), strict=True)
        ]
        frame = model.generator.apply(model.variables, kept[:start] + now[start:], model.amplitudes)
        np.testing.assert_allclose(moving[t], frame[0], atol=1e-4)
        older, old = old, now


def test_biases_start_as_pytorchs():
    kernel = jnp.zeros((3, 3, 3, 4000))
    normed = {"kernel": kernel, "norm": {"bias": jnp.zeros(1)}}
    tree = {"head": {"kernel": kernel, "bias": jnp.zeros(4000)}, "x": normed}
    drawn = draw_biases(jax.random.key(0), tree)
    bound = 1 / np.sqrt(27)
    bias = np.asarray(drawn["head"]["bias"])
    assert 0.99 * bound < np.abs(bias).max() <= bound and bias.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)
    assert jax.tree.structure(drawn) == jax.tree.structure(tree) and float(drawn["x"]["norm"]["bias"][0]) == 0


@pytest.mark.parametrize(
    "use",
    [
        lambda model, picture, key: singan.synthesize(model, model.noises),
        lambda model, picture, key: singan.inject(model, picture, key),
        lambda model, picture, key: singan.paint(model, picture, key),
        lambda model, picture, key: singan.harmonize(model, picture, picture[..., 0], key=key),
        lambda model, picture, key: singan.edit(model, picture, picture[..., 0], key=key),
        lambda model, picture, key: singan.super_resolve(model, key),
        lambda model, picture, key: singan.with_own_statistics(model),
    ],
)
def test_what_wants_images_between_the_scales_refuses_it(use):
    with pytest.raises(JaxpriorError, match="is a ConSinGAN.*take a SinGAN for the rest"):
        use(random_model(), np.zeros((15, 19, 3), np.float32), jax.random.key(0))


def test_its_file_keeps_everything_and_refuses_the_rest(tmp_path):
    model, path = random_model(norm="instance", edges="zero"), tmp_path / "model.safetensors"
    save_singan(path, model)
    again = load_singan(path)
    assert isinstance(again, ConSinGan) and again.generator == model.generator and again.critic == model.critic
    jax.tree.map(np.testing.assert_array_equal, again.params(), model.params())
    without = dataclasses.replace(model, critic=None, critic_variables=None)
    save_singan(path, without)
    assert load_singan(path).critic is None
    params, card = load_weights(path)
    config = without.config()
    for change, said in (
        ({"sizes": [[9, "12"]] * 3}, "whole numbers above 0"), ({"sizes": config["sizes"][:2]}, "stage2"),
        ({"width": 5}, "head"), ({"width": True}, "whole numbers above 0 as"), ({"norm": "batch"}, "norm 'batch'"),
        ({"layers": 99}, "expected up to 32"), ({"critic_layers": 4}, "critic"), ({"slope": "steep"}, "slope 'steep'"),
        ({"edges": None}, "edges None"), ({"kernel": 5}, "kernel"),
    ):  # fmt: skip
        with pytest.raises(WeightsError, match=said):
            build_consingan(params, {**card, "config": {**config, **change}})
    save_weights(path, params, {**card, "config": {}})
    with pytest.raises(WeightsError, match="model.safetensors: its card's `config` does not describe a consingan"):
        load_singan(path)
