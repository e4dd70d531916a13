"""Runs: the journal, resuming, bad pictures, stops, identical repeats, tables."""

import contextlib
import dataclasses
import json
import os
import signal

import jax
import numpy as np
import pytest
from tiny_prior import write_tiny_prior

from jaxprior import metrics, operators
from jaxprior.data import images, masks
from jaxprior.errors import RunError
from jaxprior.evaluation import Cell, Journal, Row, RunFolder, Stopped, run_cell, solving, stored, write_report
from jaxprior.evaluation.cells import configuration, row_key
from jaxprior.evaluation.edits import load_latents
from jaxprior.evaluation.scores import merges
from jaxprior.inversion.codes import MultiCode
from jaxprior.metrics import installed_metrics
from jaxprior.reporting.tables import results_csv, summarise, summary_markdown
from jaxprior.restoration import drivers
from jaxprior.restoration.drivers import Method
from jaxprior.runs.record import first_difference
from jaxprior.runs.row import encode
from jaxprior.weights.priors import load_prior


pytestmark = pytest.mark.usefixtures("batched")

METHOD = Method(MultiCode(num_codes=2, layer=4), drivers.Objective(), drivers.Solve(steps=3))
HOLE = operators.Inpaint(np.zeros((16, 16), np.float32))  # the mask is a placeholder
INPAINT = Cell(task=HOLE, mask=masks.parse_mask("block:0.25"), method=METHOD, clean=True)


@pytest.fixture(scope="module")
def prior(tmp_path_factory):
    """A random generator of 16x16 pixels, through a file so that it has a sha256."""
    return load_prior(write_tiny_prior(tmp_path_factory.mktemp("prior") / "tiny.safetensors"))


