"""What a prior's own samples say: the sheet and the figures beside the weights, and when they are made anew."""

import json
import shutil
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from tiny_prior import random_prior, write_tiny_prior

import jaxprior as jp
from jaxprior.data import images
from jaxprior.errors import WeightsError
from jaxprior.restoration.which_prior import explaining, own_samples
from jaxprior.system.activity import doing
from jaxprior.weights.storage import load_weights, save_weights


class Quick:
    """Stands for the short inversions: the first pixel of a picture decides how well it is explained."""

    groups = 0
    stop_after = None

    def __init__(self, prior):
        self.prior = prior

    def explain(self, pictures, missing, ids, *, work):
        if Quick.groups == Quick.stop_after:
            raise KeyboardInterrupt
        Quick.groups += 1
        assert missing.shape == pictures.shape[:3] and len(ids) == len(pictures)
        work.moved(work.done + len(pictures))
        smoothness = np.array([explaining.smoothness_of(*one) for one in zip(pictures, missing, strict=True)])
        return explaining.Explanation(psnr=pictures[:, 0, 0, 0] / 10, smoothness=smoothness, images=pictures)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(own_samples, "Explainer", Quick)
    monkeypatch.setattr(own_samples, "MORE_SAMPLES", own_samples.SAMPLES)
    monkeypatch.setattr("jaxprior.system.runtime.cache_folder", lambda: tmp_path / "cache")
    Quick.groups, Quick.stop_after = 0, None
    place = tmp_path / "tiny"
    place.mkdir()
    write_tiny_prior(place / "model.safetensors")
    return place


def test_a_prior_gets_a_sheet_and_figures_of_its_own_samples(folder):
    own_samples.describe_prior(folder)
    assert images.load_image(folder / "samples.png").shape == (5 * 18 + 2, 8 * 18 + 2, 3)
    found = json.loads((folder / "explained.json").read_text())
    assert found["prior"] == jp.load_prior(folder / "model.safetensors").sha256
    assert "own samples, not on photographs" in found["about"] and found["settings"]["solve"]["steps"] > 0
    assert len(found["psnr"]) == found["samples"] == 40
    assert found["quantiles"]["50"] == pytest.approx(np.median(found["psnr"]), abs=1e-3)
    assert sorted(found["quantiles"].values()) == list(found["quantiles"].values())


def test_what_is_there_is_not_made_again_and_a_replaced_model_makes_it_stale(folder):
    own_samples.describe_prior(folder)
    first, groups = (folder / "samples.png").read_bytes(), Quick.groups
    own_samples.describe_prior(folder)
    assert Quick.groups == groups
    write_tiny_prior(folder / "model.safetensors", seed=1)
    own_samples.describe_prior(folder)
    assert Quick.groups == 2 * groups and (folder / "samples.png").read_bytes() != first


def test_a_stopped_description_goes_on_and_equals_an_unbroken_one(folder):
    own_samples.describe_prior(folder)
    unbroken, groups = (folder / "explained.json").read_bytes(), Quick.groups
    (folder / "explained.json").unlink()
    Quick.groups, Quick.stop_after = 0, 2
    with pytest.raises(KeyboardInterrupt):
        own_samples.describe_prior(folder)
    assert "quantiles" not in json.loads((folder / "explained.json").read_text())
    Quick.stop_after = None
    own_samples.describe_prior(folder)
    assert Quick.groups == groups and (folder / "explained.json").read_bytes() == unbroken


def test_the_figures_are_found_beside_the_weights_and_otherwise_kept_in_the_cache(folder, tmp_path):
    prior = jp.load_prior(folder / "model.safetensors")
    made = own_samples.own_samples(prior)
    groups = Quick.groups
    (kept,) = (tmp_path / "cache" / "explained").iterdir()
    assert own_samples.own_samples(prior) == made and Quick.groups == groups
    kept.write_text("{}")  # damaged, so it is made again
    assert own_samples.own_samples(prior) == made and Quick.groups == 2 * groups
    own_samples.describe_prior(folder)
    kept.unlink()
    assert own_samples.own_samples(prior, beside=folder / "model.safetensors") == made and not kept.exists()


