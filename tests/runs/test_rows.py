"""Rows of large runs: columns in memory, whole rows read from the journals when they are asked for."""

import json
import random
import tracemalloc
import zlib

import numpy as np
import pytest

from jaxprior.errors import RunError
from jaxprior.evaluation import finished
from jaxprior.evaluation.finished import Finished
from jaxprior.evaluation.reading import Job
from jaxprior.reporting.tables import counts, distinct, results_csv, said_of_fit, summarise
from jaxprior.runs import lines, rows
from jaxprior.runs.journal import Journal
from jaxprior.runs.lines import JournalLines
from jaxprior.runs.row import DIVERGED, FAILED, GOOD, OK, POOR, Row
from jaxprior.runs.runfolder import RunFolder
from jaxprior.runs.shares import Share


def some_rows(count: int, *, seed: int = 0) -> list[Row]:
    """Rows of all kinds: failed, without a figure, of equal results, of one picture again, written in any order."""
    chance, found = random.Random(seed), []
    for i in range(count):
        name = f"photos/{chance.randrange(count):04d}.png"
        status = chance.choice([OK, OK, OK, DIVERGED, FAILED])
        key = None if status == FAILED else f"{chance.randrange(count):064x}"
        figures = {} if status == FAILED else {"psnr": chance.gauss(20, 3), "ssim": chance.choice([None, 0.5])}
        notes = chance.choice([(), ("turned",), ("turned", "converted")])
        more = {"id": i, "file": name[-8:-4], "fit": chance.choice([None, GOOD, POOR])} if key else {}
        found.append(
            Row(image=name, status=status, key=key, figures=figures, written=chance.random(), notes=notes, **more)
        )
    return found


@pytest.fixture
def run(tmp_path):
    """A run of three shares with what their journals hold, the oldest row first."""
    found = []
    for i in range(3):
        of_share = some_rows(50, seed=i)
        RunFolder(tmp_path, share=Share(i, 3)).journal.append(of_share)
        found += of_share
    return RunFolder(tmp_path), sorted(found, key=lambda row: row.written)



@pytest.mark.parametrize("held", [10_000, 0])
def test_rows_in_files_and_in_memory_are_the_same(run, monkeypatch, held):
    monkeypatch.setattr(rows, "HELD", held)
    folder, written = run
    newest = dict(sorted({row.image: row for row in written}.items()))
    found = folder.rows()
    assert [row.image for row in found] == list(newest) == found.images
    assert [(row.key, row.status, row.notes, row.fit) for row in found] == [
        (row.key, row.status, row.notes, row.fit) for row in newest.values()
    ]
    assert [row.image for row in folder.journal] == [row.image for row in written]
    listed = list(found)
    assert found == listed and found[3] == listed[3] and found[-1] == listed[-1] and found[2:9:3] == listed[2:9:3]
    assert counts(found) == {status: sum(row.status == status for row in listed) for status in (OK, DIVERGED, FAILED)}
    assert results_csv(found) == results_csv(listed) and said_of_fit(found) == said_of_fit(listed)
    first = {row.key: row.image for row in reversed(listed)}
    once = [row for row in listed if row.key is None and row.id is None or first[row.key] == row.image]
    assert list(distinct(found)) == once
    values = [row.psnr for row in once if row.psnr is not None]
    assert summarise(found)["psnr"]["n"] == len(values)
    assert summarise(found)["psnr"]["mean"] == pytest.approx(np.mean(values), abs=1e-12)


def test_only_what_a_journal_has_grown_by_is_read_again(tmp_path, monkeypatch):
    journal, read = Journal(tmp_path / "results.jsonl"), []
    real = lines.values_of
    monkeypatch.setattr(lines, "values_of", lambda line: read.append(line) or real(line))
    found = JournalLines()
    assert len(found.update([journal.path])) == 0
    journal.append([Row(image=f"{i}.png") for i in range(5)])
    with open(journal.path, "a") as file:
        file.write('{"image": "torn.png", "id"')
    assert found.update([journal.path]).columns.images == [f"{i}.png" for i in range(5)]
    journal.append([Row(image="5.png")])
    read.clear()
    assert found.update([journal.path]).columns.images == [f"{i}.png" for i in range(6)] and len(read) == 1
    journal.path.write_text("")
    assert len(found.update([journal.path])) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "abc"},
        {"id": 2**70},
        {"id": True},
        {"file": ["a"]},
        {"status": ["ok"]},
        {"fit": {"a": 1}},
        {"key": 5},
        {"written": "now"},
        {"psnr": 10**400},
        {"notes": {"a": 1}},
        {"image": None},
    ],
)
def test_a_line_with_a_field_of_a_wrong_type_is_damaged(tmp_path, wrong):
    folder = RunFolder(tmp_path)
    folder.journal.append([Row(image="a.png", id=2**32 - 1, figures={"psnr": 20}), Row(image="b.png")])
    body = json.dumps({"image": "c.png", "id": 7, "status": "ok", **wrong})
    with open(folder.journal.path, "a") as file:
        file.write(f'{body[:-1]}, "crc": "{zlib.crc32(body.encode()):08x}"}}\n')
    assert folder.rows().images == ["a.png", "b.png"] and folder.rows().figure("psnr")[0] == 20
    assert list(folder.journal.latest()) == ["a.png", "b.png"]


