"""The evaluator of encoders: what answers gain on interpolation, and pictures that are not damaged."""

import numpy as np
import pytest

from jaxprior.data import images
from jaxprior.training.evaluators import Filled, read_evaluation


RANDOM = np.random.default_rng(0)
ORIGINALS = RANDOM.integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
TRUTH = images.to_float(ORIGINALS)
KNOWN = np.ones((4, 16, 16, 1), np.float32)
HOLE = KNOWN.copy()
HOLE[:, 4:12, 4:12] = 0


def evaluator(tasks: dict) -> Filled:
    """Of answers that are the originals with an error of 0.1 everywhere."""
    return Filled(answer=lambda _state, seen, _known: TRUTH[: len(seen)] * 0.9, originals=ORIGINALS, tasks=tasks)


def test_whole_pictures_are_compared_with_nothing_and_move_no_gain():
    whole, hole = {"reconstruct": (TRUTH, KNOWN)}, {"inpaint center:0.25": (TRUTH * HOLE, HOLE)}
    alone, both = evaluator(hole).measure(None, None), evaluator(whole | hole).measure(None, None)
    assert both["gain"] == pytest.approx(alone["gain"]) and both["wins"] == alone["wins"] == 1.0
    assert set(both) == {"psnr", "merged_psnr", "reference_psnr", "gain", "wins", "gain inpaint center:0.25"}
    assert set(evaluator(whole).measure(None, None)) == {"psnr", "merged_psnr"}


def test_a_curve_without_a_reference_is_drawn_alone(tmp_path):
    (tmp_path / Filled.file).write_text("step,phase,images,psnr,merged_psnr\n1,all,4,20,20\n")
    assert read_evaluation(tmp_path).reference is None and read_evaluation(tmp_path).curve == "merged_psnr"
    (tmp_path / Filled.file).write_text("step,phase,images,psnr,merged_psnr,reference_psnr\n1,all,4,20,20,18\n")
    assert read_evaluation(tmp_path).reference == "reference_psnr"
