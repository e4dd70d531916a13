"""The command line: help, mistakes, exit codes, and its commands on a tiny prior."""

import inspect
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import call
from tiny_prior import write_tiny_prior
from typer.main import get_command

from jaxprior.cli import app
from jaxprior.cli import demo as demo_module
from jaxprior.cli import restore as restore_module
from jaxprior.cli.found import FoundCommand
from jaxprior.data import images
from jaxprior.errors import JaxpriorError
from jaxprior.restoration import drivers


ROOT = Path(__file__).parents[2]
RESTORING = ("reconstruct", "inpaint", "colorize", "superres", "denoise", "deblur")
COMMANDS = ("demo", *RESTORING, "edit", "interpolate", "report", "convert", "priors", "bench", "doctor", "train pggan")
COMMANDS += ("singan train", "singan sample")
QUICK = ("--codes", "2", "--layer", "4", "--steps", "3", "--batch-size", "1")


@pytest.fixture(scope="module")
def prior(tmp_path_factory) -> str:
    """File of a random generator of 16x16 pixels."""
    return str(write_tiny_prior(tmp_path_factory.mktemp("prior") / "tiny.safetensors"))


@pytest.fixture
def pictures(tmp_path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(3):
        pixels = np.random.default_rng(i).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        images.save_png(folder / f"p{i}.png", pixels)
    return folder


def words(text: str) -> str:
    """Text without the boxes and line breaks of the help."""
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_shows_examples(command):
    shown = words(call(*command.split(), "--help").stdout)
    assert f"Usage: jaxprior {command}" in shown or f"Usage: root {command}" in shown
    assert f"jaxprior {command}" in shown.partition("Usage:")[2]


def test_restoring_commands_share_their_options_and_have_their_own():
    """Shared options are stated once, and still stand in every command's signature."""
    masks = {"mask", "mask_means", "invert_mask"}
    own = {"reconstruct": set(), "inpaint": {"size", "merge", "restorer", *masks}, "colorize": {"size"}}
    own |= {"superres": {"factor", "kernel", "restorer"}, "denoise": {"sigma", *masks}, "deblur": {"blur", "kernel"}}
    found = {}
    for name in RESTORING:
        found[name] = set(inspect.signature(restore_module.task_command(name)).parameters)
        shown = words(call(name, "--help").stdout)
        assert all(f"--{option.replace('_', '-')} " in shown for option in found[name] - {"images", "context"}), name
    shared = set.intersection(*found.values())
    assert {"images", "out", "codes", "optimizer", "features", "prior", "batch_size", "seed"} <= shared
    for name, options in found.items():
        assert options - shared == own[name] | ({"clean", "reference"} if name != "reconstruct" else set())


def test_every_command_is_listed():
    shown = words(call("--help").stdout)
    assert all(f" {command.split()[0]} " in shown for command in COMMANDS)
    assert call("--version").stdout.startswith("jaxprior ")


def test_every_command_says_where_to_read_more():
    def look(command, name, parent):
        command = command.made() if isinstance(command, FoundCommand) else command
        pages = re.findall(r"Read more in (docs/[\w.-]+\.md)\.", command.help or "")
        assert len(pages) == 1 and (ROOT / pages[0]).is_file(), name
        if hasattr(command, "list_commands"):
            with command.make_context(name, [], parent=parent, resilient_parsing=True) as context:
                for inner in command.list_commands(context):
                    look(command.get_command(context, inner), f"{name} {inner}", context)

    look(get_command(app), "jaxprior", None)


def test_the_help_is_grouped_by_what_people_want_to_do():
    shown = call("--help").stdout
    panels = re.findall(r"╭─ (.+?) ─", shown)
    looking = "Look at results and change them"
    assert panels == ["Options", "Restore", looking, "Train", "Weights and priors", "This machine"]
    _, restore, look, train, weights, machine = re.split("╭─ ", shown)[1:]
    for panel, names in (
        (restore, "demo inpaint superres evaluate"), (look, "report edit attributes"), (train, "train singan"),
        (weights, "priors convert"), (machine, "bench doctor"),
    ):  # fmt: skip
        listed = re.findall(r"^│ ([a-z]+)  ", panel, re.MULTILINE)
        assert set(names.split()) <= set(listed), panel
    assert re.findall(r"^│ ([a-z]+)  ", restore, re.MULTILINE)[0] == "demo"


@pytest.mark.parametrize(
    "arguments, nearest",
    [
        (("inpant", "x"), "Did you mean 'inpaint'?"),
        (("train", "pgan"), "Did you mean 'pggan'?"),
        (("priors", "list"), "`jaxprior priors` alone lists the networks; its commands are get, show, remove, rank."),
        (("priors", "shwo"), "Did you mean 'show'?"),
        (("inpaint", "x", "-o", "y", "--mask", "center:0.25", "--stpes", "3"), "--stpes. Did you mean --steps?"),
        (("reconstruct", "x", "-o", "y", "--batchsize", "3"), "Did you mean --batch-size?"),
        (("train", "pggan", "--data", "x", "-o", "y", "--resolutoin", "3"), "Did you mean --resolution?"),
    ],
)
def test_mistyped_word_is_refused_with_the_nearest_right_one(arguments, nearest):
    assert nearest in words(call(*arguments, code=2).output)


def test_mistakes_are_one_sentence_and_exit_code_2(prior, pictures, tmp_path):
    run = tmp_path / "run"
    cases = [
        (("reconstruct", tmp_path / "nothing", "-o", run, "--prior", prior), "no such file or folder"),
        (("inpaint", pictures, "-o", run, "--prior", prior, "--mask", "centre:0.25"), "Did you mean center:0.25"),
        (("inpaint", pictures, "-o", run, "--prior", prior, "--mask", "block:25"), "Did you mean block:0.25"),
        (("reconstruct", pictures, "-o", run, "--prior", "cats31"), "cats31"),
        (("reconstruct", pictures, "-o", run, "--prior", prior, "--layer", "9"), "has layers 1 to 6"),
        (("superres", pictures, "-o", run, "--prior", prior, "--factor", "3"), "factor 3 does not divide"),
        (("superres", pictures, "-o", run, "--prior", prior, "--factor", "17"), "2 to 16"),
        (("denoise", pictures, "-o", run, "--prior", prior, "--sigma", "-1"), "must be positive"),
        (("deblur", pictures, "-o", run, "--prior", prior), "give --blur SIGMA or --kernel FILE"),
        (("deblur", pictures, "-o", run, "--prior", prior, "--blur", "1", "--kernel", "x"), "one of the two"),
        (("deblur", pictures, "-o", run, "--prior", prior, "--kernel", pictures / "p0.png"), "odd side, got 16x16"),
        (("colorize", pictures, "-o", run, "--prior", prior, "--features", "critic"), "no critic"),
        (("colorize", pictures, "-o", run, "--prior", prior, "--feature-weight", "1"), "give --features"),
        (("colorize", pictures, "-o", run, "--prior", prior, "--attention-where", "each"), "give --attention"),
        (("colorize", pictures, "-o", run, "--prior", prior, "--passes", "2"), "target_psnr"),
        (("report", tmp_path), "holds no run"),
        (("convert", pictures / "p0.png", "-o", tmp_path / "x.safetensors"), "p0.png"),
        (("train", "pggan", "--data", pictures, "-o", run, "--resolution", "48"), "power of two"),
        (("train", "pggan", "--data", pictures, "-o", run, "--widths", "8,x"), "whole numbers"),
    ]
    for arguments, part in cases:
        result = call(*arguments, code=2)
        assert part in result.stderr and result.stderr.count("\n") == 1, result.stderr
    assert not run.exists()


def test_clean_and_reference_exclude_each_other(prior, pictures, tmp_path):
    flags = ("--mask", "center:0.25", "--clean", "--reference", pictures)
    assert "give one" in call("inpaint", pictures, "-o", tmp_path / "r", *flags, code=2).stderr


def test_inpaint_makes_a_whole_run_folder_and_the_same_command_keeps_it(prior, pictures, tmp_path):
    run = tmp_path / "run"
    command = ("inpaint", pictures, "-o", run, "--prior", prior, "--mask", "random:0.25", "--clean", *QUICK)
    shown = call(*command).stdout
    assert f"report: {run}/report.html" in shown and "inpaint block:0.25" in shown
    names = {file.relative_to(run).as_posix().split("-")[0] for file in run.rglob("*") if file.is_file()}
    kinds = ("images", "raw", "inputs", "masks", "originals", "latents")
    assert {f"{kind}/p{i}" for kind in kinds for i in range(3)} <= names
    assert {"run.json", "results.jsonl", "results.csv", "summary.md", "report.html", "sheet.png"} <= names
    settings = json.loads((run / "run.json").read_text())["configuration"]
    assert (settings["codes"]["num_codes"], settings["codes"]["layer"], settings["solve"]["steps"]) == (2, 4, 3)
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    call(*command)
    after = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    changed = {file.name for file in before if before[file] != after[file]} | {f.name for f in set(before) ^ set(after)}
    assert changed == set()
    assert "seed = 0" in call(*command, "--seed", "1", code=2).stderr


TASKS = {
    "colorize": ((), "colorize"),
    "superres": (("--factor", "2", "--kernel", "box"), "superres x2 box"),
    "denoise": (("--sigma", "0.3"), "denoise 0.3"),
    "denoise masked": (("--mask", "block:0.25"), "denoise 0.2 block:0.25"),
    "deblur": (("--blur", "0.5"), "deblur 5x5"),
}


@pytest.mark.parametrize("name", TASKS)
def test_task_degrades_originals_and_reports_metrics(prior, pictures, tmp_path, name):
    flags, title = TASKS[name]
    run, command = tmp_path / "run", name.split()[0]
    shown = call(command, pictures, "-o", run, "--prior", prior, *QUICK, "--clean", "--limit", "2", *flags).stdout
    assert title in shown and "PSNR known" in shown
    rows = [json.loads(line) for line in (run / "results.jsonl").read_text().splitlines()]
    assert len(rows) == 2 and all(row["psnr"] and row["psnr_known"] and row["ssim"] is not None for row in rows)
    merges, masked = name in ("colorize", "denoise masked"), name == "denoise masked"
    assert all((row["psnr_merged"] is not None) == merges and (row["psnr_hole"] is not None) == masked for row in rows)
    side = 8 if command == "superres" else 16
    assert images.load_image(next((run / "inputs").iterdir())).shape == (side, side, 3)
    assert images.load_image(next((run / "images").iterdir())).shape == (16, 16, 3)
    settings = json.loads((run / "run.json").read_text())["configuration"]
    assert settings["task"] == command and title.startswith(settings["operator"].pop("type", "").lower()[:5])


@pytest.mark.parametrize("name", TASKS)
def test_task_takes_pictures_as_they_were_observed(prior, pictures, tmp_path, name):
    flags, _ = TASKS[name]
    if name == "superres":
        images.save_png(pictures / "p0.png", images.fit(images.load_image(pictures / "p0.png"), 8))
    command = (name.split()[0], pictures, "-o", tmp_path / "run", "--prior", prior, *QUICK, "--limit", "1", *flags)
    call(*command)
    row = json.loads((tmp_path / "run/results.jsonl").read_text())
    assert row["psnr"] is None and row["psnr_merged"] is None and row["psnr_known"] is not None
    seen = images.load_image(next((tmp_path / "run/inputs").iterdir()))
    given = images.load_image(pictures / "p0.png")
    if name == "colorize":
        assert np.ptp(seen.astype(int), axis=-1).max() == 0
    else:
        np.testing.assert_array_equal(seen, given)


def test_known_kernel_comes_from_an_array_or_a_picture(prior, pictures, tmp_path, unsolved):
    kernel = np.zeros((3, 3, 3), np.uint8)
    kernel[1] = 255
    images.save_png(tmp_path / "k.png", kernel)
    np.save(tmp_path / "k.npy", kernel[..., 0] / np.float32(255 * 3))
    digests = []
    for name in ("k.png", "k.npy"):
        run = tmp_path / f"run-{name}"
        call("deblur", pictures, "-o", run, "--prior", prior, *QUICK, "--kernel", tmp_path / name, code=2)
        digests.append(json.loads((run / "run.json").read_text())["configuration"]["operator"]["kernel"])
    assert digests[0] == digests[1] and digests[0]["shape"] == [3, 3]


@pytest.fixture
def unsolved(monkeypatch):
    """Commands end where they would begin to solve: what they resolved to is in run.json by then."""

    def refuse(*arguments, **options):
        raise JaxpriorError("not solved in this test")

    monkeypatch.setattr(drivers.Inverter, "invert", refuse)


def test_flags_reach_the_method(prior, pictures, tmp_path, unsolved):
    flags = ("--optimizer", "sgd", "--lr", "0.5", "--weights", "softmax", "--precision", "bf16", "--seed", "3")
    call("reconstruct", pictures, "--limit", "1", "-o", tmp_path / "r", "--prior", prior, *QUICK, *flags, code=2)
    record = json.loads((tmp_path / "r/run.json").read_text())
    settings = record["configuration"]
    assert settings["solve"] | {"optimizer": "sgd", "learning_rate": 0.5, "precision": "bf16"} == settings["solve"]
    assert settings["codes"]["weights"] == "softmax" and settings["seed"] == 3 and settings["clean"] is True
    assert record["images"] == 1 and record["batch"] == 1
    assert not any((tmp_path / "r/masks").iterdir())


def test_every_method_option_reaches_the_configuration(prior, pictures, tmp_path, unsolved):
    codes = ("--alpha", "first", "--attention", "scaled-dot", "--attention-where", "each")
    solve = ("--init", "bank", "--starts", "2", "--optimizer", "lbfgs", "--schedule", "ramp", "--keep", "held-out")
    more = ("--target-psnr", "31.5", "--passes", "2")
    call("colorize", pictures, "-o", tmp_path / "r", "--prior", prior, *QUICK, *codes, *solve, *more, code=2)
    settings = json.loads((tmp_path / "r/run.json").read_text())["configuration"]
    wanted = {"init": "bank", "starts": 2, "optimizer": "lbfgs", "schedule": "ramp", "keep": "held_out"}
    wanted |= {"target_psnr": 31.5, "passes": 2}
    assert settings["solve"] | wanted == settings["solve"]
    attention = {"type": "SelfAttention", "scaled": True, "where": "each"}
    assert settings["codes"]["attention"] | attention == settings["codes"]["attention"]
    assert settings["codes"]["alpha"] == "first" and settings["operator"] == {"type": "Colorize"}
    for flags, kind in ((("--attention", "dot"), ("SelfAttention", False)), (("--attention", "cbam"), ("CBAM", None))):
        call("colorize", pictures, "-o", tmp_path / flags[1], "--prior", prior, *QUICK, *flags, code=2)
        found = json.loads((tmp_path / flags[1] / "run.json").read_text())["configuration"]["codes"]["attention"]
        assert (found["type"], found.get("scaled")) == kind
    call("colorize", pictures, "-o", tmp_path / "none", "--prior", prior, *QUICK, "--attention", "none", code=2)
    assert json.loads((tmp_path / "none/run.json").read_text())["configuration"]["codes"]["attention"] is None


def test_single_code_refuses_what_belongs_to_several(prior, pictures, tmp_path, unsolved):
    command = ("reconstruct", pictures, "-o", tmp_path / "r", "--prior", prior, "--preset", "invertgan")
    refused = call(*command, "--layer", "4", "--attention", "dot", code=2).stderr
    assert "one latent code" in refused and "--layer, --attention" in refused and not (tmp_path / "r").exists()
    call(*command, "--steps", "5", code=2)
    settings = json.loads((tmp_path / "r/run.json").read_text())["configuration"]
    assert settings["codes"]["type"] == "SingleCode" and settings["solve"]["steps"] == 5


def test_presets_are_the_librarys(prior, pictures, tmp_path, unsolved):
    flags = ("--preset", "mganprior", "--codes", "7", "--features", "none")
    call("reconstruct", pictures, "-o", tmp_path / "r", "--prior", prior, *flags, code=2)
    settings = json.loads((tmp_path / "r/run.json").read_text())["configuration"]
    solve = settings["solve"]
    assert (solve["optimizer"], solve["learning_rate"], solve["keep"], solve["steps"]) == ("sgd", 1.0, "last", 3000)
    assert settings["codes"]["num_codes"] == 7


def test_bad_picture_is_a_failed_row_and_exit_code_1(prior, pictures, tmp_path):
    (pictures / "p1.png").write_bytes(b"not a picture")
    shown = call("reconstruct", pictures, "-o", tmp_path / "r", "--prior", prior, *QUICK, code=1).stdout
    assert "p1.png: failed: " in shown
    rows = [json.loads(line) for line in (tmp_path / "r/results.jsonl").read_text().splitlines()]
    assert sorted(row["status"] for row in rows) == ["failed", "ok", "ok"]


def test_stopped_run_says_how_to_go_on_with_exit_code_75(prior, pictures, tmp_path, monkeypatch):
    command = ("reconstruct", pictures, "-o", tmp_path / "r", "--prior", prior, *QUICK)
    real, calls = drivers.Inverter.invert, []

    def stopping(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGTERM)
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(drivers.Inverter, "invert", stopping)
        stopped = call(*command, code=75)
    assert "1 of 3 pictures done" in stopped.stderr and "the same command goes on" in stopped.stderr
    call("report", tmp_path / "r")
    call(*command)
    assert len((tmp_path / "r/results.jsonl").read_text().splitlines()) == 3


def test_full_disk_is_a_sentence(prior, pictures, tmp_path, monkeypatch):
    import errno

    def full(path, image):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(images, "save_png", full)
    command = ("reconstruct", pictures, "-o", tmp_path / "r", "--prior", prior, *QUICK)
    assert "disk is full" in call(*command, code=75).stderr


def test_demo_repairs_a_whole_photograph_in_its_own_size(prior, tmp_path, monkeypatch):
    from jaxprior.weights import priors

    load = priors.load_prior
    monkeypatch.setattr(priors, "load_prior", lambda source=None: load(prior))
    monkeypatch.setattr(demo_module, "METHOD", {"codes": {"num_codes": 2, "layer": 4}, "solve": {"steps": 3}})
    demo = tmp_path / "demo"
    shown = call("demo", "-o", demo).stdout
    assert f"report: {demo}/report.html" in shown
    names = [part.name for part in demo_module.PARTS]
    assert names == ["hole", "scratches", "pixels", "superres", "colours"]
    assert {path.parent.name for path in demo.glob("*/report.html")} == set(names)
    photograph = images.load_image(demo / "cat.png")
    assert photograph.shape == (300, 451, 3)
    for name in ("hole", "scratches", "pixels", "colours"):
        (restored,) = (demo / name / "images").glob("*.png")
        assert images.load_image(restored).shape == photograph.shape
    (repaired,) = (demo / "hole/images").glob("*.png")
    known = images.load_image(demo / "hole.png")[..., 0] == 0
    assert known.any() and not known.all()
    assert np.array_equal(images.load_image(repaired)[known], photograph[known])
    assert (demo / "report.html").read_text().index('class="opening"') > 0
    assert "4 of 4" not in shown and "scratches" in call("report", demo).stdout


def test_doctor_checks_everything_and_says_what_is_wrong(monkeypatch):
    import shutil

    said = call("doctor").stdout.splitlines()
    lines = [line for line in said if not line.startswith("still ")]  # a slow machine says what it is busy with
    checks = {"versions", "devices", "cache", "pictures", "priors", "compile", "disk"}
    assert {line.split()[1] for line in lines[:-1]} == checks
    assert all(line.startswith("ok ") for line in lines[:-1]) and lines[-1] == "Everything works."
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))
    assert "PROBLEM  disk" in call("doctor", code=1).stdout


