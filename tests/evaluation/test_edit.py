"""What is made of a run's latents: edits along a direction, interpolations, and what is refused."""

import dataclasses
import json

import jax
import numpy as np
import pytest
from commands import call
from PIL import Image
from safetensors.numpy import save_file
from tiny_prior import write_tiny_prior

from jaxprior.data import images
from jaxprior.errors import RunError
from jaxprior.evaluation import Cell, RunFolder, edit_run, interpolate_run, load_direction, load_kernel, run_cell
from jaxprior.evaluation.edits import codes_of, find, load_latents
from jaxprior.inversion.codes import FeatureCode, MultiCode, SingleCode
from jaxprior.inversion.codes.attention import CBAM
from jaxprior.inversion.codes.tuned import TunedCode
from jaxprior.operators import Identity
from jaxprior.restoration import drivers
from jaxprior.weights.priors import load_prior


SOLVE = drivers.Solve(steps=2)
CODES = {
    "multi": MultiCode(num_codes=2, layer=4),
    "attention": MultiCode(num_codes=2, layer=4, weights="softmax", attention=CBAM(where="each")),
    "single": SingleCode(),
    "feature": FeatureCode(layer=4),
    "tuned": TunedCode(codes=SingleCode(), steps=2, last=3),
}


@pytest.fixture(scope="module")
def prior_file(tmp_path_factory):
    """A random generator of 16x16 pixels with codes of 8 numbers."""
    return write_tiny_prior(tmp_path_factory.mktemp("prior") / "tiny.safetensors")


@pytest.fixture(scope="module")
def prior(prior_file):
    return load_prior(prior_file)