@pytest.fixture
def pictures(tmp_path):
    """Five random pictures a0.png ... a4.png in a folder."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(5):
        images.save_png(folder / f"a{i}.png", noise(i))
    return folder


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (20, 24, 3), dtype=np.uint8)


def go(prior, paths, folder, *, cell=INPAINT, batch_size=2):
    run = RunFolder(folder)
    rows = run_cell(cell, images.list_images(paths), run, prior=prior, batch_size=batch_size)
    write_report([run])
    return rows


def contents(folder) -> dict[str, bytes]:
    """What "byte-identical" means: tables, pictures, latents."""
    kinds = ("images", "raw", "inputs", "masks", "originals", "latents")
    files = [folder / "results.csv", folder / "summary.md"]
    files += [file for kind in kinds for file in sorted((folder / kind).iterdir())]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


@pytest.fixture
def solved(monkeypatch):
    """Counts the pictures given to the engine."""
    counted = []
    real = drivers.Inverter.invert

    def invert(*arguments, **options):
        counted.append(len(set(options["ids"].tolist())))
        return real(*arguments, **options)

    monkeypatch.setattr(drivers.Inverter, "invert", invert)
    return counted


# --- journal ---


def test_journal_returns_what_was_appended_and_the_newest_row_wins(tmp_path):
    journal = Journal(tmp_path / "results.jsonl")
    assert journal.latest() == {}
    journal.append([Row(image="b.png", figures={"psnr": 1.25}), Row(image="ä.png", status="failed", reason='a "word"')])
    journal.append([Row(image="b.png", figures={"psnr": 2.5})])
    assert [row.psnr for row in journal] == [1.25, None, 2.5]
    assert journal.latest()["b.png"].psnr == 2.5
    assert list(journal.latest()) == ["b.png", "ä.png"]


def test_journal_lines_have_the_documented_fields():
    line = json.loads(
        encode(Row(image="a.png", figures={"psnr": float("inf"), "ssim": float("nan")}, loss=0.123456789))
    )
    documented = (
        "image id status reason psnr ssim psnr_hole ssim_hole psnr_merged ssim_merged psnr_known loss steps "
        "seconds device batch"
    )
    assert list(line)[:16] == documented.split()
    assert line["psnr"] is None and line["ssim"] is None and line["loss"] == 0.123457


@pytest.mark.parametrize("cut", [1, 2, 20, 150])
def test_torn_last_line_is_dropped_and_the_next_append_is_clean(tmp_path, cut):
    path = tmp_path / "results.jsonl"
    journal = Journal(path)
    journal.append([Row(image="a.png"), Row(image="b.png")])
    path.write_bytes(path.read_bytes()[:-cut])
    assert [row.image for row in journal] == ["a.png"]
    journal.append([Row(image="c.png")])
    assert [row.image for row in journal] == ["a.png", "c.png"]
    assert path.read_bytes().count(b"\n") == 2


def test_damaged_line_in_the_middle_is_recognised(tmp_path):
    path = tmp_path / "results.jsonl"
    Journal(path).append([Row(image="a.png", figures={"psnr": 21.0}), Row(image="b.png")])
    path.write_bytes(path.read_bytes().replace(b"21.0", b"31.0"))
    assert [row.image for row in Journal(path)] == ["b.png"]


# --- runs ---


def test_repeat_is_byte_identical_and_rows_are_complete(prior, pictures, tmp_path):
    rows = go(prior, [pictures], tmp_path / "one")
    go(prior, [pictures], tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert [row.status for row in rows] == ["ok"] * 5
    for row in rows:
        assert list(row.figures) == [metric.name for metric in installed_metrics() if not metric.optional]
        assert row.steps == 3 and row.batch == 2 and row.seconds > 0 and row.file.endswith(f"{row.id:08x}")
    record = RunFolder(tmp_path / "one").read()
    assert record["configuration"]["prior"]["sha256"] == prior.card["sha256"]
    assert record["configuration"]["solve"]["steps"] == 3 and record["batch"] == 2


def test_place_in_the_batch_does_not_matter(prior, pictures, tmp_path):
    paths = sorted(pictures.iterdir())
    go(prior, paths, tmp_path / "one")
    go(prior, paths[::-1], tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_same_command_computes_nothing_again(prior, pictures, tmp_path, solved):
    first = go(prior, [pictures], tmp_path / "run")
    journal = (tmp_path / "run/results.jsonl").read_bytes()
    assert sum(solved) == 5
    assert go(prior, [pictures], tmp_path / "run") == first
    assert sum(solved) == 5
    assert (tmp_path / "run/results.jsonl").read_bytes() == journal


def test_added_pictures_go_into_the_same_run(prior, pictures, tmp_path, solved):
    paths = sorted(pictures.iterdir())
    go(prior, paths[:2], tmp_path / "run")
    go(prior, paths, tmp_path / "run", batch_size=None)  # the batch shape is the one the run began with
    assert sum(solved) == 5
    go(prior, paths, tmp_path / "whole")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_run_goes_on_to_the_same_result(prior, pictures, tmp_path, monkeypatch, number):
    real, calls, handler = drivers.Inverter.invert, [], signal.getsignal(number)

    def stopping(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            os.kill(os.getpid(), number)
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(drivers.Inverter, "invert", stopping)
        with pytest.raises(Stopped):
            go(prior, [pictures], tmp_path / "run")
    assert len(list(Journal(tmp_path / "run/results.jsonl"))) == 2
    assert signal.getsignal(number) == handler
    go(prior, [pictures], tmp_path / "run")
    go(prior, [pictures], tmp_path / "whole")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_signal_while_saving_waits_until_the_rows_are_journalled(prior, pictures, tmp_path, monkeypatch):
    real = images.save_png

    def save(path, image):
        os.kill(os.getpid(), signal.SIGTERM)
        real(path, image)

    monkeypatch.setattr(stored.images, "save_png", save)
    with pytest.raises(Stopped):
        go(prior, [pictures], tmp_path / "run")
    assert len(list(Journal(tmp_path / "run/results.jsonl"))) == 2


def test_bad_pictures_become_failed_rows_and_can_be_mended(prior, pictures, tmp_path, solved):
    good = (pictures / "a1.png").read_bytes()
    (pictures / "a1.png").write_bytes(good[: len(good) // 2])
    (pictures / "a3.png").write_bytes(b"no picture")
    rows = {row.image.rpartition("/")[2]: row for row in go(prior, [pictures], tmp_path / "run")}
    assert [rows[f"a{i}.png"].status for i in range(5)] == ["ok", "failed", "ok", "failed", "ok"]
    assert "truncated" in rows["a1.png"].reason and rows["a1.png"].psnr is None
    lines = len(list(Journal(tmp_path / "run/results.jsonl")))
    go(prior, [pictures], tmp_path / "run")
    assert len(list(Journal(tmp_path / "run/results.jsonl"))) == lines  # the same failure is not told twice
    (pictures / "a1.png").write_bytes(good)
    rows = go(prior, [pictures], tmp_path / "run")
    assert [row.status for row in rows] == ["ok", "ok", "ok", "failed", "ok"]
    assert sum(solved) == 4


def test_other_content_under_an_old_name_is_computed_and_can_come_back(prior, pictures, tmp_path, solved):
    path = [pictures / "a0.png"]
    before = go(prior, path, tmp_path / "run")[0]
    images.save_png(pictures / "a0.png", noise(99))
    changed = go(prior, path, tmp_path / "run")[0]
    assert changed.key != before.key and changed.id != before.id and sum(solved) == 2
    images.save_png(pictures / "a0.png", noise(0))
    assert go(prior, path, tmp_path / "run")[0] == before
    assert sum(solved) == 2


@pytest.mark.parametrize(
    "change, named",
    [
        ({"seed": 1}, "seed = 0, this command has seed = 1"),
        ({"clean": False}, "clean = true"),
        ({"mask": masks.parse_mask("center:0.25")}, 'mask = "block:0.25"'),
        ({"method": METHOD._replace(solve=drivers.Solve(steps=4))}, "solve.steps = 3"),
    ],
)
def test_other_configuration_is_refused_by_name(prior, pictures, tmp_path, change, named):
    go(prior, [pictures / "a0.png"], tmp_path / "run")
    before = contents(tmp_path / "run")
    with pytest.raises(RunError, match=named.replace("(", r"\(")):
        go(prior, [pictures], tmp_path / "run", cell=dataclasses.replace(INPAINT, **change))
    assert contents(tmp_path / "run") == before


def test_second_writer_is_refused(prior, pictures, tmp_path):
    with contextlib.ExitStack() as stack:
        stack.enter_context(RunFolder(tmp_path / "run").open_for_writing())
        with pytest.raises(RunError, match=f"written by process {os.getpid()}"):
            go(prior, [pictures], tmp_path / "run")


def test_observed_pictures_have_no_truth_unless_referred_to(prior, pictures, tmp_path):
    originals = tmp_path / "originals"
    originals.mkdir()
    for i in range(4):
        images.save_png(originals / f"a{i}.png", noise(i))
    plain = Cell(task=HOLE, mask=INPAINT.mask, method=METHOD, clean=False)
    row = go(prior, [pictures / "a0.png"], tmp_path / "plain", cell=plain)[0]
    assert row.psnr is None and row.ssim_hole is None and row.psnr_known is not None
    assert not any((tmp_path / "plain/originals").iterdir())
    compared = Cell(task=HOLE, mask=INPAINT.mask, method=METHOD, clean=False, reference=str(originals))
    rows = go(prior, [pictures], tmp_path / "compared", cell=compared)
    assert [row.status for row in rows] == ["ok"] * 4 + ["failed"]
    assert "holds no original for a4.png" in rows[4].reason
    clean = go(prior, [pictures], tmp_path / "clean")
    assert rows[0].psnr == clean[0].psnr and rows[0].key != clean[0].key


def test_what_lies_under_the_mask_does_not_reach_the_result(prior, tmp_path):
    hole = masks.parse_mask("center:0.25")
    cell = Cell(task=HOLE, mask=hole, method=METHOD, clean=False)
    picture = noise(0)[:16, :16]
    sources = []
    for value in (0, 255):
        painted = picture.copy()
        painted[4:12, 4:12] = value
        images.save_png(tmp_path / f"{value}.png", painted)
        sources.append(tmp_path / f"{value}.png")
    go(prior, sources, tmp_path / "run", cell=cell)
    inputs = [images.load_image(file) for file in sorted((tmp_path / "run/inputs").iterdir())]
    np.testing.assert_array_equal(inputs[0], inputs[1])
    merged = images.load_image(next((tmp_path / "run/images").iterdir()))
    np.testing.assert_array_equal(merged[:4], picture[:4])


def test_unusable_mask_ends_the_run_before_it_begins(prior, pictures, tmp_path):
    images.save_png(tmp_path / "white.png", np.full((16, 16, 3), 255, np.uint8))
    cell = Cell(task=HOLE, mask=masks.parse_mask(str(tmp_path / "white.png")), method=METHOD)
    with pytest.raises(ValueError, match="nothing is known"):
        go(prior, [pictures], tmp_path / "run", cell=cell)
    assert not (tmp_path / "run").exists()


def test_diverged_picture_is_marked_and_the_run_goes_on(prior, pictures, tmp_path, monkeypatch):
    real, bad = drivers.Inverter.invert, set()

    def diverging(*arguments, **options):
        ids = options["ids"]
        if len(set(ids.tolist())) > 1:  # a group, not the retry of one
            bad.add(ids[1])
        return dataclasses.replace(real(*arguments, **options), diverged=np.isin(ids, list(bad)))

    monkeypatch.setattr(drivers.Inverter, "invert", diverging)
    rows = go(prior, [pictures], tmp_path / "run")
    assert [row.status for row in rows] == ["ok", "diverged", "ok", "diverged", "ok"]
    assert rows[1].reason and rows[1].psnr is not None
    assert "3 ok, 2 diverged, 0 failed" in (tmp_path / "run/summary.md").read_text()


def test_pictures_that_end_early_make_room_and_the_run_is_the_same_to_the_byte(prior, pictures, tmp_path, monkeypatch):
    solve = drivers.Solve(steps=60)
    cell = dataclasses.replace(INPAINT, method=METHOD._replace(solve=solve))
    rows = go(prior, [pictures], tmp_path / "free", cell=cell)
    target = float(np.median([row.psnr_known for row in rows])) - 0.5
    solve = dataclasses.replace(solve, target_psnr=target)
    cell = dataclasses.replace(INPAINT, method=METHOD._replace(solve=solve))
    for batches in (1, 4):
        monkeypatch.setattr(solving, "BATCHES_AHEAD", batches)
        go(prior, [pictures], tmp_path / str(batches), cell=cell, batch_size=2)
    assert contents(tmp_path / "1") == contents(tmp_path / "4")
    assert contents(tmp_path / "1") != contents(tmp_path / "free")


# --- tasks ---


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Dimmed(operators.Operator):
    """A user's own: brightness falls from left to right, and only every second row is seen."""

    gain: jax.Array = operators.per_image(ndim=1)
    rows: int = dataclasses.field(default=2, metadata={"static": True})

    name = "dimmed"

    def apply(self, x):
        return self.gain[None, :, None] * x[:: self.rows]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Averages(operators.Operator):
    """One whose observations are no pictures: the mean colour."""

    name = "averages"

    def apply(self, x):
        return x.mean(axis=(0, 1))


