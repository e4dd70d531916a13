"""Runs that are killed, stopped, starved or shared: nothing is lost or done twice, and the bytes are the same."""

import dataclasses
import errno
import json
import os
import signal

import jax
import numpy as np
import pytest
from program import Running, inside, journal_is_valid, journal_rows, stable_files
from small_disk import NoDisk, small_disk
from tiny_prior import write_tiny_prior

from jaxprior import operators
from jaxprior.data import images, masks
from jaxprior.errors import ImageError, MaskError, MemoryLimitError, RunError
from jaxprior.evaluation import Cell, Journal, Observer, Row, RunFolder, Share, Stopped, run_cell, write_report
from jaxprior.evaluation.estimate import estimate_cells
from jaxprior.evaluation.reading import Reader, read_ahead
from jaxprior.evaluation.solving import LOST, RECOVERED, Solver
from jaxprior.inversion.codes import MultiCode
from jaxprior.restoration import drivers, placement
from jaxprior.restoration.drivers import Method
from jaxprior.restoration.memory import is_out_of_memory
from jaxprior.runs import inflight
from jaxprior.runs.lock import only_writer
from jaxprior.weights.priors import load_prior


METHOD = Method(MultiCode(num_codes=2, layer=4), drivers.Objective(), drivers.Solve(steps=60))
HOLE = operators.Inpaint(np.zeros((16, 16), np.float32))
INPAINT = Cell(task=HOLE, mask=masks.parse_mask("block:0.25"), method=METHOD)
QUICK = ("--codes", 2, "--layer", 4, "--steps", 3, "--optimizer", "adam", "--init", "random", "--starts", 1)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_tiny_prior(tmp_path_factory.mktemp("prior") / "tiny.safetensors")


@pytest.fixture(scope="module")
def prior(weights):
    return load_prior(weights)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for i in range(5):
        pixels = np.random.default_rng(i).integers(0, 256, (20, 24, 3), dtype=np.uint8)
        images.save_png(folder / f"a{i}.png", pixels)
    return folder


class Notes(Observer):
    """Keeps what is told."""

    def __init__(self):
        self.notes, self.steps = [], []

    def note(self, text):
        self.notes.append(text)

    def step(self, pictures, steps_done, steps_total, mean_loss):
        self.steps.append(steps_done)


def go(prior, pictures, folder, *, cell=INPAINT, **options):
    run = folder if isinstance(folder, RunFolder) else RunFolder(folder)
    rows = run_cell(cell, images.list_images([pictures]), run, prior=prior, **options)
    write_report([run])
    return rows


# --- the batch in flight ---


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_batch_in_flight_goes_on_where_it_was_saved_to_the_same_bytes(
    prior, pictures, tmp_path, monkeypatch, batched, optimizer
):
    solve = drivers.Solve(steps=60, optimizer=optimizer, starts=2, target_psnr=99.0, passes=2)
    cell = dataclasses.replace(INPAINT, method=METHOD._replace(solve=solve))
    go(prior, pictures, tmp_path / "whole", cell=cell, batch_size=2)
    monkeypatch.setattr(inflight, "EVERY", 0.0)  # saved between all chunks

    class Killed(Observer):
        calls = 0

        def step(self, *_):
            self.calls += 1
            if self.calls == 7:  # second batch, third chunk
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(prior, pictures, tmp_path / "run", cell=cell, batch_size=2, observer=Killed())
    run = RunFolder(tmp_path / "run")
    assert run.in_flight.is_file() and len(list(run.journal)) in (0, 2)
    notes = Notes()
    go(prior, pictures, run, cell=cell, observer=notes)
    assert notes.steps[0] > 25  # not from the start
    assert stable_files(tmp_path / "run") == stable_files(tmp_path / "whole")
    assert not run.in_flight.exists()


def test_what_is_in_flight_belongs_to_one_batch_only(prior, pictures, tmp_path, monkeypatch):
    file = tmp_path / "in-flight.safetensors"
    mine = inflight.InFlight(file, {"keys": ["a", "b"]}, leaving=lambda: False)
    assert mine.load() is None and not mine.due()
    mine.save({"x": np.arange(6.0).reshape(2, 3).T, "done": np.array(True)})
    found = mine.load()
    np.testing.assert_array_equal(found["x"], np.arange(6.0).reshape(2, 3).T)
    assert found["done"].shape == () and found["done"]
    for owner in ({"keys": ["b", "a"]}, {"keys": ["a", "b"], "batch": 2}):
        assert inflight.InFlight(file, owner, leaving=lambda: True).load() is None
    file.write_bytes(file.read_bytes()[:-3])
    assert mine.load() is None
    mine.clear()
    mine.clear()
    monkeypatch.setattr(inflight, "EVERY", 0.0)
    assert mine.due()


