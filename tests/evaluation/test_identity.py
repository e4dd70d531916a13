"""A result is identified by its key, not by the name of its picture; tables hold what the command names now, once."""

import csv
import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tiny_prior import write_tiny_prior

from jaxprior import operators
from jaxprior.data import images, masks
from jaxprior.errors import RunError
from jaxprior.evaluation import Cell, Observer, RunFolder, Share, edits, run_cell, runs_in, snapshots, write_report
from jaxprior.evaluation.stored import stored_key
from jaxprior.inversion.codes import MultiCode
from jaxprior.models.autoencoder.pairs import load_pairs
from jaxprior.restoration import drivers
from jaxprior.restoration.drivers import Method
from jaxprior.weights.priors import load_prior


pytestmark = pytest.mark.usefixtures("batched")

METHOD = Method(MultiCode(num_codes=2, layer=4), drivers.Objective(), drivers.Solve(steps=2))
HOLE = operators.Inpaint(np.zeros((16, 16), np.float32))
CELL = Cell(task=HOLE, mask=masks.parse_mask("block:0.25"), method=METHOD)
KINDS = ("images", "raw", "inputs", "masks", "originals", "latents")


@pytest.fixture(scope="module")
def prior(tmp_path_factory):
    return load_prior(write_tiny_prior(tmp_path_factory.mktemp("prior") / "tiny.safetensors"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with three pictures in `in`."""
    monkeypatch.chdir(tmp_path)
    for i in range(3):
        save(f"in/a{i}.png", i)
    return tmp_path


@pytest.fixture
def solved(monkeypatch):
    """The ids of the pictures given to the engine."""
    ids = []
    real = drivers.Inverter.invert

    def invert(*arguments, **options):
        ids.extend(dict.fromkeys(options["ids"].tolist()))
        return real(*arguments, **options)

    monkeypatch.setattr(drivers.Inverter, "invert", invert)
    return ids


class Notes(Observer):
    """Keeps what is told, and counts the rows."""

    def __init__(self):
        self.notes, self.done, self.total = [], 0, 0

    def begin(self, total):
        self.total = total

    def rows(self, rows, *, computed):
        self.done += len(rows)

    def note(self, text):
        self.notes.append(text)


def save(name, seed):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    images.save_png(name, np.random.default_rng(seed).integers(0, 256, (20, 24, 3), dtype=np.uint8))


def go(prior, paths, run="run", *, cell=CELL, share=None, limit=None, batch_size=2):
    """Run the cell, and check that every picture is told of once. Its rows, and what was told."""
    folder = RunFolder(run) if share is None else RunFolder(run, share=share)
    notes = Notes()
    sources = images.list_images(paths, limit=limit)
    rows = run_cell(cell, sources, folder, prior=prior, batch_size=batch_size, observer=notes)
    assert notes.done == notes.total
    write_report([folder])
    return rows, notes.notes


def table(run="run"):
    with open(f"{run}/results.csv", encoding="utf-8") as file:
        return {row["image"]: row for row in csv.DictReader(file)}


def summary(run="run"):
    return json.loads(Path(run, "summary.json").read_text())


def contents(run):
    files = [Path(run, "results.csv"), Path(run, "summary.md")]
    files += [file for kind in KINDS for file in sorted(Path(run, kind).iterdir())]
    return {str(file.relative_to(run)): file.read_bytes() for file in files}


# --- the same pictures under other names ---


def test_pictures_that_are_named_in_another_way_are_not_solved_again(prior, folder, solved, monkeypatch):
    before, _ = go(prior, ["in"])
    with zipfile.ZipFile("in.zip", "w") as archive:
        for file in sorted(Path("in").iterdir()):
            archive.write(file, file.name)
    (folder / "elsewhere").mkdir()
    solved.clear()
    for there, paths in (
        (".", [folder / "in"]),
        (".", ["in/a2.png", "in"]),
        (".", ["in.zip"]),
        ("elsewhere", ["../in"]),
    ):
        monkeypatch.chdir(folder / there)
        rows, notes = go(prior, paths, folder / "run")
        names = [source.name for source in images.list_images(paths)]
        assert solved == [] and notes == []
        assert [row.image for row in rows] == sorted(names) == list(table(folder / "run"))
        assert [(row.key, row.file, row.figures) for row in rows] == [(r.key, r.file, r.figures) for r in before]
        counted = summary(folder / "run")
        assert counted["pictures"]["rows"] == counted["pictures"]["wanted"] == counted["figures"]["psnr"]["n"] == 3


def test_a_run_under_other_names_is_that_of_a_run_from_the_beginning(prior, folder):
    go(prior, ["in"])
    shutil.move("in", "moved")
    os.rename("moved/a1.png", "moved/b.png")
    go(prior, ["moved"])
    go(prior, ["moved"], "whole")
    assert list(table()) == ["moved/a0.png", "moved/a2.png", "moved/b.png"]
    assert (folder / "run/results.csv").read_bytes() == (folder / "whole/results.csv").read_bytes()
    assert (folder / "run/summary.md").read_bytes() == (folder / "whole/summary.md").read_bytes()
    whole = {name: data for name, data in contents("whole").items() if "/b-" in name}
    assert len(whole) == 6 and whole.items() <= contents("run").items()


def test_a_mask_and_originals_may_be_spelled_in_another_way(prior, folder, solved, monkeypatch):
    marked = np.zeros((16, 16, 3), np.uint8)
    marked[4:12, 4:12] = 255
    images.save_png("mask.png", marked)

    def cell(mask, reference):
        return Cell(task=HOLE, mask=masks.parse_mask(mask), method=METHOD, clean=False, reference=reference)

    before, _ = go(prior, ["in"], cell=cell("mask.png", "in"))
    solved.clear()
    monkeypatch.chdir(folder / "in")
    rows, _ = go(prior, ["."], folder / "run", cell=cell("../mask.png", str(folder / "in")))
    assert solved == [] and [row.key for row in rows] == [row.key for row in before]
    shutil.copytree(folder / "in", folder / "other")
    with pytest.raises(RunError, match=r"was made with reference = \"in\""):
        go(prior, ["."], folder / "run", cell=cell("../mask.png", str(folder / "other")))
    images.save_png(folder / "other.png", 255 - marked)
    with pytest.raises(RunError, match="was made with mask"):
        go(prior, ["."], folder / "run", cell=cell("../other.png", str(folder / "in")))


# --- what the command names now ---


def test_pictures_that_are_no_longer_named_are_in_no_table_and_come_back_unsolved(prior, folder, solved):
    before, _ = go(prior, ["in"])
    os.rename("in/a1.png", "a1.png")
    solved.clear()
    rows, notes = go(prior, ["in"])
    assert [row.image for row in rows] == ["in/a0.png", "in/a2.png"] == list(table())
    assert summary()["pictures"] == {"wanted": 2, "rows": 2, "ok": 2, "diverged": 0, "failed": 0}
    assert summary()["figures"]["psnr"]["n"] == 2 and "a1.png" not in Path("run/report.html").read_text()
    (said,) = notes
    assert said.startswith("1 picture of an earlier command is not named any more (in/a1.png); tables and")
    assert [row.image for row in snapshots(runs_in("run"))[0].rows if "a1" in row.image] == []
    assert [row.image for row in edits.inverted(RunFolder("run"))] == ["in/a0.png", "in/a2.png"]
    assert len(load_pairs(["run"], resolution=16)) == 2
    os.rename("a1.png", "in/a1.png")
    rows, notes = go(prior, ["in"])
    assert solved == [] and rows == before and notes == []


def test_a_smaller_limit_counts_so_many(prior, folder, solved):
    go(prior, ["in"])
    rows, _ = go(prior, ["in"], limit=2)
    assert len(rows) == 2 and summary()["figures"]["psnr"]["n"] == summary()["pictures"]["wanted"] == 2
    assert len(go(prior, ["in"])[0]) == 3 and len(solved) == 3


def test_shares_of_a_run_may_spell_the_pictures_in_another_way_than_the_first_command(prior, folder, solved):
    go(prior, ["in"])
    solved.clear()
    for i in range(2):
        rows, _ = go(prior, [folder / "in"], share=Share(i, 2))
    assert solved == [] and len(rows) == 3 and len(table()) == 3


def test_processes_that_spell_paths_in_different_ways_fill_one_table(prior, folder, monkeypatch):
    run = folder / "run"
    for i, (place, given) in enumerate([("here", "../in"), ("there", folder / "in")]):
        (folder / place).mkdir()
        monkeypatch.chdir(folder / place)
        run_cell(CELL, images.list_images(given), RunFolder(run, share=Share(i, 2)), prior=prior)
        assert len(RunFolder(run).rows()) == (2, 3)[i]
    assert [row.image for row in RunFolder(run).rows()] == ["../in/a0.png", "../in/a2.png", f"{folder}/in/a1.png"]
    monkeypatch.chdir(folder)
    rows, said = go(prior, ["in"])
    assert [row.image for row in rows] == ["in/a0.png", "in/a1.png", "in/a2.png"] and said == []
    rows, _ = go(prior, ["in"], share=Share(0, 2))  # what the other one had done is still there
    assert len(rows) == 3


def test_a_mask_that_was_edited_leaves_no_picture_unnamed(prior, folder):
    def masked(given):
        cell = Cell(task=HOLE, mask=masks.parse_mask("masks"), method=METHOD)
        return go(prior, [given], cell=cell)

    Path("masks").mkdir()
    for i, name in enumerate(("a0", "a1", "a2", "a0")):
        hole = np.zeros((16, 16, 3), np.uint8)
        hole[2:6, 2 + i : 8 + i] = 255
        if i == 3:
            assert masked("in")[1] == []
        images.save_png(f"masks/{name}.png", hole)
    rows, said = masked(folder / "in")
    assert len(rows) == 3 and said == []


def test_a_picture_that_changed_is_solved_and_the_old_one_found_again(prior, folder, solved):
    first, _ = go(prior, ["in"])
    shutil.copy("in/a0.png", "keep.png")
    save("in/a0.png", 77)
    changed, _ = go(prior, ["in"])
    assert len(solved) == 4 and [row.image for row in changed] == [row.image for row in first]
    assert changed[0].key != first[0].key and changed[0].file != first[0].file
    shutil.copy("keep.png", "in/a0.png")
    assert go(prior, ["in"])[0] == first and len(solved) == 4


def test_a_file_that_was_repaired_is_no_failed_row_any_more(prior, folder):
    Path("in/b.png").write_bytes(b"not a picture")
    rows, _ = go(prior, ["in"])
    assert rows[-1].status == "failed"
    save("in/b.png", 5)
    rows, _ = go(prior, [folder / "in"])
    assert [row.status for row in rows] == ["ok"] * 4 and len(table()) == 4


def test_a_run_of_an_earlier_version_has_all_its_pictures_and_counts_results_once(prior, folder, solved):
    go(prior, ["in"])
    run = RunFolder("run")
    run.journal.append([type(row)(**{**vars(row), "image": f"/there/{row.image}"}) for row in list(run.journal)])
    (folder / "run/pictures.json").unlink()
    write_report([run])
    assert len(table()) == 6 and summary()["figures"]["psnr"]["n"] == 3
    assert "3 pictures are equal to others and do not count again." in Path("run/summary.md").read_text()
    assert summary()["pictures"]["equal to others"] == 3
    go(prior, ["in"])
    assert len(table()) == 3 and len(solved) == 3


def test_a_damaged_list_of_names_is_a_sentence(prior, folder):
    go(prior, ["in"])
    Path("run/pictures.json").write_text("[")
    with pytest.raises(RunError, match=r"pictures\.json is damaged"):
        RunFolder("run").rows()
    assert len(go(prior, ["in"])[0]) == 3


# --- equal pictures, and different results of equal pictures ---


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_equal_pictures_are_solved_once_have_a_row_each_and_count_once(prior, folder, solved, batch_size):
    for name in ("in/a0 copy.png", "in/deep/a0.png", "in/z.png"):
        save(name, 0)
    rows, _ = go(prior, ["in"], batch_size=batch_size)
    assert len(solved) == 3 and len(rows) == 6
    equal = [row for row in rows if row.key == rows[0].key]
    assert len(equal) == 4 and len({row.psnr for row in equal}) == 1
    assert sorted(row.file.rpartition("-")[0] for row in equal) == ["a0", "a0", "a0 copy", "z"]
    assert all(RunFolder("run").file(kind, row.file).is_file() for kind in KINDS for row in equal)
    assert summary()["figures"]["psnr"]["n"] == 3 and summary()["pictures"]["rows"] == 6
    assert (
        "6 pictures: 6 ok, 0 diverged, 0 failed. 3 pictures are equal to others and do not count again."
        in Path("run/summary.md").read_text()
    )
    assert "3 pictures are equal to others" in Path("run/report.html").read_text()
    before = contents("run")
    assert go(prior, ["in"], batch_size=batch_size)[0] == rows and contents("run") == before and len(solved) == 3


def test_results_of_one_picture_with_two_originals_do_not_share_their_files(prior, folder, solved):
    for name in "pq":
        save(f"observed/{name}/x.png", 0)
    save("originals/p/x.png", 1)
    save("originals/q/x.png", 2)
    cell = Cell(task=HOLE, mask=masks.parse_mask("center:0.25"), method=METHOD, clean=False, reference="originals")
    rows, _ = go(prior, ["observed"], cell=cell, batch_size=8)
    run = RunFolder("run")
    assert len({row.file for row in rows}) == 2 and rows[1].file == f"{rows[0].file}-{rows[1].key[:8]}"
    shown = [images.load_image(run.file("originals", row.file)) for row in rows]
    for row, picture, name in zip(rows, shown, "pq", strict=True):
        np.testing.assert_array_equal(picture, images.fit(images.load_image(f"originals/{name}/x.png"), 16))
        assert stored_key(run, row.file) == row.key
    solved.clear()
    assert go(prior, [folder / "observed"], cell=cell, batch_size=8)[0][1].file == rows[1].file and solved == []


def test_results_of_one_picture_with_two_masks_do_not_share_their_files(prior, folder, solved):
    for i, name in enumerate("pq"):
        save(f"observed/{name}/x.png", 0)
        marked = np.zeros((20, 24, 3), np.uint8)
        marked[4 : 10 + 4 * i, 4:12] = 255
        Path("masks", name).mkdir(parents=True)
        images.save_png(f"masks/{name}/x.png", marked)
    rows, _ = go(prior, ["observed"], cell=Cell(task=HOLE, mask=masks.parse_mask("masks"), method=METHOD), batch_size=8)
    run = RunFolder("run")
    missing = [(images.load_image(run.file("masks", row.file)) > 127).mean() for row in rows]
    assert missing[0] < missing[1] and len({row.file for row in rows}) == 2 and len({row.key for row in rows}) == 2
    assert summary()["figures"]["psnr"]["n"] == 2


def test_a_result_whose_files_another_one_has_overwritten_is_solved_again(prior, folder, solved):
    go(prior, ["in"])
    run = RunFolder("run")
    row = run.rows()[0]
    run.journal.append([type(row)(**{**vars(row), "image": "in/other.png", "key": "0" * 64, "written": 9e9})])
    solved.clear()
    rows, _ = go(prior, ["in"])
    assert len(solved) == 1 and rows[0].key == row.key and rows[0].file == f"{row.file}-{row.key[:8]}"


def test_two_shares_do_not_write_to_the_same_files(prior, folder):
    for name in "pq":
        save(f"observed/{name}/x.png", 0)
        save(f"originals/{name}/x.png", ord(name))
    cell = Cell(task=HOLE, mask=masks.parse_mask("center:0.25"), method=METHOD, clean=False, reference="originals")
    go(prior, ["observed"], cell=cell, share=Share(0, 2))
    second = RunFolder("run", share=Share(1, 2))
    for journal in Path("run").glob("results-1*"):
        os.rename(journal, "hidden")  # as if the first share had not written its row yet, only the files
    rows = run_cell(cell, images.list_images("observed"), second, prior=prior)
    assert len(rows) == 1 and rows[0].file.endswith(f"-{rows[0].key[:8]}")


def test_two_pictures_of_one_name_are_refused(prior, folder):
    one, two, _ = images.list_images("in")
    with pytest.raises(RunError, match=r"Two of the pictures are called in/a0\.png"):
        run_cell(CELL, [one, type(two)(one.name, two.stem, two.path)], RunFolder("run"), prior=prior)