GAIN = np.linspace(1, 0.2, 16, dtype=np.float32)
DIMMED = Dimmed(GAIN)


def picture(folder, kind, row):
    return images.to_float(images.load_image(RunFolder(folder).file(kind, row.file)))[None]


def output(prior, folder, row):
    """The generator's output again: the files are clipped and rounded, and a random generator goes far beyond."""
    latents = jax.tree.map(lambda leaf: leaf[None], load_latents(RunFolder(folder), row))
    return np.asarray(drivers.render(prior, latents, codes=METHOD.codes))


@pytest.mark.parametrize("task", [DIMMED, Averages()], ids=lambda task: task.name)
def test_own_operator_is_a_task_like_any_other(prior, pictures, tmp_path, task):
    cell = Cell(task=task, method=METHOD)
    rows = go(prior, [pictures], tmp_path / "one", cell=cell)
    assert [row.status for row in rows] == ["ok"] * 5 and all(row.psnr and row.psnr_known for row in rows)
    assert all(row.psnr_merged is None and row.psnr_hole is None for row in rows)
    go(prior, [pictures], tmp_path / "two", cell=cell)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    raw, truth = output(prior, tmp_path / "one", rows[0]), picture(tmp_path / "one", "originals", rows[0])
    flat = (1, 1, -1, 1)
    known = metrics.psnr(*(np.asarray(task.observe(x)).reshape(flat) for x in (raw, truth)))
    assert rows[0].psnr_known == pytest.approx(float(known[0]), abs=1e-3)
    record = RunFolder(tmp_path / "one").read()
    assert record["configuration"]["task"] == record["title"]
    seen = list((tmp_path / "one/inputs").iterdir())
    assert len(seen) == (0 if isinstance(task, Averages) else 5)
    if seen:
        assert images.load_image(seen[0]).shape == (8, 16, 3)
    with pytest.raises(RunError, match="no square picture"):
        go(prior, [pictures], tmp_path / "observed", cell=dataclasses.replace(cell, clean=False))


