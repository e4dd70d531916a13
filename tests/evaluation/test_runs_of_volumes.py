"""Runs over volumes: the same runner, journal, tables and report; arrays in the units of the files beside pictures."""

import csv

import jax
import numpy as np
import pytest
from tiny_volumes import SHAPE, half, planted, volume_prior

import jaxprior as jp
from jaxprior.data.inputs import list_inputs
from jaxprior.data.volume_masks import VolumeMask, parse_volume_mask
from jaxprior.data.volume_pictures import middle_slices, projections, volume_picture
from jaxprior.data.volumes import list_volumes
from jaxprior.errors import ImageError, MaskError, RunError, VolumeError
from jaxprior.evaluation import Cell, Observer, RunFolder, make_task, run_cell, write_report
from jaxprior.restoration.presets import Method
from jaxprior.runs import inflight


METHOD = Method(
    codes=jp.SingleCode(), objective=jp.Objective(), solve=jp.Solve(steps=6, init="bank", bank_size=16)
)  # fmt: skip


@pytest.fixture(scope="module")
def prior():
    return volume_prior()


@pytest.fixture(scope="module")
def folder(prior, tmp_path_factory):
    """Three volumes of 0 and 1, one of them broken, and the mask of their half."""
    folder = tmp_path_factory.mktemp("volumes")
    (folder / "given").mkdir()
    for i, volume in enumerate(planted(prior, 3)):
        np.save(folder / "given" / f"v{i}.npy", (volume[..., 0] > 0).astype(np.uint8))
    (folder / "given" / "v1.npy").write_bytes(b"nothing")
    np.save(folder / "half.npy", half().astype(bool))
    return folder


def cell_of(prior, folder, **changes):
    task, mask = make_task({"name": "inpaint", "mask": str(folder / "half.npy")}, prior.image_shape)
    return Cell(**{"task": task, "mask": mask, "method": METHOD, **changes})


@pytest.fixture(scope="module")
def run(prior, folder, tmp_path_factory):
    """A run over them, with its report."""
    made = RunFolder(tmp_path_factory.mktemp("runs") / "run")
    run_cell(cell_of(prior, folder), list_inputs([folder / "given"], prior.image_shape), made, prior=prior)
    write_report([made])
    return made


def test_a_run_has_rows_arrays_pictures_and_a_report(run, folder):
    rows = run.rows()
    assert [row.status for row in rows] == ["ok", "failed", "ok"] and "v1.npy" in rows[1].image
    table = list(csv.DictReader((run.path / "results.csv").open()))
    assert float(table[0]["psnr"]) > 0 and 0 <= float(table[0]["iou_hole"]) <= 1
    assert table[0]["ssim"] == ""
    original = np.load(folder / "given" / "v0.npy")
    result = np.load(run.volume("images", rows[0].file))
    assert result.dtype == np.uint8 and result.shape == SHAPE and set(np.unique(result)) <= {0, 1}
    np.testing.assert_array_equal(result[half() == 0], original[half() == 0])
    raw = np.load(run.volume("raw", rows[0].file))
    assert raw.dtype == np.float32 and 0 <= raw.min() < raw.max() <= 1
    np.testing.assert_array_equal(np.load(run.volume("masks", rows[0].file)), half())
    for kind in ("inputs", "images", "raw", "masks", "originals"):
        assert jp.images.load_image(run.file(kind, rows[0].file)).shape[2] == 3
    assert run.read()["configuration"]["volume"] == list(SHAPE) and run.read()["configuration"]["merge"] == "paste"
    page = (run.path / "report.html").read_text()
    assert "8x6x4 voxels" in page and "IoU" in page and page.count("<figure") >= 8


def test_the_same_command_goes_on_and_computes_nothing_twice(run, prior, folder, monkeypatch):
    before = run.rows()
    monkeypatch.setattr("jaxprior.evaluation.solving.Solver.solve", None)
    again = run_cell(
        cell_of(prior, folder), list_inputs([folder / "given"], prior.image_shape), RunFolder(run.path), prior=prior
    )
    assert list(again) == list(before)


