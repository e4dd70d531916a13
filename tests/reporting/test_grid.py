"""Several runs in one report: the tables of a paper, figures against the size of the hole, unfinished grids."""

import csv
import json

import pytest
from report_helpers import HOSTILE, Page, make_cell, make_run

from jaxprior.evaluation import RunFolder, runs_in, snapshots, write_report
from jaxprior.reporting.grid import grid_csv, grid_markdown, hole_curves, legend, paper_tables, spread_tables
from jaxprior.reporting.methods import methods_beside
from jaxprior.runs.row import Row
from jaxprior.system.files import write_json


SMALL, LARGE = "inpaint center:0.12", "inpaint center:0.4"


@pytest.fixture
def grid(tmp_path) -> list[RunFolder]:
    """Two methods over two holes on cats, one cell on dogs that has done one picture of three."""
    return [
        make_cell(tmp_path / "1", [18.0, 20.0], task=SMALL, method="default"),
        make_cell(tmp_path / "2", [14.0, 15.0], task=LARGE, method="default"),
        make_cell(tmp_path / "3", [16.0, 17.0], task=SMALL, method="a|b"),
        make_cell(tmp_path / "4", [12.0, 12.0], task=LARGE, method="a|b"),
        make_cell(tmp_path / "5", [10.0], images_wanted=3, data="dogs", task=SMALL, method="default"),
    ]


def test_tables_have_methods_in_rows_and_tasks_in_columns_for_each_set_of_pictures(grid):
    tables = paper_tables(snapshots(grid))
    assert [table.title for table in tables] == [
        "tiny, cats: whole picture", "tiny, cats: hole", "tiny, dogs: whole picture", "tiny, dogs: hole",
    ]  # fmt: skip
    whole, hole = tables[:2]
    assert (hole.methods, hole.tasks) == (("default", "a|b"), (SMALL, LARGE))
    assert hole.cells["default", SMALL] == "19.00 ± 12.71 / 0.250 ± 0.000 (2)"
    assert whole.cells["a|b", LARGE] == "18.00 ± 0.00 / 0.750 ± 0.000 (2)"
    assert tables[3].cells == {("default", SMALL): "10.00 / 0.250 (1)"}


def test_cells_stand_in_the_order_of_the_legend(tmp_path):
    run = make_cell(tmp_path / "run", [18.0])
    figures = {"psnr": 1.0, "mse": 4.0, "perceptual": 3.0, "ssim": 2.0, "mse_hole": 8.0, "perceptual_hole": 7.0}
    with run.open_for_writing():
        run.journal.append([Row(image="p0.png", id=0, figures=figures)])
    runs = snapshots([run])
    assert legend(runs).startswith("PSNR / SSIM / perceptual distance / MSE: ")
    whole, hole = (list(table.cells.values()) for table in paper_tables(runs))
    assert whole == ["1.00 / 2.000 / 3.0000 / 4.00000 (1)"] and hole == ["7.0000 / 8.00000 (1)"]
    assert spread_tables(runs) == []


def test_standard_deviations_stand_in_tables_of_their_own(grid):
    spread = spread_tables(snapshots(grid))[1]
    assert spread.title == "tiny, cats: hole, standard deviations over the pictures"
    assert spread.cells["default", SMALL] == "1.41 / 0.000 (2)"


def test_methods_of_a_task_stand_beside_the_first(tmp_path):
    """Paired, with an interval and a test; a task with one method is left out; both in the tables and on the page."""
    a = [18.0, 20.0, 19.0, 17.0, 21.0, 16.0, 20.5, 18.5]
    runs = [
        make_cell(tmp_path / "1", a, task=SMALL, method="default"),
        make_cell(tmp_path / "2", [value - 1 - 0.1 * k for k, value in enumerate(a)], task=SMALL, method="a|b"),
        make_cell(tmp_path / "3", a, task=LARGE, method="default"),
    ]
    (found,) = beside = methods_beside(snapshots(runs))
    assert found.title == f"{SMALL}: PSNR hole, dB" and list(found.values) == ["default", "a|b"]
    assert sorted(found.values["default"]) == sorted(a)
    first, second = found.lines
    assert first == ("default", "8", "18.75", "", "", "", "")
    assert second[:4] == ("a|b", "8", "17.40", "-1.35") and second[5:] == ("0%", "0.008")  # 2 of 2^8 signs
    assert second[4].startswith("-1.5") and second[4].endswith(("-1.18", "-1.19", "-1.20", "-1.21"))
    text = grid_markdown(snapshots(runs), "grid", beside)
    assert f"## {SMALL}: PSNR hole, dB" in text and "Wilcoxon" in text and text.count("| 0.008 |") == 1
    page = write_report(runs).read_text()
    assert "Methods beside each other" in page and page.count('class="box"') == 2 and "Wilcoxon" in page


def test_two_runs_of_one_place_are_two_rows_of_a_table(tmp_path):
    runs = [make_cell(tmp_path / name, [value]) for name, value in (("first", 10.0), ("second", 20.0))]
    cells = paper_tables(snapshots(runs))[1].cells
    assert cells == {
        ("default (first)", "inpaint center:0.25"): "10.00 / 0.250 (1)",
        ("default (second)", "inpaint center:0.25"): "20.00 / 0.250 (1)",
    }