def test_a_folder_in_the_place_of_a_journal_is_named_in_one_sentence(tmp_path):
    (tmp_path / "results.jsonl").mkdir()
    (tmp_path / "results.jsonl" / "file").write_text("")
    with pytest.raises(RunError, match=r"results\.jsonl is a folder; expected the journal of a run"):
        RunFolder(tmp_path).rows()


def test_rows_are_printed_added_and_indexed_like_a_list():
    listed = [Row(image=f"{i}.png") for i in range(3)]
    found, more = rows.Rows.of(listed), [Row(image="more.png")]
    assert repr(found) == "<Rows: 3 rows, 0.png, 1.png, ...>"
    assert repr(found[:1]) == "<Rows: 1 row, 0.png>" and repr(found[:0]) == "<Rows: 0 rows>"
    assert found + more == listed + more and more + found == more + listed and found + found == listed + listed
    assert isinstance(found + more, list) and isinstance(more + found, list)
    assert found[True] == listed[True] and found[False] == listed[False] and found[np.int64(2)] == listed[2]
    with pytest.raises(TypeError):
        found + "more"
    for wrong, error in ((3, IndexError), (-4, IndexError), (1.0, TypeError)):
        with pytest.raises(error):
            found[wrong]


def test_rows_of_a_journal_that_is_gone_are_not_made_up(run, monkeypatch):
    monkeypatch.setattr(rows, "HELD", 0)
    folder, _ = run
    found = folder.rows()
    for file in folder.path.glob("results*.jsonl"):
        file.write_text(file.read_text().replace("photos", "others"))
    with pytest.raises(RunError, match="was changed or removed while it was read"):
        list(found)


def test_a_torn_end_of_any_length_is_cut_before_rows_are_appended(tmp_path):
    journal = Journal(tmp_path / "results.jsonl")
    for torn in ("x", "x" * 200_000):
        with open(journal.path, "a") as file:
            file.write(torn)
        journal.append([Row(image=f"{len(torn)}.png")])
    assert list(journal.latest()) == ["1.png", "200000.png"] and "x" not in journal.path.read_text()


def test_what_is_finished_takes_few_bytes_a_picture(tmp_path):
    names = [f"photos/{i:06d}.png" for i in range(4000)]
    figures = {"psnr": 20.5, "ssim": 0.7, "psnr_hole": 21.5, "ssim_hole": 0.7}
    stored = [
        Row(image=name, id=i, key=f"{i:064x}", file=f"{i:06d}-{i:08x}", figures=figures, device="cpu", written=float(i))
        for i, name in enumerate(names)
    ]
    folder = RunFolder(tmp_path)
    folder.journal.append(stored)
    Finished(folder)  # imports what is imported once
    tracemalloc.start()
    found = Finished(RunFolder(tmp_path))
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 400 * len(names)
    assert found.is_newest(stored[7]) and found.row_of(job_of(stored[7])) == stored[7]


def test_rows_of_this_process_are_found_before_and_after_they_are_let_go(tmp_path, monkeypatch):
    monkeypatch.setattr(finished, "RECENT", 3)
    folder = RunFolder(tmp_path)
    found = Finished(folder)
    for i in range(10):
        row = Row(image=f"{i}.png", id=i, key=f"{i:064x}", file=f"{i}-0", written=float(i))
        found.add(row)
        folder.journal.append([row])
        found.journalled()
        for j in range(i + 1):
            known = Row(image=f"{j}.png", id=j, key=f"{j:064x}", file=f"{j}-0")
            assert found.is_newest(known) and found.row_of(job_of(known)) == known
        assert len(found._recent) < 3
    other = job_of(Row(image="other.png", id=1, key="other", file="3-0"))
    assert found.row_of(other) is None and found.file_of(other) == "3-0-other"  # the shorter name is taken


def job_of(row: Row) -> Job:
    nothing = np.zeros((1, 1, 3), np.float32)
    return Job(row.image, str(row.file), int(row.id or 0), str(row.key), nothing, None, None)


def test_a_list_of_names_that_is_there_is_not_written_again(tmp_path):
    folder = RunFolder(tmp_path, share=Share(0, 2))
    folder.name_pictures(["a.png", "b.png"])
    before = {file.name: file.stat().st_ino for file in tmp_path.iterdir()}
    assert set(before) == {"pictures.json", "pictures-1-of-2.json"}
    RunFolder(tmp_path, share=Share(0, 2)).name_pictures(["a.png", "b.png"])
    assert {file.name: file.stat().st_ino for file in tmp_path.iterdir()} == before
    RunFolder(tmp_path, share=Share(0, 2)).name_pictures(["a.png", "c.png"])
    assert (tmp_path / "pictures.json").stat().st_ino != before["pictures.json"]
