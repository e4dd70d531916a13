"""A ConSinGAN that harmonizes or edits, trained further on one picture: what it sees, what moves, what is refused."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from program import printed
from resuming import check_resumes

from jaxprior.data import images
from jaxprior.errors import JaxpriorError
from jaxprior.models.consingan.config import ConsinganRecipe
from jaxprior.models.consingan.finetuning import finetuned, recipe_of
from jaxprior.models.consingan.model import ConSinGan
from jaxprior.models.consingan.stage import networks_of
from jaxprior.models.singan import harmonize, load_singan, save_singan
from jaxprior.models.singan.injecting import at_coarsest
from jaxprior.training.loop import Pace
from jaxprior.weights.card import Card


SIZES = ((9, 12), (15, 19))
PACE = Pace(log_every=1, checkpoint_seconds=1e9, snapshot_seconds=1e9)
KEY = jax.random.key(0)


def model(starts_from: str = "augmented", **card) -> ConSinGan:
    """Two stages with weights that do something; its settings are in its card, as in a run of a training."""
    recipe = ConsinganRecipe(
        starts_from=starts_from, edges="zero", norm="instance", width=4, layers=1, num_scales=2, min_size=9,
        train_depth=1, steps=3, generator_steps=1, critic_steps=1,
    )  # fmt: skip
    generator, critic = networks_of(recipe, 2)
    chance = np.random.default_rng(3)

    def filled(network):
        shapes = jax.eval_shape(network.init_variables, KEY)
        return jax.tree.map(lambda x: jnp.float32(chance.normal(0, 0.3, x.shape)), shapes)

    picture = np.float32(chance.uniform(-1, 1, (*SIZES[1], 3)))
    noises = [np.float32(chance.normal(size=generator.noise_shape(n, size))) for n, size in enumerate(SIZES)]
    told = {"training": {"recipe": {**dataclasses.asdict(recipe), "milestones": [0.5], "model": "other"}}}
    return ConSinGan(
        generator=generator, variables=filled(generator), critic=critic, critic_variables=filled(critic),
        amplitudes=jnp.float32([1, 0.2]), noises=tuple(map(jnp.asarray, noises)), sizes=SIZES,
        image=jnp.asarray(picture), starts_from=starts_from, card=Card({**told, **card}),
    )  # fmt: skip


def pasted_picture() -> np.ndarray:
    pixels = np.uint8(np.random.default_rng(1).uniform(0, 255, (*SIZES[1], 3)))
    pixels[4:9, 5:11] = (250, 20, 20)
    return pixels


def test_the_newest_stage_learns_from_the_picture_given_and_resumes(tmp_path):
    before, pasted = model(), pasted_picture()
    work = finetuned(before, pasted)
    assert work.phases[0].steps == 3 and work.settings["milestones"] == [0.5] and work.settings["train_depth"] == 1
    picture, first = work.phases[0].batch(2)
    np.testing.assert_array_equal(picture[0], before.image)
    np.testing.assert_array_equal(first[0], at_coarsest(before, pasted))
    after = load_singan(check_resumes(work, tmp_path, stops=(1,), pace=PACE))
    assert isinstance(after, ConSinGan) and (after.starts_from, after.sizes) == ("augmented", SIZES)
    own, theirs = before.variables["params"], after.variables["params"]
    same = {name: all(jax.tree.leaves(jax.tree.map(np.array_equal, own[name], theirs[name]))) for name in own}
    assert same == {"head": True, "stage0": True, "stage1": False, "tail": False}
    np.testing.assert_array_equal(after.amplitudes, before.amplitudes)
    for ours, others in zip(after.noises, before.noises, strict=True):
        np.testing.assert_array_equal(ours, others)
    mask = np.zeros(SIZES[1])
    mask[4:9, 5:11] = 1
    made = [harmonize(one, pasted, mask, key=KEY, radius=0, sigma=0).images for one in (before, after)]
    assert float(jnp.abs(made[0] - made[1]).mean()) > 1e-5


def test_an_editing_model_gets_weak_noise_with_its_picture():
    pasted = pasted_picture()
    work = finetuned(model("shuffled"), pasted, steps=7, seed=4)
    assert (work.phases[0].steps, work.settings["seed"]) == (7, 4)
    firsts = np.stack([work.phases[0].batch(index)[1][0] for index in (0, 0, 1, 2, 3)])
    np.testing.assert_array_equal(firsts[0], firsts[1])
    noise = firsts[1:] - at_coarsest(model(), pasted)
    assert 0.08 < noise.std() < 0.12 and np.abs(noise[0] - noise[1]).mean() > 0.05


def test_what_cannot_be_trained_further_is_one_sentence(tmp_path):
    plain = dataclasses.replace(model(), starts_from="noise")
    bare = dataclasses.replace(model(), critic=None, critic_variables=None)
    for one, said in ((plain, "not trained to harmonize or edit"), (bare, "holds no critic")):
        with pytest.raises(JaxpriorError, match=said):
            recipe_of(one)
    assert recipe_of(dataclasses.replace(model(), card=Card({}))).steps == 1000  # of the preset
    save_singan(tmp_path / "plain.safetensors", plain)
    save_singan(tmp_path / "good.safetensors", model())
    images.save_png(tmp_path / "pasted.png", pasted_picture())
    images.save_png(tmp_path / "tiny.png", pasted_picture()[:5])
    cases = (("plain", "pasted", "--preset consingan-harmonize"), ("good", "tiny", "tiny.png: reference"))
    for file, picture, said in cases:
        arguments = (tmp_path / f"{file}.safetensors", tmp_path / f"{picture}.png", "-o", tmp_path / "run")
        message = printed("singan", "finetune", *arguments, code=2)
        assert said in message and message.count("\n") == 1, message


def test_the_command_trains(tmp_path):
    save_singan(tmp_path / "good.safetensors", model())
    images.save_png(tmp_path / "pasted.png", pasted_picture())
    command = ("singan", "finetune", tmp_path / "good.safetensors", tmp_path / "pasted.png", "-o", tmp_path / "run")
    shown = printed(*command, "--steps", 2)
    assert "jaxprior singan harmonize RUN REFERENCE" in shown
    assert "jaxprior singan harmonize RUN REFERENCE" in (tmp_path / "run" / "report.html").read_text()
    assert "steps = 2, this command has steps = 3" in printed(*command, "--steps", 3, code=2)
