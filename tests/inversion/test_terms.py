"""Terms of the loss that look at more than the image: at codes, maps, an encoder's answer, and the merged picture."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.errors import ArgumentError, SettingsError
from jaxprior.evaluation.cells import describe
from jaxprior.restoration.presets import make_method


KEY = jax.random.key(0)
MULTI, FEATURE = jp.MultiCode(num_codes=3, layer=4), jp.FeatureCode(layer=4)
HOLE = np.zeros((16, 16), np.float32)
HOLE[4:12, 4:12] = 1


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class FixedEncoder:
    """Says the same of every picture.

    Fields:
        z: [d]; features: [*space, c].
    """

    z: jax.Array
    features: jax.Array

    def __call__(self, pictures, known):
        """The answer for a batch of pictures."""
        assert known.shape == (*pictures.shape[:-1], 1)
        return {"z": jnp.stack([self.z] * len(pictures)), "features": jnp.stack([self.features] * len(pictures))}


@pytest.fixture(scope="module")
def prior() -> jp.Prior:
    return random_prior()


@pytest.fixture(scope="module")
def photos(prior):
    return np.asarray(jnp.clip(prior.generate(jax.random.normal(jax.random.key(4), (2, 16))), -1, 1))


def restored(prior, photos, codes, task=None, solve=None, **objective):
    solve = solve or jp.Solve(steps=6, optimizer="lbfgs", keep="last")
    return jp.restore(prior, photos, task, key=KEY, codes=codes, objective=jp.Objective(**objective), solve=solve)


def first_losses(prior, photos, codes, task=None, **objective):
    """The losses of the latents at the start."""
    return np.asarray(restored(prior, photos, codes, task, jp.Solve(steps=0), **objective).loss)


@pytest.mark.parametrize("codes", [MULTI, FEATURE], ids=["multi", "feature"])
def test_the_code_penalty_is_the_squared_length_of_the_codes(prior, photos, codes):
    start = restored(prior, photos, codes, solve=jp.Solve(steps=0)).latents["z"]
    extra = first_losses(prior, photos, codes, code_penalty=0.5) - first_losses(prior, photos, codes)
    np.testing.assert_allclose(extra, 0.5 * np.square(start).reshape(2, -1).sum(axis=1), rtol=1e-4)


def test_the_gradient_of_the_code_penalty_is_twice_the_code():
    objective, z = jp.Objective(code_penalty=0.25), jnp.arange(4.0)
    target = objective.target(jp.Identity(), jnp.zeros((8, 8, 3)))

    def loss(z):
        return objective.evaluate(jnp.zeros((8, 8, 3)), jp.Identity(), target, {"z": z}).loss

    np.testing.assert_allclose(jax.grad(loss)(z), 2 * 0.25 * z, rtol=1e-6)


@pytest.mark.parametrize("codes", [MULTI, FEATURE], ids=["multi", "feature"])
def test_an_anchor_keeps_the_map_near_that_of_the_start(prior, photos, codes):
    """It is 0 at the start, and a strong one leaves the map where it was."""
    generator = prior.split(codes.layer)

    def map_of(result):
        return np.asarray(jax.vmap(lambda latents: codes.composed(generator, latents))(result.latents))

    start = restored(prior, photos, codes, solve=jp.Solve(steps=0))
    free, held = restored(prior, photos, codes), restored(prior, photos, codes, anchor=100.0)
    np.testing.assert_allclose(held.trace[:, 0], free.trace[:, 0], rtol=1e-5)
    moved = [np.square(map_of(result) - map_of(start)).sum() for result in (free, held)]
    assert moved[1] < 0.1 * moved[0]


def test_the_anchor_is_the_relative_change_of_the_map(prior, photos):
    generator = prior.split(4)
    result = restored(prior, photos, FEATURE, anchor=2.0)
    plain = jp.Objective()
    began = restored(prior, photos, FEATURE, solve=jp.Solve(steps=0)).latents
    for i, photo in enumerate(photos):
        before, after = (
            np.asarray(FEATURE.composed(generator, jax.tree.map(lambda x, i=i: x[i], latents)))
            for latents in (began, result.latents)
        )
        pixels = plain.evaluate(result.images[i], jp.Identity(), plain.target(jp.Identity(), jnp.asarray(photo))).loss
        expected = float(pixels) + 2 * np.square(after - before).mean() / np.square(before).mean()
        assert float(result.loss[i]) == pytest.approx(expected, rel=1e-3)


def test_what_the_encoder_says_of_the_image_is_compared_with_its_latents(prior, photos):
    """At a root mean square of 1, so that the length of neither matters."""
    z = jax.random.normal(jax.random.key(7), (16,))
    features = jax.random.normal(jax.random.key(8), (8, 8, 16))
    start = jax.tree.map(np.asarray, restored(prior, photos, FEATURE, solve=jp.Solve(steps=0)).latents)
    maps = jax.vmap(lambda latents: FEATURE.composed(prior.split(4), latents))(start)
    alone = first_losses(prior, photos, FEATURE)
    for compared, said, made in (("codes", z, start["z"]), ("features", features, np.asarray(maps))):
        fields = {"in_domain": FixedEncoder(z, features), "in_domain_weight": 3.0, "in_domain_on": compared}
        extra = first_losses(prior, photos, FEATURE, **fields) - alone
        unit = [x / np.sqrt(np.square(x).mean(axis=-1, keepdims=True)) for x in (np.asarray(said)[None], made)]
        np.testing.assert_allclose(extra, 3 * np.square(unit[0] - unit[1]).reshape(2, -1).mean(axis=1), rtol=1e-3)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class AtLayer:
    """What is known of an encoder before it is loaded."""

    layer: int = dataclasses.field(metadata={"static": True})

    def __call__(self, pictures, known):
        raise NotImplementedError


@jax.tree_util.Partial
def darkness(images):
    """A critic that likes what is dark."""
    return -3 * jnp.mean(images, axis=(1, 2, 3))


def test_a_critic_sees_the_merged_picture_where_it_is_told_to(prior, photos):
    task, fields = jp.Inpaint(HOLE), {"critic": darkness, "critic_weight": 1.0, "critic_loss": "saturating"}
    alone = first_losses(prior, photos, FEATURE, task)
    images = np.asarray(restored(prior, photos, FEATURE, task, jp.Solve(steps=0)).images)
    for critic_on, seen in (("generated", images), ("merged", np.where(HOLE[..., None] > 0, images, photos))):
        extra = first_losses(prior, photos, FEATURE, task, critic_on=critic_on, **fields) - alone
        score = -3 * seen.mean(axis=(1, 2, 3))
        np.testing.assert_allclose(extra, -np.log1p(np.exp(score)), rtol=1e-3)


def test_a_critic_of_the_merged_picture_never_sees_pixels_that_are_held_out(prior, photos):
    """Pixels that the fit does not see may be anything; the losses of the fit stay."""
    task, solve = jp.Inpaint(HOLE), jp.Solve(steps=3, keep="held_out", hold_out=0.4)
    fields = {"critic": darkness, "critic_on": "merged"}
    objective = jp.Objective(**fields)
    image = jnp.asarray(photos[0])
    held = jnp.zeros((16, 16, 1)).at[:2].set(1.0)
    losses = []
    for observed in (photos[1], np.where(np.asarray(held) > 0, 0.9, photos[1])):
        target = objective.target(task, jnp.asarray(observed), held)
        losses.append(float(objective.evaluate(image, task, target).loss))
    assert losses[0] == losses[1]
    assert np.isfinite(np.asarray(restored(prior, photos, FEATURE, task, solve, **fields).loss)).all()


@pytest.mark.parametrize("codes", [MULTI, FEATURE], ids=["multi", "feature"])
def test_codes_can_be_kept_at_the_length_of_a_normal_draw(prior, photos, codes):
    projected = dataclasses.replace(codes, project="sphere")
    solve = jp.Solve(steps=3, learning_rate=1.0, keep="last")
    free, held = (restored(prior, photos, one, solve=solve).latents["z"] for one in (codes, projected))
    np.testing.assert_allclose(np.linalg.norm(held, axis=-1), 4.0, rtol=1e-4)
    assert np.abs(np.linalg.norm(free, axis=-1) - 4.0).max() > 0.1


def test_a_table_chooses_the_terms(prior):
    encoder = FixedEncoder(jnp.zeros(16), jnp.zeros((8, 8, 16)))
    table = {"anchor": 0.5, "code_penalty": 1e-3, "in_domain": encoder, "in_domain_on": "features"}
    objective = make_method({"objective": table}, prior=prior).objective
    assert (objective.anchor, objective.code_penalty, objective.in_domain_on) == (0.5, 1e-3, "features")
    assert len(objective.terms) == 4


MISTAKES = {
    "this prior has no encoder; `jaxprior train encoder` trains one": {"in_domain": "prior"},
    "objective.in_domain_weight: there is no encoder to weigh": {"in_domain_weight": 1.0},
    "objective.critic_on: there is no critic to weigh": {"critic_on": "merged"},
    "objective.in_domain: expected .*an encoder, got 'encoder'": {"in_domain": "encoder"},
}


@pytest.mark.parametrize("sentence", MISTAKES)
def test_terms_without_their_network_are_refused(prior, sentence):
    with pytest.raises(SettingsError, match=sentence):
        make_method({"objective": MISTAKES[sentence]}, prior=prior)


def test_terms_that_the_codes_cannot_serve_are_refused(prior, photos):
    encoder = FixedEncoder(jnp.zeros(16), jnp.zeros((4, 4, 16)))
    with pytest.raises(ArgumentError, match="MultiCode has 3: compare features, or take codes with a single one"):
        restored(prior, photos, MULTI, in_domain=encoder)
    with pytest.raises(ArgumentError, match=r"the encoder answers \[4, 4, 16\], and these codes have \[8, 8, 16\]"):
        restored(prior, photos, MULTI, in_domain=encoder, in_domain_on="features")
    with pytest.raises(ArgumentError, match="answers that of layer 2, and `layer` is 4: take 2"):
        jp.Objective(in_domain=AtLayer(layer=2), in_domain_on="features").check_codes(FEATURE)
    with pytest.raises(ArgumentError, match="`critic` must be a pytree of arrays.*jax.tree_util.Partial"):
        restored(prior, photos, MULTI, critic=lambda images: images.mean(axis=(1, 2, 3)))
    with pytest.raises(ArgumentError, match="`in_domain` must be a network"):
        jp.Objective(in_domain="prior")
    with pytest.raises(ArgumentError, match="`critic_on` must be one of"):
        jp.Objective(critic_on="hole")


def test_a_configuration_says_the_new_fields_only_where_they_are_used():
    """Results from before are found under their keys."""
    before = ["type", "pixel", "window", "features", "feature_weight", "feature_loss", "critic", "critic_weight"]
    assert list(describe(jp.Objective())) == [*before, "critic_loss"]
    assert describe(jp.Objective(anchor=0.5))["anchor"] == 0.5
    assert "project" not in describe(jp.MultiCode()) and describe(jp.MultiCode(project="clip"))["project"] == "clip"
