"""What long comparisons of `benchmarks/` keep: figures of every picture survive an end at any moment."""

from pathlib import Path

import numpy as np
import pytest


ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def picture_rows(monkeypatch):
    """The module, which lies beside the package."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import picture_rows

    return picture_rows


def test_a_comparison_goes_on_after_its_last_line_was_cut_short(picture_rows, tmp_path):
    rows = picture_rows.PictureRows(tmp_path / "rows.jsonl")
    rows.add("center:0.25", "default", "k", [4, 5, 6], {"psnr": np.array([20.0, 21.0, np.inf])})
    text = (tmp_path / "rows.jsonl").read_text()
    (tmp_path / "rows.jsonl").write_text(text[:-10])

    rows = picture_rows.PictureRows(tmp_path / "rows.jsonl")
    assert rows.lacking("center:0.25", "k", range(4, 7)) == [6]
    assert rows.figures("center:0.25", "k", range(4, 7)) is None
    rows.add("center:0.25", "default", "k", [6], {"psnr": np.array([22.0])})

    again = picture_rows.PictureRows(tmp_path / "rows.jsonl")
    np.testing.assert_array_equal(again.figures("center:0.25", "k", [6, 4])["psnr"], [22.0, 20.0])


def test_rows_of_other_settings_are_not_taken(picture_rows, tmp_path):
    rows = picture_rows.PictureRows(tmp_path / "rows.jsonl")
    before, now = picture_rows.key_of("data", {"steps": 25}), picture_rows.key_of("data", {"steps": 50})
    rows.add("reconstruct", "default", before, [0], {"psnr": np.array([20.0])})
    assert rows.lacking("reconstruct", now, [0]) == [0] and rows.lacking("reconstruct", before, [0]) == []


def test_a_figure_that_is_not_finite_is_left_out(picture_rows, tmp_path):
    rows = picture_rows.PictureRows(tmp_path / "rows.jsonl")
    rows.add("denoise", "filter", "k", [0, 1], {"psnr": np.array([20.0, np.inf]), "ssim": np.array([0.5, 1.0])})
    assert list(rows.figures("denoise", "k", [0, 1])) == ["ssim"]


def test_paired_comparisons_count_wins_and_give_an_interval(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from paired import compared, said

    base = np.arange(20.0)
    found = compared(base + np.where(base < 15, 1.0, -1.0), base)
    assert (found["gain"], found["wins"], found["pictures"]) == (1.0, 15, 20)
    assert found["interval"][0] <= 1.0 <= found["interval"][1] and said(found).endswith("75%")