def test_stop_saves_the_batch_in_flight(prior, pictures, tmp_path):
    class Stopping(Observer):
        def step(self, *_):
            os.kill(os.getpid(), signal.SIGTERM)

    go(prior, pictures, tmp_path / "whole")
    with pytest.raises(Stopped):
        go(prior, pictures, tmp_path / "run", observer=Stopping())
    assert RunFolder(tmp_path / "run").in_flight.is_file()
    notes = Notes()
    go(prior, pictures, tmp_path / "run", observer=notes)
    assert notes.steps[0] > 25
    assert stable_files(tmp_path / "run") == stable_files(tmp_path / "whole")


def test_killed_process_leaves_a_run_that_the_same_command_finishes(weights, pictures, tmp_path):
    command = ("inpaint", pictures, "--mask", "block:0.25", "--clean", "--prior", weights, *QUICK, "--steps", 400)
    running = Running(*command, "-o", tmp_path / "run")
    while running.running(0) and not journal_rows(tmp_path / "run"):
        pass
    running.signal(signal.SIGKILL)
    assert journal_rows(tmp_path / "run")
    assert inside(*command, "-o", tmp_path / "run").code == 0
    assert inside(*command, "-o", tmp_path / "whole").code == 0
    assert stable_files(tmp_path / "run") == stable_files(tmp_path / "whole")
    assert len({row.image for row in journal_rows(tmp_path / "run")}) == len(journal_rows(tmp_path / "run")) == 5


# --- divergence ---


def diverge(monkeypatch, *, until: int):
    """Make the second picture of the first batch diverge in the first `until` tries."""
    real, tries, bad = drivers.Inverter.invert, [], []

    def invert(self, observed, *arguments, **options):
        bad[:] = bad or options["ids"][1:2]
        tries.append(self.placement.settings.learning_rate)
        if len(tries) <= until:
            observed = np.where(np.isin(options["ids"], bad)[:, None, None, None], np.nan, observed)
        return real(self, observed, *arguments, **options)

    monkeypatch.setattr(drivers.Inverter, "invert", invert)
    return tries


def test_diverged_picture_is_solved_again_gently_and_the_others_stay(prior, pictures, tmp_path, monkeypatch, batched):
    clean = go(prior, pictures, tmp_path / "clean", batch_size=5)
    tries = diverge(monkeypatch, until=1)
    rows = go(prior, pictures, tmp_path / "run", batch_size=5)
    assert tries == [0.05, 0.0125]
    assert [row.status for row in rows] == ["ok"] * 5
    assert [row.reason for row in rows] == [None, RECOVERED, None, None, None]
    before, after = stable_files(tmp_path / "clean"), stable_files(tmp_path / "run")
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {name for name in before if rows[1].file in name} | {"results.csv", "summary.md"}
    assert rows[1].loss != clean[1].loss


def test_picture_that_diverges_twice_is_reported(prior, pictures, tmp_path, monkeypatch, batched):
    diverge(monkeypatch, until=2)
    rows = go(prior, pictures, tmp_path / "run", batch_size=5)
    assert [row.status for row in rows] == ["ok", "diverged", "ok", "ok", "ok"]
    assert rows[1].reason == LOST and rows[1].loss is None


# --- memory ---


def starve(monkeypatch, most: int):
    """A device on which more than so many pictures do not fit."""
    real = drivers.Inverter.invert

    def invert(self, observed, *arguments, **options):
        if len(observed) > most:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 9 bytes.")
        return real(self, observed, *arguments, **options)

    monkeypatch.setattr(drivers.Inverter, "invert", invert)


def test_batch_is_halved_until_it_fits_and_no_picture_is_lost(prior, pictures, tmp_path, monkeypatch, batched):
    starve(monkeypatch, 1)
    notes = Notes()
    rows = go(prior, pictures, tmp_path / "run", batch_size=4, observer=notes)
    assert [row.status for row in rows] == ["ok"] * 5 and {row.batch for row in rows} == {1}
    assert [note[-16:] for note in notes.notes] == ["going on with 2.", "going on with 1."]
    assert RunFolder(tmp_path / "run").read()["batch"] == 1
    monkeypatch.undo()
    monkeypatch.setattr(placement, "FIXED", ())
    go(prior, pictures, tmp_path / "small", batch_size=1)
    assert stable_files(tmp_path / "run") == stable_files(tmp_path / "small")


