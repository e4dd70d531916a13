"""Pictures in a report: the one that it opens with, photographs of any size, enlarged holes, poor fits first."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image
from report_helpers import HOSTILE, Page, make_photo_run, make_run

from jaxprior.data import images
from jaxprior.evaluation import Row, runs_in, write_report
from jaxprior.reporting.page_pictures import AS_IS, LARGEST, compressed, read_picture
from jaxprior.reporting.snapshot import worst_first
from jaxprior.reporting.zooms import zooms_of


def opening(text: str) -> str:
    """The section with which a page opens; empty if there is none."""
    return "".join(re.findall('<section class="opening">.*?</section>', text, re.S))


def pictures_of(text: str) -> list[Image.Image]:
    """All pictures inside of a part of a page."""
    found = re.findall(r'src="data:image/\w+;base64,([^"]+)"', text)
    return [Image.open(io.BytesIO(base64.b64decode(content))) for content in found]


def rewrite(run, **fits: str) -> None:
    """Journal the rows again, with what is known of how well some of them fit."""
    run.journal.append([Row(**{**row.__dict__, "fit": fits.get(row.file or "")}) for row in run.journal])


def test_a_report_opens_with_its_best_picture_before_and_after_and_the_original(tmp_path):
    text = write_report([make_run(tmp_path / "run")]).read_text()
    first = opening(text)
    assert re.findall("<figcaption>(.*?)</figcaption>", first) == ["input", "restored", "original"]
    assert "p0.png: inpaint center:0.25, prior tiny, PSNR hole 15.00 dB" in first  # the best one of p0, p1 and p2
    assert text.index(first) < text.index("<table")


def test_a_report_opens_with_a_photograph_where_there_is_one_even_if_its_run_is_not_the_first(tmp_path):
    make_run(tmp_path / "a")
    make_photo_run(tmp_path / "b")
    first = opening(write_report(runs_in(tmp_path)).read_text())
    assert "photo.jpg: inpaint m.png" in first
    assert [picture.size for picture in pictures_of(first)] == [(400, 300), (400, 300)]


def test_a_report_opens_with_a_picture_that_fits_and_whose_files_are_there(tmp_path):
    run = make_run(tmp_path / "run")
    rewrite(run, p0="poor")
    run.file("images", "p1").unlink()
    assert "p2.png" in opening(write_report([run]).read_text())
    for name in ("p0", "p2"):
        run.file("inputs", name).unlink()
        run.file("originals", name).unlink()
    assert opening(write_report([run]).read_text()) == ""


def test_a_run_without_restored_pictures_opens_without_one(tmp_path):
    text = write_report([make_run(tmp_path / "run", n=0)]).read_text()
    assert opening(text) == "" and HOSTILE not in text


def test_pictures_that_fit_poorly_come_first_are_marked_and_can_be_chosen(tmp_path):
    run = make_run(tmp_path / "run")
    assert "poor fit" not in write_report([run]).read_text()
    rewrite(run, p0="poor", p1="good", p2="good")
    text = write_report([run]).read_text()
    rows = Page(text).rows
    assert [row["data-name"][7:9] for row in rows] == ["p0", "p2", "p1", "<s"]
    assert [row.get("data-fit") for row in rows] == ["poor", None, None, None]
    assert text.count('<span class="badge poor">poor fit</span>') == 1 and "<option>poor fit</option>" in text
    assert "1 of 3 pictures does not look like what tiny was trained on." in text
    assert "Pictures, poor fits first" in text


def test_poor_fits_are_worst_first_among_themselves():
    rows = [
        Row(image=name, figures={"psnr_hole": value}, fit=fit)
        for name, value, fit in (("a", 9.0, "good"), ("b", 20.0, "poor"), ("c", 15.0, "poor"), ("d", None, "poor"))
    ]
    assert [row.image for row in worst_first(rows)] == ["c", "b", "d", "a"]


def test_a_photograph_is_shown_whole_with_its_hole_enlarged_and_the_generators_square(tmp_path):
    text = write_report([make_photo_run(tmp_path / "run", originals=True)]).read_text()
    page = Page(text)
    assert page.captions == [
        "input", "mask 2%", "generator 8x8", "restored", "original",
        "hole 1 input", "hole 1 restored", "hole 1 original",
    ]  # fmt: skip
    row = text[text.index("<tbody>") :]
    assert [picture.size for picture in pictures_of(row)] == [
        (400, 300), (400, 300), (8, 8), (400, 300), (400, 300), (120, 120), (120, 120), (120, 120),
    ]  # fmt: skip
    assert row.count('class="photo"') == 7 and row.count('width="400" height="300"') == 4  # all but the generator's
    sheet = images.load_image(tmp_path / "run/sheet.png")
    assert sheet.shape == (256 + 2 * 4, 5 * (256 + 4) + 4, 3)


def test_large_photographs_become_smaller_and_small_pictures_stay_as_they_are(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (900, 2600, 3), dtype=np.uint8)
    images.save_png(tmp_path / "large.png", noise)
    images.save_png(tmp_path / "small.png", noise[:AS_IS, :AS_IS])
    large, small = read_picture(tmp_path / "large.png"), read_picture(tmp_path / "small.png")
    assert large is not None and small is not None
    assert (large.width, large.height, large.kind) == (2600, 900, "webp")
    assert Image.open(io.BytesIO(large.content)).size == (LARGEST, 443)
    assert small.content == (tmp_path / "small.png").read_bytes()


def test_masks_stay_free_of_losses():
    mask = np.zeros((700, 1500, 3), np.uint8)
    mask[100:300, 200:500] = 255
    shown = compressed(mask)
    assert shown.kind == "png" and np.unique(images.load_image(shown.content)).tolist() == [0, 255]
    assert shown.white() == pytest.approx(200 * 300 / (700 * 1500), rel=0.02)


def test_photographs_of_any_shape_have_a_sheet_and_a_page(tmp_path):
    for number, (height, width) in enumerate(((150, 1500), (1500, 300), (260, 261))):
        run = make_photo_run(tmp_path / f"{number}", height=height, width=width)
        Page(write_report([run]).read_text())
        assert images.load_image(run.path / "sheet.png").shape == (264, 4 * 260 + 4, 3)


def test_holes_that_would_not_be_enlarged_and_scattered_pixels_are_not_shown_again(tmp_path):
    path, mask = tmp_path / "mask.png", np.zeros((200, 300), bool)
    for missing in (np.pad(np.ones((160, 160), bool), ((20, 20), (70, 70))), np.indices((200, 300)).sum(0) % 7 == 0):
        images.save_png(path, np.repeat(missing[..., None] * np.uint8(255), 3, axis=2))
        assert zooms_of(path, 64) == []
    mask[10:20, 10:20] = mask[150:180, 250:290] = True
    images.save_png(path, np.repeat(mask[..., None] * np.uint8(255), 3, axis=2))
    assert zooms_of(path, 64) == [(0, 0, 64, 64), (120, 220, 200, 300)]
    path.write_bytes(b"not a picture")
    assert zooms_of(path, 64) == [] and zooms_of(tmp_path / "none.png", 64) == []


def test_a_damaged_photograph_is_left_out_of_its_row(tmp_path):
    run = make_photo_run(tmp_path / "run")
    damaged = run.file("inputs", "photo")
    damaged.write_bytes(damaged.read_bytes()[:400])
    page = Page(write_report([run]).read_text())
    assert page.captions == ["mask 2%", "generator 8x8", "restored", "hole 1 restored"]
    run.file("masks", "photo").unlink()
    assert Page(write_report([run]).read_text()).captions == ["generator 8x8", "restored"]


def test_tables_say_one_picture(tmp_path):
    make_photo_run(tmp_path / "run")
    write_report(runs_in(tmp_path / "run"))
    assert "\n1 picture: 1 ok, 0 diverged, 0 failed." in (tmp_path / "run/summary.md").read_text()
