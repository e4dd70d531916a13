"""What is said of a training before it starts: steps, memory, speed; and that one that does not fit is refused."""

import dataclasses
import json

import numpy as np
import pytest
from program import printed
from tiny_singan import smooth_picture

from jaxprior.cli.foresight import say_forecast
from jaxprior.data.images import save_png
from jaxprior.errors import MemoryLimitError, RunError
from jaxprior.models.pggan.config import PgganRecipe
from jaxprior.models.pggan.train import plan as pggan_plan
from jaxprior.training import foresight, loop, session
from jaxprior.training.phases import no_programs
from jaxprior.training.pictures import Pictures


RECIPE = PgganRecipe(
    resolution=16, start_resolution=8, widths=(8, 8, 8), latent_dim=8, batch_size=4, batch_limit=(), train_kimg=0.012,
    fade_kimg=0.012, loss="nonsaturating", r1_every=2,
)  # fmt: skip
PIXELS = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), np.uint8)


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """A small training, on a machine that has not trained before."""
    monkeypatch.setenv("JAXPRIOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("jaxprior.system.runtime._jax_cache", lambda: None)
    (tmp_path / "cache").mkdir()
    return pggan_plan(RECIPE, Pictures(PIXELS))


def test_a_forecast_knows_steps_memory_and_speed_and_later_remembers_the_speed(plan, tmp_path):
    first = foresight.foresee(plan)
    assert [(phase.name, phase.steps, phase.batch) for phase in first.phases] == [
        ("8x8", 3, 4), ("16x16 fade", 3, 4), ("16x16", 3, 4)
    ]  # fmt: skip
    sizes = [phase.bytes for phase in first.phases]
    assert None not in sizes
    assert sizes[0] < sizes[1] == sizes[2] == first.bytes
    assert all(phase.measured and phase.step_seconds > 0 for phase in first.phases)
    assert first.pictures_bytes == PIXELS.nbytes
    assert not list((tmp_path).glob("run*"))

    session.run(plan, tmp_path / "run", source="tests", pace=loop.Pace(log_every=1))
    again = foresight.foresee(plan, done=4)
    assert [phase.steps for phase in again.phases] == [0, 2, 3]
    assert not any(phase.measured for phase in again.phases)
    assert again.seconds == pytest.approx(sum(phase.steps * phase.step_seconds for phase in again.phases))


def test_a_speed_is_not_that_of_other_sizes(plan):
    foresight.remember_speed(plan, plan.phases[0], 0.25)
    same = pggan_plan(dataclasses.replace(RECIPE, learning_rate=0.5, train_kimg=0.1), Pictures(PIXELS))
    other = pggan_plan(dataclasses.replace(RECIPE, batch_size=2), Pictures(PIXELS))
    assert foresight.known_speed(same, same.phases[0]) == 0.25
    assert foresight.known_speed(other, other.phases[0]) is None


def test_a_training_that_needs_too_much_memory_is_refused_before_anything_is_written(plan, tmp_path):
    needs = foresight.foresee(plan).bytes
    foresight.check_memory(plan, limit=2 * needs)
    foresight.check_memory(plan)  # a CPU does not tell how much it has
    with pytest.raises(MemoryLimitError, match=r"^The phase 16x16 fade .* 4 pictures, .*: take a smaller batch"):
        session.run(plan, tmp_path / "run", source="tests", memory=needs / 2)
    assert not (tmp_path / "run").exists()


def test_a_phase_that_does_not_say_what_it_calls_is_foreseen_without_its_memory(plan):
    phases = [dataclasses.replace(phase, programs=no_programs) for phase in plan.phases]
    found = foresight.foresee(dataclasses.replace(plan, phases=phases))
    assert found.bytes is None
    assert found.seconds > 0


def test_the_command_prints_what_a_training_will_take_and_writes_nothing(plan, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(4):
        save_png(folder / f"{number}.png", smooth_picture(18, 18, 3 + number))
    command = ("train", "lsgan", "--data", folder, "-o", tmp_path / "run", "--resolution", 16, "--widths", "8,8")
    command += ("--critic-widths", "8,8", "--latent-dim", 8, "--batch-size", 2, "--steps", 20)
    said = printed(*command, "--dry-run")
    assert "part 10 of 10" in said
    assert "The steps take about" in said
    assert "part 1 of 10 of this training needs" in printed(*command, "--memory", 0.0001, "--dry-run", code=2)
    assert "part 1 of 10 of this training needs" in printed(*command, "--memory", 0.0001, code=2)
    assert not (tmp_path / "run").exists()
    assert "at most" in printed(*command, "--devices", 99, "--dry-run", code=2)
    assert "and may take 0 MiB" in printed(*command, "--memory", 0, "--dry-run", code=2)


def test_a_dry_run_refuses_a_folder_of_another_training_as_the_training_does(plan, tmp_path):
    other = dataclasses.replace(plan, settings={**plan.settings, "ema_ramp": 10.0})
    (tmp_path / "run").mkdir()
    record = {"kind": "training", "configuration": other.configuration}
    (tmp_path / "run/run.json").write_text(json.dumps(record))
    with pytest.raises(RunError, match=r"run was made with ema_ramp = 10\.0"):
        say_forecast(plan, tmp_path / "run", memory=None, devices=None)
    going_on = dataclasses.replace(plan, settings={**plan.settings, "start_from": "abc"})
    with pytest.raises(RunError, match="was begun without --from, this command goes on from the weights of --from"):
        say_forecast(going_on, tmp_path / "run", memory=None, devices=None)
