"""Seed 001 in small: a least-squares GAN completes faces that it has not seen, and an autoencoder repairs them."""

import jax
import numpy as np
import pytest
from skimage.data import lfw_subset

import jaxprior as jp
from jaxprior.data import images
from jaxprior.models.autoencoder.config import AutoencoderRecipe
from jaxprior.models.autoencoder.pairs import mean_filled
from jaxprior.models.autoencoder.train import plan as autoencoder_plan
from jaxprior.models.dcgan.config import LsganRecipe
from jaxprior.models.dcgan.train import plan as lsgan_plan
from jaxprior.training import session
from jaxprior.training.loop import Pace
from jaxprior.training.pictures import Pictures


PACE = Pace(log_every=100, checkpoint_seconds=1e9, snapshot_seconds=1e9)
HELD = 16


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    """A hundred grey faces of scikit-image, uint8 [100, 16, 16, 3]."""
    grey = (lfw_subset()[:100, ..., None] * 255).astype(np.uint8).repeat(3, axis=-1)
    return np.stack([images.fit(face, 16) for face in grey])


@pytest.fixture(scope="module")
def prior(faces, tmp_path_factory) -> jp.Prior:
    recipe = LsganRecipe(
        resolution=16, widths=(32, 24), critic_widths=(16, 32), latent_dim=16, steps=400, batch_size=32, ema_decay=0.99,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("lsgan")
    session.run(lsgan_plan(recipe, Pictures(faces[:-HELD])), folder, source="faces", pace=PACE)
    return jp.load_prior(folder)


def completed(prior, photos, hole, **settings):
    method = jp.preset("lsgan", prior=prior)._replace(solve=jp.Solve(steps=150, learning_rate=0.05))
    return jp.restore(prior, photos, jp.Inpaint(hole), key=jax.random.key(0), **{**method._asdict(), **settings})


def test_completion_beats_the_mean_colour_and_refinement_does_not_hurt(faces, prior, tmp_path):
    hole = jp.parse_mask("center:0.25").draw(16)
    photos = images.to_float(faces)
    found = completed(prior, photos, hole)
    assert np.median(found.trace[:, -1]) < 0.5 * np.median(found.trace[:, 0])
    assert float(np.abs(found.latents["z"]).max()) <= 1.0

    masks = np.broadcast_to(np.uint8(255 * hole)[..., None], (*faces.shape[:3], 1))
    triples = np.concatenate([images.to_uint8(np.asarray(found.merged)), faces, masks], axis=-1)
    recipe = AutoencoderRecipe(
        resolution=16, widths=(24, 32), steps=300, learning_rate=3e-3, ema_decay=0.95, held_out=HELD
    )  # fmt: skip
    session.run(autoencoder_plan(recipe, Pictures(triples)), tmp_path, source="completions", pace=PACE)
    held = photos[-HELD:]
    refined = completed(prior, held, hole, refine=jp.load_refiner(tmp_path))
    filled = images.to_float(mean_filled(faces[-HELD:], masks[-HELD:])[..., :3])
    mean, plain, better = (
        float(np.median(jp.metrics.psnr(x, held, mask=hole))) for x in (filled, found.images[-HELD:], refined.images)
    )
    assert plain > mean + 1, (mean, plain)
    assert better > plain, (plain, better)
