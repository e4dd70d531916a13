"""Masks in files and folders, in runs: every picture gets its own, and every row says how its mask was read.

Pictures and masks are fitted to the prior's size here; `test_native_size.py` is about pictures that keep theirs.
"""

import csv
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import inside
from tiny_prior import write_tiny_prior

from jaxprior.data import images
from jaxprior.data.masks import parse_mask
from jaxprior.evaluation import load_recipe, make_plan, make_task, run_recipe, runs_in
from jaxprior.operators import Denoise


QUICK = ("--codes", 2, "--layer", 4, "--steps", 1, "--optimizer", "adam", "--init", "random", "--starts", 1)
HOLE = np.zeros((16, 16), bool)
HOLE[4:8, 4:12] = True


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_tiny_prior(tmp_path_factory.mktemp("prior") / "tiny.safetensors")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with pictures of one name in two folders."""
    monkeypatch.chdir(tmp_path)
    for i, name in enumerate(("a/x", "b/x", "b/y")):
        Path("in", name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(i).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        images.save_png(f"in/{name}.png", pixels)
    return tmp_path


def write(name, mask, white=255):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((mask * np.uint8(white)).astype(np.uint8)).save(name)


def inpaint(weights, *arguments, out="run"):
    """The end of the command, and the rows of `results.csv` by picture."""
    ended = inside("inpaint", "in", *arguments, "--size", "fit", "--prior", weights, *QUICK, "-o", out)
    if not Path(out, "results.csv").exists():
        return ended, {}
    with open(f"{out}/results.csv", encoding="utf-8") as file:
        return ended, {row["image"]: row for row in csv.DictReader(file)}


def used(row):
    """The mask that a picture had, as the run keeps it."""
    return images.load_image(Path("run/masks", f"{row['file']}.png"))[..., 0] > 127


def test_every_row_and_the_terminal_say_how_the_mask_was_read(weights, folder):
    write("m.png", HOLE)
    ended, rows = inpaint(weights, "--mask", "m.png")
    assert ended.code == 0 and ended.out.count("mask m.png: 12.5 % missing, white counts") == 1
    assert {row["notes"] for row in rows.values()} == {"mask m.png: 12.5 % missing, white counts"}
    assert all(np.array_equal(used(row), HOLE) for row in rows.values())
    assert "| mask m.png: 12.5 % missing, white counts | 3 |" in Path("run/summary.md").read_text()
    assert inpaint(weights, "--mask", "center:0.25", out="drawn")[0].code == 0
    assert "notes" not in Path("drawn/results.csv").read_text().splitlines()[0]


def test_a_file_that_could_mean_several_things_ends_the_command_before_it_begins(weights, folder):
    write("label.png", HOLE, white=1)
    ended, _ = inpaint(weights, "--mask", "label.png")
    assert ended.code == 2 and ended.one_sentence and not Path("run").exists()
    assert "no pixel is white; its values are 0 and 1" in ended.err and "--mask-means" in ended.err
    ended, rows = inpaint(weights, "--mask", "label.png", "--mask-means", "painted")
    assert ended.code == 0 and all(np.array_equal(used(row), HOLE) for row in rows.values())


def test_meanings_and_inversion_are_part_of_what_a_run_is(weights, folder):
    write("inverse.png", ~HOLE)
    ended, _ = inpaint(weights, "--mask", "inverse.png", out="loud")
    assert ended.code == 0 and "87.5 % missing, white counts; that is most of the picture" in ended.out
    assert "--mask-means black" in ended.out
    ended, rows = inpaint(weights, "--mask", "inverse.png", "--mask-means", "black")
    assert ended.code == 0 and all(np.array_equal(used(row), HOLE) for row in rows.values())
    settings = json.loads(Path("run/run.json").read_text())["configuration"]
    assert settings["mask"] == "inverse.png" and settings["mask_means"] == "black" and "invert_mask" not in settings
    ended, _ = inpaint(weights, "--mask", "inverse.png", "--invert-mask")
    assert ended.code == 2 and "another" in ended.err
    ended, _ = inpaint(weights, "--mask", "center:0.25", "--invert-mask", out="other")
    assert ended.code == 2 and "are for masks in files" in ended.err


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_gives_each_picture_the_mask_of_its_name(weights, folder, packed):
    masks = {"a/x": HOLE, "b/x": np.roll(HOLE, 4, axis=0)}
    for name, mask in masks.items():
        write(f"masks/{name}.bmp", mask)
    given = "masks"
    if packed:
        given = "masks.zip"
        with zipfile.ZipFile(given, "w") as archive:
            for name in masks:
                archive.write(f"masks/{name}.bmp", f"{name}.bmp")
    ended, rows = inpaint(weights, "--mask", given)
    assert ended.code == 1 and rows["in/b/y.png"]["status"] == "failed"
    assert f"{given} holds no mask for y.png, with this ending or another" in rows["in/b/y.png"]["reason"]
    for name, mask in masks.items():
        row = rows[f"in/{name}.png"]
        assert np.array_equal(used(row), mask) and row["notes"] == "mask x.bmp: 12.5 % missing, white counts"
    write("masks/b/y.bmp", HOLE[::-1])
    if not packed:  # what was missing is done now, also from another folder and by another spelling
        ended, rows = inpaint(weights, "--mask", str(folder / "masks"))
        assert ended.code == 0 and np.array_equal(used(rows["in/b/y.png"]), HOLE[::-1])


def test_in_a_folder_an_unclear_or_empty_mask_is_a_failed_row_and_the_others_go_on(weights, folder):
    write("masks/a/x.png", HOLE)
    write("masks/b/x.png", HOLE, white=1)
    write("masks/b/y.png", HOLE & False)
    ended, rows = inpaint(weights, "--mask", "masks")
    assert ended.code == 1 and [row["status"] for row in rows.values()] == ["ok", "failed", "failed"]
    assert "its values are 0 and 1" in rows["in/b/x.png"]["reason"]
    assert "all of it is black" in rows["in/b/y.png"]["reason"]
    ended, rows = inpaint(weights, "--mask", "masks", "--mask-means", "painted", out="painted")
    assert ended.code == 0 and "returned unchanged" in rows["in/b/y.png"]["reason"]


def test_a_picture_of_the_run_is_no_mask(weights, folder):
    write("in/drawing.png", HOLE)  # black and white, so that it could be read as a mask
    write("in/b/y_mask.png", HOLE)
    ended, rows = inpaint(weights, "--mask", "in")
    assert ended.code == 1 and {row["status"] for row in rows.values()} == {"failed"}
    assert rows["in/drawing.png"]["reason"] == "in holds no mask for drawing.png, with this ending or another"
    assert rows["in/b/y.png"]["reason"] == "in holds no mask for y.png, with this ending or another"


def test_a_square_mask_of_another_picture_says_where_it_was_laid(weights, folder):
    pixels = np.random.default_rng(3).integers(0, 256, (24, 16, 3), dtype=np.uint8)
    images.save_png("in/tall.png", pixels)
    write("m.png", HOLE)
    for path in ("in/a/x.png", "in/b/x.png", "in/b/y.png", "in/tall.png"):
        write(f"masks/{path[3:]}", HOLE)
    for mask in ("m.png", "masks"):
        ended, rows = inpaint(weights, "--mask", mask, out=f"run-{mask}")
        laid = "the mask is square and was laid on the picture's centre square"
        assert ended.code == 0 and laid in ended.out
        assert [name for name, row in rows.items() if laid in row["notes"]] == ["in/tall.png"]


@pytest.mark.parametrize("mask", ["m.png", "masks"])
def test_a_mask_of_the_prior_s_size_is_widened_for_a_larger_picture_that_is_damaged(weights, folder, mask):
    pixels = np.full((40, 40, 3), 30, np.uint8)
    pixels[10:20, 10:30] = 255
    images.save_png("in/a/x.png", pixels)
    for path in ("m.png", "masks/a/x.png", "masks/b/x.png", "masks/b/y.png"):
        write(path, HOLE)
    _, rows = inpaint(weights, "--mask", mask)
    wider = used(rows["in/a/x.png"])
    assert np.abs(images.fit(pixels, 16).astype(int) - 30)[~wider].max() <= 8 and (wider & HOLE).sum() == HOLE.sum()
    assert f"{100 * wider.mean():.1f} % missing" in rows["in/a/x.png"]["notes"]
    assert np.array_equal(used(rows["in/b/x.png"]), HOLE)
    assert inpaint(weights, "--mask", mask, "--clean", out="clean")[0].code == 0
    fractions = {(images.load_image(path) > 127).mean() for path in Path("clean/masks").glob("*.png")}
    assert fractions == {HOLE.mean()}


def test_a_mask_that_could_belong_to_two_pictures_belongs_to_none(weights, folder):
    write("masks/x.png", HOLE)
    ended, rows = inpaint(weights, "--mask", "masks")
    assert ended.code == 1 and [row["status"] for row in rows.values()] == ["failed"] * 3
    assert "its mask is ambiguous: masks/x.png could also belong to in/b/x.png" in rows["in/a/x.png"]["reason"]


def test_in_a_recipe_with_a_limit_too_a_mask_of_two_pictures_belongs_to_none(weights, folder):
    write("masks/x.png", HOLE)
    Path("recipe.toml").write_text(
        f'[[prior]]\nsource = "{weights.as_posix()}"\n[[data]]\npath = "in"\nlimit = 1\n'
        '[[task]]\nname = "inpaint"\nmask = "masks"\n[[method]]\nsolve = { steps = 1 }\n'
    )
    run_recipe(load_recipe("recipe.toml"), "grid")
    (run,) = runs_in("grid")
    (row,) = run.rows()
    assert row.status == "failed" and "its mask is ambiguous" in row.reason


def test_recipes_and_tables_know_the_same_words(weights, folder):
    write("m.png", ~HOLE)
    table = {"name": "inpaint", "mask": "m.png", "mask_means": "black", "invert_mask": True}
    assert make_task(table, 16)[1] == parse_mask("m.png", means="black", invert=True)
    task, mask = make_task({**table, "name": "denoise", "sigma": 0.3}, 16)
    assert task == Denoise(0.3) and mask == parse_mask("m.png", means="black", invert=True)
    for wrong, words in (
        ({"mask_means": "blak"}, "Did you mean black"),
        ({"invert_mask": "yes"}, "true or false"),
        ({"mask": "center:0.25"}, "are for masks in files"),
    ):
        with pytest.raises(ValueError, match=words):
            make_task(table | wrong, 16)
    with pytest.raises(ValueError, match="mask_means says how a mask's file is read: give mask too"):
        make_task({"name": "denoise", "mask_means": "black"}, 16)
    write("label.png", HOLE, white=1)
    Path("recipe.toml").write_text(
        f'[[prior]]\nsource = "{weights.as_posix()}"\n[[data]]\npath = "in"\n'
        '[[task]]\nname = "inpaint"\nmask = "m.png"\n[[task]]\nname = "inpaint"\nmask = "m.png"\nmask_means = "black"\n'
    )
    plan = make_plan(load_recipe("recipe.toml"), folder / "grid")
    assert [cell.cell.title for cell in plan.cells] == ["inpaint m.png", "inpaint m.png (black)"]
    text = Path("recipe.toml").read_text().replace('mask_means = "black"', "").replace("m.png", "label.png", 1)
    Path("recipe.toml").write_text(text)
    with pytest.raises(ValueError, match=r"\[\[task\]\] 1: mask .*label.png: no pixel is white"):
        make_plan(load_recipe("recipe.toml"), folder / "grid")
