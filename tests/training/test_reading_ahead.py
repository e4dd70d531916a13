"""Batches are read ahead by one thread, in order; its errors reach the loop, and no thread is left behind."""

import threading
import time

import jax
import numpy as np
import pytest

from jaxprior.training import loop
from jaxprior.training.loop import Interrupted
from jaxprior.training.reading_ahead import AHEAD, batches_ahead


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("batches")]


def test_batches_come_in_order_and_at_most_a_few_ahead():
    made = []

    def batch(index):
        made.append((index, threading.current_thread()))
        return index

    with batches_ahead(batch, 5, 25) as next_batch:
        for index in range(5, 25):
            assert next_batch() == index
            assert len(made) <= index - 5 + 1 + AHEAD
        with pytest.raises(StopIteration):
            next_batch()
    assert [index for index, _ in made] == list(range(5, 25))
    assert made[0][1] is threading.main_thread() and len({thread for _, thread in made[1:]}) == 1
    assert not readers()


def test_the_next_batches_are_made_while_one_is_used():
    reached = threading.Event()

    def batch(index):
        if index == AHEAD:
            reached.set()
        return index

    with batches_ahead(batch, 0, 100) as next_batch:
        next_batch()
        assert reached.wait(20)


def train(folder, batch, **options):
    def step(index, state, batch, _key):
        return state + np.float32(batch), {"loss": state}

    phase = loop.Phase(
        name="all", steps=40, begin=lambda state: state, step=step, batch=batch, images_per_step=1
    )  # fmt: skip
    return loop.run([phase], jax.numpy.float32(0), folder=folder, key=jax.random.key(0), **options)


def test_an_error_of_a_batch_ends_the_training_and_its_thread(tmp_path):
    def batch(index):
        if index == 7:
            raise OSError("the disk is gone")
        return index

    with pytest.raises(OSError, match="the disk is gone"):
        train(tmp_path, batch)
    assert not readers()


def test_a_stop_leaves_no_thread_and_the_next_command_goes_on_with_the_next_batch(tmp_path):
    seen = []

    def batch(index):
        seen.append(index)
        time.sleep(0.001)
        return index

    with pytest.raises(Interrupted):
        train(tmp_path / "a", batch, should_stop=lambda: len(seen) > 10)
    assert not readers()
    assert float(train(tmp_path / "a", batch)) == float(train(tmp_path / "b", lambda index: index)) == sum(range(40))