def test_train_then_restore_with_what_was_trained(pictures, tmp_path):
    run = tmp_path / "training"
    sizes = (
        "--resolution",
        "8",
        "--widths",
        "4,4",
        "--batch-size",
        "2",
        "--latent-dim",
        "8",
        "--start-resolution",
        "8",
    )
    lengths = ("--loss", "wgan-gp", "--final-kimg", "0.008")
    shown = call("train", "pggan", "--data", pictures, "-o", run, *sizes, *lengths).stdout
    assert "3 pictures of 8x8 pixels" in shown and f"weights: {run}/model.safetensors" in shown
    assert f"report: {run / 'report.html'}" in shown and "How to use it" in (run / "report.html").read_text()
    call("reconstruct", pictures, "--limit", "1", "-o", tmp_path / "r", "--prior", run, *QUICK)
    assert "report.html" in call("report", run).stdout
    assert "training run, not a restoration run" in call("report", run, tmp_path / "r", code=2).stderr


def test_bundled_priors_are_listed():
    from jaxprior.weights.priors import list_priors

    names = [card["name"] for card in list_priors()]
    if not names:
        assert "train one" in call("priors", code=2).stderr
    else:
        assert all(name in call("priors").stdout for name in names)


def test_installed_program_ends_with_the_same_codes(tmp_path):
    program = [sys.executable, "-c", "from jaxprior.cli import main; main()"]
    ended = subprocess.run([*program, "report", str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2 and ended.stderr.startswith("jaxprior: ") and "Traceback" not in ended.stderr


def test_commands_import_jax_only_when_they_run():
    """Help must come at once. The package's own `__init__` is left out: what it imports is the library's affair."""
    import jaxprior

    code = (
        "import sys, types; package = types.ModuleType('jaxprior'); sys.modules['jaxprior'] = package; "
        f"package.__path__ = [{str(Path(jaxprior.__file__).parent)!r}]; "
        "import jaxprior.cli; print('jax' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert ended.stdout.strip() == "False", ended.stderr
