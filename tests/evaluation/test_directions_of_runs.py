"""`jaxprior directions`: labelled inversions of a run tell a direction, which `edit` takes; and what is refused."""

import shutil

import numpy as np
import pytest
from commands import call
from safetensors.numpy import load_file, save_file
from tiny_prior import write_tiny_prior

from jaxprior.data import images
from jaxprior.errors import JaxpriorWarning, RunError
from jaxprior.evaluation import Cell, RunFolder, direction_of_run, load_direction, run_cell
from jaxprior.evaluation.edits import inverted, load_latents
from jaxprior.inversion.codes import SingleCode
from jaxprior.operators import Identity
from jaxprior.restoration import drivers
from jaxprior.restoration.directions import find_direction
from jaxprior.weights.priors import load_prior


COUNT = 32


@pytest.fixture(scope="module")
def prior_file(tmp_path_factory):
    """A random generator of 16x16 pixels with codes of 8 numbers."""
    return write_tiny_prior(tmp_path_factory.mktemp("prior") / "tiny.safetensors")


@pytest.fixture(scope="module")
def run(prior_file, tmp_path_factory):
    """A finished run of the prior's own pictures, in two folders: light and dark."""
    folder, prior = tmp_path_factory.mktemp("runs"), load_prior(prior_file)
    z = np.random.default_rng(0).normal(size=(COUNT, 8)).astype(np.float32)
    pictures = np.clip(np.asarray(prior.generate(z)), -1, 1)
    order = np.argsort(pictures.mean(axis=(1, 2, 3)))
    for place, number in enumerate(order):
        kind = "dark" if place < COUNT // 2 else "light"
        (folder / "pictures" / kind).mkdir(parents=True, exist_ok=True)
        images.save_png(folder / f"pictures/{kind}/{number:02d}.png", images.to_uint8(pictures[number]))
    method = drivers.Method(SingleCode(), drivers.Objective(), drivers.Solve(steps=2))
    sources = images.list_images([folder / "pictures"])
    run_cell(Cell(task=Identity(), method=method), sources, RunFolder(folder / "run"), prior=prior)
    return folder / "run"


