"""Samples of a training against real pictures in a feature network, beside the sliced Wasserstein distance."""

import dataclasses

import numpy as np
import pytest
from foreign_features import vgg_state, vgg_tree

from jaxprior.data.images import to_float
from jaxprior.errors import WeightsError
from jaxprior.metrics import compare_sets
from jaxprior.models.dcgan.config import PRESETS
from jaxprior.training.evaluators import SlicedWasserstein, read_evaluation
from jaxprior.training.feature_distances import FIGURES, evaluation_network
from jaxprior.training.pictures import Pictures
from jaxprior.training.session import settings_of
from jaxprior.weights.storage import save_weights


CODES = np.random.default_rng(0).normal(size=(32, 4)).astype(np.float32)
PIXELS = np.random.default_rng(1).integers(0, 256, (64, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """A recipe that names a random VGG-16 with its first convolution alone."""
    path = tmp_path_factory.mktemp("network") / "vgg16.safetensors"
    card = {"architecture": "vgg16", "name": "vgg16", "source": "random weights", "licence": "none"}
    save_weights(path, {"network": vgg_tree(vgg_state("vgg16", last=0))}, card)
    return dataclasses.replace(PRESETS["narrow"], evaluate_features=str(path))


def evaluator(network, *, side=16, value=None) -> SlicedWasserstein:
    """Of a generator whose images are one colour each, or all of one value."""

    def sample(_state, _moment, codes):
        colours = np.tanh(codes[:, None, None, :3]) if value is None else np.full((len(codes), 1, 1, 3), value)
        return np.broadcast_to(colours, (len(codes), side, side, 3)).astype(np.float32)

    return SlicedWasserstein(sample=sample, codes=CODES, pictures=Pictures(PIXELS), seed=0, network=network)


def test_samples_are_compared_in_the_network_beside_the_sliced_wasserstein_distance(recipe, tmp_path):
    network = evaluation_network(recipe)
    found, plain = evaluator(network).measure(None, None), evaluator(None).measure(None, None)
    assert list(found) == [*plain, *FIGURES] and {name: found[name] for name in plain} == plain
    chosen = np.random.default_rng(0).permutation(64)
    fakes = np.broadcast_to(np.tanh(CODES[:, None, None, :3]), (32, 16, 16, 3))
    expected = compare_sets(network, to_float(PIXELS[chosen[:32]]), fakes, resamples=20)
    for name in ("frechet", "kid", "precision", "recall"):
        assert found[name] == pytest.approx(getattr(expected, name), rel=1e-4), name
    assert 0 < found["frechet_real"] < found["frechet"]
    said = evaluator(network).summary(found)["features"]
    assert said["network"] == "Frechet distance, vgg16[:2]" and said["sha256"] == network.card["sha256"]
    assert "features" not in evaluator(None).summary(plain)
    for name, columns in (("with", found), ("without", plain)):
        (tmp_path / name).mkdir()
        head = ",".join(["step", "phase", "images", *columns])
        (tmp_path / name / "swd.csv").write_text(f"{head}\n1,part,9,{','.join(['1'] * len(columns))}\n")
        assert ("the feature network that the card names" in read_evaluation(tmp_path / name).note) == (name == "with")


def test_a_training_that_diverges_has_no_figures_and_goes_on(recipe):
    found = evaluator(evaluation_network(recipe), value=np.nan).measure(None, None)
    assert all(np.isnan(found[name]) for name in FIGURES)


def test_pictures_that_are_too_small_for_the_network_are_measured_without_it(recipe, monkeypatch):
    network = evaluation_network(recipe)
    assert network.refuses((16, 16, 3)) is None and "5)" in network.refuses((16, 16, 5))
    monkeypatch.setattr(type(network), "refuses", lambda self, shape: "too small")
    assert not set(FIGURES) & set(evaluator(network).measure(None, None))


def test_a_network_that_is_missing_is_refused_and_none_changes_no_settings(recipe):
    with pytest.raises(WeightsError, match="'squeezenet' is not installed"):
        evaluation_network(dataclasses.replace(recipe, evaluate_features="squeezenet"))
    assert "evaluate_features" in settings_of(recipe)
    assert "evaluate_features" not in settings_of(PRESETS["narrow"])
