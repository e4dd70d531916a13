"""The report: one offline HTML file, well-formed, complete, and working in a browser."""

import json
import re

import numpy as np
import pytest
from report_helpers import HOSTILE, Page, make_run, record
from safetensors.numpy import save_file

from jaxprior.data import images
from jaxprior.errors import RunError
from jaxprior.evaluation import Row, RunFolder, runs_in, write_report
from jaxprior.reporting import picture_table, report_page, snapshot, tables, traces
from jaxprior.reporting.plots import Line, band, boxes, distribution, intervals
from jaxprior.reporting.snapshot import snapshots
from jaxprior.reporting.tables import summary_markdown
from jaxprior.reporting.traces import loss_curve


def test_report_is_one_offline_file_with_every_row_worst_first(tmp_path):
    path = write_report([make_run(tmp_path / "run")])
    text = path.read_text()
    page = Page(text)
    assert [row["data-name"].rpartition("/")[2] for row in page.rows[:3]] == ["p2.png", "p1.png", "p0.png"]
    assert [row["data-status"] for row in page.rows] == ["ok"] * 3 + ["failed"]
    assert [row["pictures"] for row in page.rows] == [5, 5, 5, 0]
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert page.captions[:5] == ["input", "mask 0%", "generator", "restored", "original"]
    assert "http:" not in text and "https:" not in text and "image-rendering: pixelated" in text
    for wanted in ("uniform 7x7", "jaxprior inpaint &lt;x&gt;", "versions.jax"):
        assert wanted in text
    assert HOSTILE not in text


def test_reconstruction_has_neither_mask_nor_merged_picture(tmp_path):
    path = write_report([make_run(tmp_path / "run", title="reconstruct", masked=False)])
    assert Page(path.read_text()).captions[:3] == ["input", "restored", "original"]
    sheet = images.load_image(tmp_path / "run/sheet.png")
    assert sheet.shape == (3 * (128 + 4) + 4, 3 * (128 + 4) + 4, 3)


def test_small_inputs_are_shown_enlarged_and_say_their_size(tmp_path):
    run = make_run(tmp_path / "run", title="superres x2 box", masked=False)
    for file in (run.path / "inputs").iterdir():
        images.save_png(file, np.full((4, 4, 3), 200, np.uint8))
    page = Page(write_report([run]).read_text())
    assert page.captions[:3] == ["input 4x4", "restored", "original"]
    sheet = images.load_image(run.path / "sheet.png")
    assert sheet.shape == (3 * (128 + 4) + 4, 3 * (128 + 4) + 4, 3)
    assert (sheet[4:132, 4:132] == 200).all()


def test_what_a_task_merges_without_a_mask_is_shown(tmp_path):
    run = make_run(tmp_path / "run", title="colorize", masked=False)
    run.write({**{k: v for k, v in run.read().items() if k != "kind"}, "merges": True})
    assert Page(write_report([run]).read_text()).captions[:4] == ["input", "generator", "restored", "original"]


def test_several_runs_share_one_report(tmp_path):
    make_run(tmp_path / "b", title="inpaint block:0.25")
    make_run(tmp_path / "a", title="reconstruct", masked=False)
    runs = runs_in(tmp_path)
    assert [run.path.name for run in runs] == ["a", "b"]
    assert write_report(runs) == tmp_path / "report.html"
    page = Page((tmp_path / "report.html").read_text())
    assert [row["data-run"] for row in page.rows] == ["reconstruct"] * 4 + ["inpaint block:0.25"] * 4
    assert (tmp_path / "a/report.html").exists()


def test_large_runs_link_to_their_pictures_instead_of_holding_them(tmp_path, monkeypatch):
    monkeypatch.setattr(picture_table, "EMBEDDED", 1)
    make_run(tmp_path / "a b")
    page = Page((write_report(runs_in(tmp_path / "a b"))).read_text())
    assert [row["pictures"] for row in page.rows] == [5, 0, 0, 0]
    assert "inputs/p1.png" in page.addresses
    make_run(tmp_path / "c")
    page = Page((write_report(runs_in(tmp_path))).read_text())
    assert "a%20b/inputs/p1.png" in page.addresses


def test_a_page_lists_so_many_rows_and_leaves_out_the_best(tmp_path, monkeypatch):
    monkeypatch.setattr(report_page, "LISTED", 3)
    text = write_report([make_run(tmp_path / "run")]).read_text()
    names = [row["data-name"].rpartition("/")[2] for row in Page(text).rows]
    assert names[:2] == ["p2.png", "p1.png"] and len(names) == 3 and HOSTILE in Page(text).rows[2]["data-name"]
    assert "1 more row, the best one, stands in results.csv only." in text
    assert "p0.png" in (tmp_path / "run/results.csv").read_text()