def test_what_a_prior_is_installed_with_is_made_when_it_is_needed(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("JAXPRIOR_DATA", str(tmp_path / "data"))
    place = tmp_path / "data" / "priors" / "tiny"
    place.parent.mkdir(parents=True)
    folder.rename(place)
    prior = jp.load_prior("tiny")
    made = own_samples.own_samples(prior, beside=place / "model.safetensors")
    assert made.whole and (place / "samples.png").is_file() and not (tmp_path / "cache").exists()
    assert own_samples.read(place / "explained.json", prior) == made


def test_a_damaged_file_of_figures_is_none(folder):
    prior, path = jp.load_prior(folder / "model.safetensors"), folder / "explained.json"
    own_samples.describe_prior(folder)
    found = json.loads(path.read_text())
    figures = ({"psnr": found["psnr"][1:]}, {"psnr": [None] * 40}, {"psnr": [1.0] * 41, "smoothness": [1.0] * 41})
    for change in (*figures, {"samples": 39}, {"prior": "0" * 64}, {"key": 1}):
        path.write_text(json.dumps(found | change))
        assert own_samples.read(path, prior) is None
    for text in ("", "[]", "3", '{"psnr": 3}', "{"):
        path.write_text(text)
        assert own_samples.read(path, prior) is None


def test_a_picture_is_compared_with_samples_that_are_as_smooth():
    smoothness = np.linspace(10, 20, 40)
    odd = np.where(np.arange(40) % 2, 1.0, -1.0)
    known = own_samples.OwnSamples(psnr=tuple(8 + 0.8 * smoothness + odd), smoothness=tuple(smoothness))
    assert known.expected(15) == pytest.approx(20, abs=0.1) and known.expected(25) == pytest.approx(28, abs=0.3)
    assert known.share_below(20, 15) == 0.5 and known.share_below(24, 15) == 1 and known.share_below(20, 25) == 0


def test_samples_that_are_all_alike_are_no_division_by_zero():
    known = own_samples.OwnSamples(psnr=(20.0,) * 40, smoothness=(15.0,) * 40)
    assert known.expected(30) == 20 and known.share_below(21, 30) == 1


def test_a_smooth_picture_has_a_thumbnail_that_explains_it():
    grey, nothing = np.full((32, 32, 3), 99, np.uint8), np.zeros((32, 32), bool)
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    ramp = np.broadcast_to(np.arange(32, dtype=np.uint8)[:, None, None] * 8, (32, 32, 3))
    assert explaining.smoothness_of(grey, nothing) == 50
    assert explaining.smoothness_of(noise, nothing) < 15 < 25 < explaining.smoothness_of(ramp, nothing)
    hole = nothing.copy()
    hole[4:20, 4:20] = True
    spoilt = np.where(hole[..., None], noise, ramp)
    assert explaining.smoothness_of(spoilt, hole) > 25  # what lies in the hole does not count


def test_short_inversions_explain_the_known_pixels_of_each_picture_by_itself():
    prior = random_prior()
    explainer, pictures = explaining.Explainer(prior), own_samples.draw_samples(prior)[:2]
    missing = np.zeros((2, 16, 16), bool)
    missing[:, 4:9, 4:9] = True
    with doing("explaining", total=2) as work:
        both = explainer.explain(pictures, missing, np.array([5, 6]), work=work)
    assert work.done == 2 and both.images.shape == (2, 16, 16, 3) and (both.psnr > 15).all()
    spoilt = np.where(missing[..., None], 255 - pictures, pictures)
    with doing("explaining", total=1) as work:
        alone = explainer.explain(spoilt[1:], missing[1:], np.array([6]), work=work)
    np.testing.assert_array_equal(alone.images[0], both.images[1])
    assert alone.psnr[0] == both.psnr[1]


def test_a_picture_that_is_made_again_exactly_has_a_finite_figure(folder, monkeypatch):
    prior = random_prior()
    explainer, grey = explaining.Explainer(prior), np.full((1, 16, 16, 3), 255, np.uint8)
    found = SimpleNamespace(images=np.ones((1, 16, 16, 3), np.float32))
    monkeypatch.setattr(explainer.inverter, "invert", lambda *_, **__: found, raising=False)
    with doing("explaining", total=1) as work:
        done = explainer.explain(grey, np.zeros((1, 16, 16), bool), np.array([1]), work=work)
        assert done.psnr[0] == explaining.MOST_PSNR
        found.images = found.images * np.nan
        with pytest.raises(WeightsError, match="no finite numbers"):
            explainer.explain(grey, np.zeros((1, 16, 16), bool), np.array([1]), work=work)


def scaled(path, scale):
    """Write a tiny prior whose weights are so many times larger."""
    params, card = load_weights(write_tiny_prior(path))
    save_weights(path, jax.tree.map(lambda one: (one * scale).astype(one.dtype), params), card)


@pytest.mark.parametrize(("scale", "said"), [(1e9, "values up to"), (0.0, "a single colour")])
def test_a_prior_that_makes_no_pictures_is_refused_in_a_sentence(folder, scale, said):
    scaled(folder / "model.safetensors", scale)
    with pytest.raises(WeightsError, match=said):
        own_samples.describe_prior(folder)
    assert not (folder / "explained.json").exists() and Quick.groups == 0


@pytest.mark.parametrize("name", ["explained.json", "samples.png"])
def test_a_folder_where_a_file_belongs_is_named(folder, name):
    (folder / name).mkdir()
    with pytest.raises(WeightsError, match=f"{name} is a folder"):
        own_samples.describe_prior(folder)


def test_a_folder_that_is_removed_while_it_is_described_is_named(folder, monkeypatch):
    def remove(*arguments, **_):
        shutil.rmtree(folder)
        return explain(*arguments, **_)

    explain = Quick.explain
    monkeypatch.setattr(Quick, "explain", remove)
    with pytest.raises(WeightsError, match="was removed while"):
        own_samples.describe_prior(folder)


def test_a_folder_without_weights_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(WeightsError, match="neither"):
        own_samples.describe_prior(tmp_path)


@pytest.mark.parametrize("name", ["cats32", "cats64"])
def test_bundled_priors_bring_their_figures_along(name, tmp_path, monkeypatch):
    monkeypatch.setattr("jaxprior.system.runtime.cache_folder", lambda: tmp_path)
    monkeypatch.setattr(own_samples, "measure", lambda *_, **__: pytest.fail("the figures are measured again"))
    known = own_samples.own_samples(jp.load_prior(name))
    assert known.whole and 18 < known.expected(17) < 26 and not list(tmp_path.iterdir())
