"""What the shell completes: commands, options, their words, and names, without importing JAX."""

import json
import os
import subprocess
import sys

import pytest

from jaxprior.cli import completing


PROGRAM = """
import json, os, sys
from jaxprior.cli import main

for words in json.load(sys.stdin):
    os.environ.update(_JAXPRIOR_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split(" ")) - 1))
    try:
        main([])
    except SystemExit as end:
        print(json.dumps([words, end.code, "jax" in sys.modules]))
"""
COMPLETED = {
    "jaxprior inpa": ["inpaint"],
    "jaxprior train gan": ["gan3d"],
    "jaxprior singan pa": ["paint"],
    "jaxprior inpaint --optim": ["--optimizer"],
    "jaxprior inpaint x.png --optimizer ad": ["adam"],
    "jaxprior inpaint x.png --prior cats": ["cats-mine", "cats32", "cats64"],
    "jaxprior train encoder --prior cats": ["cats-mine", "cats32", "cats64"],
    "jaxprior inpaint x.png --refine lsgan": ["lsgan-cats64-refiner"],
    "jaxprior singan sample gal": ["galaxies"],
    "jaxprior singan harmonize gal": ["galaxies"],
    "jaxprior app --singan gal": ["galaxies"],
    "jaxprior priors show lsgan": ["lsgan-cats64", "lsgan-cats64-refiner"],
    "jaxprior superres x.png --restorer srgan": ["srgan_x4_photos"],
    "jaxprior train pggan --preset cats": ["cats32", "cats64"],
    "jaxprior evaluate qui": ["quick"],
    "jaxprior priors get bedroom2": ["bedroom256"],
    "jaxprior priors remove cats-m": ["cats-mine"],
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What is completed of each command line, all of them in one process that never imports JAX."""
    data = tmp_path_factory.mktemp("data")
    (data / "priors/cats-mine").mkdir(parents=True)
    (data / "priors/cats-mine/model.safetensors").write_bytes(b"")
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=json.dumps(list(COMPLETED)), capture_output=True, text=True,
        env={**os.environ, "JAXPRIOR_DATA": str(data)},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    found, lines = {}, []
    for line in ended.stdout.splitlines():
        if line.startswith("["):
            words, code, imported = json.loads(line)
            assert code == 0 and not imported, words
            found[words], lines = lines, []
        else:
            lines.append(line)
    return found


@pytest.mark.parametrize("words", COMPLETED)
def test_words_are_completed_without_jax(words, answers):
    assert sorted(answers[words]) == COMPLETED[words]


def test_a_failure_completes_nothing_and_says_nothing(monkeypatch, capsys):
    def broken():
        raise PermissionError("no")

    assert completing._completing(broken)("x") == []
    assert capsys.readouterr() == ("", "")
