"""Options derived from dataclasses of settings."""

import dataclasses
from typing import Literal

import pytest
import typer
from typer.testing import CliRunner

from jaxprior.cli.derived import options_of
from jaxprior.cli.signature import spelled_out
from jaxprior.errors import JaxpriorError
from jaxprior.settings import REQUIRED, about, check_choices, setting, typed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Base:
    """Settings with what a subclass inherits."""

    learning_rate: float = setting(1e-3, "Learning rate.", option="--lr", metavar="X", least=0.0, panel="Late", rank=1)
    keep: Literal["best", "held-out"] = setting("best", "Iterate to keep.")
    hidden: int = 7

    def __post_init__(self):
        check_choices(self)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(Base):
    """Settings of every type."""

    learning_rate: float = 3.0
    need: int = setting(REQUIRED, "How many.", least=1)
    widths: tuple[int, ...] | None = setting(None, "Widths.", metavar="N,N,...")
    milestones: tuple[float, ...] = setting((0.8,), "Shares.", option="--milestone", repeated=True)
    mirror: bool = setting(True, "Flip.", option="--mirror/--no-mirror")
    channels: Literal[1, 3] = setting(1, "Channels.")


def run(*arguments: str, unset: bool):
    """(what a command with these options was told, the result of calling it)."""
    told, kind = [], options_of(Settings, unset=unset)

    @spelled_out
    def command(*, options: kind) -> None:
        """Try it."""
        told.append(options.changes())

    app = typer.Typer(add_completion=False)
    app.command()(command)
    result = CliRunner().invoke(app, list(arguments))
    return (told[0] if told else None), result


def test_options_are_the_described_fields_by_rank_and_keep_what_a_base_class_says():
    assert list(about(Settings)) == ["keep", "need", "widths", "milestones", "mirror", "channels", "learning_rate"]
    shown = run("--help", unset=True)[1].output
    assert "--lr" in shown and "--hidden" not in shown and "best|held-out" in shown and "x>=1" in shown
    assert options_of(Settings).spelled()["learning_rate"] == "--lr"
    assert "need" not in options_of(Settings, without=("need",)).spelled()


def test_only_what_was_given_is_a_change_and_has_the_type_of_its_field():
    assert run(unset=True)[0] == {}
    given = ("--keep", "held-out", "--widths", "8,16", "--milestone", "0.1", "--milestone", "0.2", "--no-mirror")
    told, _ = run(*given, "--channels", "3", "--lr", "1", unset=True)
    assert told == {
        "keep": "held-out", "widths": (8, 16), "milestones": (0.1, 0.2), "mirror": False, "channels": 3,
        "learning_rate": 1.0,
    }  # fmt: skip
    assert type(told["keep"]) is str


def test_without_a_preset_the_fields_own_defaults_hold_and_a_field_without_one_is_required():
    told, _ = run("--need", "2", unset=False)
    assert Settings(**told) == Settings(need=2)
    assert run(unset=False)[1].exit_code == 2 and run("--need", "0", unset=False)[1].exit_code == 2


def test_wrong_lists_and_words_are_refused():
    error = run("--widths", "8,x", unset=True)[1].exception
    assert isinstance(error, JaxpriorError) and "--widths 8,x: expected whole numbers with commas" in str(error)
    assert run("--keep", "worst", unset=True)[1].exit_code == 2
    with pytest.raises(ValueError, match=r"`keep` must be one of \('best', 'held-out'\), got 'worst'"):
        Settings(need=1, keep="worst")
    assert typed("best", Literal["best", "last"] | None, "keep") == "best"
    assert typed("none", Literal["best", "last"] | None, "keep") is None
    with pytest.raises(JaxpriorError, match="expected a text"):
        typed(3, Literal["best", "last"], "keep")
