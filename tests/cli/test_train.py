"""`jaxprior train`: the options of every trainer are the settings of its dataclass."""

import subprocess
import sys
import typing

import pytest
from commands import call

from jaxprior import discovery
from jaxprior.cli.train import trainers
from jaxprior.settings import about, choices


TRAINERS = dict(trainers())


@pytest.mark.parametrize("name", TRAINERS)
def test_help_shows_the_words_of_every_literal_and_all_presets(name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    trainer = TRAINERS[name]
    config, presets = discovery.imported(trainer.config), discovery.imported(trainer.presets)
    shown = call("train", name, "--help").stdout
    hints = typing.get_type_hints(config)
    described = about(config)
    for setting, one in described.items():
        spelled = (one.option or f"--{setting.replace('_', '-')}").partition("/")[0]
        assert f"{spelled} " in shown
        assert one.text in " ".join(shown.split()) or len(one.text) > 60
        words = [word for word in choices(hints[setting]) if isinstance(word, str)]  # numbers have their own form
        if words:
            assert f"<{'|'.join(words)}>" in shown
    assert f"<{'|'.join(presets)}>" in shown and f"[default: {trainer.default}]" in shown
    assert f"jaxprior train {name}" in shown.partition("Usage:")[2]
    assert all(isinstance(preset, config) for preset in presets.values())


def test_known_trainers_are_found_and_refuse_words_that_are_no_choice():
    assert {"autoencoder", "lsgan", "pggan"} <= set(TRAINERS)
    assert "--loss" in call("train", "lsgan", "--data", "x", "-o", "y", "--loss", "wgan", code=2).output
    told = call("train", "autoencoder", "-o", "y", "--data", "x", code=2).stderr
    assert "Give --pairs" in told and told.count("\n") == 1


def test_options_are_made_without_jax():
    program = "import sys; from jaxprior.cli import app; app(['train', 'pggan', '--help'], standalone_mode=False);"
    program += "print([name for name in ('jax', 'flax', 'optax', 'orbax') if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert ended.stdout.rstrip().endswith("[]"), ended.stdout + ended.stderr
