"""Where latents begin: random codes, the bank, latents of the caller; and what codes are drawn from."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from all_problems import AllProblems
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.inversion import batching
from jaxprior.inversion.starts import make_start, start_names
from jaxprior.restoration.banks import sample_bank
from jaxprior.weights.card import Card


KEY = jax.random.key(0)
CODES = jp.MultiCode(num_codes=3, layer=3)
SETTINGS = {"key": KEY, "objective": jp.Objective(), "solve": jp.Solve(steps=0)}


@pytest.fixture(scope="module")
def prior():
    return random_prior()


@pytest.fixture(scope="module")
def uniform(prior):
    """A prior that was trained on codes from U(-1, 1)."""
    return dataclasses.replace(prior, card=Card({"name": "uniform", "codes": "uniform"}))


@pytest.fixture(scope="module")
def photos(prior):
    return prior.generate(jax.random.normal(jax.random.key(2), (2, prior.latent_dim)))


def test_starts_are_found_by_name():
    assert start_names()[:3] == ("bank", "encoder", "random")
    assert make_start("bank", bank_size=64) == jp.BankStart(bank_size=64)
    assert make_start("random", bank_size=64) == jp.RandomStart()
    with pytest.raises(ValueError, match=r"`init` must be one of \('bank', 'encoder', 'random'"):
        jp.Solve(init="given")


@pytest.mark.parametrize("codes", [CODES, jp.SingleCode()], ids=["multi", "single"])
def test_given_latents_are_where_an_inversion_begins(prior, photos, codes):
    solve = jp.Solve(steps=3, learning_rate=0.1, starts=2)
    first = jp.restore(prior, photos, codes=codes, **{**SETTINGS, "solve": solve})
    again = jp.restore(
        prior, photos, codes=codes, start=jp.GivenStart(first.latents),
        **{**SETTINGS, "solve": jp.Solve(steps=0, starts=2)},
    )  # fmt: skip
    jax.tree.map(np.testing.assert_array_equal, again.latents, first.latents)
    np.testing.assert_allclose(again.loss, first.loss, rtol=1e-5)


def test_given_codes_are_completed_by_what_the_codes_begin_with(prior, photos):
    z = jax.random.normal(jax.random.key(5), (2, 3, prior.latent_dim))
    latents = jp.restore(prior, photos, codes=CODES, start=jp.GivenStart({"z": z}), **SETTINGS).latents
    np.testing.assert_array_equal(latents["z"], z)
    np.testing.assert_allclose(latents["alpha"], 1 / 3, rtol=1e-6)
    with pytest.raises(ValueError, match="`start` gives latents of the shapes"):
        jp.restore(prior, photos, codes=CODES, start=jp.GivenStart({"z": z[:, :2]}), **SETTINGS)


def test_a_start_object_is_the_start_of_its_name(prior, photos):
    settings = {**SETTINGS, "codes": CODES}
    by_name = jp.restore(prior, photos, **{**settings, "solve": jp.Solve(steps=0, init="bank", bank_size=64)})
    itself = jp.restore(prior, photos, start=jp.BankStart(bank_size=64), **settings)
    np.testing.assert_array_equal(itself.latents["z"], by_name.latents["z"])
    drawn = jp.restore(prior, photos, start=jp.RandomStart(), **settings)
    np.testing.assert_array_equal(drawn.latents["z"], jp.restore(prior, photos, **settings).latents["z"])


@pytest.mark.parametrize("codes", [CODES, jp.SingleCode()], ids=["multi", "single"])
@pytest.mark.parametrize("start", [jp.RandomStart(), jp.BankStart(bank_size=64)], ids=["random", "bank"])
def test_codes_come_from_what_the_prior_was_trained_with(uniform, prior, photos, codes, start):
    inside, outside = (
        np.abs(jp.restore(one, photos, codes=codes, start=start, **SETTINGS).latents["z"]) for one in (uniform, prior)
    )
    assert inside.max() <= 1 and outside.max() > 1


def test_banks_of_the_two_distributions_do_not_meet_in_the_cache(uniform, prior, tmp_path, monkeypatch):
    monkeypatch.setattr("jaxprior.system.runtime.cache_folder", lambda: tmp_path)
    assert np.abs(sample_bank(uniform, 64).z).max() <= 1 < np.abs(sample_bank(prior, 64).z).max()
    assert len(list((tmp_path / "banks").iterdir())) == 2


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Volumes:
    """A generator of volumes of 6x4x8 voxels, cut at 3x2x4."""

    kernel: jax.Array
    latent_dim = 5
    channels = 2
    code_distribution = "normal"

    def head(self, z):
        return jnp.tanh(jnp.einsum("nk,kdhwc->ndhwc", z, self.kernel))

    def tail(self, features):
        x = features.sum(axis=-1, keepdims=True)
        for axis in (1, 2, 3):
            x = jnp.repeat(x, 2, axis=axis)
        return jnp.tanh(x)


@pytest.mark.parametrize("keep", ["best", "held_out"])
@pytest.mark.parametrize("window", [0, 3])
def test_volumes_pass_the_engine(keep, window):
    generator = Volumes(jax.random.normal(jax.random.key(3), (5, 3, 2, 4, 2)))
    keys = jax.random.split(KEY, 2)
    volumes = generator.tail(generator.head(jax.random.normal(jax.random.key(4), (2, 5))))
    objective = jp.Objective(window=window) if window == 0 else jp.Objective(pixel="l1", window=window)
    problems = AllProblems(jp.Identity(), volumes, keys)
    codes, solve = jp.MultiCode(num_codes=3), jp.Solve(steps=30, learning_rate=0.1, keep=keep)
    found = batching.solve(generator, objective, problems, size=2, codes=codes, solve=solve, platform="cpu")
    assert found["images"].shape == (2, 6, 4, 8, 1) and found["trace"].shape == (2, 31)
    if window == 0:
        assert (found["trace"].min(axis=1) < 0.3 * found["trace"][:, 0]).all()
