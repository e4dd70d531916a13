"""A process that dies at the end of a phase loses neither its steps nor its snapshot: the same call takes that one."""

import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprior.runs import checkpoints
from jaxprior.training import loop
from jaxprior.training.phases import Phase


class Killed(Exception):
    """Stands for the end of the process, which cannot save anything any more."""


class Training:
    """Two phases of three steps that add one to a number, with what each process did."""

    def __init__(self, folder):
        self.folder = folder
        self.steps: list[tuple[str, int]] = []
        self.snapshots: list[tuple[int, int, float]] = []
        self.killed_at: int | None = None
        self.logged: list[loop.Moment] = []

    def phase(self, name: str) -> Phase:
        def step(index, state, _batch, _key):
            self.steps.append((name, index))
            return state + 1, {"loss": state}

        return Phase(
            name=name, steps=3, begin=lambda state: state, step=step, batch=lambda index: np.zeros(2), images_per_step=2
        )

    def snapshot(self, state, moment) -> None:
        if moment.step == self.killed_at:
            raise Killed
        self.snapshots.append((moment.phase_number, moment.step, float(state)))

    def run(self, *, killed_at: int | None = None, clock: loop.TrainingClock | None = None) -> None:
        self.killed_at, self.steps, self.snapshots, self.logged = killed_at, [], [], []
        loop.run(
            [self.phase("first"), self.phase("second")], jnp.float32(0), folder=self.folder, key=jax.random.key(0),
            pace=loop.Pace(log_every=1), on_snapshot=self.snapshot, on_log=self.logged.append, clock=clock,
        )  # fmt: skip


@pytest.fixture
def never_killed(tmp_path):
    training = Training(tmp_path / "whole")
    training.run()
    assert training.snapshots == [(0, 3, 3.0), (1, 6, 6.0)]
    return (training.folder / "metrics.csv").read_bytes()


@pytest.mark.parametrize("end, number", [(3, 0), (6, 1)])
def test_a_snapshot_that_was_lost_is_taken_by_the_same_call(end, number, never_killed, tmp_path):
    training = Training(tmp_path / "killed")
    with pytest.raises(Killed):
        training.run(killed_at=end)
    training.run()
    assert training.snapshots[0] == (number, end, float(end))
    assert training.steps == [("second", index) for index in range(3)] * (end == 3)
    assert (training.folder / "metrics.csv").read_bytes() == never_killed
    assert training.logged[0].step == end and training.logged[0].metrics == {}

    training.run()
    assert not training.steps and not training.snapshots and not training.logged


def test_a_training_without_time_left_goes_on_behind_a_lost_snapshot(tmp_path):
    training = Training(tmp_path)
    with pytest.raises(Killed):
        training.run(killed_at=3)
    with pytest.raises(loop.PlannedEnd, match="in phase second after 1 of 3 steps"), loop.TrainingClock(0) as clock:
        training.run(clock=clock)


def test_a_checkpoint_is_replaced_when_the_new_one_is_complete(tmp_path, monkeypatch):
    checkpoints.save(tmp_path, 5, {"done": 0})

    def fail(path, _tree, **_options):
        shutil.rmtree(path, ignore_errors=True)  # orbax makes place before it writes
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr("orbax.checkpoint.v1.save", fail)
        with pytest.raises(Killed):
            checkpoints.save(tmp_path, 5, {"done": 1})
    like = {"done": 0}
    assert checkpoints.restore(tmp_path, like) == (5, {"done": 0})
    checkpoints.save(tmp_path, 5, {"done": 1})
    assert checkpoints.restore(tmp_path, like) == (5, {"done": 1}) and checkpoints.numbers(tmp_path) == [5]
