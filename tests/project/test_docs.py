"""What the documents show works as it is written: every command is understood, and the examples in Python run."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_singan import idle_singan
from typer.main import get_command

from jaxprior.cli import app
from jaxprior.data import images
from jaxprior.models.singan import save_singan


ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(path: Path, language: str) -> list[str]:
    """The blocks of code of a document in a language, "" for those that are shown as commands."""
    return [text for named, text in BLOCK.findall(path.read_text()) if named == language]


def shown_commands(text: str) -> list[list[str]]:
    """The words of every `jaxprior` command in a block, or in a help text; several may stand in a line."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        for command in line.partition("  #")[0].split("&&"):
            if command.strip().startswith("jaxprior "):
                found.append(shlex.split(command)[1:])
    return found


def understand(command: Any, words: list[str], parent: Any = None) -> None:
    """Parse a command line without running it; the parser's exceptions leave this function."""
    with command.make_context(words[0] if parent else "jaxprior", words[1:] if parent else words, parent=parent) as ctx:
        if rest := [*getattr(ctx, "_protected_args", []), *ctx.args]:
            _, inner, _ = command.resolve_command(ctx, list(rest))
            understand(inner, rest, ctx)


COMMANDS = [
    pytest.param(words, id=f"{path.name}: {' '.join(words[:3])} {number}")
    for path in DOCUMENTS
    for number, words in enumerate(words for block in blocks(path, "") for words in shown_commands(block))
]


def test_documents_show_commands():
    assert len(COMMANDS) > 20


@pytest.mark.parametrize("words", COMMANDS)
def test_commands_of_the_documents_are_understood(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    understand(get_command(app), words)


def all_commands(group: Any, parent: Any = None) -> Iterator[Any]:
    """Every command of the program, made with its options."""
    with group.make_context(group.name or "jaxprior", [], parent=parent, resilient_parsing=True) as ctx:
        for name in group.list_commands(ctx):
            _, command, _ = group.resolve_command(ctx, [name])
            yield command
            if hasattr(command, "list_commands"):
                yield from all_commands(command, ctx)


def test_commands_of_the_help_texts_are_understood(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    program, shown = get_command(app), []
    for command in all_commands(program):
        shown += shown_commands(command.help or "")
    assert len(shown) > 50
    for words in shown:
        try:
            understand(program, words)
        except Exception as error:
            raise AssertionError(f"jaxprior {shlex.join(words)}: {error}") from error


def test_a_wrong_command_would_be_noticed():
    for words in (["inpaint", "a.png", "--masc", "x", "-o", "y"], ["singan", "sampel", "a"], ["superres", "a.png"]):
        with pytest.raises(Exception, match="(?i)no such|missing"):
            understand(get_command(app), words)


def test_the_example_of_singan_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "starry").mkdir(parents=True)
    model = idle_singan()
    scales = (*model.scales, model.scales[-1])  # the example begins at scale 3
    save_singan("runs/starry/model.safetensors", type(model)(**{**vars(model), "scales": scales}))
    mask = np.zeros((20, 28, 3), np.uint8)
    mask[5:12, 8:16] = 255
    images.save_png("pasted_mask.png", mask)
    images.save_png("pasted.png", np.random.default_rng(0).integers(0, 256, (20, 28, 3), np.uint8))
    (example,) = blocks(ROOT / "docs" / "singan.md", "python")
    names: dict[str, Any] = {}
    exec(compile(example, "docs/singan.md", "exec"), names)
    assert names["drawn"].shape == (8, 20, 28, 3) and names["made"].masked.shape == (2, 1, 20, 28, 3)
