"""Two runs compared: pairs by content, paired differences with their intervals, what is left over, the files."""

import json
import math

import numpy as np
import pytest
from report_helpers import HOSTILE, Page, make_cell, make_run
from typer.testing import CliRunner

from jaxprior.cli.app import app
from jaxprior.errors import RunError
from jaxprior.evaluation import Row, compare, compare_runs, write_comparison
from jaxprior.reporting import comparison as comparison_module
from jaxprior.reporting.comparison import bootstrap_interval, p_text, signed_rank_p


def rows(values: dict[int, float | None], *, name="p{}.png") -> list[Row]:
    return [Row(image=name.format(id), id=id, figures={"psnr": value}) for id, value in values.items()]


# --- the pure part ---


@pytest.mark.parametrize("n", [2, 5, 64, 1000])
def test_interval_is_that_of_scipy(n):
    from scipy.stats import bootstrap

    values = np.random.default_rng(n).exponential(size=n)
    low, high = bootstrap_interval(values)
    theirs = bootstrap((values,), np.mean, method="percentile", n_resamples=10_000, rng=np.random.default_rng(0))
    width = high - low
    assert abs(low - theirs.confidence_interval.low) < 0.03 * width
    assert abs(high - theirs.confidence_interval.high) < 0.03 * width


def test_interval_does_not_hold_all_resamples_at_once(monkeypatch):
    values = np.random.default_rng(0).normal(size=50)
    whole = bootstrap_interval(values)
    monkeypatch.setattr(comparison_module, "BLOCK", 700)
    assert bootstrap_interval(values) == pytest.approx(whole, abs=0.03)
    assert all(map(math.isnan, bootstrap_interval([1.0])))