def test_a_run_that_was_killed_amid_an_inversion_ends_with_the_same_bytes(prior, folder, tmp_path, monkeypatch):
    sources = list_inputs([folder / "given"], prior.image_shape)
    cell = cell_of(prior, folder, method=METHOD._replace(solve=jp.Solve(steps=60)))
    whole, made = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "run")
    run_cell(cell, sources, whole, prior=prior)
    monkeypatch.setattr(inflight, "EVERY", 0.0)  # saved between all chunks of steps

    class Killed(Observer):
        calls = 0

        def step(self, *_):
            self.calls += 1
            if self.calls == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_cell(cell, sources, made, prior=prior, observer=Killed())
    assert made.in_flight.is_file()
    rows = run_cell(cell, sources, RunFolder(made.path), prior=prior)
    for one in (whole, made):
        write_report([one])
    assert (made.path / "results.csv").read_bytes() == (whole.path / "results.csv").read_bytes()
    for row in (rows[0], rows[2]):
        for kind in ("images", "raw"):
            assert made.volume(kind, row.file).read_bytes() == whole.volume(kind, row.file).read_bytes()
            assert made.file(kind, row.file).read_bytes() == whole.file(kind, row.file).read_bytes()
        assert made.file("latents", row.file).read_bytes() == whole.file("latents", row.file).read_bytes()


def test_observed_volumes_find_their_masks_and_originals_by_name(prior, folder, tmp_path):
    for kind in ("observed", "masks"):
        (tmp_path / kind).mkdir()
    for i in (0, 2):
        original = np.load(folder / "given" / f"v{i}.npy")
        np.save(tmp_path / "observed" / f"v{i}.npy", original * (half() == 0).astype(np.uint8))
        np.save(tmp_path / "masks" / f"v{i}.npy", half())
    task, mask = make_task({"name": "inpaint", "mask": str(tmp_path / "masks")}, prior.image_shape)
    cell = Cell(task=task, mask=mask, method=METHOD, clean=False, reference=str(folder / "given"))
    sources = list_inputs([tmp_path / "observed"], prior.image_shape)
    rows = run_cell(cell, sources, RunFolder(tmp_path / "run"), prior=prior)
    assert [row.status for row in rows] == ["ok", "ok"] and all(row.iou_hole is not None for row in rows)


def test_what_lies_under_the_mask_decides_nothing(prior, folder, tmp_path):
    volume = np.load(folder / "given" / "v0.npy")
    for name, hidden in (("zero", 0), ("other", 255), ("labels", 7)):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "v.npy", np.where(half() > 0, hidden, volume).astype(np.uint8))
    found = {}
    for name in ("zero", "other", "labels"):
        made = RunFolder(tmp_path / f"run-{name}")
        sources = list_inputs([tmp_path / name], prior.image_shape)
        (row,) = run_cell(cell_of(prior, folder, clean=False), sources, made, prior=prior)
        found[name] = row, np.load(made.volume("images", row.file))
    for row, result in found.values():
        assert row.status == "ok" and set(np.unique(result)) <= {0, 1}
        np.testing.assert_array_equal(result[half() == 0], volume[half() == 0])


