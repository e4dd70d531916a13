"""Recipes: what may stand in them, the grid that they make, and `jaxprior evaluate`."""

import json
import signal
import tomllib
import warnings
from pathlib import Path

import numpy as np
import pytest
from program import inside, stable_files
from tiny_prior import write_tiny_prior

import jaxprior as jp
from jaxprior import operators
from jaxprior.data import images
from jaxprior.errors import JaxpriorError, JaxpriorWarning, RunError, SettingsError
from jaxprior.evaluation import (
    Share,
    Stopped,
    adapt,
    forecast_cells,
    list_recipes,
    load_recipe,
    make_plan,
    make_task,
    parse_recipe,
    run_recipe,
    runs_in,
)
from jaxprior.evaluation.datasets import DataSet, chelsea_squares
from jaxprior.restoration.presets import make_method
from jaxprior.weights.priors import load_prior


SMALL = """
title = "Two tasks, two methods"

[[prior]]
source = "tiny.safetensors"

[[data]]
path = "pictures"
limit = 3

[[task]]
name = "inpaint"
mask = "center:0.25"

[[task]]
name = "reconstruct"

[[method]]
name = "short"
codes = { num_codes = 2, layer = 4 }
solve = { optimizer = "adam", steps = 3, starts = 1, init = "random" }

[[method]]
name = "single"
preset = "invertgan"
solve = { steps = 4 }
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a random prior, four pictures and a recipe."""
    folder = tmp_path_factory.mktemp("place")
    write_tiny_prior(folder / "tiny.safetensors")
    (folder / "pictures").mkdir()
    for i in range(4):
        pixels = np.random.default_rng(i).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        images.save_png(folder / f"pictures/p{i}.png", pixels)
    (folder / "small.toml").write_text(SMALL)
    return folder


@pytest.fixture(scope="module")
def prior(place):
    return load_prior(place / "tiny.safetensors")


