"""What a prior's own samples say: the sheet and the figures beside the weights, and when they are made anew."""

import json

import numpy as np
import pytest
from tiny_prior import write_tiny_prior

import jaxprior as jp
from jaxprior.data import images
from jaxprior.errors import WeightsError
from jaxprior.restoration import explaining, own_samples


class Quick:
    """Stands for the short inversions: the first pixel of a picture decides how well it is explained."""

    groups = 0
    stop_after = None

    def __init__(self, prior):
        self.prior = prior

    def explain(self, pictures, missing, ids):
        if Quick.groups == Quick.stop_after:
            raise KeyboardInterrupt
        Quick.groups += 1
        assert missing.shape == pictures.shape[:3] and len(ids) == len(pictures)
        return explaining.Explanation(psnr=20 + 10 * pictures[:, 0, 0, 0], images=pictures)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(own_samples, "Explainer", Quick)
    monkeypatch.setattr("jaxprior.system.runtime.cache_folder", lambda: tmp_path / "cache")
    Quick.groups, Quick.stop_after = 0, None
    place = tmp_path / "tiny"
    place.mkdir()
    write_tiny_prior(place / "model.safetensors")
    return place


def test_a_prior_gets_a_sheet_and_figures_of_its_own_samples(folder):
    own_samples.describe_prior(folder)
    assert images.load_image(folder / "samples.png").shape == (6 * 18 + 2, 8 * 18 + 2, 3)
    found = json.loads((folder / "explained.json").read_text())
    assert found["prior"] == jp.load_prior(folder / "model.safetensors").sha256
    assert "own samples, not on photographs" in found["about"] and found["settings"]["solve"]["steps"] > 0
    assert len(found["psnr"]) == found["samples"] == 48
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


def test_a_folder_without_weights_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(WeightsError, match="neither"):
        own_samples.describe_prior(tmp_path)
