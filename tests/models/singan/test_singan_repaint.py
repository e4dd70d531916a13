"""One scale of a SinGAN trained again on few colors: what changes, what enters it, continuing, and the command."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from program import printed
from resuming import check_resumes
from tiny_singan import smooth_picture

from jaxprior.data import images
from jaxprior.models.singan import SinGan, build_pyramid, load_singan, paint, save_singan, snap_to
from jaxprior.models.singan import repaint as singan_repaint
from jaxprior.models.singan.config import SinganRecipe
from jaxprior.models.singan.planning import scales_of
from jaxprior.models.singan.scale import draw_inputs, make_step
from jaxprior.models.singan.state import assemble, init_state, start_adam
from jaxprior.training import session
from jaxprior.training.loop import Pace


PACE = Pace(log_every=1, checkpoint_seconds=1e9, snapshot_seconds=1e9)


@pytest.fixture(scope="module")
def model() -> SinGan:
    """A pyramid of two scales that nobody has trained."""
    recipe = SinganRecipe(num_scales=2, min_size=12, width=4, layers=2)
    scales = scales_of(recipe, 18, 24)
    state = init_state(recipe, scales, jax.random.key(5))
    state["scale1"] = {**state["scale1"], "amplitude": jnp.float32(0.1)}
    return assemble(recipe, scales, state, 2, build_pyramid(smooth_picture(18, 24), scales)[-1])


@pytest.fixture(scope="module")
def work(model) -> session.Plan:
    recipe = dataclasses.replace(
        singan_repaint.recipe_of(model, 1, steps=3), critic_steps=1, generator_steps=1, seed=2
    )
    return singan_repaint.plan(recipe, model, scale=1, colors=3)


def test_only_that_scale_changes_and_the_run_resumes(tmp_path, model, work):
    run = check_resumes(work, tmp_path, stops=(0, 0), pace=PACE)
    again = load_singan(run)
    jax.tree.map(np.testing.assert_array_equal, again.scales[0], model.scales[0])
    np.testing.assert_array_equal(again.image, model.image)
    assert again.sizes == model.sizes and again.factor == model.factor
    pairs = zip(*(jax.tree.leaves(m.scales[1].variables["params"]) for m in (again, model)), strict=True)
    assert any(float(jnp.abs(a - b).max()) > 1e-3 for a, b in pairs)
    assert float(again.scales[1].amplitude) != float(model.scales[1].amplitude) > 0
    painted = paint(again, smooth_picture(18, 24), jax.random.key(0), start_scales=(1,), colors=3)
    assert np.isfinite(painted.images).all()


def test_fakes_start_from_few_colors_and_the_reconstruction_does_not(model):
    """A step that snaps equals a plain one of a model whose images from below are snapped already."""
    recipe = dataclasses.replace(singan_repaint.recipe_of(model, 1, steps=3), critic_steps=2, generator_steps=1)
    centers = jnp.array([[-0.9, -0.9, -0.9], [0.9, 0.9, 0.9]])
    seen = []

    def snap(images):
        seen.append(images.shape)
        return snap_to(images, centers)

    below = dataclasses.replace(model, scales=model.scales[:1])
    picture = model.image[None]
    part = {"generator": model.scales[1].variables, "critic": model.scales[1].critic_variables}
    own = {
        "scale": {**part, "noise": model.scales[1].noise, "amplitude": jnp.float32(0.0)},
        "adam": start_adam(part),
    }
    plain, snapped = (  # of copies: a step donates its state
        step(0, jax.tree.map(jnp.array, own), below, picture, jax.random.key(1))[1]
        for step in (make_step(recipe, 1), make_step(recipe, 1, prepare=snap))
    )
    assert seen == [(2, 18, 24, 3)]  # of both critic updates, and nothing else
    assert float(snapped["generator_loss"]) != float(plain["generator_loss"])
    given = draw_inputs(recipe, 1, below, model.scales[1].noise, picture, jax.random.key(1))
    assert given.below.shape == (2, 18, 24, 3) and given.fixed_below.shape == (1, 18, 24, 3)
    assert float(snapped["reconstruction_rmse"]) == pytest.approx(float(plain["reconstruction_rmse"]), rel=1e-5)


def test_mistakes_are_sentences(model):
    recipe = singan_repaint.recipe_of(model, 1)
    for scale, colors, said in ((0, 3, "at 0 nothing enters"), (2, 3, "expected 1 to 1"), (1, 10**6, "as many as")):
        with pytest.raises(ValueError, match=said):
            singan_repaint.plan(recipe, model, scale=scale, colors=colors)
    odd = dataclasses.replace(model.scales[1], generator=model.scales[1].generator.clone(slope=0.5))
    with pytest.raises(ValueError, match="scale 1: its network"):
        singan_repaint.recipe_of(dataclasses.replace(model, scales=(model.scales[0], odd)), 1)


def test_the_command_retrains_and_paints(tmp_path, model):
    file, art, out = tmp_path / "model.safetensors", tmp_path / "art.png", tmp_path / "out"
    save_singan(file, model)
    images.save_png(art, smooth_picture(18, 24) // 64 * 64)
    command = ("singan", "paint", file, art, "-o", out, "--retrain", "--steps", 2)
    assert "give --start-scale and --colors" in printed(*command, code=2)
    printed(*command, "--colors", 3, "--start-scale", 1)
    assert (out / "start_scale=1.png").is_file() and (out / "retrained/model.safetensors").is_file()
    assert not Path(out / "start_scale=0.png").exists()
