"""The commands of README.md and of the pages in docs/ run, page by page and in their order, at small sizes.

`document_commands.py` says what makes a command small, and `document_files.py` makes the files that commands name. The
commands that cannot be run so stand in `NOT_RUN` with the reason, and nothing else is left out.
"""

import shlex
import shutil
from pathlib import Path

import pytest
from document_commands import Command, commands
from document_files import make, mask
from program import inside

from jaxprior.data.images import save_png


ROOT = Path(__file__).parents[2]
PAGES = {path.stem: path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
PAGES = {name: path for name, path in PAGES.items() if commands(path)}

NETWORK = "downloads a network; tests/weights/test_installing.py does it from a server of its own"
FOREIGN = "needs a file that others publish; tests/convert/ reads made-up ones of every layout"
BROWSER = "serves a page until it is stopped; tests/app/ uses it"

NOT_RUN = {
    "demo": "takes a minute, and has no options that make it smaller; .ci/run runs it",
    "app": BROWSER,
    "priors get bedroom256": NETWORK,
    "priors get kitchen256": "wants the publisher's file; tests/weights/test_installing.py makes one up",
    "priors get lpips-alex": NETWORK,
    "priors get lpips-vgg": NETWORK,
    "priors get squeezenet": NETWORK,
    "priors get vgg16": NETWORK,
    "convert": FOREIGN,
    "train pggan --data cats.zip -o runs/cats --devices": "needs two devices; test_several_devices.py has them",
    "train pggan --data cats.zip -o runs/cats --coordinator": "needs two machines; test_stopping.py has two processes",
    "evaluate plan.toml -o runs/plan --shard": "is in a cluster's script; tests/cli/test_job_scripts.py runs that",
}
"""Beginnings of commands that are not run here, and why."""

WAITING = ("encoders", "generative-encoder", "patch-inpainting", "singan")
"""Pages whose commands are only parsed so far, in test_docs.py."""

CATS = "train pggan --data cats.zip -o"
BALLOONS = "singan train balloons.png -o"
FILLER = "train patchgan --data photos/ -o"

BEFORE = {
    "README: runs/digits": "train icgan --data digits/ -o runs/digits",
    "README: runs/chairs": "train gan3d --data chairs.npz -o runs/chairs",
    "encoders: runs/encoder": "train encoder --prior cats64 --data cats.zip --task reconstruct -o runs/encoder",
    "icgan: runs/faces": "train icgan --data faces/ --labels faces.csv -o runs/faces",
    "priors: bedroom256": "priors get my-own --from tiny.safetensors",
    "priors: runs/cats": f"{CATS} runs/cats",
    "priors: runs/patchgan": f"{FILLER} runs/patchgan",
    "runs: runs/other": "inpaint cats.zip --mask center:0.25 --clean -o runs/other --seed 1",
    "singan: runs/trees": f"{BALLOONS} runs/trees",
    "singan: runs/starry": f"{BALLOONS} runs/starry",
    "singan: runs/stone": f"{BALLOONS} runs/stone",
    "trainings: runs/cats": f"{CATS} runs/cats",
    "volumes: runs/rock": f"{CATS} runs/rock",
    "which-prior: runs/dogs": f"{CATS} runs/dogs",
}
"""Runs that a page takes as made elsewhere, and the commands that make them before its own."""


def reason(command: Command) -> str | None:
    """Why a command is not run, if it is not."""
    return next((why for begin, why in NOT_RUN.items() if f"{command.text} ".startswith(f"{begin} ")), None)


def run(words: tuple[str, ...], out: str | None) -> None:
    """Run a command in the working folder, after making what it names."""
    for before, word in zip(("", *words), words, strict=False):
        if before not in ("-o", "--out"):
            make(Path(word), word, is_mask=before == "--mask" or "mask" in word)
        if before == "--mask" and "black" in words:
            save_png(word, 255 - mask())
    ended = inside(*words)
    assert ended.code == 0 and not ended.traced, f"jaxprior {shlex.join(words)}\n{ended.out}{ended.err}"
    if out is not None and "--dry-run" not in words:
        assert Path(out).is_file() or any(Path(out).iterdir())


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if page not in WAITING])
def test_the_commands_of_a_page_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JAXPRIOR_DATA", str(tmp_path / "installed"))
    made: dict[str, int] = {}
    for place, text in BEFORE.items():
        if place.startswith(f"{page}: "):
            before = Command(tuple(shlex.split(text)), -1)
            run(before.small(), before.out)
    for command in commands(PAGES[page]):
        if reason(command):
            continue
        out = command.out
        if out is not None and out != "runs" and made.get(out) != command.block:
            remove(Path(out))  # of another way of doing the same, or made for the commands above
        run(command.small(), out)
        if out is not None:
            made[out] = command.block


def test_no_reason_is_left_without_its_command():
    assert set(WAITING) <= set(PAGES)
    shown = [f"{command.text} " for path in PAGES.values() for command in commands(path)]
    for begin in NOT_RUN:
        assert any(text.startswith(f"{begin} ") for text in shown), f"no document shows {begin}"
    for place in BEFORE:
        page, name = place.split(": ")
        assert any(name in command.words for command in commands(PAGES[page])), f"{page} does not name {name}"
