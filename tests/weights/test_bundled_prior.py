"""The bundled priors do what they are for, on a cat that they have never seen: scikit-image's own photograph."""

from importlib import resources

import jax
import numpy as np
import pytest

import jaxprior as jp
from jaxprior.data.images import fit, to_float


@pytest.fixture(scope="module", params=["cats32", "cats64"])
def prior(request) -> jp.Prior:
    return jp.load_prior(request.param)


def cat_of(prior: jp.Prior) -> np.ndarray:
    from skimage.data import chelsea

    return to_float(fit(chelsea()[:300, 120:420], prior.resolution))[None]


def psnr_of(prior: jp.Prior, cat: np.ndarray, **settings) -> float:
    return float(jp.metrics.psnr(jp.restore(prior, cat, key=jax.random.key(0), **settings).images, cat)[0])


def test_the_best_is_the_default():
    assert [card["name"] for card in jp.list_priors()] == ["cats64", "lsgan-cats64", "cats32"]
    assert jp.load_prior().card["name"] == "cats64"


def test_card_and_size(prior):
    assert {"source", "licence", "sha256", "defaults", "training"} <= set(prior.card)
    assert {"images_shown", "seconds", "device", "swd", "swd_real"} <= set(prior.card["training"])
    folder = resources.files("jaxprior") / "assets" / prior.card["name"]
    assert (folder / "model.safetensors").stat().st_size < 16e6
    assert (folder / "samples.png").is_file() and (folder / "README.md").is_file()


def test_samples_look_more_real_to_the_critic_than_noise(prior):
    images = prior.generate(jax.random.normal(jax.random.key(0), (32, prior.latent_dim)))
    noise = jax.random.uniform(jax.random.key(1), images.shape, minval=-1, maxval=1)
    assert np.median(prior.critic(images)) > np.median(prior.critic(noise))
    assert np.asarray(images).std(axis=0).mean() > 0.2  # not one picture over and over


def test_reconstruction_beats_the_untrained_control(prior):
    """After few evaluations: with many, 20 codes reproduce anything with any network."""
    control, cat = jp.untrained(prior, key=jax.random.key(2)), cat_of(prior)
    short = jp.Solve(steps=25, optimizer="lbfgs", weight_rate=0.3)
    assert psnr_of(prior, cat, solve=short) > psnr_of(control, cat, solve=short) + 2


def test_reconstruction_is_good():
    small = jp.load_prior("cats32")
    assert psnr_of(small, cat_of(small)) > 25


def test_inpainting_scattered_pixels_beats_mean_fill():
    prior = jp.load_prior("cats32")
    cat = cat_of(prior)
    mask = jp.parse_mask("pixels:0.5").draw(prior.resolution, jax.random.key(1))
    result = jp.restore(prior, cat, jp.Inpaint(mask), key=jax.random.key(0))
    known = cat[0][mask == 0]
    filled = np.where(mask[..., None] > 0, known.mean(axis=0), cat).astype(np.float32)
    ours, mean = (float(jp.metrics.psnr(x, cat, mask=mask)[0]) for x in (result.images, filled))
    assert ours > mean + 2
    np.testing.assert_array_equal(np.asarray(result.merged[0])[mask == 0], known)
