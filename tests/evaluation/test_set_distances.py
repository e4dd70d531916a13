"""All restored pictures of a run against all originals, as sets: what is measured, and where it stands."""

import dataclasses
import json

import numpy as np
import pytest
from foreign_features import vgg_state, vgg_tree
from report_helpers import make_photo_run, make_run

from jaxprior.data import images
from jaxprior.errors import WeightsError
from jaxprior.evaluation import measure_sets, write_report
from jaxprior.evaluation.sets import check_sets
from jaxprior.metrics import compare_sets
from jaxprior.weights.features import load_deep_features
from jaxprior.weights.storage import save_weights


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The file of a random VGG-16 with its first convolution alone."""
    path = tmp_path_factory.mktemp("network") / "vgg16.safetensors"
    card = {"architecture": "vgg16", "name": "vgg16", "source": "random weights", "licence": "none"}
    save_weights(path, {"network": vgg_tree(vgg_state("vgg16", last=0))}, card)
    return path


def test_results_and_originals_are_compared_in_the_deepest_map(tmp_path, network):
    run = make_run(tmp_path / "run", n=8)
    assert measure_sets([run], network) == []
    said = run.read()["sets"]
    loaded = load_deep_features(network)
    real, fake = (
        np.stack([images.to_float(images.load_image(run.file(kind, f"p{i}"))) for i in range(8)])
        for kind in ("originals", "images")
    )
    assert loaded.cut == 2 and said["title"] == "Frechet distance, vgg16[:2]"
    for name, value in compare_sets(loaded, real, fake).as_dict().items():
        assert said[name] == pytest.approx(value, abs=1e-6), name
    write_report([run])
    write_report([run], tmp_path / "report.html")
    for folder in (run.path, tmp_path):
        for file in ("summary.md", "report.html"):
            text = (folder / file).read_text()
            assert "Sets of pictures" in text and "Frechet distance, vgg16[:2]" in text
    assert json.loads((run.path / "summary.json").read_text())["sets"] == said
    assert "| inpaint center:0.25 | 8 |" in (run.path / "summary.md").read_text()


def test_a_network_that_pictures_are_too_small_for_is_refused_before_they_are_restored(network):
    check_sets(network, [(16, 16, 3)])
    with pytest.raises(WeightsError, match=r"pictures of 0x4 pixels cannot be compared in vgg16\[:2\]"):
        check_sets(network, [(16, 16, 3), (0, 4, 3)])


def test_runs_that_cannot_be_compared_are_left_out_with_a_sentence(tmp_path, network):
    few, begun = make_run(tmp_path / "few", n=3), make_run(tmp_path / "begun")
    photo = make_photo_run(tmp_path / "photo")
    begun.write({**begun.read(), "images": 9})
    sentences = measure_sets([few, photo, begun], network)
    expected = ("3 of them have originals", "keep their own size", "not finished")
    for sentence, words in zip(sentences, expected, strict=True):
        assert words in sentence
    for run in (few, photo, begun):
        assert "sets" not in run.read()
        write_report([run])
        assert "Sets of pictures" not in (run.path / "summary.md").read_text()


def test_a_network_that_is_missing_or_has_several_maps_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="'squeezenet' is not installed"):
        measure_sets([make_run(tmp_path / "run", n=8)], "squeezenet")


def test_only_the_inception_of_pytorch_fid_gives_fid(network):
    loaded = load_deep_features(network)
    assert loaded.frechet_title == "Frechet distance, vgg16[:2]"
    titles = {"inception": "Frechet inception distance (FID)", "inception-torchvision": "Frechet distance, "}
    for architecture, title in titles.items():
        card = type(loaded.card)({"architecture": architecture})
        assert title in dataclasses.replace(loaded, cut=None, card=card).frechet_title
