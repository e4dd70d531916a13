"""Forms of loops and convolutions follow the devices that are given, and not JAX's default device."""

import jax
import numpy as np
import pytest

import jaxprior as jp
from jaxprior.inversion import engine
from jaxprior.models.pggan.networks import Generator
from jaxprior.restoration.placement import Placement
from jaxprior.system.devices import default_platform


CODES, SOLVE = jp.MultiCode(num_codes=2, layer=2), jp.Solve(steps=3, learning_rate=0.05)


@pytest.fixture(scope="module")
def prior() -> jp.Prior:
    """Wide enough at its first layers for Winograd's form."""
    generator = Generator((64, 64, 8), 16)
    return jp.Prior(module=generator, params=generator.init_params(jax.random.key(1)))


@pytest.fixture
def programs(monkeypatch) -> list[str]:
    """Names of the engine's programs, in the order in which they are called."""
    called = []
    for name in ("_one_step", "_scan_steps"):
        program = getattr(engine, name)

        def counted(*arguments, name=name, program=program, **options):
            called.append(name)
            return program(*arguments, **options)

        monkeypatch.setattr(engine, name, counted)
    return called


@pytest.fixture
def on_a_machine_with_a_gpu(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert default_platform() == "gpu"


def photos() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)


def test_cpu_devices_take_the_loop_of_steps_beside_a_gpu(prior, programs, on_a_machine_with_a_gpu):
    devices = jax.devices("cpu")[:1]
    result = jp.restore(
        prior, photos(), key=jax.random.key(0), codes=CODES, objective=jp.Objective(), solve=SOLVE, devices=devices
    )
    assert programs == ["_one_step"] * 3 and np.isfinite(result.trace).all()


def test_cpu_devices_take_the_forms_of_cpus_beside_a_gpu(prior, on_a_machine_with_a_gpu):
    devices = jax.devices("cpu")[:1]
    placement = Placement(prior, codes=CODES, objective=jp.Objective(), solve=SOLVE, devices=devices)
    assert placement.platform == "cpu" and placement.fixed
    assert [placement.generator.module.form_of(k) for k in (1, 2)] == ["same_winograd", "up_winograd"]
    assert [prior.split(2).module.form_of(k) for k in (1, 2)] == ["same", "up_phases"]  # JAX's default where untold


def test_a_platform_is_taken_at_its_word(prior, programs):
    generator, operator = prior.split(2, platform="gpu"), jp.Identity()
    assert [generator.module.form_of(k) for k in (1, 2)] == ["same", "up_phases"]
    arguments, static = (generator, jp.Objective(), operator), {"codes": CODES, "solve": SOLVE}
    state, target = engine.begin(*arguments, photos(), jax.random.split(jax.random.key(0), 1), **static)
    _, losses = engine.advance(state, *arguments, target, steps=3, platform="gpu", **static)
    assert programs == ["_scan_steps"] and losses.shape == (3, 1)


def test_the_compiled_step_is_the_one_of_its_platform(prior):
    generator, operator = prior.split(2), jp.Identity()
    arguments = (generator, jp.Objective(), operator, photos(), jax.random.split(jax.random.key(0), 1))
    static = {"codes": CODES, "solve": SOLVE}
    text = {kind: engine.compile_step(*arguments, platform=kind, **static).as_text() for kind in ("cpu", "gpu")}
    assert "_scan_steps" in text["gpu"] and "_scan_steps" not in text["cpu"]
