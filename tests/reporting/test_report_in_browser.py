"""What the scripts of a report do, in a browser: sorting, filtering, the slider, enlarged pictures."""

from browser import in_browser, needs_chromium
from report_helpers import make_photo_run, make_run

from jaxprior.evaluation import write_report
from jaxprior.reporting import picture_table


NAMES = """
  const names = () => [...body.rows].map(row => row.dataset.name.slice(7, 9)).join(",");
  const set = (control, value) => { control.value = value; control.dispatchEvent(new Event("input")); };
  const header = text => [...document.querySelectorAll("#rows th")].find(h => h.textContent === text);
"""


@needs_chromium
def test_report_sorts_and_filters_in_a_browser(tmp_path):
    path = write_report([make_run(tmp_path / "run")])
    script = """
      header("PSNR").click(); const up = names(); header("PSNR").click(); const down = names();
      set(find, "P1"); const found = names(); set(find, "");
      set(document.getElementById("status"), "failed");
      document.title = [up, down, found, count.textContent].join(";");"""
    assert in_browser(path, NAMES + script) == "p0,p1,p2,<s;p2,p1,p0,<s;p1;1 of 4 rows"


@needs_chromium
def test_long_tables_show_their_first_rows_until_more_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(picture_table, "SHOWN", 2)
    path = write_report([make_run(tmp_path / "run", n=5)])
    script = """
      const first = names(), said = count.textContent; more.click(); const second = names();
      header("PSNR").click(); const sorted = names(); set(find, "p4"); const found = names();
      document.title = [first, said, second, sorted, found, more.hidden].join(";");"""
    shown = "p4,p3;6 of 6 rows, the first 2 shown;p4,p3,p2,p1;p0,p1;p4;true"
    assert in_browser(path, NAMES + script) == shown


VIEW = """
  const press = key => dialog.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const said = () => dialog.querySelector("p").textContent;
  const place = slider => slider.style.getPropertyValue("--at");
  const drag = (node, x) => {
    const area = node.getBoundingClientRect(), event = name => new PointerEvent(name,
      { pointerId: 1, clientX: area.left + x * area.width, clientY: area.top + 5, bubbles: true, cancelable: true });
    node.setPointerCapture = () => {};                              // a made-up pointer cannot be captured
    node.dispatchEvent(event("pointerdown"));
  };
"""


@needs_chromium
def test_a_report_opens_with_a_slider_that_compares_input_and_original_with_the_result(tmp_path):
    path = write_report([make_run(tmp_path / "run")])
    script = """
      const first = document.querySelector(".opening"), slider = () => first.querySelector(".slider");
      const sources = () => [...slider().querySelectorAll("img")].map(image => image.alt.split(": ")[1]).join("|");
      const before = sources(), middle = place(slider()); drag(slider(), 0.25); const left = place(slider());
      const range = slider().querySelector("input"); range.value = 80; range.dispatchEvent(new Event("input"));
      const right = place(slider()); first.querySelectorAll(".views button")[1].click();
      document.title = [before, middle, left, right, sources(), getComputedStyle(first.querySelector(".strip")).display,
        range.getAttribute("aria-label")].join(";");"""
    shown = in_browser(path, VIEW + script).split(";")
    assert shown[:4] == ["input|restored", "50%", "25%", "80%"]
    assert shown[4:6] == ["original|restored", "none"]  # the strip is for browsers without scripts, and for paper
    assert shown[6] == "left of the line: input, right of it: restored"


@needs_chromium
def test_pictures_are_enlarged_compared_and_turned_by_keys(tmp_path):
    path = write_report([make_run(tmp_path / "run")])
    script = """
      const button = body.rows[0].querySelector("button"); button.click(); const opened = said();
      press("ArrowRight"); press("ArrowRight"); const moved = place(stage.firstChild);
      press("ArrowDown"); const below = said();
      [...dialog.querySelectorAll(".views button")].find(one => one.textContent === "generator").click();
      const single = said(); press("ArrowRight"); const next = said(); press("ArrowUp"); const above = said();
      dialog.querySelector("[value=close]").click();
      const closed = !dialog.open; body.rows[1].querySelector(".original img").click(); const clicked = said();
      stage.firstChild.click();
      document.title = [button.getAttribute("aria-label"), opened, moved, below, single, next, above, closed, clicked,
        dialog.open].join(";");"""
    assert in_browser(path, VIEW + script).split(";") == [
        "compare the pictures of p2.png", "p2.png: input | restored", "54%", "p1.png: input | restored",
        "p1.png: generator", "p1.png: restored", "p2.png: restored", "true", "p1.png: original", "false",
    ]  # fmt: skip


@needs_chromium
def test_small_pictures_are_enlarged_by_whole_factors_and_photographs_smoothly(tmp_path):
    path = write_report([make_photo_run(tmp_path / "run")])
    script = """
      const found = [];
      for (const name of [".column figure:last-child img", ".final img"]) {
        const image = body.rows[0].querySelector(name);
        image.click();
        const { style } = stage.firstChild, factor = parseFloat(style.width) / image.getAttribute("width");
        found.push(factor > 1 && Number.isInteger(factor), getComputedStyle(stage.firstChild).imageRendering);
      }
      document.title = found.join(";");"""
    assert in_browser(path, VIEW + script) == "true;pixelated;false;auto"
