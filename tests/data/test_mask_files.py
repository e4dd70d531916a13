"""Mask files of all kinds are read as what they mean, or refused; fitted, they leave no damaged pixel known."""

import re
import zipfile

import mask_table
import numpy as np
import pytest
from mask_table import BEGIN, CASES, END, PAGE, Case
from PIL import Image, ImageDraw

import jaxprior as jp
from jaxprior.data.mask_files import read_mask
from jaxprior.data.mask_fitting import bicubic_weights, fit_mask, touched
from jaxprior.errors import ImageError, MaskError


def case_id(case: Case) -> str:
    return " ".join([case.name, *map(str, case.options.values())])


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_every_kind_of_file_is_read_as_what_it_means_or_refused(case, tmp_path):
    mask, said = case.read(tmp_path)
    assert mask_table.is_right(mask, case.expected), said
    assert "\n" not in said
    if mask is None and case.name != "label32.tif":
        assert "--mask-means" in said or "Paint white what is to be marked" in said
    if mask is not None:
        percent = float(re.match(r"<?([\d.]+) % missing, .* counts", said)[1])
        assert abs(percent - 100 * mask.mean()) < 0.1
        assert ("most of the picture" in said) == (mask.mean() > 0.6)


def test_the_table_of_the_documentation_is_what_the_reader_does():
    assert len({case.name for case in CASES}) >= 30
    written = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    assert written == mask_table.table(), "run `python tests/mask_table.py` and look at what changes"


def test_refusals_name_the_values_and_the_word_that_helps(tmp_path):
    Case("label.png", "", mask_table.save(mask_table.HOLE.astype(np.uint8))).write(tmp_path / "label.png")
    said = r"^mask .*label.png: no pixel is white; its values are 0 and 1\. .*painted \(12.5 %\)"
    with pytest.raises(MaskError, match=said):
        read_mask(tmp_path / "label.png")
    with pytest.raises(ValueError, match="unknown meaning of a mask 'whit': .*Did you mean white?"):
        read_mask(tmp_path / "label.png", means="whit")
    (tmp_path / "bad.png").write_text("no picture")
    with pytest.raises(MaskError, match=r"^mask .*bad.png: it is not a readable picture"):
        read_mask(tmp_path / "bad.png")


def test_masks_are_read_from_archives_as_from_folders(tmp_path):
    mask_table.save(mask_table.GREY)(tmp_path / "grey.png")
    with zipfile.ZipFile(tmp_path / "masks.zip", "w") as archive:
        archive.write(tmp_path / "grey.png", "a/grey.png")
    (source,) = jp.images.list_images(tmp_path / "masks.zip")
    spec = jp.parse_mask(tmp_path / "masks.zip")
    assert spec.kind == "folder" and spec.per_image
    assert np.array_equal(spec.read(source).missing, mask_table.HOLE)
    with pytest.raises(MaskError, match="name one of the files"):
        spec.draw(64)


# --- fitting ---


