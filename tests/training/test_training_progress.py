"""What a training says of itself: its phase, and how much is done in the unit that fits it."""

import dataclasses
import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console
from tiny_singan import smooth_picture

from jaxprior.models.singan.config import PRESETS
from jaxprior.models.singan.train import plan
from jaxprior.runs.display import Display
from jaxprior.system import runtime
from jaxprior.system.activity import Activity, doing
from jaxprior.training import loop
from jaxprior.training.pictures import Pictures


def phases(unit: str) -> list[loop.Phase]:
    return [
        loop.Phase(
            name=name, steps=3, begin=lambda state: state, images_per_step=4, unit=unit,
            step=lambda index, state, batch, key: (state + 1, {"loss": state}), batch=lambda index: np.zeros(4),
        )
        for name in ("first", "second")
    ]  # fmt: skip


@pytest.mark.parametrize("unit, total", [("pictures", 24), ("steps", 6)])
def test_progress_counts_pictures_or_steps_as_the_training_says(unit, total, tmp_path, monkeypatch):
    monkeypatch.setattr(runtime, "CALLED_PROGRAMS", set())
    out, moments = io.StringIO(), []
    with Display(interval=0, console=Console(file=out)), doing("training") as work:
        loop.run(
            phases(unit), jnp.float32(0), folder=tmp_path, key=jax.random.key(0), work=work,
            pace=loop.Pace(log_every=1), on_log=moments.append,
        )  # fmt: skip
    lines = out.getvalue().splitlines()
    assert any(line.startswith(f"training, first: {total // 6} of {total} {unit}, ") for line in lines)
    assert sum("compiling the training step" in line for line in lines) == 1
    assert any(line.startswith(f"training, second: {total * 5 // 6} of {total} {unit}, ") for line in lines)
    assert lines[-1].startswith(f"training, second: {total} of {total} {unit} in ")
    assert {moment.unit for moment in moments} == {unit}


def test_a_training_on_one_picture_counts_steps():
    recipe = PRESETS["singan"].changed({"min_size": 16, "num_scales": 2, "steps": 2})
    assert {phase.unit for phase in plan(recipe, Pictures(smooth_picture(20, 28)[None])).phases} == {"steps"}


def test_steps_count_when_they_are_computed_and_not_when_they_are_asked_for(tmp_path, monkeypatch):
    """A device computes while the host goes on: without a limit it would be many steps behind what is shown."""
    waited, shown = [], []
    monkeypatch.setattr(loop.jax, "block_until_ready", lambda metrics: waited.append(int(metrics["loss"])))

    class Work(Activity):
        def moved(self, done, **_rest):
            shown.append(done)

    phase = dataclasses.replace(phases("steps")[0], steps=8)
    loop.run([phase], jnp.float32(0), folder=tmp_path, key=jax.random.key(0), work=Work("training"))
    assert waited == [0, 1, 2, 3, 4, 5]
    assert shown == [0, 0, 0, 1, 2, 3, 4, 5, 6, 8]