def test_too_little_memory_for_one_picture_is_a_sentence(prior, pictures, tmp_path, monkeypatch, batched):
    starve(monkeypatch, 0)
    with pytest.raises(RunError, match="does not suffice for 1 pictures"):
        go(prior, pictures, tmp_path / "run", batch_size=2)


def test_what_one_picture_needs_too_much_is_computed_more_slowly(prior, pictures, tmp_path, monkeypatch, batched):
    real, notes = drivers.Inverter.invert, Notes()

    def invert(self, observed, *arguments, **options):
        if self.placement.memory_plan.at_once is None:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 9 bytes.")
        return real(self, observed, *arguments, **options)

    monkeypatch.setattr(drivers.Inverter, "invert", invert)
    rows = go(prior, pictures, tmp_path / "run", batch_size=2, observer=notes)
    assert [row.status for row in rows] == ["ok"] * 5
    assert [note.partition("going on with ")[2] for note in notes.notes] == ["1.", "1, 1 of 2 codes at a time."]
    assert RunFolder(tmp_path / "run").read()["economy"] == {"recompute": False, "at_once": 1, "alone": False}
    again = Notes()  # what it began with is what it goes on with
    go(prior, pictures, tmp_path / "run", observer=again)
    assert not again.notes
    assert RunFolder(tmp_path / "run").read()["economy"] == {"recompute": False, "at_once": 1, "alone": False}


def test_a_limit_given_by_hand_chooses_the_batch(prior, pictures, tmp_path, batched):
    solver = Solver(INPAINT, prior, wanted=4)
    rows = go(prior, pictures, tmp_path / "run", batch_size=4, memory=solver.step_bytes() - 1)
    assert {row.batch for row in rows} <= {1, 2, 3}
    rows = go(prior, pictures, tmp_path / "roomy", batch_size=4, memory=solver.step_bytes())
    assert {row.batch for row in rows} == {4}
    with pytest.raises(MemoryLimitError, match=r"may take [\d.e-]+ MiB"):
        go(prior, pictures, tmp_path / "none", memory=10.0)


def test_only_a_lack_of_memory_is_taken_for_one():
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(jax.errors.JaxRuntimeError("INTERNAL: something else"))
    assert not is_out_of_memory(ValueError("RESOURCE_EXHAUSTED"))


def test_estimate_grows_with_steps_and_tells_the_batch(prior):
    longer = dataclasses.replace(METHOD.solve, steps=6000)
    more = dataclasses.replace(INPAINT, method=METHOD._replace(solve=longer))
    short, long = estimate_cells([(INPAINT, prior), (more, prior)])
    assert short.batch == long.batch == 1 and short.bytes == long.bytes > 10_000
    ratio = longer.steps / METHOD.solve.steps
    np.testing.assert_allclose(long.seconds_per_picture, ratio * short.seconds_per_picture)
    assert short.seconds_per_picture > 0 and short.program == long.program


# --- shares ---


def test_shares_write_beside_each_other_and_make_the_whole(prior, pictures, tmp_path):
    go(prior, pictures, tmp_path / "whole")
    for share in (Share(0, 2), Share(1, 2)):
        rows = go(prior, pictures, RunFolder(tmp_path / "run", share=share))
        assert len(rows) == (3 if share.index == 0 else 5)
    assert sorted(file.name for file in (tmp_path / "run").glob("*.jsonl")) == [
        "results-1-of-2.jsonl", "results-2-of-2.jsonl",
    ]  # fmt: skip
    assert stable_files(tmp_path / "run") == stable_files(tmp_path / "whole")
    notes = Notes()
    go(prior, pictures, tmp_path / "run", observer=notes)  # the whole finds everything done
    assert not notes.steps


def test_locks_of_parts_and_of_the_whole(tmp_path):
    with only_writer(tmp_path, "-1-of-2"), only_writer(tmp_path, "-2-of-2"):
        for part in ("-1-of-2", ""):
            with pytest.raises(RunError, match="being written"), only_writer(tmp_path, part):
                pass
    with only_writer(tmp_path), pytest.raises(RunError, match=str(os.getpid())), only_writer(tmp_path, "-1-of-2"):
        pass


def test_newest_of_several_journals_counts(tmp_path):
    parts = [tmp_path / f"results-{i}-of-2.jsonl" for i in (1, 2)]
    Journal(parts[0]).append([Row(image="a", figures={"psnr": 3.0}, written=30.0)])
    Journal(parts[1]).append(
        [Row(image="a", figures={"psnr": 2.0}, written=20.0), Row(image="b", figures={"psnr": 1.0}, written=40.0)]
    )
    journal = Journal(parts[1], parts=parts)
    assert [row.psnr for row in journal] == [2.0, 3.0, 1.0] and journal.latest()["a"].psnr == 3.0


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", "1/2/3", "²/3"])
def test_bad_shares_are_refused(text):
    with pytest.raises(RunError, match="expected i/n"):
        Share.parse(text)
    assert Share.parse("2/3").of("abcdefgh") == "beh"


