"""Programs that threads compile ahead: the call itself compiles nothing, and a failure is that of the call."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.system import ahead, runtime


@pytest.fixture
def compiled():
    """Programs that are compiled or read from the cache while the test runs: (name, thread's name)."""
    found = []

    def hear(event, _seconds, **details):
        if event.endswith("backend_compile_duration"):
            found.append((details.get("fun_name"), threading.current_thread().name))

    jax.monitoring.register_event_duration_secs_listener(hear)
    yield found
    jax.monitoring.unregister_event_duration_listener(hear)


def test_what_a_thread_has_compiled_is_not_compiled_by_the_call(compiled):
    @jax.jit
    def squares_in_a_thread(x):
        return jnp.square(x)

    x = jax.device_put(np.ones(3, np.float32))
    ahead.compile_ahead("squares", lambda: squares_in_a_thread.lower(x).compile())
    ahead.compile_ahead("squares", lambda: pytest.fail("it was compiled twice"))
    ahead.wait_for("squares")
    squares_in_a_thread(x)
    assert [thread for name, thread in compiled if "squares_in_a_thread" in name] == ["jaxprior-compile"]


def test_a_compilation_that_fails_ends_the_wait_and_is_not_told(capsys):
    ahead.compile_ahead("what fails", lambda: 1 / 0)
    ahead.wait_for("what fails")
    ahead.wait_for("what nobody compiles")
    assert capsys.readouterr() == ("", "")


def test_an_inversion_calls_what_its_threads_compiled(compiled):
    runtime.forget_programs()
    photos = np.zeros((1, 16, 16, 3), np.float32)
    jp.restore(
        random_prior(), photos, key=jax.random.key(0), codes=jp.MultiCode(num_codes=2, layer=4),
        objective=jp.Objective(), solve=jp.Solve(steps=2),
    )  # fmt: skip
    for name in ("_step", "_rendered"):
        assert [thread for program, thread in compiled if program == f"jit({name})"] == ["jaxprior-compile"]