def test_pictures_inside_a_page_have_a_limit_in_bytes(tmp_path, monkeypatch):
    run = make_run(tmp_path / "run")
    strip = sum(run.file(kind, "p2").stat().st_size for kind in ("inputs", "masks", "raw", "images", "originals"))
    monkeypatch.setattr(picture_table, "EMBEDDED_BYTES", strip)
    assert [row["pictures"] for row in Page(write_report([run]).read_text()).rows] == [5, 0, 0, 0]


def test_unfinished_and_empty_runs_have_a_report_and_no_run_is_said(tmp_path):
    run = RunFolder(tmp_path / "run")
    make_run(tmp_path / "run", n=0)
    text = write_report([run]).read_text()
    assert len(Page(text).rows) == 1 and "unfinished: 1 of 4 pictures" in text
    (tmp_path / "run/results.jsonl").unlink()
    assert Page(write_report([run]).read_text()).rows == []
    with pytest.raises(RunError, match="holds no run"):
        runs_in(tmp_path / "nowhere")


def test_a_run_that_has_written_nothing_but_its_settings_has_a_report(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    with pytest.raises(RunError, match="Nothing has begun in .*run"):
        write_report([run])
    run.write(record())
    text = write_report([run]).read_text()
    assert Page(text).rows == [] and "unfinished: 0 of 4 pictures" in text
    assert json.loads((run.path / "summary.json").read_text())["figures"] == {}


def test_torn_journals_missing_and_damaged_pictures_do_not_stop_a_report(tmp_path):
    run = make_run(tmp_path / "run")
    with open(run.path / "results.jsonl", "ab") as journal:
        journal.write(b'{"image": "photos/p9.png", "psnr": 2')
    run.file("raw", "p2").unlink()
    run.file("originals", "p1").write_bytes(b"not a picture")
    damaged = run.file("masks", "p0")
    damaged.write_bytes(damaged.read_bytes()[:-20])
    page = Page(write_report([run]).read_text())
    assert [row["pictures"] for row in page.rows] == [4, 4, 5, 0]
    assert page.captions[8:] == ["input", "mask", "generator", "restored", "original"]
    assert not (run.path / "sheet.png").exists()


def test_summary_for_programs_has_every_figure_null_for_what_is_not_a_number_and_no_provenance(tmp_path):
    run = make_run(tmp_path / "run")
    run.journal.append(
        [Row(image="photos/q.png", id=9, figures={"psnr_known": 30.0}, seconds=1.5, device="cpu", batch=2)]
    )

    def summary() -> bytes:
        write_report([run])
        return (run.path / "summary.json").read_bytes()

    found = json.loads(summary(), parse_constant=pytest.fail)
    assert found["pictures"] == {"wanted": 5, "rows": 5, "ok": 4, "diverged": 0, "failed": 1}
    assert found["figures"]["psnr_hole"] == {
        "n": 3, "mean": 14.0, "median": 14.0, "sd": 1.0, "low": 11.515862, "high": 16.484138,
    }  # fmt: skip
    alone = {"n": 1, "mean": 30.0, "median": 30.0, "sd": None, "low": None, "high": None}
    assert found["figures"]["psnr_known"] == alone and found["settings"] == record()["configuration"]
    before = summary()
    run.journal.append(
        [Row(image="photos/q.png", id=9, figures={"psnr_known": 30.0}, seconds=99.0, device="gpu", batch=7)]
    )
    run.write({**record(), "device": "gpu", "batch": 7})
    assert summary() == before


def write_traces(run, traces) -> None:
    for name, trace in traces.items():
        save_file({"z": np.zeros(2, "f4")} | ({} if trace is None else {"trace": trace}), run.file("latents", name))


def test_loss_curve_is_the_median_and_the_band_of_the_traces_that_are_there(tmp_path):
    run = make_run(tmp_path / "run", n=5)
    assert loss_curve(snapshots([run])[0]) is None and "steps" not in write_report([run]).read_text()
    falling = np.float32([8, 4, 2, 1])
    write_traces(run, {"p0": falling, "p1": 3 * falling, "p2": np.float32([5, np.nan, np.inf, 3]), "p3": None})
    run.file("latents", "p4").write_bytes(b"damaged")
    curve = loss_curve(snapshots([run])[0])
    assert curve.x == [0, 1, 2, 3] and curve.name == "median and 10 to 90 % of 3 pictures"
    assert curve.y == [8, 8, 4, 3] and np.allclose(curve.low, [5.6, 4.8, 2.4, 1.4])
    assert np.allclose(curve.high, [20.8, 11.2, 5.6, 3])
    text = write_report([run]).read_text()
    Page(text)
    assert 'aria-label="loss against steps"' in text


def test_loss_curve_of_traces_of_different_lengths_holds_the_last_loss_and_stays_small(tmp_path):
    run = make_run(tmp_path / "run", n=2)
    write_traces(run, {"p0": np.full(3, 2, "f4"), "p1": np.full(5001, 4, "f4")})
    curve = loss_curve(snapshots([run])[0])
    assert len(curve.x) <= 250 and curve.x[-1] == 5000 and set(curve.y) == {3.0}


def test_loss_curve_without_a_positive_loss_is_none(tmp_path):
    run = make_run(tmp_path / "run", n=1)
    write_traces(run, {"p0": np.float32([np.nan, np.inf, 0])})
    assert loss_curve(snapshots([run])[0]) is None


def test_distribution_draws_every_value_and_the_median():
    boxed = boxes({"a": [1.0, 2.0, 3.0, 4.0, 40.0], "<b>": [2.0]}, upwards="dB")
    assert boxed.count('class="box"') == 2 and boxed.count("<circle") == 1 and "nan" not in boxed  # 40 is beyond
    assert "&lt;b&gt;" in boxed and "<b>" not in boxed
    plot = distribution([1.0, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], label="PSNR <dB>")
    Page(plot)
    assert plot.count("<circle") == 9 and "median 4.00, n = 9" in plot and "PSNR &lt;dB&gt;" in plot
    assert "nan" not in distribution([3.0, 3.0], label="x")


def test_distribution_of_thousands_has_no_dots_and_a_mark_is_in_view():
    plot = distribution(np.linspace(5, 9, 3000), label="x", mark=0.0)
    assert "<circle" not in plot and "<rect" in plot
    place = float(re.search(r'class="mark" x1="([\d.]+)"', plot).group(1))
    assert 0 < place < min(float(x) for x in re.findall(r'<rect x="([\d.]+)"[^>]* height="[1-9]', plot))


def test_points_stand_where_their_values_are_and_names_are_escaped():
    lines = [Line(name, [12, 25, 40], y, [v - 1 for v in y], [v + 2 for v in y]) for name, y in
             (("<b>", [20.0, 18.0, 15.0]), ("other", [19.0, 17.0, 14.0]))]  # fmt: skip
    plot = intervals(lines, across="missing, %", upwards="PSNR, dB")
    Page(plot)
    heights = [float(y) for y in re.findall(r'<circle cx="[\d.]+" cy="([\d.]+)"', plot)]
    assert len(heights) == 6 and heights[:3] == sorted(heights[:3]) and heights[3] > heights[0]
    step = (heights[1] - heights[0]) / 2  # pixels a dB
    bars = re.findall(r'class="bar" x1="[\d.]+" y1="([\d.]+)" x2="[\d.]+" y2="([\d.]+)"', plot)
    for height, (low, high) in zip(heights, bars, strict=True):
        assert abs(float(low) - height - step) < 0.2 and abs(height - float(high) - 2 * step) < 0.2
    assert "<b>" not in plot and "&lt;b&gt;" in plot and plot.count('<path class="line"') == 2
    assert all(f">{text}</text>" in plot for text in ("12", "25", "40", "missing, %", "PSNR, dB"))


def test_a_logarithmic_axis_has_powers_of_ten_and_equal_ratios_are_equal_distances():
    values = [1.0, 0.1, 0.01, 0.001]
    plot = band(Line("loss", [0, 1, 2, 3], values, values, values), across="steps", upwards="loss")
    Page(plot)
    assert all(f">{text}</text>" in plot for text in ("1", "0.1", "0.01", "0.001", "steps"))
    way = re.search(r'class="line" d="M([^"]*)"', plot).group(1)
    heights = [float(point.split(" ")[1]) for point in way.split("L")]
    assert np.allclose(np.diff(heights), np.diff(heights)[0], atol=0.11) and heights[0] < heights[-1]
    flat = band(Line("loss", [0], [1.0], [1.0], [1.0]), across="steps", upwards="loss")
    assert "nan" not in flat and "inf" not in flat


def test_the_report_of_a_run_larger_than_a_page_lists_no_folder_of_pictures(tmp_path, monkeypatch):
    for module in (snapshot, report_page, traces):
        monkeypatch.setattr(module, "LISTED", 2)
    run = make_run(tmp_path / "run", n=5)
    monkeypatch.setattr(snapshot.os, "listdir", lambda path: pytest.fail(f"{path} was listed"))
    text = write_report([run]).read_text()
    assert len(Page(text).rows) == 2 and "data:image/png" in text
    assert (run.path / "sheet.png").is_file()


def test_the_summary_tells_the_reasons_of_so_many_failures_only(monkeypatch):
    record = {"title": "t", "configuration": {"prior": {"name": "tiny"}, "resolution": 8}}
    rows = [Row(image=f"{i}.png", status="failed", reason="no picture") for i in range(5)]
    assert summary_markdown(rows, record).count("| no picture |") == 5
    monkeypatch.setattr(tables, "TOLD", 3)
    text = summary_markdown(rows, record)
    assert text.count("| no picture |") == 3 and "2 more such pictures stand in results.csv only." in text
