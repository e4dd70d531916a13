"""Programs of a training that threads compile: which they are, that no call compiles them again, and that nothing else
changes. A stop does not wait for them, and what fails in a thread is told by the call itself."""

import dataclasses
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from counted_programs import check_at_most, compiled_programs
from program import printed
from tiny_singan import smooth_picture

from jaxprior.data.images import save_png
from jaxprior.models.consingan.config import ConsinganRecipe
from jaxprior.models.consingan.train import plan as consingan_plan
from jaxprior.models.pggan.config import PgganRecipe
from jaxprior.models.pggan.train import plan as pggan_plan
from jaxprior.models.singan.config import SinganRecipe
from jaxprior.models.singan.train import plan as singan_plan
from jaxprior.system import ahead
from jaxprior.system.compiling import CompileClock
from jaxprior.training import loop, session
from jaxprior.training.loop import Interrupted
from jaxprior.training.phases import no_programs
from jaxprior.training.pictures import Pictures


THREAD = "jaxprior-compile"
SMALL = {"num_scales": 2, "min_size": 16, "steps": 2, "width": 4, "layers": 2, "critic_steps": 1, "generator_steps": 1}
PIXELS = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), np.uint8)


def pggan():
    recipe = PgganRecipe(
        resolution=16, start_resolution=8, widths=(8, 8, 8), latent_dim=8, batch_size=4, batch_limit=(),
        train_kimg=0.012, fade_kimg=0.012, loss="nonsaturating", r1_every=2,
    )  # fmt: skip
    return pggan_plan(recipe, Pictures(PIXELS))


def singan():
    return singan_plan(SinganRecipe(**SMALL), Pictures(smooth_picture(18, 24, 3)[None]))


def consingan():
    small = {name: value for name, value in SMALL.items() if name != "layers"}
    return consingan_plan(ConsinganRecipe(**small, layers=2), Pictures(smooth_picture(18, 24, 3)[None]))


@pytest.fixture
def compiled():
    """Programs that are compiled, or read from the cache, while the test runs: (name, thread's name)."""
    with compiled_programs() as found:
        yield found


@pytest.mark.parametrize(
    ("plan", "programs", "most"),
    [
        # Two stages with and without the penalty; pictures of 8 pixels, of 16 fading in, and of 16.
        (pggan, {"step": 4, "draw_images": 3}, 30),
        (singan, {"step": 2, "_draw": 2, "_reconstruct": 2, "reconstruction_error": 1}, 100),  # 79 with jax 0.10
        (consingan, {"step": 2, "_draw": 2}, 46),
    ],
)
def test_threads_compile_what_the_phases_call_and_little_else_is_compiled(plan, programs, most, compiled, tmp_path):
    session.run(plan(), tmp_path, source="tests", pace=loop.Pace(log_every=1))
    for name, count in programs.items():
        assert [thread for program, thread in compiled if program == name] == [THREAD] * count, name
    check_at_most(most, compiled)


def test_a_training_is_the_same_to_the_bit_when_nothing_is_compiled_ahead(tmp_path):
    plan = pggan()
    phases = [dataclasses.replace(one, programs=no_programs, programs_at_end=no_programs) for one in plan.phases]
    for name, one in {"ahead": plan, "called": dataclasses.replace(plan, phases=phases)}.items():
        session.run(one, tmp_path / name, source="tests", pace=loop.Pace(log_every=1))
    for file in ("metrics.csv", "swd.csv"):
        assert (tmp_path / "ahead" / file).read_bytes() == (tmp_path / "called" / file).read_bytes()


def phase(name: str, step, **settings) -> loop.Phase:
    """A phase of three steps that add to a number."""
    return loop.Phase(
        name=name, steps=3, begin=lambda state: state, step=step, batch=lambda index: np.ones(2, np.float32),
        images_per_step=1, **settings,
    )  # fmt: skip


class Slow:
    """Stands for a compiled function whose program takes long to compile: until it is let go."""

    def __init__(self):
        self.begun, self.go_on = threading.Event(), threading.Event()

    def lower(self, *_shapes, **_options):
        self.begun.set()
        assert self.go_on.wait(60)
        return self

    def compile(self):
        return self


def step(_index, state, batch, _key):
    return state + jnp.sum(batch), {"loss": state}


def test_a_stop_does_not_wait_for_a_program_of_the_phase(tmp_path):
    slow = Slow()
    one = phase("slow", step, programs=lambda *shapes: [ahead.Program(slow, shapes)])
    began = time.monotonic()
    try:
        with pytest.raises(Interrupted, match="stopped in phase slow after 0 of 3 steps"):
            loop.run(
                [one], jnp.float32(0), folder=tmp_path, key=jax.random.key(0), should_stop=slow.begun.is_set
            )  # fmt: skip
        assert time.monotonic() - began < 30
        assert ahead.is_busy()
    finally:
        slow.go_on.set()


def test_a_phase_trains_while_the_next_one_is_compiled(tmp_path):
    slow, seen = Slow(), []

    def look(moment):
        seen.append((moment.phase, slow.go_on.is_set()))
        if moment.phase == "first" and moment.index == 3:
            slow.go_on.set()

    phases = [phase("first", step), phase("second", step, programs=lambda *shapes: [ahead.Program(slow, shapes)])]
    found = loop.run(
        phases, jnp.float32(0), folder=tmp_path, key=jax.random.key(0), pace=loop.Pace(log_every=1), on_log=look
    )  # fmt: skip
    assert seen[:3] == [("first", False)] * 3
    assert float(found) == 12


def test_waiting_for_a_thread_counts_as_compiling():
    slow = Slow()
    name = ahead.Program(slow, (np.ones(2),)).compile_ahead()
    threading.Timer(0.3, slow.go_on.set).start()
    with CompileClock() as clock:
        ahead.wait_for(name)
        assert clock.seconds > 0.1


def test_a_thread_that_fails_leaves_the_compilation_to_the_call(tmp_path):
    class Broken:
        def lower(self, *_shapes, **_options):
            raise MemoryError

    one = phase("broken", jax.jit(step), programs=lambda *shapes: [ahead.Program(Broken(), shapes)])
    assert float(loop.run([one], jnp.float32(0), folder=tmp_path, key=jax.random.key(0))) == 6


def test_a_command_that_is_stopped_before_the_first_step_says_how_to_go_on(monkeypatch, tmp_path):
    def stop(*_arguments, **_settings):
        raise Interrupted("stopped in phase part 1 of 10 after 0 of 2 steps")

    monkeypatch.setattr(session, "run", stop)
    (tmp_path / "pictures").mkdir()
    save_png(tmp_path / "pictures" / "one.png", smooth_picture(18, 24, 3))
    command = ("train", "lsgan", "--data", tmp_path / "pictures", "-o", tmp_path / "run", "--resolution", 16)
    said = printed(*command, "--widths", "8,8", "--critic-widths", "8,8", "--latent-dim", 8, "--steps", 20, code=75)
    assert "after 0 of 2 steps; the same command goes on: jaxprior" in said