def test_operators_settings_and_arrays_decide_the_key(prior):
    tasks = [
        DIMMED, Dimmed(GAIN / 2), Dimmed(GAIN, rows=4), operators.SuperResolve(2), operators.SuperResolve(4),
        operators.SuperResolve(4, "box"), operators.Denoise(0.2), operators.Denoise(0.3),
        operators.Deblur.gaussian(1.0), operators.Deblur.gaussian(1.1), operators.Colorize(), HOLE,
    ]  # fmt: skip
    settings = [configuration(Cell(task=task, method=METHOD), prior, numerics_version=1) for task in tasks]
    assert len({row_key(json.loads(json.dumps(each)), noise(0), None, None) for each in settings}) == len(tasks)
    assert settings[2]["operator"]["rows"] == 4 and set(settings[0]["operator"]["gain"]) == {"shape", "sha256"}
    assert "mask" not in configuration(INPAINT, prior, numerics_version=1)["operator"]


def test_observed_pictures_are_fitted_to_the_observation_and_originals_to_the_prior(prior, tmp_path):
    small, large = tmp_path / "small", tmp_path / "large"
    for folder, side in ((small, 4), (large, 40)):
        folder.mkdir()
        pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
        images.save_png(folder / "a.png", pixels)
    cell = Cell(task=operators.SuperResolve(4, "box"), method=METHOD, clean=False, reference=str(large))
    row = go(prior, [small], tmp_path / "run", cell=cell)[0]
    assert row.status == "ok" and row.psnr is not None and row.psnr_merged is None
    np.testing.assert_array_equal(picture(tmp_path / "run", "inputs", row), images.to_float(pixels_of(small))[None])
    raw = output(prior, tmp_path / "run", row)
    known = metrics.psnr(raw.reshape(1, 4, 4, 4, 4, 3).mean((2, 4)), images.to_float(pixels_of(small))[None])
    assert row.psnr_known == pytest.approx(float(known[0]), abs=1e-3)
    assert images.load_image(RunFolder(tmp_path / "run").file("originals", row.file)).shape == (16, 16, 3)


