"""Compiling is announced once a program and process, with the time that it took the last time."""

import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console

from jaxprior.runs.display import Display
from jaxprior.system import programs, remembered, runtime


@pytest.fixture
def out(monkeypatch, tmp_path) -> io.StringIO:
    """What is printed, with an empty folder of compiled programs and no memory of what was compiled."""
    monkeypatch.setattr(runtime, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(runtime, "CALLED_PROGRAMS", set())
    shown = io.StringIO()
    with Display(interval=1000, console=Console(file=shown)):
        yield shown


def use(*arguments) -> None:
    with programs.compiling("the step", *arguments):
        pass


def test_a_program_is_announced_once_for_each_shape_and_setting(out):
    for arguments in ((np.ones(3), "adam"), (np.zeros(3), "adam"), (np.ones(4), "adam"), (np.ones(3), "sgd")):
        use(*arguments)
    assert out.getvalue() == 3 * "compiling the step\n"


def test_the_next_process_knows_how_long_it_took(out, monkeypatch):
    use(jnp.ones(3))
    programs.write_duration(next(iter(programs.read_durations())), 52.0)
    monkeypatch.setattr(runtime, "CALLED_PROGRAMS", set())
    use(jnp.ones(3))
    assert out.getvalue().splitlines()[1] == "compiling the step (last time on this machine it took 52 s)"


def test_programs_that_were_given_up_are_announced_again(out, monkeypatch):
    monkeypatch.setattr(jax, "clear_caches", lambda: None)
    use(np.ones(3))
    runtime.forget_programs()
    use(np.ones(3))
    assert out.getvalue().count("compiling the step") == 2


@pytest.mark.parametrize("content", [b"", b"[1, 2]", b'{"a": "soon"}', b"\xff\xfe"])
def test_a_damaged_file_of_times_is_as_none(out, tmp_path, content):
    (tmp_path / "durations.json").write_bytes(content)
    assert programs.read_durations() == {}
    use(np.ones(3))
    assert out.getvalue() == "compiling the step\n"
    assert list(programs.read_durations().values()) == [0.0]


def test_without_a_folder_nothing_is_remembered(out, monkeypatch, tmp_path):
    for folder in (None, tmp_path / "missing"):
        monkeypatch.setattr(runtime, "cache_folder", lambda folder=folder: folder)
        programs.write_duration("a", 1.0)
        assert programs.read_durations() == {} and list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_no_mistake(out, monkeypatch):
    def refuse(*_arguments):
        raise PermissionError

    monkeypatch.setattr(remembered, "write_atomically", refuse)
    use(np.ones(3))
    assert out.getvalue() == "compiling the step\n"


def test_only_the_newest_times_are_kept(out, monkeypatch):
    monkeypatch.setattr(programs, "KEPT", 2)
    for name in ("a", "b", "a", "c"):
        programs.write_duration(name, 1.0)
    assert list(programs.read_durations()) == ["a", "c"]


def test_nothing_is_remembered_where_nobody_listens(monkeypatch, tmp_path):
    monkeypatch.setattr(runtime, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(runtime, "CALLED_PROGRAMS", set())
    use(np.ones(3))
    assert list(tmp_path.iterdir()) == []