# --- pictures and masks ---


def test_mask_of_another_shape_is_a_failed_row(prior, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, (height, width) in {"wide": (20, 40), "wider": (30, 61), "tall": (40, 20), "square": (20, 20)}.items():
        images.save_png(folder / f"{name}.png", np.full((height, width, 3), 99, np.uint8))
    hole = np.zeros((50, 100, 3), np.uint8)
    hole[20:30, 45:60] = 255
    images.save_png(tmp_path / "mask.png", hole)
    cell = dataclasses.replace(INPAINT, mask=masks.parse_mask(str(tmp_path / "mask.png")))
    rows = {row.image.rpartition("/")[2]: row for row in go(prior, folder, tmp_path / "run", cell=cell)}
    assert {name: row.status for name, row in rows.items()} == {
        "wide.png": "ok", "wider.png": "ok", "tall.png": "failed", "square.png": "failed",
    }  # fmt: skip
    assert "20x40 and the mask 100x50" in rows["tall.png"].reason


def test_nothing_missing_comes_back_unchanged_with_a_note(prior, pictures, tmp_path):
    images.save_png(tmp_path / "mask.png", np.zeros((16, 16, 3), np.uint8))
    cell = dataclasses.replace(INPAINT, mask=masks.parse_mask(str(tmp_path / "mask.png")))
    with pytest.raises(MaskError, match="all of it is black.*--mask-means white"):
        go(prior, pictures, tmp_path / "run", cell=cell)
    cell = dataclasses.replace(INPAINT, mask=masks.parse_mask(str(tmp_path / "mask.png"), means="white"))
    notes = Notes()
    rows = go(prior, pictures, tmp_path / "run", cell=cell, observer=notes)
    assert not notes.steps and {row.status for row in rows} == {"ok"}
    assert all("returned unchanged" in row.reason for row in rows)
    run = RunFolder(tmp_path / "run")
    for row, source in zip(rows, images.list_images([pictures]), strict=True):
        expected = images.fit(images.load_image(source), 16)
        np.testing.assert_array_equal(images.load_image(run.file("images", row.file)), expected)
    go(prior, pictures, tmp_path / "run", cell=cell)
    assert len(list(run.journal)) == 5


def test_reading_ahead_keeps_the_order_and_the_errors(prior, pictures, tmp_path):
    sources = [*images.list_images([pictures]), images.ImageSource("gone.png", "gone", tmp_path / "gone.png")]
    reader = Reader(INPAINT, {}, (16, 16, 3))
    found = list(read_ahead(reader, sources, 2))
    assert [source.name for source, _ in found] == [source.name for source in sources]
    assert isinstance(found[-1][1], ImageError) and found[0][1].photo.shape == (16, 16, 3)
    early = read_ahead(reader, sources, 1)
    next(early)
    early.close()  # and its thread ends

    class Broken:
        def read(self, source):
            raise OSError(errno.EIO, "the disk is broken")

    with pytest.raises(OSError, match="broken"):
        list(read_ahead(Broken(), sources, 2))


# --- disks ---


def test_full_disk_leaves_a_valid_journal_and_the_same_command_finishes(weights, pictures, tmp_path):
    command = ("inpaint", pictures, "--mask", "block:0.25", "--clean", "--prior", weights, *QUICK)
    assert inside(*command, "-o", tmp_path / "whole").code == 0
    try:
        with small_disk(tmp_path / "disk", kib=96) as disk:
            stopped = inside(*command, "-o", disk.path / "run")
            assert stopped.code == 75 and stopped.one_sentence and "disk is full" in stopped.err
            assert journal_is_valid(disk.path / "run")
            disk.remount("size=16m")
            assert inside(*command, "-o", disk.path / "run").code == 0
            assert stable_files(disk.path / "run") == stable_files(tmp_path / "whole")
    except NoDisk as reason:
        pytest.skip(str(reason))


def test_folders_that_hold_no_run_are_refused(weights, pictures, tmp_path):
    (tmp_path / "file").touch()
    for name, text in (("cut", "{"), ("list", "[]"), ("bare", json.dumps({"kind": "restoration"}))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(text)
    for name in ("file", "file/below", "cut", "list", "bare"):
        for words in (("reconstruct", pictures, "--prior", weights, *QUICK, "-o"), ("report",)):
            outcome = inside(*words, tmp_path / name)
            assert outcome.code == 2 and outcome.one_sentence, (name, words, outcome.err)