def scratched(tmp_path, *, width: int, side: int = 512) -> tuple[np.ndarray, np.ndarray]:
    """A mask of two scratches, and the files of a clean and of a damaged picture."""
    mask = Image.new("L", (side, side))
    draw = ImageDraw.Draw(mask)
    draw.line((0, side // 5, side - 1, side * 4 // 5), fill=255, width=width)
    draw.line((side * 3 // 5, 0, side * 2 // 5, side - 1), fill=255, width=width)
    mask.save(tmp_path / "scratch.png")
    rng = np.random.default_rng(0)
    clean = Image.fromarray(rng.integers(0, 256, (side, side, 3), np.uint8))
    clean.save(tmp_path / "clean.png")
    damage = 255 * (np.asarray(clean) < 128).astype(np.uint8)  # as far from every pixel as can be
    clean.paste(Image.fromarray(damage), mask=mask)
    clean.save(tmp_path / "damaged.png")
    return np.asarray(mask) > 0, jp.parse_mask(tmp_path / "scratch.png").draw(64)


@pytest.mark.parametrize("width", [1, 3, 20])
@pytest.mark.parametrize("side", [512, 500, 100, 48])
def test_no_known_pixel_of_a_fitted_picture_holds_anything_of_a_scratch(tmp_path, width, side):
    missing, mask = scratched(tmp_path, width=width, side=side)
    pictures = (jp.load_images(tmp_path / name, size=64) for name in ("clean.png", "damaged.png"))
    error = np.abs(np.subtract(*pictures))[0].max(axis=-1) * 127.5
    assert (error > 10).sum() > 40 and (error[mask == 0] > 10).sum() == 0
    if side == 512:
        assert mask[missing.reshape(64, 8, 64, 8).any(axis=(1, 3))].all()  # every pixel that is touched is missing
        assert mask.mean() < (0.12 if width < 20 else 0.3)


def test_masks_of_the_right_size_stay_as_they_are(tmp_path):
    for case in CASES[:5]:
        case.write(tmp_path / case.name)
        assert np.array_equal(jp.parse_mask(tmp_path / case.name).draw(64), mask_table.HOLE)
    assert np.array_equal(fit_mask(mask_table.WIDE, 64), mask_table.HOLE)  # only cut


@pytest.mark.parametrize("picture, mask", [(130, 64), (512, 64), (65, 64), (32, 64), (20, 512), (100, 512), (512, 100)])
def test_no_known_pixel_shows_the_damage_of_a_picture_of_another_size_than_the_mask(picture, mask):
    missing = np.zeros((mask, mask), bool)
    missing[mask // 4 : mask // 2, mask // 4 : mask // 2] = True
    damaged = np.full((picture, picture, 3), 30, np.uint8)
    damaged[touched(missing, (picture, picture))] = 255
    fitted = jp.images.fit(damaged, 64).astype(int)
    known = ~fit_mask(missing, 64, picture=picture)
    assert np.abs(fitted - 30)[known].max() <= 8 and known.mean() > 0.7


def test_a_mask_that_covers_everything_once_fitted_says_how_it_was_read(tmp_path):
    missing = np.ones((64, 64), np.uint8) * 255
    missing[::9, ::9] = 0
    Image.fromarray(missing).save(tmp_path / "dots.png")
    with pytest.raises(MaskError, match=r"at 8 pixels nothing is known.* % missing, white counts.*--mask-means black"):
        jp.parse_mask(tmp_path / "dots.png").draw(8)


def test_a_mask_whose_hole_is_cut_away_is_refused(tmp_path):
    outside = np.zeros((64, 128), np.uint8)
    outside[:, :20] = 255
    Image.fromarray(outside).save(tmp_path / "left.png")
    said = r"left.png: what it marks lies outside of the centre square.* 15.6 % missing, white counts"
    for means in (None, "white"):
        with pytest.raises(MaskError, match=said):
            jp.parse_mask(tmp_path / "left.png", means=means).draw(64)
    outside[:, 60] = 255
    Image.fromarray(outside).save(tmp_path / "left.png")
    assert jp.parse_mask(tmp_path / "left.png").draw(64).sum() == 64


@pytest.mark.parametrize("side, size", [(512, 64), (100, 64), (33, 16), (16, 64), (20, 64)])
def test_weights_are_those_with_which_photographs_are_resized(side, size):
    line = np.eye(side, dtype=np.float32)
    theirs = np.asarray(Image.fromarray(line).resize((side, size), Image.Resampling.BICUBIC))
    np.testing.assert_allclose(bicubic_weights(side, size), theirs, atol=1e-6)


def test_touched_keeps_every_missing_pixel_at_any_ratio():
    rng = np.random.default_rng(0)
    for shape, size in [((12, 20), (3, 5)), ((13, 21), (5, 8)), ((5, 8), (13, 21)), ((7, 7), (7, 7))]:
        for _ in range(20):
            missing = np.zeros(shape, bool)
            row, column = (int(rng.integers(0, n)) for n in shape)
            missing[row, column] = True
            there = np.argwhere(touched(missing, size))
            for at, n, new, axis in ((row, shape[0], size[0], 0), (column, shape[1], size[1], 1)):
                first, end = int(at * new / n + 1e-9), int(np.ceil((at + 1) * new / n - 1e-9))
                assert there[:, axis].min() == first and there[:, axis].max() == end - 1


def test_masks_that_are_too_small_are_refused():
    with pytest.raises(ImageError, match="it is 2x20"):
        fit_mask(np.zeros((20, 2), bool), 16)
