"""Runs that make several answers for every picture: files, keys, resuming, reports."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from tiny_encoder import with_encoder
from tiny_prior import write_tiny_prior

from jaxprior import Draws, MultiCode
from jaxprior.data import images
from jaxprior.data.masks import parse_mask
from jaxprior.evaluation import Cell, RunFolder, run_cell, write_report
from jaxprior.evaluation.cells import configuration
from jaxprior.evaluation.estimate import estimate_elsewhere
from jaxprior.evaluation.scores import score
from jaxprior.operators import Inpaint
from jaxprior.restoration import drivers
from jaxprior.restoration.known_devices import KnownDevice
from jaxprior.restoration.presets import Method, make_method
from jaxprior.weights.card import Card
from jaxprior.weights.priors import load_prior


METHOD = Method(MultiCode(num_codes=2, layer=4), drivers.Objective(), drivers.Solve(steps=2, init="random"))
DRAWN = METHOD._replace(draws=Draws(count=2, moves=2))
NAMES = ("-1.png", "-2.png", "-spread.png", ".png")


def cell_of(method, **settings):
    return Cell(task=Inpaint(np.zeros((16, 16))), mask=parse_mask("center:0.25"), method=method, **settings)


@pytest.fixture(scope="module")
def prior(tmp_path_factory):
    return load_prior(write_tiny_prior(tmp_path_factory.mktemp("prior") / "tiny.safetensors"))


@pytest.fixture(scope="module")
def run(prior, tmp_path_factory):
    """Two pictures and their draws, and the report."""
    folder = tmp_path_factory.mktemp("drawn")
    (folder / "in").mkdir()
    for seed, shape in enumerate([(16, 16), (40, 30)]):
        pixels = np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)
        images.save_png(folder / f"in/a{seed}.png", pixels)
    run = RunFolder(folder / "run")
    rows = run_cell(cell_of(DRAWN), images.list_images([folder / "in"]), run, prior=prior)
    assert list(rows.status) == ["ok", "ok"]
    write_report([run])
    return run


def test_every_picture_has_its_draws_their_spread_and_a_sheet(run):
    for row in run.rows():
        files = {path.name for path in (run.path / "draws").glob(f"{row.file}*")}
        assert files == {f"{row.file}{end}" for end in NAMES}
        draws = [images.load_image(run.draw(row.file, number)) for number in (1, 2)]
        original, mask = (images.load_image(run.file(kind, row.file)) for kind in ("originals", "masks"))
        for draw in draws:
            np.testing.assert_array_equal(draw[mask == 0], original[mask == 0])
        spread = images.load_image(run.draw(row.file, "spread"))
        assert (spread[mask == 0] == 0).all() and spread[mask > 0].any()
        sheet = images.load_image(run.draw(row.file))
        assert sheet.shape[1] > 4 * 160  # input, least error and both draws side by side


def test_draws_change_neither_pictures_nor_figures_but_the_keys(run, prior, tmp_path):
    alone = RunFolder(tmp_path / "run")
    run_cell(cell_of(METHOD), images.list_images([run.path.parent / "in"]), alone, prior=prior)
    write_report([alone])
    for one, other in zip(alone.rows(), run.rows(), strict=True):
        for kind in ("images", "raw", "latents"):
            assert alone.file(kind, one.file).name == run.file(kind, other.file).name
        for kind in ("images", "raw"):
            assert alone.file(kind, one.file).read_bytes() == run.file(kind, other.file).read_bytes()
        assert one.psnr == other.psnr and one.key != other.key
        assert one.spread is None and "spread" not in (alone.path / "results.csv").read_text()
    assert not (alone.path / "draws").exists()


def test_the_journal_says_how_far_draws_differ_and_how_good_they_are(run):
    for row in run.rows():
        pictures = [images.load_image(run.draw(row.file, number)) for number in (1, 2)]
        draws = np.stack([images.to_float(picture) for picture in pictures])
        original, mask = (images.load_image(run.file(kind, row.file)) for kind in ("originals", "masks"))
        hole, original = mask[..., 0] > 0, images.to_float(original)
        assert row.spread == pytest.approx(np.sqrt(draws.var(axis=0, ddof=1)[hole].mean()), abs=0.005)
        errors = ((draws - original)[:, hole] ** 2).mean(axis=(1, 2))
        assert row.psnr_best_draw == pytest.approx(10 * np.log10(4 / errors.min()), abs=0.1)
        of_mean = ((draws.mean(axis=0) - original)[hole] ** 2).mean()
        assert row.psnr_mean_draw == pytest.approx(10 * np.log10(4 / of_mean), abs=0.1)
        assert row.psnr_mean_draw > -10 * np.log10(errors.mean() / 4)
    assert "PSNR best draw" in (run.path / "report.html").read_text()


def test_of_one_draw_nothing_is_said_of_how_far_draws_differ():
    picture = np.zeros((1, 16, 16, 3), np.float32)
    mask = parse_mask("center:0.25").draw(16)[None]
    for count, named in ((1, False), (2, True)):
        (figures,) = score(Inpaint(mask), *[picture] * 4, mask, draws=np.stack([picture] * count, axis=1))
        assert ("spread" in figures) is named and "psnr_best_draw" in figures


def test_configurations_without_draws_are_what_they_were(prior):
    settings = configuration(cell_of(METHOD), prior, numerics_version=0)
    assert "draws" not in settings and "temperature" not in settings["solve"]
    settings = configuration(cell_of(DRAWN), prior, numerics_version=0)
    assert settings["draws"] == {"type": "Draws", "count": 2, "moves": 2}


def test_the_same_command_finds_the_draws_that_are_there(run, prior, monkeypatch):
    monkeypatch.setattr(drivers.Inverter, "invert", lambda *_, **__: pytest.fail("solved again"))
    rows = run_cell(cell_of(DRAWN), images.list_images([run.path.parent / "in"]), run, prior=prior)
    assert len(rows) == 2


def test_a_picture_of_the_same_pixels_gets_the_same_draws_under_its_own_name(run, prior, tmp_path):
    first = run.rows()[0]
    (tmp_path / "copy.png").write_bytes((run.path.parent / "in" / Path(first.image).name).read_bytes())
    pictures = images.list_images([run.path.parent / "in", tmp_path / "copy.png"])
    copy = next(row for row in run_cell(cell_of(DRAWN), pictures, run, prior=prior) if "copy" in row.image)
    assert copy.file != first.file
    for which in (None, 1, 2, "spread"):
        assert run.draw(copy.file, which).read_bytes() == run.draw(first.file, which).read_bytes()


def test_the_report_shows_draws_below_their_picture(run):
    page = (run.path / "report.html").read_text()
    below = re.findall('<div class="draws">(.*?)</td>', page, re.DOTALL)
    assert len(below) == 2
    for text in below:
        assert re.findall("<figcaption>(.*?)</figcaption>", text) == ["draw 1", "draw 2", "spread"]
    assert "different answers of which each is plausible" in page
    opening = page.split('<section class="opening">')[1].split("</section>")[0]
    assert "draw 1" not in opening


def test_photographs_of_their_own_size_have_draws_of_that_size(run, prior, tmp_path):
    folder = RunFolder(tmp_path / "native")
    pictures = images.list_images([run.path.parent / "in/a1.png"])
    (row,) = run_cell(cell_of(DRAWN, size="native", clean=False), pictures, folder, prior=prior)
    mask = images.load_image(folder.file("masks", row.file))
    for which in (1, 2, "spread"):
        assert images.load_image(folder.draw(row.file, which)).shape == (40, 30, 3)
    draws = [images.load_image(folder.draw(row.file, which)) for which in (1, 2)]
    assert (draws[0] == draws[1])[mask == 0].all() and (draws[0] != draws[1]).any()
    assert json.loads((folder.path / "run.json").read_text())["configuration"]["draws"]["count"] == 2


def test_where_an_encoder_answers_the_settings_say_how_draws_are_made(prior):
    """They are inversions of their own, which are part of the keys, and cost what those cost."""
    stated = {"codes": {"kind": "feature", "layer": 3}, "solve": {"init": "encoder", "steps": 0, "bank_size": 64}}
    card = Card({"name": "black", "sha256": "12", "defaults": {"inpaint": stated}})
    answering = with_encoder(prior, card)
    task = Inpaint(np.zeros((16, 16)))
    cells = [cell_of(make_method({"draws": count}, task, prior=answering)) for count in (2, 4)]
    settings = configuration(cells[0], answering, numerics_version=0)
    assert settings["codes"]["type"] == "FeatureCode" and settings["draws"]["codes"]["type"] == "SingleCode"
    assert settings["draws"]["solve"]["steps"] == 25 and settings["draws"]["solve"]["init"] == "bank"
    device = KnownDevice(title="x", memory=10**9, operations={"fp32": 1e9}, source=())
    two, four = estimate_elsewhere([(cell, answering) for cell in cells], device, 8)
    assert 0 < two.seconds_per_picture == pytest.approx(four.seconds_per_picture / 2, rel=1e-3)