@pytest.fixture(scope="module")
def finished(place, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("finished") / "run"
    run_recipe(load_recipe(place / "small.toml"), run)
    return run


# --- settings ---


def test_method_table_changes_a_preset_by_field_names(prior):
    table = {
        "preset": "thesis",
        "codes": {"layer": 3, "attention": {"type": "cbam", "where": "each"}},
        "objective": {"features": "none"},
        "solve": {"steps": 7, "learning_rate": 1},
    }
    method = make_method(table, operators.Identity(), prior=prior)
    thesis = jp.preset("thesis", prior=prior, features=None)
    assert method.codes.layer == 3 and method.codes.num_codes == thesis.codes.num_codes == 20
    assert method.codes.attention == jp.CBAM(where="each") and method.codes.alpha == "gaussian"
    assert method.solve.steps == 7 and method.solve.learning_rate == 1.0 and method.objective.features is None
    assert make_method({}, operators.Identity(), prior=prior) == jp.preset("default", prior=prior)


@pytest.mark.parametrize(
    "table, sentence",
    [
        ({"codes": {"layr": 3}}, "codes.layr: no such setting; did you mean codes.layer?"),
        ({"solver": {"steps": 3}}, "did you mean solve?"),
        ({"preset": "thesys"}, "Did you mean thesis?"),
        ({"solve": {"steps": "many"}}, "solve.steps: expected a whole number, got 'many'"),
        ({"solve": {"steps": 2.5}}, "expected a whole number"),
        ({"solve": {"optimizer": "adamw"}}, "optimizer"),
        ({"solve": 3}, "expected a table"),
        ({"codes": {"attention": "self"}}, "attention"),
        ({"codes": {"layer": 99}}, "layer"),
    ],
)
def test_wrong_methods_are_sentences(prior, table, sentence):
    with pytest.raises(ValueError) as error:
        make_method(table, operators.Identity(), prior=prior)
    assert sentence in str(error.value)


def test_tasks_are_the_operators(tmp_path):
    assert make_task({"name": "superres", "factor": 2, "kernel": "box"}, 16)[0] == operators.SuperResolve(2, "box")
    task, mask = make_task({"name": "inpaint", "mask": "random:0.25"}, 16)
    assert task.mask.shape == (16, 16) and mask.name == "block:0.25"
    for table, sentence in [
        ({}, "needs a name"),
        ({"name": "inpaint"}, "needs a mask"),
        ({"name": "deblur"}, "The blur must be known"),
        ({"name": "inpant"}, "inpaint"),
        ({"name": "reconstruct", "mask": "center:0.2"}, "mask: no such setting"),
        ({"name": "superres", "factor": 2.5}, "factor: expected a whole number"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            make_task(table, 16)


# --- recipes ---


def test_ready_recipes_are_sound(prior):
    ready = list_recipes()
    assert {"quick", "thesis_table_6"} <= set(ready) and all(ready.values())
    for name in ready:
        recipe = load_recipe(name)
        for table in recipe.tasks:
            make_task(table, 32)
    thesis = load_recipe("thesis_table_6")
    assert [task["mask"] for task in thesis.tasks] == ["block:0.12", "block:0.25", "block:0.40"]
    tables = adapt(thesis, features="none").methods.values()
    methods = [make_method(table, operators.Identity(), prior=prior) for table in tables]
    assert [method.codes.attention for method in methods] == [
        None, jp.SelfAttention(), jp.SelfAttention(scaled=True), jp.CBAM(),
    ]  # fmt: skip
    assert {method.solve.steps for method in methods} == {3000} and {m.codes.alpha for m in methods} == {"gaussian"}


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("title = 3", "title"),
        ("[task]\nname = 'reconstruct'", "expected a list of tables"),
        ("[[tsk]]\nname = 'reconstruct'", "did you mean task?"),
        ("seed = -1", "seed: expected 0 or more"),
        ("[[task]]", "needs a name"),
        ("title = 'no task'", "it has no [[task]]"),
        ("[[task]]\nname = 'reconstruct'\n[[data]]\nbuiltin = 'chelsee'", "chelsea"),
        ("[[task]]\nname = 'reconstruct'\n[[data]]\nlimit = 3", "give path or builtin"),
        ("[[task]]\nname = 'reconstruct'\n[[data]]\npath = 'nowhere'", "no such file or folder"),
        ("[[task]]\nname = 'reconstruct'\n[[data]]\nbuiltin = 'chelsea'\nlimit = 0", "limit: expected 1 or more"),
        ("[[task]]\nname = 'reconstruct'", "it names no pictures"),
        ("[[task]]\nname = 'reconstruct'\n[[method]]\nname = 'a'\n[[method]]\nname = 'a'", "another name"),
        ("[[task]]\nname = 'reconstruct'\n[[task]]\nname = 'reconstruct'", "twice"),
        ("[[task]]\nname = 'superres'\nfactor = 5", "factor"),
        ("[[task]]\nname = 'reconstruct'\n[[method]]\ncodes = { layer = 99 }", "layer"),
        ("title = [", "TOML"),
    ],
)
def test_mistakes_in_a_recipe_are_one_sentence_that_names_it(place, tmp_path, text, sentence):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    data = () if "data" in text or "names no pictures" in sentence else ("--data", place / "pictures")
    outcome = inside("evaluate", file, "--prior", place / "tiny.safetensors", *data, "-o", tmp_path / "run")
    assert outcome.code == 2 and outcome.one_sentence, outcome.err
    assert sentence in outcome.err
    assert not (tmp_path / "run").exists()


def test_grid_has_every_cell_with_its_labels(place, tmp_path):
    plan = make_plan(load_recipe(place / "small.toml"), tmp_path)
    assert [tuple(cell.labels.values()) for cell in plan.cells] == [
        ("tiny", "pictures", task, method)
        for task in ("inpaint center:0.25", "reconstruct")
        for method in ("short", "single")
    ]
    assert plan.cells[0].title == "inpaint center:0.25 | short"
    assert len({cell.folder for cell in plan.cells}) == 4 and all(len(cell.sources) == 3 for cell in plan.cells)
    assert [source.name for source in plan.cells[0].sources] == [f"pictures/p{i}.png" for i in range(3)]
    assert not list(tmp_path.iterdir())  # nothing was written


def test_data_sets_of_one_name_differ_and_random_choices_only_grow(place):
    twice = adapt(load_recipe(place / "small.toml"), data=[place / "pictures", place / "pictures"], limit=2)
    assert [one.name for one in twice.data] == ["pictures", "pictures-2"]
    chosen = [
        {source.name for source in DataSet(name="x", path=place / "pictures", seed=3, limit=limit).sources(place)}
        for limit in (1, 2, 4)
    ]
    assert chosen[0] < chosen[1] < chosen[2] and len(chosen[2]) == 4


def test_builtin_pictures_are_a_dozen_different_squares():
    squares = chelsea_squares()
    assert len(squares) == 12 and all(square.shape[0] == square.shape[1] for square in squares)
    assert len({images.pixels_id(square) for square in squares}) == 12


# --- runs ---


def test_evaluation_holds_every_cell_and_tables_over_all(finished):
    record = json.loads((finished / "run.json").read_text())
    assert record["kind"] == "evaluation" and record["title"] == "Two tasks, two methods"
    runs = runs_in(finished)
    assert [run.path.name for run in runs] == record["cells"]
    assert all(row.status == "ok" for run in runs for row in run.journal)
    assert [len(run.journal.latest()) for run in runs] == [3] * 4
    origins = {run.read()["cell"]["method"]: run.read().get("defaults", "") for run in runs}
    assert "not measured on this prior" in origins["short"] and not origins["single"], "a preset is nobody's default"
    assert (finished / "results.csv").read_text().count("\n") == 13
    assert json.loads((finished / "summary.json").read_text())
    assert "short" in (finished / "report.html").read_text()


def test_same_recipe_computes_nothing_again_and_more_pictures_are_added(place, finished, monkeypatch):
    from jaxprior.restoration.drivers import Inverter

    counted, real = [], Inverter.invert
    monkeypatch.setattr(Inverter, "invert", lambda *a, **o: counted.append(1) or real(*a, **o))
    recipe = load_recipe(place / "small.toml")
    run_recipe(recipe, finished)
    assert not counted
    recipe = parse_recipe(tomllib.loads(SMALL.replace("limit = 3", "limit = 4")), folder=place)
    run_recipe(recipe, finished)
    assert len(counted) == 4


def test_a_recipe_with_a_mask_in_a_file_is_the_same_from_every_folder(place, tmp_path, monkeypatch):
    from jaxprior.restoration.drivers import Inverter

    marked = np.zeros((16, 16, 3), np.uint8)
    marked[4:12, 4:12] = 255
    images.save_png(place / "hole.png", marked)
    method = SMALL.split("[[method]]")[1]
    lines = SMALL.split("[[task]]")[0] + '[[task]]\nname = "inpaint"\nmask = "hole.png"\n[[method]]' + method
    (place / "masked.toml").write_text(lines)
    monkeypatch.chdir(place)
    run_recipe(load_recipe("masked.toml"), tmp_path / "run")
    before = (tmp_path / "run/summary.md").read_bytes()
    monkeypatch.setattr(Inverter, "invert", None)  # nothing is solved again
    monkeypatch.chdir(tmp_path)
    run_recipe(load_recipe(place / "masked.toml"), tmp_path / "run")
    assert (tmp_path / "run/summary.md").read_bytes() == before and b"inpaint hole.png" in before
    assert [run.path.name for run in runs_in(tmp_path / "run")] == ["tiny_pictures_inpaint-hole.png_short"]


def test_another_recipe_or_another_kind_of_run_is_refused(place, finished, tmp_path):
    other = tomllib.loads(SMALL.replace("steps = 3", "steps = 5"))
    with pytest.raises(RunError, match="steps"):
        run_recipe(parse_recipe(other, folder=place), finished)
    cell = runs_in(finished)[0].path
    with pytest.raises(RunError, match="holds a restoration run"):
        run_recipe(load_recipe(place / "small.toml"), cell)


def test_stopped_evaluation_goes_on_to_the_same_bytes(place, finished, tmp_path, monkeypatch):
    from jaxprior.restoration.drivers import Inverter

    calls, real = [], Inverter.invert

    def stopping(*arguments, **options):
        calls.append(1)
        if len(calls) == 4:  # three pictures of the first cell, and all of the second, which is of single codes
            signal.raise_signal(signal.SIGTERM)
        return real(*arguments, **options)

    recipe = load_recipe(place / "small.toml")
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(Inverter, "invert", stopping)
        run_recipe(recipe, tmp_path / "run")
    assert len(runs_in(tmp_path / "run")) == 2
    assert inside("report", tmp_path / "run").code == 0
    for i in (1, 2):  # what is left, in two parts
        run_recipe(recipe, tmp_path / "run", share=Share.parse(f"{i}/2"))
    run_recipe(recipe, tmp_path / "whole")
    for one, whole in zip(runs_in(tmp_path / "run"), runs_in(tmp_path / "whole"), strict=True):
        assert stable_files(one.path) == stable_files(whole.path)


def test_forecast_counts_inversions_and_measures(place, tmp_path):
    cells = forecast_cells(make_plan(load_recipe(place / "small.toml"), tmp_path), share=Share(0, 2))
    assert [(cell.pictures, cell.inversions, cell.steps) for cell in cells] == [(2, 2, 3), (2, 2, 4)] * 2
    assert all(cell.seconds > 0 and cell.bytes > 0 for cell in cells)


def test_commands(place, tmp_path):
    assert "quick" in inside("evaluate").out
    assert "Did you mean quick?" in inside("evaluate", "quikc", "-o", tmp_path / "r").err
    assert "-o RUN" in inside("evaluate", "quick").err
    command = ("evaluate", place / "small.toml", "--limit", 1, "--steps", 2)
    forecast = inside(*command, "--dry-run")
    assert forecast.code == 0 and "4 cells" in forecast.out and "A full run takes about" in forecast.out
    assert not (tmp_path / "r").exists()
    outcome = inside(*command, "-o", tmp_path / "r")
    assert outcome.code == 0 and "cell 4 of 4, reconstruct | single" in outcome.out
    assert json.loads((tmp_path / "r/run.json").read_text())["configuration"]["methods"]["short"]["solve"]["steps"] == 2
    (place / "pictures/broken.png").write_bytes(b"no picture")
    try:
        assert inside(*command[:2], "--steps", 2, "--data", place / "pictures", "-o", tmp_path / "all").code == 1
    finally:
        (place / "pictures/broken.png").unlink()


def test_errors_of_settings_are_the_users():
    assert issubclass(SettingsError, JaxpriorError)


TEXT = 'title = "Größe"\n[[task]]\nname = "reconstruct"\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("line", ["\n", "\r\n"])
def test_a_recipe_is_read_as_any_editor_saves_utf_8(tmp_path, encoding, line):
    (tmp_path / "mine.toml").write_bytes(TEXT.replace("\n", line).encode(encoding))
    assert load_recipe(tmp_path / "mine.toml").title == "Größe"


@pytest.mark.parametrize("encoding, words", [("utf-16", "UTF-16: save it as UTF-8"), ("latin-1", "no text in UTF-8")])
def test_a_recipe_in_another_encoding_is_refused_in_one_sentence(tmp_path, encoding, words):
    (tmp_path / "mine.toml").write_bytes(TEXT.encode(encoding))
    with pytest.raises(SettingsError, match=words):
        load_recipe(tmp_path / "mine.toml")


def test_the_recipe_of_the_documentation_is_one(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()
    (tmp_path / "recipe.toml").write_text(page.partition("```toml\n")[2].partition("```")[0])
    recipe = load_recipe(tmp_path / "recipe.toml")
    assert (len(recipe.tasks), list(recipe.methods)) == (2, ["default", "CBAM"])


def test_methods_that_an_option_makes_equal_are_told_of(place):
    text = SMALL.partition("[[task]]")[0] + """
[[task]]
name = "colorize"

[[method]]
name = "long"
solve = { steps = 9 }

[[method]]
name = "short"
solve = { steps = 2 }
"""
    recipe = parse_recipe(tomllib.loads(text), folder=place)
    with warnings.catch_warnings():
        warnings.simplefilter("error", JaxpriorWarning)
        make_plan(recipe, place / "equal")
    with pytest.warns(JaxpriorWarning, match="methods long and short have the same settings for colorize"):
        make_plan(adapt(recipe, steps=3), place / "equal")
