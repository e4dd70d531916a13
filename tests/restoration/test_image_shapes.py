"""Priors of other shapes than square RGB: grey ones from the training to the report, and one that is not square."""

import csv
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from commands import call
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.data import images
from jaxprior.data.pixels import to_grey
from jaxprior.errors import ImageError


class Wide(nn.Module):
    """Code [b, 6] -> image [b, 8, 12, 3] by one layer of features."""

    latent_dim: int = 6
    num_layers: int = 1
    image_shape: tuple[int, int, int] = (8, 12, 3)

    def setup(self):
        self.project = nn.Dense(4 * 6 * 5)
        self.output = nn.Dense(3)

    def channels(self, layer):
        return 5

    def head(self, z, layer):
        return nn.tanh(self.project(z)).reshape(-1, 4, 6, 5)

    def tail(self, features, layer):
        return nn.tanh(self.output(features.repeat(2, axis=1).repeat(2, axis=2)))

    def __call__(self, z):
        return self.tail(self.head(z, 1), 1)

    @nn.nowrap
    def init_params(self, key):
        return self.init(key, jnp.zeros((1, 6)))["params"]

    @nn.nowrap
    def freeze(self, params, **_):
        return self, params


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Pictures in colour of 20x16 pixels."""
    folder = tmp_path_factory.mktemp("colours")
    for i in range(3):
        pixels = np.random.default_rng(i).integers(0, 256, (16, 20, 3), dtype=np.uint8)
        images.save_png(folder / f"{i}.png", pixels)
    return folder


def test_a_prior_that_is_not_square_restores():
    module = Wide()
    prior = jp.Prior(module=module, params=module.init_params(jax.random.key(0)))
    assert prior.image_shape == (8, 12, 3) and "8x12x3" in repr(prior)
    with pytest.raises(ValueError, match="not square: their shape is 8x12x3"):
        prior.resolution  # noqa: B018
    photos = prior.generate(jax.random.normal(jax.random.key(1), (2, 6)))
    hole = np.zeros((8, 12), np.float32)
    hole[2:5, 3:9] = 1
    for task in (jp.Identity(), jp.Inpaint(hole), jp.SuperResolve(2), jp.Colorize()):
        found = jp.restore(
            prior, photos, task, key=jax.random.key(0), codes=jp.MultiCode(num_codes=2, layer=1),
            solve=jp.Solve(steps=4, optimizer="lbfgs"),
        )  # fmt: skip
        assert found.images.shape == found.merged.shape == (2, 8, 12, 3)
        assert np.all(np.asarray(found.loss) < np.asarray(found.trace[:, 0]))
    with pytest.raises(ValueError, match=r"the shape \[b, 8, 12, 3\] of this prior's images, got \[2, 12, 8, 3\]"):
        jp.restore(prior, photos.swapaxes(1, 2), key=jax.random.key(0))


@pytest.mark.parametrize(
    ("command", "shape"),
    [
        ("pggan", ("--widths", "4,4", "--start-resolution", "8", "--loss", "wgan-gp", "--final-kimg", "0.008")),
        ("lsgan", ("--widths", "6", "--critic-widths", "4", "--steps", "2")),
    ],
)
def test_a_grey_prior_trains_loads_restores_and_reports(command, shape, folder, tmp_path):
    run, out = tmp_path / "training", tmp_path / "run"
    sizes = ("--channels", "1", "--resolution", "8", "--latent-dim", "8", "--batch-size", "2")
    call("train", command, "--data", folder, *sizes, *shape, "-o", run)
    assert "report.html" in call("report", run).stdout
    prior = jp.load_prior(run)
    assert prior.image_shape == (8, 8, 1) and "8x8x1" in repr(prior)
    assert prior.critic.features(jnp.zeros((2, 8, 8, 1)))[0].shape[0] == 2
    codes = ("--codes", "2", "--layer", "1", "--steps", "2", "--batch-size", "2")
    call("inpaint", folder, "--mask", "center:0.25", "--clean", "--prior", run, *codes, "-o", out)
    call("reconstruct", folder, "--prior", run, *codes, "-o", tmp_path / "other")
    rows = list(csv.DictReader((out / "results.csv").open()))
    assert len(rows) == 3 and all(float(row["psnr"]) > 0 and float(row["ssim"]) <= 1 for row in rows)
    for kind in ("images", "originals", "inputs"):
        pixels = images.load_image(next((out / kind).glob("*.png")))
        assert pixels.shape == (8, 8, 3) and (pixels == pixels[..., :1]).all()
    original = images.load_image(next((out / "originals").glob("0*.png")))
    wanted = to_grey(images.fit(images.load_image(folder / "0.png"), 8))
    np.testing.assert_array_equal(original[..., :1], wanted)
    assert (out / "report.html").is_file() or "report.html" in call("report", out).stdout
    assert "image_channels" in (out / "run.json").read_text()


def test_grey_pictures_keep_their_values_and_colours_become_luma():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    np.testing.assert_array_equal(to_grey(grey.repeat(3, axis=2)), grey)
    photo = np.random.default_rng(0).integers(0, 256, (9, 8, 3), dtype=np.uint8)
    seen = np.asarray(jp.Colorize().apply(images.to_float(photo)))[..., :1]
    assert np.abs(images.to_uint8(seen).astype(int) - to_grey(photo)).max() <= 1
    with pytest.raises(ImageError, match="to_grey"):
        to_grey(photo[..., 0])


def test_rgb_settings_say_nothing_of_channels():
    from jaxprior.models.dcgan.config import LsganRecipe
    from jaxprior.models.pggan.config import PRESETS
    from jaxprior.training.session import settings_of

    for recipe in (LsganRecipe(), PRESETS["fast"]):
        assert "image_channels" not in settings_of(recipe)
        assert settings_of(recipe.changed({"image_channels": 1}))["image_channels"] == 1


def test_photos_of_another_shape_are_a_sentence_that_helps():
    with pytest.raises(ValueError, match=r"\[b, 16, 16, 3\].*load_images\(paths, size=16\)"):
        jp.restore(random_prior(), jnp.zeros((1, 16, 16, 1)), key=jax.random.key(0))