def test_p_of_the_signed_ranks():
    """Five gains of five: 2 of 2^5 signs are as extreme. Eight pairs whose lower rank sum is 3: 10 of 2^8."""
    assert signed_rank_p(np.array([0.1, 0.2, 0.5, 0.7, 0.9])) == pytest.approx(2 / 32)
    mixed = np.array([1.0, 2.0, -3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    assert signed_rank_p(mixed) == pytest.approx(10 / 256) and signed_rank_p(-mixed) == pytest.approx(10 / 256)
    assert math.isnan(signed_rank_p(np.zeros(4)))
    found = compare(rows({1: 20.0, 2: 22.0}), rows({1: 20.0, 2: 22.0})).figures["psnr"]
    assert math.isnan(found.p) and p_text(found) == ""


def test_pairs_are_by_content_and_the_figures_are_of_the_pairs():
    a = rows({1: 20.0, 2: 22.0, 3: 30.0, 4: 10.0})
    b = rows({4: 11.0, 2: 21.0, 1: 23.0, 9: 50.0}, name="other/{}.webp")
    found = compare(a, b)
    assert [(one.id, other.id) for one, other in found.pairs] == [(2, 2), (4, 4), (1, 1)]  # largest loss first
    one = found.figures["psnr"]
    assert list(found.figures) == ["psnr"] and found.headline == "psnr"
    assert (one.n, one.wins, one.ties) == (3, 2, 0)
    assert (one.mean_a, one.mean_b, one.mean, one.median) == pytest.approx((52 / 3, 55 / 3, 1.0, 1.0))
    assert -1 <= one.low < 1 < one.high <= 3
    assert (found.only_a, found.only_b) == (1, 1)
    assert compare(a[::-1], b[::-1]) == found


def test_failed_rows_are_counted_diverged_ones_count_and_figures_may_be_missing():
    a = [*rows({1: 20.0, 2: 20.0, 3: None}), Row(image="x", status="failed", reason="cut")]
    b = [*rows({1: 20.0, 3: 25.0}), Row(image="q", id=2, figures={"psnr": 15.0}, status="diverged", reason="nan")]
    found = compare(a, b)
    assert len(found.pairs) == 3 and found.pairs[-1][0].id == 3  # without a difference: last
    assert (found.figures["psnr"].n, found.figures["psnr"].ties) == (2, 1)
    assert found.counts_a == {"ok": 3, "diverged": 0, "failed": 1}
    assert found.counts_b == {"ok": 2, "diverged": 1, "failed": 0}
    assert (found.only_a, found.only_b) == (0, 0)


def test_a_picture_that_a_run_has_twice_counts_once():
    a = [*rows({1: 20.0}), Row(image="copy of p1.png", id=1, figures={"psnr": 99.0})]
    found = compare(a, rows({1: 21.0}))
    assert len(found.pairs) == 1 and found.pairs[0][0].image == "copy of p1.png" and found.only_a == 0


def test_nothing_in_common_is_an_empty_comparison():
    found = compare(rows({1: 20.0}), rows({2: 20.0}))
    assert (found.pairs, found.figures, found.headline, found.only_a, found.only_b) == ([], {}, None, 1, 1)


# --- run folders ---


def test_two_runs_always_match_and_what_differs_is_listed(tmp_path):
    make_run(tmp_path / "a")
    b = make_run(tmp_path / "b", title="reconstruct", masked=False)
    record = b.read()
    b.write({**record, "device": "gpu", "configuration": {**record["configuration"], "seed": 1, "solve": {"steps": 9}}})
    versus = compare_runs(tmp_path / "a", tmp_path / "b")
    (match,) = versus.matches
    assert (versus.a, versus.b, match.title) == ("a", "b", "inpaint center:0.25 / reconstruct")
    assert versus.settings == [
        ("setting", "A", "B"), ("seed", "0", "1"), ("device", "cpu", "gpu"), ("solve.steps", "not set", "9"),
    ]  # fmt: skip
    assert match.found.headline == "psnr" and match.found.figures["psnr"].ties == 3 and not match.same_input
    assert "3 pairs, 0 only in A, 0 only in B; A: 3 ok, 0 diverged, 1 failed" in match.pictures


def test_cells_match_by_what_varies_within_a_grid(tmp_path):
    for place, (task, method) in enumerate([("inpaint center:0.25", "x"), ("reconstruct", "x"), ("reconstruct", "y")]):
        make_cell(tmp_path / f"a/{place}", [20.0, 21.0], prior="old", task=task, method=method)
    for place, (task, method) in enumerate([("reconstruct", "y"), ("inpaint center:0.25", "x"), ("reconstruct", "z")]):
        make_cell(tmp_path / f"b/{place}", [20.5, 22.0], prior="new", task=task, method=method)
    versus = compare_runs(tmp_path / "a", tmp_path / "b")
    assert [match.title for match in versus.matches] == [
        "old | cats | inpaint center:0.25 | x / new | cats | inpaint center:0.25 | x",
        "old | cats | reconstruct | y / new | cats | reconstruct | y",
    ]
    assert versus.only_a == ["old | cats | reconstruct | x"] and versus.only_b == ["new | cats | reconstruct | z"]
    text = write_comparison(versus, tmp_path).read_text()
    page = Page(text)
    assert len(page.rows) == 4 and len({row["data-run"] for row in page.rows}) == 2
    assert "Only in A: old | cats | reconstruct | x." in text


def test_settings_that_differ_in_some_cells_only_say_in_how_many(tmp_path):
    for name in "ab":
        for task in ("reconstruct", "inpaint center:0.25"):
            make_cell(tmp_path / name / task[:3], [20.0], task=task)
    run = make_cell(tmp_path / "b/rec", [], task="reconstruct")
    record = run.read()
    run.write({**record, "configuration": {**record["configuration"], "seed": 5}})
    settings = compare_runs(tmp_path / "a", tmp_path / "b").settings
    assert settings == [("setting", "A", "B", "cells"), ("seed", "0", "5", "1 of 2")]


def test_nothing_to_compare_is_a_sentence(tmp_path):
    make_cell(tmp_path / "a/1", [20.0], task="reconstruct")
    make_cell(tmp_path / "a/2", [20.0], task="colorize")
    make_cell(tmp_path / "b/1", [20.0], task="superres x2")
    make_cell(tmp_path / "b/2", [20.0], task="deblur")
    with pytest.raises(RunError, match="no cell in common"):
        compare_runs(tmp_path / "a", tmp_path / "b")
    make_cell(tmp_path / "c", [])
    with pytest.raises(RunError, match="no restored picture in common"):
        compare_runs(tmp_path / "a/1", tmp_path / "c")


def test_runs_that_were_measured_differently_are_a_sentence_and_no_empty_table(tmp_path):
    make_cell(tmp_path / "a", [20.0], task="reconstruct")
    make_cell(tmp_path / "b", [], task="inpaint center:0.25").journal.append(
        [Row(image="p0.png", id=0, file="p0", figures={"psnr_known": 31.0})]
    )
    code, shown = report(tmp_path / "a", tmp_path / "b")
    assert code == 2 and shown.count("\n") == 1 and "have no figure in common" in shown
    assert "reconstruct | default) has PSNR, SSIM, " in shown and "center:0.25 | default) PSNR known;" in shown
    assert not list(tmp_path.glob("comparison-*"))


def test_results_of_one_content_are_paired_by_their_names():
    def results(run, **values):
        return [Row(image=f"{n}/x.png", id=1, key=run + n, figures={"psnr": v}) for n, v in values.items()]

    found = compare(results("a", p=1.0, q=2.0, r=9.0), results("b", q=2.5, p=1.5, s=9.0))
    assert sorted((one.image, other.image) for one, other in found.pairs) == [("p/x.png",) * 2, ("q/x.png",) * 2]
    assert found.figures["psnr"].mean == 0.5 and (found.only_a, found.only_b) == (1, 1)


def test_a_result_that_stands_there_twice_is_one_pair():
    a = [Row(image=name, id=1, key="a", figures={"psnr": 1.0}) for name in ("x.png", "/photos/x.png")]
    found = compare([*a, *rows({2: 3.0})], rows({1: 2.0, 2: 3.0}))
    assert found.figures["psnr"].n == 2 and (found.only_a, found.only_b) == (0, 0)


def test_files_of_a_comparison_agree_and_are_whole(tmp_path):
    make_run(tmp_path / "a")
    b = make_run(tmp_path / "b")
    b.journal.append(
        [Row(image="photos/p1.png", id=1, file="p1", figures={"psnr_hole": 9.0}, status="diverged", reason=HOSTILE)]
    )
    b.file("images", "p0").unlink()
    path = write_comparison(compare_runs(tmp_path / "a", tmp_path / "b"), tmp_path)
    assert path == tmp_path / "comparison-a-b.html"
    text = path.read_text()
    page = Page(text)
    assert HOSTILE not in text and "http:" not in text and "https:" not in text
    assert [row["data-name"] for row in page.rows] == ["photos/p1.png", "photos/p0.png", "photos/p2.png"]
    assert [row["data-status"] for row in page.rows] == ["diverged", "ok", "ok"]
    whole = ["input", "A", "B", "original"]
    assert page.captions == [*whole, "input", "A", "original", *whole]
    assert 'aria-label="distribution of PSNR hole, B - A' in text
    summary = json.loads((tmp_path / "comparison-a-b.json").read_text(), parse_constant=pytest.fail)
    (cell,) = summary["cells"]
    one = cell["figures"]["psnr_hole"]
    assert (one["n"], one["mean"], one["wins"], one["ties"]) == (3, -1.666667, 0, 2) and cell["pairs"] == 3
    assert cell["figures"]["psnr"]["n"] == 2 and cell["b"]["diverged"] == 1
    assert (
        "| PSNR hole | 3 | 14.00 | 12.33 | -1.67 | -5.00 to 0.00 | 0.00 | 0 (+ 2 even) |"
        in (tmp_path / "comparison-a-b.md").read_text()
    )
    before = {file: file.read_bytes() for file in tmp_path.glob("comparison-*")}
    write_comparison(compare_runs(tmp_path / "a", tmp_path / "b"), tmp_path)
    assert len(before) == 3 and all(file.read_bytes() == content for file, content in before.items())


def test_a_single_pair_has_no_interval(tmp_path):
    make_cell(tmp_path / "a", [20.0])
    make_cell(tmp_path / "b", [21.0])
    write_comparison(compare_runs(tmp_path / "a", tmp_path / "b"), tmp_path)
    (cell,) = json.loads((tmp_path / "comparison-a-b.json").read_text(), parse_constant=pytest.fail)["cells"]
    assert cell["figures"]["psnr"]["low"] is None and cell["figures"]["psnr"]["wins"] == 1


def test_b_shows_its_own_input_where_it_was_given_another(tmp_path):
    make_run(tmp_path / "a")
    b = make_run(tmp_path / "b")
    record = b.read()
    b.write({**record, "configuration": {**record["configuration"], "seed": 1}})
    page = Page(write_comparison(compare_runs(tmp_path / "a", tmp_path / "b"), tmp_path).read_text())
    assert page.captions[:5] == ["input", "input of B", "A", "B", "original"]


# --- the command ---


def report(*arguments) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["report", *map(str, arguments)])
    assert "Traceback" not in result.output
    return result.exit_code, result.output


def test_command_compares_two_runs_beside_the_second(tmp_path):
    make_run(tmp_path / "old/run")
    make_run(tmp_path / "new/run")
    code, shown = report(tmp_path / "old/run", tmp_path / "new/run/.")
    page = tmp_path / "new/comparison-old-run-new-run.html"
    assert code == 0 and page.is_file() and f"comparison: {page}" in shown
    line = next(line for line in shown.splitlines() if line.startswith("PSNR hole"))
    assert line.split()[2:6] == ["3", "14.00", "14.00", "0.00"]


def test_command_says_what_it_cannot_compare(tmp_path):
    make_cell(tmp_path / "a", [20.0])
    make_cell(tmp_path / "b", [])
    for arguments, part in (
        ((tmp_path / "a", tmp_path / "b"), "no restored picture in common"),
        ((tmp_path / "a", tmp_path / "b", tmp_path / "a"), "Expected one run, or two to compare, got 3"),
        ((tmp_path / "a", tmp_path / "x"), "holds no run"),
    ):
        code, shown = report(*arguments)
        assert code == 2 and part in shown and shown.count("\n") == 1


def test_command_reports_one_run_and_several(tmp_path):
    make_run(tmp_path / "runs/a")
    code, shown = report(tmp_path / "runs/a")
    assert code == 0 and f"report: {tmp_path / 'runs/a/report.html'}" in shown and "inpaint center:0.25" in shown
    code, shown = report(tmp_path / "runs")
    assert code == 0 and f"report: {tmp_path / 'runs/report.html'}" in shown
    assert (tmp_path / "runs/summary.md").is_file()


def test_the_interval_of_very_many_pairs_is_the_normal_one_and_said_to_be(monkeypatch, tmp_path):
    values = np.random.default_rng(3).gamma(2.0, size=4000)
    resampled = bootstrap_interval(values)
    monkeypatch.setattr(comparison_module, "MANY", 3999)
    normal, width = bootstrap_interval(values), resampled[1] - resampled[0]
    assert normal != resampled and np.allclose(normal, resampled, rtol=0, atol=0.05 * width)
