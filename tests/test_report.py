"""The report: one offline HTML file, well-formed, complete, and working in a browser."""

import html.parser
import shutil
import subprocess

import numpy as np
import pytest

from jaxprior import images
from jaxprior.errors import RunError
from jaxprior.evaluation import Row, RunFolder, runs_in, write_report
from jaxprior.evaluation import page as page_module
from jaxprior.evaluation.plots import distribution


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
VOID = {"meta", "img", "input", "link", "br"}
HOSTILE = '<script>alert("x")</script>'


def make_run(folder, *, title="inpaint center:0.25", masked=True, n=3) -> RunFolder:
    """A finished run of n pictures, whose hole PSNR falls with the number, and a failed one; no engine needed."""
    run = RunFolder(folder)
    with run.open_for_writing():
        configuration = {"prior": {"name": "tiny", "sha256": "00"}, "resolution": 8, "seed": 0}
        run.write(
            {
                "configuration": configuration,
                "title": title,
                "versions": {"jax": "0"},
                "device": "cpu",
                "batch": 2,
                "images": 4,
                "command": "jaxprior inpaint <x>",
            }
        )
        for i in range(n):
            row = Row(image=f"photos/p{i}.png", id=i, file=f"p{i}", psnr=20.0 + i, ssim=0.5, loss=0.01)
            if masked:
                row = Row(**{**row.__dict__, "psnr_hole": 15.0 - i, "ssim_hole": 0.25})
            kinds = ("inputs", "raw", "images", "originals", "masks")[: 5 if masked else 4]
            for number, kind in enumerate(kinds):
                images.save_png(run.file(kind, row.file), np.full((8, 8, 3), 10 * i + number, np.uint8))
            run.journal.append([row])
        run.journal.append([Row(image=f"photos/{HOSTILE}.png", status="failed", reason=f"bad {HOSTILE}")])
    return run


class Page(html.parser.HTMLParser):
    """Checks that elements close in order; collects rows, addresses and captions."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.addresses, self.captions, self.in_caption = [], [], [], [], False
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag not in VOID and tag not in ("rect", "circle", "line"):
            self.open.append(tag)
        if tag == "tr" and "data-status" in attributes:
            self.rows.append(attributes | {"pictures": 0})
        if tag == "img" and self.rows and attributes.get("src"):
            self.rows[-1]["pictures"] += 1
        self.addresses += [value for name, value in attrs if name in ("src", "href") and value]
        self.in_caption = tag == "figcaption"

    def handle_data(self, data):
        if self.in_caption:
            self.captions.append(data)

    def handle_endtag(self, tag):
        if tag in ("rect", "circle", "line"):
            return
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()
        self.in_caption = False


def test_report_is_one_offline_file_with_every_row_worst_first(tmp_path):
    path = write_report([make_run(tmp_path / "run")])
    text = path.read_text()
    page = Page(text)
    assert [row["data-name"].rpartition("/")[2] for row in page.rows[:3]] == ["p2.png", "p1.png", "p0.png"]
    assert [row["data-status"] for row in page.rows] == ["ok"] * 3 + ["failed"]
    assert [row["pictures"] for row in page.rows] == [5, 5, 5, 0]
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert page.captions[:5] == ["input", "mask 0%", "restored", "merged", "original"]
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
    assert Page(write_report([run]).read_text()).captions[:4] == ["input", "restored", "merged", "original"]


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
    monkeypatch.setattr(page_module, "EMBEDDED", 1)
    make_run(tmp_path / "a b")
    page = Page((write_report(runs_in(tmp_path / "a b"))).read_text())
    assert [row["pictures"] for row in page.rows] == [5, 0, 0, 0]
    assert "inputs/p1.png" in page.addresses
    make_run(tmp_path / "c")
    page = Page((write_report(runs_in(tmp_path))).read_text())
    assert "a%20b/inputs/p1.png" in page.addresses


def test_unfinished_and_empty_runs_have_a_report_and_no_run_is_said(tmp_path):
    run = RunFolder(tmp_path / "run")
    make_run(tmp_path / "run", n=0)
    text = write_report([run]).read_text()
    assert len(Page(text).rows) == 1 and "unfinished: 1 of 4 pictures" in text
    (tmp_path / "run/results.jsonl").unlink()
    assert Page(write_report([run]).read_text()).rows == []
    with pytest.raises(RunError, match="holds no run"):
        runs_in(tmp_path / "nowhere")


def test_distribution_draws_every_value_and_the_median():
    plot = distribution([1.0, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], label="PSNR <dB>")
    Page(plot)
    assert plot.count("<circle") == 9 and "median 4.00, n = 9" in plot and "PSNR &lt;dB&gt;" in plot
    assert "nan" not in distribution([3.0, 3.0], label="x")


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium to run the page's script")
def test_report_sorts_and_filters_in_a_browser(tmp_path):
    path = write_report([make_run(tmp_path / "run")])
    script = """<script>
      const header = [...document.querySelectorAll("#rows th")].find(h => h.textContent === "PSNR");
      header.click();
      const names = () => rows.filter(r => !r.hidden).map(r => r.dataset.name.slice(7, 9)).join(",");
      const up = names(); header.click(); const down = names();
      find.value = "P1"; find.dispatchEvent(new Event("input")); const found = names();
      find.value = ""; status.value; document.getElementById("status").value = "failed";
      document.getElementById("status").dispatchEvent(new Event("input"));
      document.title = [up, down, found, count.textContent].join(";");
    </script></body>"""
    probe = tmp_path / "probe.html"
    probe.write_text(path.read_text().replace("</body>", script))
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    shown = subprocess.run([*command, "--dump-dom", probe.as_uri()], capture_output=True, text=True, timeout=120).stdout
    assert "<title>p0,p1,p2,&lt;s;p2,p1,p0,&lt;s;p1;1 of 4 rows</title>" in shown