@pytest.fixture(scope="module")
def runs(prior, tmp_path_factory):
    """A finished run of three pictures for each kind of codes."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "pictures").mkdir()
    for i in range(3):
        pixels = np.random.default_rng(i).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        images.save_png(folder / f"pictures/cat{i}.png", pixels)
    sources = images.list_images([folder / "pictures"])
    for name, codes in CODES.items():
        method = drivers.Method(codes, drivers.Objective(), SOLVE)
        run_cell(Cell(task=Identity(), method=method), sources, RunFolder(folder / name), prior=prior, batch_size=2)
    return folder


def one(latents):
    """A batch of one."""
    return jax.tree.map(lambda leaf: leaf[None], latents)


@pytest.fixture
def direction(tmp_path):
    """File of a direction as InterFaceGAN keeps it, [1, d]."""
    np.save(tmp_path / "fluffy.npy", np.linspace(-1, 1, 8)[None])
    return tmp_path / "fluffy.npy"


@pytest.mark.parametrize("kind", CODES)
def test_codes_and_latents_come_back_as_they_were(runs, prior, kind):
    run = RunFolder(runs / kind)
    assert codes_of(run.read()) == CODES[kind]
    row = find(run, "cat1")
    latents = load_latents(run, row)
    picture = drivers.render(prior, one(latents), codes=CODES[kind])[0]
    difference = images.to_uint8(picture).astype(int) - images.load_image(run.file("raw", row.file))
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("kind", CODES)
def test_edit_strips_show_the_inversion_then_every_amount(runs, prior, direction, kind):
    run = RunFolder(runs / kind)
    vector = load_direction(direction, 8)
    paths = edit_run(run, prior, vector, [0.0, 1.5, -1.5], name="fluffy")
    assert [path.name[:4] for path in paths] == ["cat0", "cat1", "cat2", "shee"]
    assert images.load_image(paths[-1]).shape == (3 * 132 + 4, 4 * 132 + 4, 3)
    for row, path in zip(run.journal.latest().values(), paths, strict=False):
        original, unmoved, ahead, back = np.split(images.load_image(path), 4, axis=1)
        raw = images.load_image(run.file("raw", row.file))
        assert np.abs(original.astype(int) - raw).max() <= 1
        np.testing.assert_array_equal(original, unmoved)
        assert (ahead != original).any() and (back != original).any() and (ahead != back).any()
        latents = load_latents(run, row)
        latents["z"] = latents["z"] + 1.5 * vector
        moved = drivers.render(prior, one(latents), codes=CODES[kind])[0]
        assert np.abs(images.to_uint8(moved).astype(int) - ahead).max() <= 1


def test_two_directions_of_one_name_have_folders_of_their_own_and_nothing_old_lies_between(runs, prior):
    run = RunFolder(runs / "multi")
    one, other = np.ones(8, np.float32), -np.ones(8, np.float32)
    first = edit_run(run, prior, one, [1.0], name="smile")
    before = {path: path.read_bytes() for path in first}
    second = edit_run(run, prior, other, [1.0], name="smile")
    assert second[0].parent != first[0].parent and second[0].parent.name.startswith("smile-")
    assert {path: path.read_bytes() for path in first} == before
    again = edit_run(run, prior, one, [1.0], name="smile", limit=1)
    assert again == [first[0], first[-1]] and sorted(first[0].parent.glob("*.png")) == sorted(again)


def test_a_shorter_interpolation_leaves_no_frames_of_a_longer_one(runs, prior):
    run = RunFolder(runs / "multi")
    for frames in (5, 3):
        place = interpolate_run(run, prior, "cat1", "cat0", frames=frames)
    assert len(list(place.glob("frame*.png"))) == 3


def test_a_name_of_equal_pictures_is_not_ambiguous_and_one_of_different_ones_is(runs):
    run = RunFolder(runs / "multi")
    row = find(run, "cat0")
    original = run.journal.path.read_bytes()
    try:
        run.journal.append([dataclasses.replace(row, image="copies/cat0.png")])
        with open(run.path / "pictures.json") as file:
            names = json.load(file)
        run.name_pictures([*names, "copies/cat0.png", "other/cat0.png"])
        assert find(run, "cat0").key == row.key
        run.journal.append([dataclasses.replace(find(run, "cat1"), image="other/cat0.png")])
        with pytest.raises(RunError, match="cat0 is the name of several pictures"):
            find(run, "cat0")
    finally:
        run.journal.path.write_bytes(original)
        run.name_pictures(names)


def test_interpolation_goes_from_one_inversion_to_the_other(runs, prior):
    run = RunFolder(runs / "multi")
    place = interpolate_run(run, prior, "cat0.png", "cat2", frames=5)
    frames = [images.load_image(path) for path in sorted(place.glob("frame*.png"))]
    assert len(frames) == 5 and images.load_image(place / "strip.png").shape == (16, 5 * 16, 3)
    for frame, name in ((frames[0], "cat0"), (frames[-1], "cat2")):
        raw = images.load_image(run.file("raw", find(run, name).file))
        assert np.abs(frame.astype(int) - raw).max() <= 1
    assert len({frame.tobytes() for frame in frames}) == 5
    animation = Image.open(place / "animation.webp")
    assert animation.n_frames == 8 and animation.size == (128, 128)


def test_commands_write_and_say_where(runs, prior_file, direction):
    shown = call("edit", runs / "multi", "--direction", direction, "--amount", "-2", "--amount", "2", "--limit", "2",
                 "--prior", prior_file).stdout  # fmt: skip
    assert "2 pictures along fluffy: -2, 2" in shown and f"sheet: {runs}/multi/edits/fluffy/sheet.png" in shown
    shown = call("interpolate", runs / "single", "cat0", "cat1", "--frames", "3", "--prior", prior_file).stdout
    assert "3 frames" in shown and "animation.webp" in shown


def test_mistakes_are_one_sentence(runs, prior_file, direction, tmp_path):
    np.save(tmp_path / "short.npy", np.zeros(7))
    np.save(tmp_path / "nan.npy", np.full(8, np.nan))
    np.savez(tmp_path / "many.npz", a=np.zeros(8))
    (tmp_path / "foreign.npy").write_bytes(b"not an array")
    save_file({"a": np.zeros(8, "f4"), "b": np.zeros(8, "f4")}, tmp_path / "two.safetensors")
    edit = ("edit", runs / "multi", "--amount", "1", "--prior", prior_file, "--direction")
    other = write_tiny_prior(tmp_path / "other.safetensors", seed=1)
    empty = tmp_path / "empty"
    with RunFolder(empty).open_for_writing():
        RunFolder(empty).write(RunFolder(runs / "multi").read())
    cases = [
        ((*edit, tmp_path / "short.npy"), "codes have 8 numbers, the file has 7"),
        ((*edit, tmp_path / "nan.npy"), "finite real numbers"),
        ((*edit, tmp_path / "many.npz"), "archive of arrays"),
        ((*edit, tmp_path / "foreign.npy"), "not an array"),
        ((*edit, tmp_path / "missing.npy"), "no such file"),
        ((*edit, tmp_path / "two.safetensors"), "one tensor, got 2"),
        (("edit", runs / "multi", "--amount", "1", "--direction", direction), "give its file with --prior"),
        (("edit", runs / "multi", "--amount", "1", "--direction", direction, "--prior", other), "sha256"),
        (("edit", empty, "--amount", "1", "--direction", direction, "--prior", prior_file), "holds no latents"),
        (("edit", tmp_path, "--amount", "1", "--direction", direction), "holds no run"),
        (("interpolate", runs / "multi", "cat0", "cta1", "--prior", prior_file), "Did you mean cat1?"),
        (("interpolate", runs / "multi", "cat0", "xyz", "--prior", prior_file), "cat0.png, cat1.png"),
    ]
    for arguments, part in cases:
        result = call(*arguments, code=2)
        assert part in result.stderr and result.stderr.count("\n") == 1, result.stderr


def test_pickled_array_is_refused(tmp_path):
    np.save(tmp_path / "evil.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(RunError, match="not an array"):
        load_direction(tmp_path / "evil.npy", 8)


def test_direction_may_be_a_safetensors_file(tmp_path):
    save_file({"boundary": np.arange(8, dtype=np.float32)[None]}, tmp_path / "d.safetensors")
    np.testing.assert_array_equal(load_direction(tmp_path / "d.safetensors", 8), np.arange(8))


def test_kernel_of_a_picture_sums_to_one_and_a_black_one_is_refused(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    images.save_png(tmp_path / "k.png", pixels)
    kernel = load_kernel(tmp_path / "k.png")
    np.testing.assert_allclose(kernel, pixels.mean(-1) / pixels.mean(-1).sum(), rtol=1e-5)
    images.save_png(tmp_path / "black.png", np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(RunError, match="black"):
        load_kernel(tmp_path / "black.png")


def test_own_codes_cannot_come_back_from_a_file(runs):
    record = json.loads(json.dumps(RunFolder(runs / "multi").read()))
    record["configuration"]["codes"] = {"type": "Mine", "size": 3}
    with pytest.raises(RunError, match="Mine"):
        codes_of(record)