def test_tables_beside_the_report_of_a_grid(grid, tmp_path):
    assert write_report(grid) == tmp_path / "report.html"
    text = (tmp_path / "summary.md").read_text()
    assert f"| method | {SMALL} | {LARGE} |" in text
    assert "| a\\|b | 16.50 ± 6.35 / 0.250 ± 0.000 (2) | 12.00 ± 0.00 / 0.250 ± 0.000 (2) |" in text
    assert "| 1 of 3 | 1 | 0 | 0 |" in text and "uniform 7x7" in text and "| prior.name | tiny |" in text
    assert "| mask | center:0.12 |" not in text
    rows = list(csv.DictReader((tmp_path / "results.csv").open()))
    assert len(rows) == 9 and list(rows[0])[:6] == ["prior", "data", "task", "method", "image", "id"]
    assert [rows[2][name] for name in ("data", "task", "method", "psnr_hole")] == ["cats", LARGE, "default", "14.0"]
    summary = json.loads((tmp_path / "summary.json").read_text(), parse_constant=pytest.fail)
    assert [run["folder"] for run in summary["runs"]] == ["1", "2", "3", "4", "5"]
    last = summary["runs"][-1]
    assert last["data"] == "dogs" and last["pictures"]["wanted"] == 3 and last["figures"]["psnr_hole"]["low"] is None


def test_tables_of_a_grid_leave_out_what_differs_between_machines(grid, tmp_path):
    write_report(grid)
    before = {name: (tmp_path / name).read_bytes() for name in ("results.csv", "summary.md", "summary.json")}
    for run in grid:
        run.journal.append([type(row)(**{**row.__dict__, "seconds": 77.5, "device": "gpu"}) for row in run.journal])
        run.write({**run.read(), "device": "gpu", "batch": 64})
    write_report(grid)
    assert before == {name: (tmp_path / name).read_bytes() for name in before}


def test_curves_over_the_size_of_the_hole_join_the_cells_of_one_method(grid):
    curves = hole_curves(snapshots(grid), "psnr_hole")
    assert list(curves) == ["tiny, cats: inpaint center"]  # dogs have one size only
    default, other = curves["tiny, cats: inpaint center"]
    assert (default.name, list(default.x), default.y) == ("default", [12.0, 40.0], [19.0, 14.5])
    assert other.y == [16.5, 12.0] and other.low[1] == other.high[1] == 12.0
    assert default.low[0] == pytest.approx(19 - 12.7062, abs=1e-3)


def test_tasks_without_a_hole_or_with_a_file_as_mask_have_no_curve(tmp_path):
    runs = [make_cell(tmp_path / "a", [1.0], task="reconstruct"), make_cell(tmp_path / "b", [1.0], task=SMALL)]
    record = runs[1].read()
    runs[1].write({**record, "configuration": {**record["configuration"], "mask": "x:y.png", "mask_sha256": "00"}})
    assert hole_curves(snapshots(runs), "psnr_hole") == {}


def test_page_of_a_grid_shows_tables_plots_and_rows_and_escapes_names(tmp_path):
    runs = [
        make_cell(tmp_path / "1", [18.0, 20.0], task=SMALL, method=HOSTILE),
        make_cell(tmp_path / "2", [14.0, 15.0], task=LARGE, method=HOSTILE),
    ]
    text = write_report(runs).read_text()
    page = Page(text)
    assert HOSTILE not in text and "PSNR against the size of the hole" in text
    assert len(page.rows) == 4 and {row["data-run"] for row in page.rows} == {run.read()["title"] for run in runs}
    assert {"1/report.html", "2/report.html"} <= set(page.addresses)
    assert text.count('aria-label="PSNR hole, dB against missing share of the area, %"') == 1


def test_evaluation_has_its_title_and_says_how_much_is_to_come(grid, tmp_path):
    cells = [*(run.path.name for run in grid), "6", "7"]
    write_json(tmp_path / "run.json", {"kind": "evaluation", "title": "thesis", "command": "x", "cells": cells})
    text = write_report([*grid, RunFolder(tmp_path / "6")], tmp_path / "report.html").read_text()
    assert "<h1>jaxprior: thesis</h1>" in text
    assert "unfinished: 5 of 7 cells begun, 9 of 11 pictures done" in text
    alone = write_report(grid[:1], tmp_path / "report.html")
    assert alone == tmp_path / "report.html" and "1 of 7 cells begun" in alone.read_text()


def test_runs_that_are_no_cells_stand_under_their_task(tmp_path):
    make_run(tmp_path / "a", title="reconstruct", masked=False)
    make_run(tmp_path / "b", title="inpaint block:0.25")
    (whole, hole) = paper_tables(snapshots(runs_in(tmp_path)))
    assert (whole.methods, whole.tasks) == (("",), ("reconstruct", "inpaint block:0.25"))
    assert hole.tasks == ("inpaint block:0.25",)
    make_run(tmp_path / "c", title="reconstruct", masked=False)
    assert [run.title for run in snapshots(runs_in(tmp_path))] == [
        "reconstruct (a)", "inpaint block:0.25", "reconstruct (c)",
    ]  # fmt: skip
    whole = paper_tables(snapshots(runs_in(tmp_path)))[0]
    assert whole.methods == ("a", "", "c") and len(whole.cells) == 3
    assert "tiny,,reconstruct,c,photos/p0.png," in "".join(grid_csv(snapshots(runs_in(tmp_path))))
