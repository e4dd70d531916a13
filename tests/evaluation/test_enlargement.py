"""Super-resolution of pictures that were observed: a row never promises another factor than the result has."""

import numpy as np
import pytest
from program import inside, journal_rows
from tiny_prior import write_tiny_prior

from jaxprior.data import images
from jaxprior.errors import ImageError
from jaxprior.evaluation.reading import check_enlargement


def write(folder, **sizes: tuple[int, int]) -> None:
    for name, (height, width) in sizes.items():
        pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
        images.save_png(folder / f"{name}.png", pixels)


def test_only_pictures_of_the_right_size_are_enlarged(tmp_path):
    """The prior makes 16 pixels, and the factor is 2, so that pictures have 8."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    write(folder, right=(8, 8), cut=(8, 11), photograph=(300, 500), same=(16, 16), odd=(12, 12), tiny=(4, 4))
    write_tiny_prior(tmp_path / "prior.safetensors")
    command = ("superres", folder, "--prior", tmp_path / "prior.safetensors", "-o", tmp_path / "run", "--factor", 2)
    ended = inside(*command, "--codes", 2, "--layer", 4, "--steps", 1)
    assert ended.code == 1 and not ended.traced
    rows = {row.image.rpartition("/")[2].removesuffix(".png"): row for row in journal_rows(tmp_path / "run")}
    assert {name for name, row in rows.items() if row.status == "ok"} == {"right", "cut"}
    reasons = {name: row.reason.removeprefix("superres x2 bilinear with a prior of 16 pixels expects pictures of 8x8; ")
               for name, row in rows.items() if row.status == "failed"}  # fmt: skip
    assert reasons == {
        "odd": "this one is 12x12, which is x1.33, no whole factor: resize the picture first.",
        "photograph": "this one is 500x300, which would be shrunk and not enlarged: cut out a part of 8x8 "
        "pixels, or shrink the picture first if its detail does not matter.",
        "same": "this one is 16x16, which would be shrunk and not enlarged: cut out a part of 8x8 "
        "pixels, or shrink the picture first if its detail does not matter.",
        "tiny": "this one is 4x4, which is x4: give the factor 4 (--factor 4).",
    }
    for name in ("right", "cut"):
        assert images.load_image(tmp_path / "run" / "inputs" / f"{rows[name].file}.png").shape == (8, 8, 3)


def test_a_picture_twice_as_large_is_told_its_factor():
    with pytest.raises(ImageError) as error:
        check_enlargement("superres x4 bilinear", (32, 32), observed=16, made=64)
    assert str(error.value) == (
        "superres x4 bilinear with a prior of 64 pixels expects pictures of 16x16; this one is 32x32, which is x2: "
        "give the factor 2 (--factor 2)."
    )


def test_tasks_that_enlarge_nothing_take_all_sizes():
    for shape in ((9, 9), (64, 64), (300, 500)):
        check_enlargement("denoise 0.2", shape, observed=64, made=64)