def test_what_does_not_suit_volumes_is_refused(prior, folder, tmp_path):
    sources = list_inputs([folder / "given"], prior.image_shape)
    jp.images.save_png(tmp_path / "cat.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(VolumeError, match="it is a picture, and this prior makes volumes of 8x6x4 voxels"):
        list_inputs([tmp_path / "cat.png"], prior.image_shape)
    with pytest.raises(ImageError, match="it is a file of arrays, and this prior makes pictures"):
        list_inputs([folder / "half.npy"], (8, 8, 3))
    task, _ = make_task({"name": "superres", "factor": 2}, (8, 8, 3))
    with pytest.raises(RunError, match="works on pictures"):
        run_cell(Cell(task=task, method=METHOD), sources, RunFolder(tmp_path / "a"), prior=prior)
    several = METHOD._replace(draws=jp.Draws(count=2))
    with pytest.raises(RunError, match="leave --draws out"):
        run_cell(cell_of(prior, folder, method=several), sources, RunFolder(tmp_path / "b"), prior=prior)
    np.save(tmp_path / "large.npy", np.zeros((8, 8, 8)))
    rows = run_cell(
        cell_of(prior, folder), list_inputs([tmp_path / "large.npy"], prior.image_shape), RunFolder(tmp_path / "c"),
        prior=prior,
    )  # fmt: skip
    assert rows[0].status == "failed" and "8x8x8; expected 8x6x4" in str(rows[0].reason)


def test_sets_of_volumes_are_not_compared_by_their_pictures(run):
    from jaxprior.evaluation.sets import _left_out

    assert "they are volumes" in str(_left_out(run, run.read()))


def test_masks_are_shares_of_the_volume():
    shape, key = (16, 16, 8), jax.random.key(0)
    assert parse_volume_mask("center:0.125").draw(shape).mean() == 0.125
    block = parse_volume_mask("block:0.125")
    assert block.per_image and block.draw(shape, key).mean() == 0.125
    assert not np.array_equal(block.draw(shape, key), block.draw(shape, jax.random.key(1)))
    assert parse_volume_mask("pixels:0.25").draw(shape, key).sum() == 0.25 * 16 * 16 * 8
    for spec, words in (("strokes:0.2", "strokes are drawn on pictures"), ("centre:0.2", "Did you mean center:0.2")):
        with pytest.raises(MaskError, match=words):
            parse_volume_mask(spec)


def test_masks_in_files_are_checked(tmp_path):
    def saved(values) -> VolumeMask:
        np.save(tmp_path / "m.npy", values)
        return parse_volume_mask(tmp_path / "m.npy")

    assert saved(half().astype(bool)).draw(SHAPE).sum() == half().sum()
    np.testing.assert_array_equal(saved(255 * half().astype(np.uint8)).draw(SHAPE), half())
    inverted = parse_volume_mask(tmp_path / "m.npy", invert=True)
    np.testing.assert_array_equal(inverted.draw(SHAPE), 1 - half())
    for values, words in (
        (half()[1:], "expected a mask of their shape"),
        (half() * 0.5, "expected 0 .known. and 1 .missing., got values from 0 to 0.5"),
        (np.zeros(SHAPE), "marks nothing"),
        (np.ones(SHAPE), "marks everything"),
        (half()[0], "it is a picture"),
    ):
        with pytest.raises(MaskError, match=words):
            saved(values).draw(SHAPE)


def test_pictures_of_a_volume_show_each_axis():
    volume = -np.ones((3, 4, 5), np.float32)
    volume[0, 1, 2] = volume[2, 3, 4] = 1
    along_d, along_h, along_w = projections(volume)
    assert along_d.shape == (4, 5) and along_h.shape == (3, 5) and along_w.shape == (3, 4)
    assert along_d[1, 2] == 1 and 0 < along_d[3, 4] < 1 and along_d.sum() == along_d[1, 2] + along_d[3, 4]
    assert middle_slices(volume)[2].shape == (3, 4) and middle_slices(volume)[2][0, 1] == 1
    shown = volume_picture(volume)
    assert shown.dtype == np.uint8 and shown.shape[0] > 100 and shown[:, :100].min() < 200  # there is a surface
    assert (volume_picture(-np.ones((3, 4, 5)))[:, :100] == 255).all()  # and none in what is empty
    with pytest.raises(VolumeError):
        volume_picture(np.zeros((3, 4)))


def test_names_of_volumes_in_one_file_differ(tmp_path):
    np.savez(tmp_path / "set.npz", a=np.zeros((2, *SHAPE), np.uint8), b=np.zeros(SHAPE, np.uint8))
    sources = list_volumes(tmp_path / "set.npz")
    assert [source.inside for source in sources] == ["set.npz/a/0", "set.npz/a/1", "set.npz/b"]
    assert len({source.name for source in sources}) == 3
