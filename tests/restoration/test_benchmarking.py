"""The benchmark behind `jaxprior bench` measures the engine that restores pictures, and counts what it should."""

import jax
import numpy as np
import pytest
from commands import call

import jaxprior as jp
from jaxprior.restoration import benchmarking
from jaxprior.restoration.benchmarking import Case, Problem, Runner, make_problem, measure, operations, random_prior


@pytest.fixture(scope="module")
def problem() -> Problem:
    """The smallest official network: 8 pixels, 512 feature maps."""
    return make_problem(Case(resolution=8, num_codes=2, layer=2, batch=2))


@pytest.mark.parametrize(
    ("codes", "layer", "giga"), [(20, 8, 473), (20, 6, 208), (10, 6, 163), (30, 4, 152)]
)  # the project's floors for 256 pixels with phase kernels and cached target features
def test_operations_are_the_counts_of_the_published_sizes(codes, layer, giga):
    case = Case(num_codes=codes, layer=layer)
    problem = Problem(case=case, prior=random_prior(256), features=None, z=np.zeros(0), target=np.zeros(0))
    assert operations(problem) / 1e9 == pytest.approx(giga, abs=0.5)


def test_runner_does_what_restore_does(problem):
    losses = Runner(problem).advance(4)
    codes = jp.MultiCode(num_codes=2, layer=2)
    for i in range(2):
        result = jp.restore(
            problem.prior,
            problem.target[i : i + 1],
            key=jax.random.key(i),
            codes=codes,
            objective=jp.Objective(features=problem.features, feature_weight=benchmarking.PERCEPTUAL_WEIGHT),
            solve=jp.Solve(steps=4, learning_rate=benchmarking.RATE),
            start=jp.GivenStart({"z": problem.z[i : i + 1]}),
        )
        np.testing.assert_allclose(result.trace[0, :4], losses[:, i], rtol=1e-5)


def test_runner_starts_again(problem):
    runner = Runner(problem)
    first = runner.advance(2)
    assert first.shape == (2, 2) and (runner.advance(2) < first).all()
    runner.restart()
    np.testing.assert_array_equal(runner.advance(2), first)


def test_measurement_tells_time_and_memory(problem):
    found = measure(Runner(problem), steps=1, rounds=3)
    assert 0 < found.fastest <= found.seconds <= found.slowest
    weights = sum(leaf.nbytes for leaf in jax.tree.leaves(problem.prior.params))
    assert weights < found.bytes < 100 * weights
    assert benchmarking.matmul_peak() > 1e8


def test_command_prints_a_table():
    shown = call("bench", "--resolution", 8, "--codes", 2, "--layer", 2, "--steps", 1).stdout
    assert "8 px, 2 codes at layer 2, batch 1, fp32" in shown and "images/hour" in shown
    wrong = call("bench", "--resolution", 9, code=2)
    assert "power of two" in wrong.stderr
    assert "layer" in call("bench", "--resolution", 8, "--layer", 9, code=2).stderr