@pytest.fixture(scope="module")
def planted(run, tmp_path_factory):
    """The same run, the latents being such that the first number tells dark from light, and a table of labels."""
    folder = tmp_path_factory.mktemp("planted")
    shutil.copytree(run, folder / "run")
    chance, lines = np.random.default_rng(1), ["name,light,odd"]
    for number, row in enumerate(inverted(RunFolder(folder / "run"))):
        light = "light" in row.image.split("/")
        path = RunFolder(folder / "run").file("latents", str(row.file))
        tensors = load_file(path)
        tensors["z"] = chance.normal(size=8).astype(np.float32)
        tensors["z"][0] += 4.0 * (light - 0.5)
        save_file(tensors, path)
        lines.append(f"{row.image.split('/')[-1]},{int(light)},{number % 2}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_the_direction_is_that_of_the_codes_and_labels(planted):
    folder = RunFolder(planted / "run")
    found = direction_of_run(folder, planted / "labels.csv", attribute="light")
    assert found.attribute == "light" and found.unlabelled == found.strangers == 0
    rows = inverted(folder)
    codes = np.stack([load_latents(folder, row)["z"] for row in rows])
    alone = find_direction(codes, np.array(["/light/" in row.image for row in rows]))
    np.testing.assert_array_equal(found.direction.vector, alone.vector)
    assert found.direction.vector[0] > 0.9 and found.direction.accuracy > 0.9
    by_folders = direction_of_run(folder, "folders")
    assert by_folders.attribute == "light"
    np.testing.assert_array_equal(by_folders.direction.vector, alone.vector)


def test_pictures_without_a_row_and_rows_without_a_picture_are_left_out_and_said(planted, tmp_path):
    lines = (planted / "labels.csv").read_text().splitlines()
    (tmp_path / "some.csv").write_text("\n".join([*lines[:-2], "tom.png,1,1", "rex.png,0,1", "max.png,0,1"]) + "\n")
    found = direction_of_run(RunFolder(planted / "run"), tmp_path / "some.csv", attribute="light")
    assert (found.unlabelled, found.strangers) == (2, 3)
    assert found.direction.with_it + found.direction.without == COUNT - 2


def test_the_command_writes_what_edit_takes(planted, prior_file, tmp_path):
    out = tmp_path / "new" / "light.npy"
    told = call(
        "directions", planted / "run", "--labels", planted / "labels.csv", "--attribute", "light", "-o", out
    ).stdout
    assert "light: 16 pictures with it, 16 without" in told
    assert "always saying the larger class is right for 50.0%" in told
    assert f"direction: {out}" in told
    vector = load_direction(out, 8)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
    shown = call(
        "edit", planted / "run", "--direction", out, "--amount", "2", "--limit", "2", "--prior", prior_file
    ).stdout
    assert "2 pictures along light: 2" in shown


def test_a_meaningless_attribute_is_said_to_be_one(planted, tmp_path):
    out = tmp_path / "odd.npy"
    with pytest.warns(JaxpriorWarning, match="no better than always saying the larger class"):
        call("directions", planted / "run", "--labels", planted / "labels.csv", "--attribute", "odd", "-o", out)
    assert out.is_file()


def test_latents_of_another_shape_are_refused(planted, tmp_path):
    shutil.copytree(planted / "run", tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    row = inverted(folder)[3]
    save_file({"z": np.zeros((2, 8), np.float32)}, folder.file("latents", str(row.file)))
    with pytest.raises(RunError, match=r"holds codes of the shape \[2, 8\].*has \[8\]"):
        direction_of_run(folder, planted / "labels.csv", attribute="light")


def test_mistakes_are_one_sentence(planted, tmp_path):
    lines = (planted / "labels.csv").read_text().splitlines()
    tables = {
        "few": ["name,light", *(f"{n:02d}.png,{int(n < 3)}" for n in range(COUNT))],
        "foreign": ["name,light", *(f"{n}.jpg.png,{n % 2}" for n in range(COUNT))],
        "same": ["name,light", *(f"{n:02d}.png,1" for n in range(COUNT))],
        "words": ["name,light", *(f"{n:02d}.png,yes" for n in range(COUNT))],
        "twice": [*lines, lines[1]],
    }
    for name, text in tables.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(text) + "\n")
    out, run = ("-o", tmp_path / "d.npy"), planted / "run"
    cases = [
        ((run, "--labels", tmp_path / "few.csv", *out), "only 3 of the 32 pictures are with the attribute"),
        ((run, "--labels", tmp_path / "foreign.csv", *out), "something of only 0 of the 32 inversions"),
        ((run, "--labels", tmp_path / "same.csv", *out), "'light' is 1 for all pictures"),
        ((run, "--labels", tmp_path / "words.csv", *out), "expected 0 or 1"),
        ((run, "--labels", tmp_path / "twice.csv", *out), "has a row already"),
        ((run, "--labels", tmp_path / "none.csv", *out), "there is no such file"),
        ((run, "--labels", planted / "labels.csv", *out), "has 2 attributes (light, odd): say with --attribute"),
        ((run, "--labels", planted / "labels.csv", "--attribute", "smile", *out), "expected one of light, odd"),
        ((run, "--labels", "folders", "--attribute", "smile", *out), "expected one of dark, light"),
        ((run, "--labels", planted / "labels.csv", "-o", tmp_path / "d.png"), "ends in .npy"),
        ((tmp_path / "nothing", "--labels", planted / "labels.csv", *out), "does not exist"),
    ]
    for arguments, part in cases:
        result = call("directions", *arguments, code=2)
        assert part in result.stderr and result.stderr.count("\n") == 1, result.stderr
    assert not (tmp_path / "d.npy").exists()