def pixels_of(folder):
    return images.load_image(next(folder.iterdir()))


def test_colorize_merges_the_luma_of_the_input(prior, pictures, tmp_path):
    row = go(prior, [pictures / "a0.png"], tmp_path / "run", cell=Cell(task=operators.Colorize(), method=METHOD))[0]
    merged, truth = (picture(tmp_path / "run", kind, row) for kind in ("images", "originals"))
    luma = np.array([0.299, 0.587, 0.114], np.float32)
    inside = (np.abs(merged) < 0.98).all(axis=-1)  # elsewhere clipping moves the luma
    assert inside.any()
    np.testing.assert_allclose((merged @ luma)[inside], (truth @ luma)[inside], atol=0.01)
    assert row.psnr_merged == pytest.approx(float(metrics.psnr(merged, truth)[0]), abs=0.05)
    assert row.psnr_merged != row.psnr and row.psnr_hole is None and row.psnr_known is not None


def test_a_mask_may_come_with_the_operator(prior, pictures, tmp_path):
    spec = masks.parse_mask("center:0.25")
    drawn = go(prior, [pictures], tmp_path / "spec", cell=Cell(task=HOLE, mask=spec, method=METHOD))
    own = go(prior, [pictures], tmp_path / "own", cell=Cell(task=operators.Inpaint(spec.draw(16)), method=METHOD))
    assert [dataclasses.replace(row, key=None, seconds=None) for row in drawn] == [
        dataclasses.replace(row, key=None, seconds=None) for row in own
    ]
    assert own[0].psnr_hole is not None and any((tmp_path / "own/masks").iterdir())


def test_masked_noise_shows_what_was_given_and_keeps_the_clean_pixels(prior, pictures, tmp_path):
    cell = Cell(task=operators.Denoise(0.3), mask=masks.parse_mask("center:0.25"), method=METHOD, clean=False)
    row = go(prior, [pictures / "a0.png"], tmp_path / "run", cell=cell)[0]
    given = images.fit(noise(0), 16)
    seen, merged = (
        images.load_image(RunFolder(tmp_path / "run").file(kind, row.file)) for kind in ("inputs", "images")
    )
    np.testing.assert_array_equal(seen, given)
    same = (merged == given).all(axis=-1)
    assert same[:4].all() and not same[4:12, 4:12].all()


