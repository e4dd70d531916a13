"""The perceptual distance as a figure of every picture: which network measures it, and where it stands."""

import csv
import json
import shutil

import jax
import numpy as np
import pytest
from foreign_features import vgg_state, vgg_tree
from tiny_prior import write_tiny_prior

import jaxprior as jp
from jaxprior import operators
from jaxprior.data import images, masks
from jaxprior.errors import RunError, WeightsError
from jaxprior.evaluation import (
    Cell,
    RunFolder,
    check_cell,
    compare_runs,
    parse_recipe,
    run_cell,
    run_recipe,
    write_report,
)
from jaxprior.evaluation.scores import score
from jaxprior.inversion.codes import MultiCode
from jaxprior.metrics.perceptual import perceptual_map
from jaxprior.restoration import drivers
from jaxprior.restoration.drivers import Method
from jaxprior.weights.outlines import outline_prior
from jaxprior.weights.priors import load_prior
from jaxprior.weights.storage import save_weights


METHOD = Method(MultiCode(num_codes=2, layer=4), drivers.Objective(), drivers.Solve(steps=2, init="random"))
HOLE = operators.Inpaint(np.zeros((16, 16), np.float32))
INPAINT = Cell(task=HOLE, mask=masks.parse_mask("center:0.25"), method=METHOD, clean=True)
FIGURES = ("perceptual", "perceptual_hole")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a tiny prior, three pictures and a random VGG-16 as deep as it is needed, which is not installed.

    The run "with" was made with that network installed, the run "without" without one.
    """
    folder = tmp_path_factory.mktemp("place")
    write_tiny_prior(folder / "tiny.safetensors")
    (folder / "pictures").mkdir()
    for i in range(3):
        pixels = np.random.default_rng(i).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        images.save_png(folder / "pictures" / f"a{i}.png", pixels)
    tree = vgg_tree(vgg_state("vgg16", last=14))
    for name, factor in (("vgg16", 1.0), ("other", 1.1)):
        card = {"architecture": "vgg16", "name": name, "source": "random weights", "licence": "none"}
        weights = {"network": jax.tree.map(lambda one, factor=factor: np.float32(factor) * one, tree)}
        save_weights(folder / f"{name}.safetensors", weights, card)
    networks = folder / "data" / "networks"
    networks.mkdir(parents=True)
    shutil.copy(folder / "vgg16.safetensors", networks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAXPRIOR_DATA", str(folder / "data"))
        go(folder, "with")
    go(folder, "without")
    return folder


def go(folder, name, *, cell=INPAINT, limit=2, perceptual=None):
    """Run the first pictures of the folder; the rows."""
    run = RunFolder(folder / name)
    sources = images.list_images([folder / "pictures"])[:limit]
    prior = load_prior(folder / "tiny.safetensors")
    rows = run_cell(cell, sources, run, prior=prior, perceptual=perceptual)
    write_report([run])
    return list(rows)


def test_the_figures_are_those_of_the_merged_picture_and_of_its_hole():
    random = np.random.default_rng(0)
    raw, merged, truth = (random.uniform(-1, 1, (2, 8, 8, 3)).astype(np.float32) for _ in range(3))
    mask = np.zeros((2, 8, 8), np.float32)
    mask[:, :3, 2:5] = 1
    network = jax.tree_util.Partial(lambda x: (x, x[:, ::2, ::2]))
    task = operators.Inpaint(mask)
    without = score(task, raw, merged, truth, truth, mask)
    with_network = score(task, raw, merged, truth, truth, mask, network=network)
    pixels = np.asarray(perceptual_map(network, merged, truth))
    for i, (figures, before) in enumerate(zip(with_network, without, strict=True)):
        assert figures.pop("perceptual") == pytest.approx(float(jp.metrics.perceptual(network, merged, truth)[i]))
        assert figures.pop("perceptual_hole") == pytest.approx(pixels[i][mask[i] == 1].mean(), rel=1e-5)
        assert figures == before, "a network changes no other figure"
    assert not set(FIGURES) & set(score(task, raw, merged, truth, None, mask, network=network)[0])


def test_a_network_sees_the_pictures_of_a_batch_once():
    seen = []

    def network(x):
        seen.append(x.shape)
        return x

    pictures = np.zeros((2, 8, 8, 3), np.float32)
    score(operators.Inpaint(np.zeros((2, 8, 8), np.float32)), *[pictures] * 4, np.ones((2, 8, 8), np.float32),
          network=jax.tree_util.Partial(network))  # fmt: skip
    assert seen == [(4, 8, 8, 3)]


def test_an_installed_network_gives_columns_that_tables_explain(place):
    lines = [json.loads(line) for line in (place / "with" / "results.jsonl").read_text().splitlines()]
    names = list(lines[0])
    assert names[names.index("psnr_known") + 1 :][:3] == [*FIGURES, "loss"]
    assert all(line[name] > 0 for line in lines for name in FIGURES)
    said = json.loads((place / "with" / "run.json").read_text())["perceptual"]
    assert said["source"] == "vgg16" and said["title"] == "vgg16[:16]"
    with open(place / "with" / "results.csv", newline="") as file:
        assert all(float(row["perceptual_hole"]) > 0 for row in csv.DictReader(file))
    for file in ("summary.md", "report.html", "summary.json"):
        assert "Network of the perceptual distance: vgg16[:16]" in (place / "with" / file).read_text()
    assert "| perceptual distance hole | 2 |" in (place / "with" / "summary.md").read_text()
    network = jp.load_features(place / "vgg16.safetensors")
    row = lines[0]
    restored, truth = (
        images.to_float(images.load_image(place / "with" / kind / f"{row['file']}.png"))[None]
        for kind in ("images", "originals")
    )
    assert row["perceptual"] == pytest.approx(float(jp.metrics.perceptual(network, restored, truth)[0]), rel=0.05)


def test_without_a_network_nothing_mentions_it_and_all_else_is_the_same(place):
    for name in ("run.json", "results.jsonl", "results.csv", "summary.md", "summary.json", "report.html"):
        assert "perceptual" not in (place / "without" / name).read_text().lower(), name
    with open(place / "with" / "results.csv", newline="") as file:
        rows = [{name: value for name, value in row.items() if name not in FIGURES} for row in csv.DictReader(file)]
    with open(place / "without" / "results.csv", newline="") as file:
        assert list(csv.DictReader(file)) == rows
    for file in (place / "without" / "images").iterdir():
        assert (place / "with" / "images" / file.name).read_bytes() == file.read_bytes()


def test_a_run_goes_on_with_the_network_that_it_began_with(place, tmp_path, monkeypatch):
    for name in ("with", "without", "pictures", "data"):
        shutil.copytree(place / name, tmp_path / name)
    for name in ("tiny", "vgg16", "other"):
        shutil.copy(place / f"{name}.safetensors", tmp_path)
    with pytest.raises(RunError, match="began without a perceptual distance"):
        go(tmp_path, "without", limit=3, perceptual=tmp_path / "vgg16.safetensors")
    with pytest.raises(RunError, match="is not there any more.*--perceptual none"):
        go(tmp_path, "with", limit=3)
    monkeypatch.setenv("JAXPRIOR_DATA", str(tmp_path / "data"))
    with pytest.raises(RunError, match="compares its results in vgg16"):
        go(tmp_path, "with", limit=3, perceptual=tmp_path / "other.safetensors")
    assert not set(FIGURES) & set(go(tmp_path, "without", limit=3)[2].figures)
    moved = go(tmp_path, "with", limit=3, perceptual=tmp_path / "vgg16.safetensors")  # the same weights elsewhere
    assert all(set(FIGURES) < set(row.figures) for row in moved)


def test_none_goes_on_without(place, tmp_path):
    for name in ("with", "pictures", "tiny.safetensors"):
        (shutil.copytree if (place / name).is_dir() else shutil.copy)(place / name, tmp_path / name)
    rows = go(tmp_path, "with", limit=3, perceptual="none")
    assert [set(FIGURES) < set(row.figures) for row in rows] == [True, True, False]
    assert "vgg16[:16]" in (tmp_path / "with" / "summary.md").read_text(), "the first two still have figures"


def test_what_cannot_be_compared_is_refused(place, tmp_path):
    observed = Cell(task=HOLE, mask=INPAINT.mask, method=METHOD, clean=False)
    native = Cell(task=HOLE, mask=INPAINT.mask, method=METHOD, clean=True, size="native")
    prior = outline_prior(place / "tiny.safetensors")
    network = place / "vgg16.safetensors"
    for cell, words in ((observed, "compares results with originals"), (native, "add --size fit")):
        with pytest.raises(RunError, match=words):
            check_cell(cell, prior, tmp_path, perceptual=network)
    with pytest.raises(WeightsError, match="'lpips-alex' is not installed"):
        check_cell(INPAINT, prior, tmp_path, perceptual="lpips-alex")
    with pytest.raises(RunError, match="compares its results in"):
        check_cell(INPAINT, prior, place / "with", perceptual=place / "other.safetensors")


def test_runs_in_different_networks_are_not_compared_in_them(place):
    go(place, "other", perceptual=place / "other.safetensors")
    figures = compare_runs(place / "with", place / "other").matches[0].found.figures
    assert "psnr_hole" in figures and not set(FIGURES) & set(figures)
    same = compare_runs(place / "with", place / "with")
    assert set(FIGURES) < set(same.matches[0].found.figures) and "vgg16[:16]" in same.convention


def test_a_recipe_names_the_network_for_all_its_cells(place, tmp_path):
    table = {
        "perceptual": "vgg16.safetensors",
        "prior": [{"source": "tiny.safetensors"}],
        "data": [{"path": "pictures", "limit": 1}],
        "task": [{"name": "reconstruct"}, {"name": "inpaint", "mask": "center:0.25"}],
        "method": [{"codes": {"num_codes": 2, "layer": 4}, "solve": {"steps": 1, "init": "random"}}],
    }
    run_recipe(parse_recipe(table, folder=place), tmp_path / "run")
    text = (tmp_path / "run" / "summary.md").read_text()
    assert "PSNR / SSIM / perceptual distance: means" in text
    assert "Network of the perceptual distance: vgg16[:16]" in text
    cells = [line for line in text.splitlines() if line.startswith("| default")]
    assert len(cells) == 2 and all(line.count(" / ") == 2 * line.count("(1)") for line in cells)
