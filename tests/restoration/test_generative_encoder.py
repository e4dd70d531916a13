"""The Generative Encoder's search: what its loss compares, that it finds a planted picture, and what is refused."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from commands import call
from tiny_convae import convae
from tiny_prior import random_prior, write_tiny_prior

import jaxprior as jp
from jaxprior.data.images import save_png
from jaxprior.errors import JaxpriorError
from jaxprior.evaluation import Cell
from jaxprior.evaluation.cells import configuration
from jaxprior.inversion.terms import CodePenaltyTerm
from jaxprior.models.pggan.networks import Generator
from jaxprior.operators import make_task, task_names
from jaxprior.protocols import Generated
from jaxprior.restoration.presets import make_method


SHAPE = (16, 16, 3)
CHANCE = np.random.default_rng(0)
PHOTO = jnp.asarray(CHANCE.uniform(-1, 1, SHAPE), jnp.float32)
IMAGE = jnp.asarray(CHANCE.uniform(-1, 1, SHAPE), jnp.float32)
HOLE = np.zeros((16, 16), np.float32)
HOLE[4:12, 4:12] = 1
GE = "generative_encoder"


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Encoder:
    """A code of 32 numbers, linear in the picture."""

    matrix: jax.Array

    def __call__(self, images):
        return images.reshape(len(images), -1) @ self.matrix


ENCODER = Encoder(jnp.asarray(CHANCE.normal(size=(768, 32)) / np.sqrt(768), jnp.float32))


@pytest.fixture(scope="module")
def prior():
    return random_prior()


def test_the_preset_is_that_of_the_paper(prior):
    method = jp.preset(GE, jp.Inpaint(HOLE), prior=prior, encoder=ENCODER)
    assert method.codes == jp.SingleCode(start="normal") and method.objective.features is ENCODER
    assert method.objective.pixel is None and method.objective.code_penalty == 1e-3
    assert method.solve == jp.Solve(steps=1400, optimizer="adam", learning_rate=0.1, init="random", keep="best")
    assert jp.preset(GE, None, prior=prior, features=ENCODER).objective == method.objective
    assert jp.preset("invertgan_blind", None, prior=prior).objective == jp.Objective(compare="generated")
    changed = make_method({"preset": GE, "encoder": ENCODER, "objective": {"code_penalty": 0.1}}, prior=prior)
    assert changed.objective.code_penalty == 0.1


def enlarged(small):
    return small.repeat(4, axis=0).repeat(4, axis=1)


BLUR, SMALL, MEASURE = jp.Deblur.gaussian(1.0), jp.SuperResolve(4), jp.Measure.gaussian(100, SHAPE)
HIDDEN = (1 - HOLE)[..., None]
TASKS = {
    "reconstruct": (jp.Identity(), IMAGE, PHOTO),
    "denoise": (jp.Denoise(0.5), IMAGE, PHOTO),
    "denoise under a mask": (jp.Denoise(0.5, HOLE), IMAGE * HIDDEN, PHOTO * HIDDEN),
    "deblur": (BLUR, IMAGE, BLUR.apply(PHOTO)),
    "inpaint": (jp.Inpaint(HOLE), IMAGE * HIDDEN, PHOTO * HIDDEN),
    "superres": (SMALL, enlarged(SMALL.apply(IMAGE)), enlarged(SMALL.apply(PHOTO))),
    "colorize": (jp.Colorize(), jp.Colorize().apply(IMAGE), jp.Colorize().apply(PHOTO)),
    "measure": (MEASURE, MEASURE.shown(MEASURE.apply(IMAGE)), MEASURE.shown(MEASURE.apply(PHOTO))),
    "blurred and small": (
        jp.Compose((BLUR, SMALL)), enlarged(SMALL.apply(IMAGE)), enlarged(SMALL.apply(BLUR.apply(PHOTO))),
    ),
}  # fmt: skip
"""Name -> (task, S(G(z)), the observation as a picture): equation 3 and section 3.2 of seed 004."""


@pytest.mark.parametrize("name", TASKS)
def test_the_loss_is_a_sum_of_squares_of_codes_and_of_the_latent_code(name, prior):
    task, simulated, shown = TASKS[name]
    z = jnp.asarray(CHANCE.normal(size=16), jnp.float32)
    observed = task.apply(PHOTO)
    objective = jp.preset(GE, task, prior=prior, encoder=ENCODER).objective
    found = objective.evaluate(IMAGE, task, objective.target(task, observed, shape=SHAPE), {"z": z})
    codes = ENCODER(jnp.stack([simulated, shown]))
    expected = jnp.sum((codes[0] - codes[1]) ** 2) + 1e-3 * jnp.sum(z**2)
    np.testing.assert_allclose(found.loss, expected, rtol=1e-4)
    blind = jp.preset("invertgan_blind", task, prior=prior).objective
    found = blind.evaluate(IMAGE, task, blind.target(task, observed, shape=SHAPE))
    np.testing.assert_allclose(found.loss, jnp.mean((IMAGE - shown) ** 2), rtol=1e-5)
    aware = jp.preset("invertgan", task, prior=prior).objective
    found = aware.evaluate(IMAGE, task, aware.target(task, observed))
    np.testing.assert_allclose(found.loss, jnp.mean((task.apply(IMAGE) - observed) ** 2), rtol=1e-5)


def test_pixels_that_are_held_out_are_compared_by_no_code(prior):
    held = jnp.zeros((4, 4, 1)).at[:2].set(1)
    other = PHOTO.at[:8].add(1)
    objective = jp.preset(GE, SMALL, prior=prior, encoder=ENCODER).objective
    losses = []
    for photo, image in [(PHOTO, IMAGE), (other, IMAGE), (PHOTO, IMAGE.at[:8].add(1))]:
        target = objective.target(SMALL, SMALL.apply(photo), held, shape=SHAPE)
        losses.append(float(objective.evaluate(image, SMALL, target, {"z": jnp.zeros(16)}).loss))
    np.testing.assert_allclose(losses, losses[0], rtol=1e-5)


def test_the_gradient_of_the_penalty_is_twice_the_weighted_code():
    term, z = CodePenaltyTerm(weight=1e-3), jnp.asarray(CHANCE.normal(size=16), jnp.float32)
    gradient = jax.grad(lambda z: term.value_of(Generated(None, None, {"z": z}, None, None, None, None), ()))(z)
    np.testing.assert_allclose(gradient, 2e-3 * z, rtol=1e-6)


@pytest.mark.parametrize("name", task_names())
def test_every_task_takes_the_preset(name, prior):
    table = {"name": name, **{"inpaint": {"mask": "center:0.25"}, "deblur": {"blur": 1.0}}.get(name, {})}
    task, _ = make_task(table, SHAPE)
    for preset in (GE, "invertgan", "invertgan_blind"):
        given = {"preset": preset, **({"encoder": ENCODER} if preset == GE else {})}
        objective = make_method(given, task, prior=prior).objective
        target = jax.eval_shape(lambda y, o=objective, t=task: o.target(t, y, shape=SHAPE), task.apply(PHOTO))
        found = jax.eval_shape(
            lambda x, y, o=objective, t=task: o.evaluate(x, t, y, {"z": jnp.zeros(16)}), PHOTO, target
        )
        assert found.loss.shape == ()


def test_planted_pictures_are_found_each_by_itself():
    """In the code space of a generator that is smooth; a search may also end in a local minimum, as two of eight do."""
    prior = smooth_prior()
    photos = prior.generate(jax.random.normal(jax.random.key(5), (8, 4)))
    method = jp.preset(GE, jp.Inpaint(HOLE), prior=prior, encoder=ENCODER)
    objective = dataclasses.replace(method.objective, code_penalty=1e-6)
    solve = dataclasses.replace(method.solve, steps=300)
    settings = {"codes": method.codes, "objective": objective, "solve": solve, "key": jax.random.key(0)}
    found = jp.restore(prior, photos, jp.Inpaint(HOLE), **settings)
    many = ENCODER(prior.generate(jax.random.normal(jax.random.key(9), (64, 4))) * HIDDEN[None])
    nearest = jnp.sum((many[None] - ENCODER(photos * HIDDEN[None])[:, None]) ** 2, axis=-1).min(axis=1)
    good = (found.loss < found.trace[:, 0] / 100) & (found.loss < nearest)
    assert int(good.sum()) >= 5
    alone = jp.restore(prior, photos[1:2], jp.Inpaint(HOLE), **settings, ids=jnp.array([1]))
    np.testing.assert_allclose(alone.trace[0, :50], found.trace[1, :50], rtol=1e-4)


def test_the_key_of_a_result_has_the_encoders_sha256(tmp_path):
    prior = jp.load_prior(write_tiny_prior(tmp_path / "tiny.safetensors"))
    found = []
    for seed in (0, 1):
        run = convae(tmp_path / f"run{seed}", seed=seed)
        cell = Cell(task=jp.Identity(), method=make_method({"preset": GE, "encoder": str(run)}, prior=prior))
        found.append(configuration(cell, prior, numerics_version=0))
    (a, b) = (one["objective"]["features"]["card"]["sha256"] for one in found)
    assert a != b and found[0]["objective"]["compare"] == "pictures"
    plain = Cell(task=jp.Identity(), method=make_method({"preset": "invertgan"}, prior=prior))
    assert "compare" not in configuration(plain, prior, numerics_version=0)["objective"]


def test_what_is_no_encoder_of_pictures_is_refused(tmp_path):
    file = write_tiny_prior(tmp_path / "tiny.safetensors")
    prior = jp.load_prior(file)
    run, large = convae(tmp_path / "run"), convae(tmp_path / "large", resolution=32)
    train = "RUN of `jaxprior train convae`"
    for table, words in [
        ({}, f"needs an encoder: give encoder, the {train}"),
        ({"encoder": "none"}, "needs an encoder"),
        ({"encoder": str(tmp_path / "nothing")}, train),
        ({"encoder": str(file)}, f"pggan.*With the preset generative_encoder, encoder takes the {train}"),
        ({"encoder": str(large)}, "does not take pictures of the prior's size"),
        ({"encoder": 5}, "expected a network of images"),
        ({"encoder": str(run), "objective": {"features": "critic"}}, "both name the network"),
    ]:
        with pytest.raises(JaxpriorError, match=words):
            make_method({"preset": GE, **table}, prior=prior)
    with pytest.raises(JaxpriorError, match="take the preset generative_encoder"):
        make_method({"encoder": str(run)}, prior=prior)
    with pytest.raises(JaxpriorError, match="`compare` must be one of"):
        jp.Objective(compare="codes")


def test_the_command_line_has_the_word_and_says_what_to_give(tmp_path):
    save_png(tmp_path / "a.png", np.zeros((16, 16, 3), np.uint8))
    file = write_tiny_prior(tmp_path / "tiny.safetensors")
    command = ("reconstruct", tmp_path / "a.png", "-o", tmp_path / "run", "--prior", file, "--preset", GE)
    assert "needs an encoder: give --encoder" in " ".join(call(*command, code=2).output.split())
    assert "--encoder takes the RUN of" in " ".join(call(*command, "--encoder", file, code=2).output.split())


def smooth_prior() -> jp.Prior:
    """A PGGAN of 16 pixels with codes of 4 numbers and many feature maps, so that its images change slowly."""
    generator = Generator((64, 32, 16), 4)
    params = {
        name: jax.tree.map(lambda leaf, name=name: (0.3 if name.startswith("output") else 1) * leaf, layer)
        for name, layer in generator.init_params(jax.random.key(1)).items()
    }
    return jp.Prior(module=generator, params=params)