def test_tasks_that_do_not_fit_are_refused_before_the_run_begins(prior, pictures, tmp_path):
    with pytest.raises(RunError, match="superres x4 bilinear has no mask"):
        Cell(task=operators.SuperResolve(4), mask=INPAINT.mask, method=METHOD)
    for task, sentence in (
        (operators.SuperResolve(3), "does not suit a prior of 16x16 pixels: SuperResolve: the factor 3"),
        (operators.Inpaint(np.zeros((2, 16, 16), np.float32)), "expected a mask"),
    ):
        with pytest.raises(RunError, match=sentence):
            go(prior, [pictures], tmp_path / "run", cell=Cell(task=task, method=METHOD))
    assert not (tmp_path / "run").exists()


def test_whether_a_task_merges_is_seen_in_its_merge():
    photo, small = (jax.ShapeDtypeStruct((n, n, 3), np.float32) for n in (16, 4))
    mask = np.zeros((16, 16), np.float32)
    assert merges(operators.Inpaint(mask), photo, photo) and merges(operators.Colorize(), photo, photo)
    assert merges(operators.Denoise(0.2, mask), photo, photo) and not merges(operators.Denoise(0.2), photo, photo)
    assert not merges(operators.Identity(), photo, photo) and not merges(operators.SuperResolve(4), small, photo)
    shrunk = operators.Compose((operators.Denoise(0.1), operators.SuperResolve(4)))
    assert not merges(shrunk, small, photo)
    assert merges(operators.Compose((operators.Inpaint(mask),)), photo, photo)


# --- keys and tables ---


def test_whatever_decides_a_result_changes_its_key(prior):
    settings = configuration(INPAINT, prior, numerics_version=1)
    pixels, mask = noise(0), np.zeros((16, 16), np.float32)
    keys = {row_key(settings, pixels, mask, None)}
    other_pixels, other_mask = pixels.copy(), mask.copy()
    other_pixels[0, 0, 0] ^= 1
    other_mask[0, 0] = 1
    keys.add(row_key(settings, other_pixels, mask, None))
    keys.add(row_key(settings, pixels, other_mask, None))
    keys.add(row_key(settings, pixels, mask, pixels))
    keys.add(row_key(configuration(INPAINT, prior, numerics_version=2), pixels, mask, None))
    features = METHOD._replace(objective=drivers.Objective(features=prior, feature_weight=0.5))
    cell = Cell(task=HOLE, mask=INPAINT.mask, method=features)
    keys.add(row_key(configuration(cell, prior, numerics_version=1), pixels, mask, None))
    assert len(keys) == 6
    json.dumps(configuration(cell, prior, numerics_version=1))


def test_first_difference_names_nested_settings():
    assert first_difference({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 3}}) == ("b.c", 2, 3)
    assert first_difference({"a": 1}, {"a": 1, "new": 2}) == ("new", None, 2)
    assert first_difference({"a": [1]}, {"a": [1]}) is None


def test_statistics_are_those_of_numpy_and_students_t():
    from scipy import stats

    values = [20.0, 22.5, 21.0, 30.0]
    rows = [Row(image=str(i), figures={"psnr": value}) for i, value in enumerate(values)] + [
        Row(image="x", status="failed")
    ]
    found = summarise(rows)["psnr"]
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert found["n"] == 4 and found["median"] == 21.75
    np.testing.assert_allclose(
        [found["mean"], found["sd"], found["low"], found["high"]],
        [np.mean(values), np.std(values, ddof=1), low, high],
    )
    assert np.isnan(summarise(rows[:1])["psnr"]["sd"]) and "ssim" not in summarise(rows)


def test_tables_are_sorted_and_leave_out_what_differs_between_machines():
    rows = [Row(image="b", figures={"psnr": 1.0}, seconds=3.0, device="cpu", batch=4), Row(image="a", reason='x, "y"')]
    lines = results_csv(rows).splitlines()
    assert not {"seconds", "device", "batch"} & set(lines[0].split(","))
    assert [line.split(",")[0] for line in lines[1:]] == ["a", "b"]
    record = {
        "title": "reconstruct",
        "configuration": {"prior": {"name": "p", "sha256": "0"}, "resolution": 16, "seed": 0},
    }
    text = summary_markdown(rows, record)
    assert "uniform 7x7" in text and "seconds" not in text and "cpu" not in text
