"""The planned end of a training: its minutes are of training alone, and its end is no failure."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from program import inside, printed
from tiny_singan import smooth_picture

from jaxprior.data import images
from jaxprior.system import compiling
from jaxprior.system.compiling import CompileClock
from jaxprior.training import clock as clock_module
from jaxprior.training import loop
from jaxprior.training.clock import TrainingClock
from jaxprior.training.loop import Interrupted, PlannedEnd


SINGAN = ("--min-size", 16, "--num-scales", 2, "--steps", 2, "--width", 4, "--layers", 2)
SINGAN += ("--critic-steps", 1, "--generator-steps", 1)
PGGAN = ("--resolution", 8, "--start-resolution", 8, "--widths", "4,4", "--latent-dim", 8, "--batch-size", 2)
PGGAN += ("--train-kimg", 0.002, "--final-kimg", 0.006)


class Time:
    """A clock that stands still until it is moved, in place of the module `time`."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch) -> Time:
    fake = Time()
    for module in (clock_module, compiling):
        monkeypatch.setattr(module, "time", types.SimpleNamespace(monotonic=fake.monotonic))
    return fake


def compile_for(seconds: float, time: Time, *, inner: float = 0.0) -> None:
    """What JAX reports of a compilation that takes so long, with another one inside."""
    time.now += seconds
    if inner:
        jax.monitoring.record_event_duration_secs("/jax/core/compile/jaxpr_trace_duration", inner)
    jax.monitoring.record_event_duration_secs("/jax/core/compile/backend_compile_duration", seconds)


def test_every_second_of_compiling_is_counted_once(time):
    with CompileClock() as clock:
        time.now += 5
        compile_for(30, time, inner=10)
        compile_for(7, time)
        jax.monitoring.record_event_duration_secs("/jax/something/else", 100.0)
        assert clock.seconds == 37
    compile_for(50, time)
    assert clock.seconds == 37


def test_compiling_is_measured_where_jax_compiles():
    with CompileClock() as clock:
        jax.jit(lambda x: jnp.sin(x) * 3.25)(np.ones(3)).block_until_ready()
        seconds = clock.seconds
        assert seconds > 0


def train(folder, time: Time, *, limit: float | None, should_stop=lambda: False) -> list[loop.Moment]:
    """Train ten steps of ten seconds, of which the first compiles for 100 seconds besides."""
    moments: list[loop.Moment] = []

    def step(index, state, _batch, _key):
        time.now += 10
        if index == 0:
            compile_for(100, time)
        return state + 1, {"loss": state}

    phase = loop.Phase(
        name="all", steps=10, begin=lambda state: state, step=step, batch=lambda index: index, images_per_step=4
    )
    with TrainingClock(limit) as clock:
        loop.run(
            [phase], jnp.float32(0), folder=folder, key=jax.random.key(0), pace=loop.Pace(log_every=1),
            on_log=moments.append, should_stop=should_stop, clock=clock,
        )  # fmt: skip
    return moments


def test_minutes_are_of_training_and_not_of_compiling(time, tmp_path):
    with pytest.raises(PlannedEnd, match="stopped in phase all after 4 of 10 steps"):
        train(tmp_path, time, limit=35)
    again = train(tmp_path, time, limit=None)
    assert [moment.step for moment in again] == [5, 6, 7, 8, 9, 10]
    assert {moment.images_per_second for moment in train(tmp_path / "other", time, limit=None)} == {0.4}


def test_a_stop_that_was_asked_for_is_no_planned_end(time, tmp_path):
    with pytest.raises(Interrupted) as stop:
        train(tmp_path, time, limit=0, should_stop=lambda: True)
    assert not isinstance(stop.value, PlannedEnd)


def test_a_training_needs_a_limit_that_is_a_number():
    for limit in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="0 seconds or more"):
            TrainingClock(limit)


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        images.save_png(folder / f"{number}.png", smooth_picture(18, 24, 3 + number))
    return folder


def test_the_planned_end_of_a_command_is_a_success_that_says_how_to_go_on(pictures, tmp_path):
    command = ("train", "pggan", "--data", pictures, "-o", tmp_path / "run", *PGGAN)
    said = printed(*command, "--minutes", 0)
    assert "The planned time is over: stopped in phase 8x8 after 1 of 3 steps; the same command goes on: " in said
    assert "trained for " in said and ", and compiled for " in said and "\nweights: " in said
    said = printed(*command)
    assert "The planned time" not in said and "trained for " in said
    assert "This training was finished before; nothing was left to do." in printed(*command)


def test_pictures_of_a_folder_share_the_minutes(pictures, tmp_path):
    command = ("singan", "train", pictures, "-o", tmp_path / "runs", *SINGAN)
    said = printed(*command, "--minutes", 0)
    assert "stopped in phase scale 0 of 0 to 1 after 1 of 2 steps" in said
    assert "The planned time is over: 1 of 3 were begun; the same command goes on: " in said
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_minutes_are_finite_and_not_below_zero(pictures, tmp_path):
    for wrong in ("-1", "nan", "inf", "soon"):
        ended = inside("train", "pggan", "--data", pictures, "-o", tmp_path / "run", *PGGAN, "--minutes", wrong)
        assert ended.code == 2 and "--minutes" in ended.err and not ended.traced
    assert not (tmp_path / "run").exists()
