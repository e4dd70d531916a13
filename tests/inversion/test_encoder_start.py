"""Inversions that begin on what an encoder answers. The encoder here knows the answer, and what it was shown."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.errors import ArgumentError, SettingsError
from jaxprior.evaluation.cells import Cell, configuration
from jaxprior.operators import Operator
from jaxprior.restoration.presets import make_method
from jaxprior.weights.card import Card, check_belongs


KEY = jax.random.key(0)
HOLE = np.zeros((16, 16), np.float32)
HOLE[4:12, 4:12] = 1
NONE = jp.Solve(steps=0, init="encoder", bank_size=64)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Knowing:
    """An encoder that answers with planted codes: of the picture among those it knows that looks most alike."""

    pictures: jax.Array
    z: jax.Array
    features: jax.Array
    layer: int = dataclasses.field(metadata={"static": True})
    card: Card = dataclasses.field(default=Card({"name": "knowing", "sha256": "1234"}), metadata={"static": True})
    prior_sha256: str = dataclasses.field(default="", metadata={"static": True})

    def __call__(self, pictures, known):
        away = jnp.square(self.pictures[None] - pictures[:, None]) * known[:, None]
        nearest = jnp.argmin(away.sum(axis=(2, 3, 4)), axis=1)
        return {"z": self.z[nearest], "features": self.features[nearest]}

    def check_fits(self, prior):
        check_belongs(self, prior)


@pytest.fixture(scope="module")
def prior() -> jp.Prior:
    """With an encoder that knows four of its pictures."""
    bare = random_prior()
    z = jax.random.normal(jax.random.key(5), (4, bare.latent_dim))
    encoder = Knowing(bare.generate(z), z, bare.head(z, 3), layer=3, prior_sha256=bare.sha256)
    return dataclasses.replace(bare, encoder=encoder)


@pytest.mark.parametrize("codes", [jp.SingleCode(), jp.FeatureCode(layer=3)], ids=["single", "feature"])
@pytest.mark.parametrize("task", [None, jp.Inpaint(HOLE), jp.SuperResolve(2), jp.Colorize()], ids=lambda t: str(t)[:8])
def test_the_answer_is_where_an_inversion_begins(prior, codes, task):
    photos = prior.encoder.pictures[1:3]
    found = jp.restore(prior, photos, task, codes=codes, solve=NONE, key=KEY)
    np.testing.assert_allclose(found.images, photos, atol=2e-3)


def test_several_codes_begin_with_the_answer_and_the_best_of_a_bank(prior):
    codes = jp.MultiCode(num_codes=3, layer=2, alpha="first")
    photos, settings = prior.encoder.pictures[:2], {"codes": codes, "key": KEY}
    found = jp.restore(prior, photos, solve=NONE, **settings)
    bank = jp.restore(prior, photos, solve=dataclasses.replace(NONE, init="bank"), **settings)
    np.testing.assert_array_equal(found.latents["z"][:, 0], prior.encoder.z[:2])
    np.testing.assert_array_equal(found.latents["z"][:, 1:], bank.latents["z"][:, :2])


def test_the_first_start_has_the_answer_and_further_ones_differ(prior):
    photos, solve = prior.encoder.pictures[:2], dataclasses.replace(NONE, starts=3)
    z = np.asarray(jp.restore(prior, photos, codes=jp.SingleCode(), solve=solve, key=KEY).latents["z"])
    np.testing.assert_array_equal(z[:, 0], prior.encoder.z[:2])
    away = np.linalg.norm(z[:, 1:] - z[:, :1], axis=-1)
    assert (away > 1).all() and np.linalg.norm(z[:, 1] - z[:, 2], axis=-1).min() > 1


def test_held_out_pixels_are_not_shown_to_the_encoder(prior):
    solve = dataclasses.replace(NONE, keep="held_out", hold_out=0.9, steps=1)
    found = jp.restore(prior, prior.encoder.pictures[:1], jp.Inpaint(HOLE), codes=jp.SingleCode(), solve=solve, key=KEY)
    assert np.isfinite(found.loss).all()


def test_a_prior_without_an_encoder_and_one_of_another_prior_are_sentences(prior):
    photos = prior.encoder.pictures[:1]
    bare, other = dataclasses.replace(prior, encoder=None), jp.untrained(prior, key=jax.random.key(9))
    assert other.encoder is None
    settings = {"codes": jp.SingleCode(), "solve": NONE, "key": KEY}
    with pytest.raises(ArgumentError, match="no encoder to begin with: `jaxprior train encoder"):
        jp.restore(bare, photos, **settings)
    with pytest.raises(ArgumentError, match="an encoder knows the codes and features of one prior"):
        jp.restore(other, photos, start=jp.EncoderStart(encoder=prior.encoder), **settings)
    with pytest.raises(ArgumentError, match="features of layer 3, and `layer` is 4"):
        jp.restore(prior, photos, codes=jp.FeatureCode(layer=4), solve=NONE, key=KEY)
    with pytest.raises(ArgumentError, match="`encoder` must be an encoder"):
        jp.restore(prior, photos, start=jp.EncoderStart(encoder=3), **settings)


def test_a_methods_table_names_an_encoder_whose_weights_are_part_of_the_key(prior):
    bare = dataclasses.replace(prior, encoder=None)
    method = make_method({"encoder": prior.encoder, "codes": {"kind": "single"}}, prior=bare)
    assert method.solve.init == "encoder" and method.start.encoder is prior.encoder
    settings = configuration(Cell(task=jp.Colorize(), method=method), bare, numerics_version=1)
    assert settings["start"]["encoder"] == {"name": "knowing", "sha256": "1234"}
    own = make_method({"codes": {"kind": "single"}, "solve": {"init": "encoder"}}, prior=prior)
    assert configuration(Cell(task=jp.Colorize(), method=own), prior, numerics_version=1)["start"] == settings["start"]
    nameless = Cell(task=jp.Colorize(), method=own._replace(start=None))
    assert configuration(nameless, prior, numerics_version=1)["start"] == settings["start"]
    with pytest.raises(SettingsError, match="encoder: nothing uses it, because solve.init random begins elsewhere"):
        make_method({"encoder": prior.encoder, "solve": {"init": "random"}}, prior=bare)
    other = make_method({"solve": {"init": "random"}}, prior=prior)
    assert other.start is None and "start" not in configuration(
        Cell(task=jp.Colorize(), method=other), prior, numerics_version=1
    )


def test_what_operators_show_of_a_photo():
    photo = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (16, 16, 3)), jnp.float32)

    def seen(task, x=photo):
        return task.seen(task.compared(task.observe(x[None], key=jax.random.split(KEY, 1))[0]), x.shape)

    picture, known = seen(jp.Inpaint(HOLE))
    np.testing.assert_array_equal(known[..., 0], 1 - HOLE)
    np.testing.assert_array_equal(picture, photo * (1 - HOLE[..., None]))
    picture, known = seen(jp.Denoise(0.1, mask=HOLE))
    np.testing.assert_array_equal(known[..., 0], 1 - HOLE)
    picture, known = seen(jp.SuperResolve(4), jnp.ones((16, 16, 1)))
    assert picture.shape == (16, 16, 1) and bool((picture == 1).all()) and bool((known == 1).all())
    both = jp.Compose((jp.Inpaint(HOLE), jp.SuperResolve(2)))
    picture, known = both.seen(both.observe(photo[None])[0], photo.shape)
    assert picture.shape == (16, 16, 3) and known[8, 8, 0] == 0 and known[0, 0, 0] == 1
    grey = Operator.seen(jp.Colorize(), jnp.zeros((8, 8, 1)), (16, 16, 3))[0]
    assert grey.shape == (16, 16, 3)
    with pytest.raises(ValueError, match="an encoder sees pictures of the shape"):
        Operator.seen(jp.Colorize(), jnp.zeros(5), (16, 16, 3))


def test_an_encoder_that_is_no_pytree_is_refused(prior):
    start = jp.EncoderStart(encoder=lambda pictures, known: None)
    with pytest.raises(ArgumentError, match="`encoder` must be a pytree of arrays"):
        start.ready(prior, samples=lambda count: None)
