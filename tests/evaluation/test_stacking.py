"""Slices of a run become a volume: in the order of their names, compared with the original, and cut across."""

import json

import numpy as np
import pytest
from commands import call
from PIL import Image

from jaxprior.data import images
from jaxprior.errors import RunError, VolumeError
from jaxprior.evaluation.stacking import compare_stack, natural, stack_run, write_stack
from jaxprior.runs.row import FAILED, Row
from jaxprior.runs.runfolder import RunFolder


RNG = np.random.default_rng(0)
ORIGINAL = (255 * (RNG.random((12, 9, 8)) > 0.3)).astype(np.uint8)
RESULT = np.where(RNG.random(ORIGINAL.shape) > 0.1, ORIGINAL, 255 - ORIGINAL)


def png(path, grey):
    images.save_png(path, np.repeat(grey[..., None], 3, axis=2))


@pytest.fixture
def run(tmp_path):
    """A finished run over twelve slices, whose journal is not in the order of the slices."""
    folder = RunFolder(tmp_path / "run")
    record = {
        "configuration": {"task": "reconstruct"}, "title": "reconstruct", "versions": {}, "device": "cpu", "batch": 1,
        "images": 12,
    }  # fmt: skip
    with folder.open_for_writing():
        folder.write(record)
        rows = []
        for i in RNG.permutation(12).tolist():
            png(folder.file("images", f"f{i}"), RESULT[i])
            png(folder.file("originals", f"f{i}"), ORIGINAL[i])
            rows.append(Row(image=f"slices/s{i}.png", file=f"f{i}", key=str(i), id=i))
        folder.journal.append(rows)
    return folder


def test_slices_are_laid_in_the_order_of_their_names(run):
    stack = stack_run(run)
    np.testing.assert_array_equal(stack.volume, RESULT)
    np.testing.assert_array_equal(stack.original, ORIGINAL)
    assert stack.names[1:3] == ("slices/s1.png", "slices/s2.png") and stack.names[-1] == "slices/s11.png"
    assert sorted(["b2", "a10", "a9", "²"], key=natural) == ["a9", "a10", "b2", "²"]


def test_figures_compare_with_the_original(run):
    figures = compare_stack(stack_run(run))
    assert figures["porosity"] == (RESULT == 0).mean() and figures["porosity_original"] == (ORIGINAL == 0).mean()
    wrong = (RESULT != ORIGINAL).mean()
    assert figures["mse"] == pytest.approx(wrong) and figures["psnr"] == pytest.approx(-10 * np.log10(wrong))
    assert figures["pores"] >= figures["lost"] > 0
    for word in ("high", "white"):
        assert compare_stack(stack_run(run), pores=word)["porosity"] == (RESULT == 255).mean()
    assert compare_stack(stack_run(run), pores="low") == compare_stack(stack_run(run), pores="dark") == figures


@pytest.mark.parametrize("name", ["rock.npy", "rock.tif"])
def test_the_command_writes_a_volume_and_a_report(run, tmp_path, name):
    reference = tmp_path / "original.npy"
    np.save(reference, ORIGINAL)
    out = tmp_path / "made" / name
    said = call("volume", run.path, "-o", out, "--reference", reference).stdout
    assert "12x9x8 voxels" in said and "PSNR" in said
    if name.endswith("npy"):
        found = np.load(out)
    else:
        with Image.open(out) as pages:
            found = np.stack([np.asarray(pages) for page in range(pages.n_frames) if pages.seek(page) is None])
    np.testing.assert_array_equal(found, RESULT)
    page = out.with_suffix(".html").read_text()
    assert page.count("<figure>") == 9 and "porosity of the original" in page


def test_what_cannot_be_stacked_is_a_sentence(run, tmp_path):
    with pytest.raises(VolumeError, match="expected a name that ends in .npy"):
        write_stack(stack_run(run), tmp_path / "rock.png")
    np.save(tmp_path / "small.npy", ORIGINAL[1:])
    with pytest.raises(VolumeError, match="has 11x9x8 voxels, and the stack of the run 12x9x8"):
        stack_run(run, reference=tmp_path / "small.npy")
    png(run.file("images", "f3"), RESULT[3][:5])
    with pytest.raises(RunError, match="s3.png is 8x5 and the first slice 8x9"):
        stack_run(run)
    run.journal.append([Row(image="slices/s3.png", status=FAILED, reason="damaged", written=9e9)])
    with pytest.raises(RunError, match=r"1 of 12 slices failed \(slices/s3.png\)"):
        stack_run(run)
    record = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps({**record, "images": 13}))
    with pytest.raises(RunError, match="12 of 13 slices are done"):
        stack_run(RunFolder(run.path))
    (run.path / "run.json").write_text(json.dumps({**record, "images": 1}))
    with pytest.raises(RunError, match="it has one picture; a volume wants"):
        stack_run(RunFolder(run.path))
