"""Several answers for every picture: each is one of its own, and the picture of least error stays what it is."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.errors import ArgumentError, SettingsError
from jaxprior.inversion.state import named
from jaxprior.restoration import drawing
from jaxprior.restoration.drawing import in_stages, spread_of
from jaxprior.restoration.drivers import Inverter
from jaxprior.restoration.merge_rule import MergeRule
from jaxprior.restoration.presets import make_method


HOLE = np.zeros((16, 16), np.float32)
HOLE[4:12, 4:12] = 1
KEY = jax.random.key(0)
CODES = jp.MultiCode(num_codes=3, layer=2)
SOLVE = jp.Solve(steps=4, optimizer="lbfgs", init="bank", bank_size=32, starts=2)
DRAWS = jp.Draws(count=3, moves=4)


@pytest.fixture(scope="module")
def prior():
    return random_prior()


@pytest.fixture(scope="module")
def photos(prior):
    return np.clip(prior.generate(jax.random.normal(jax.random.key(3), (2, 16))), -1, 1)


def restored(prior, photos, **settings):
    settings = {"codes": CODES, "solve": SOLVE, **settings}
    return jp.restore(prior, photos, jp.Inpaint(HOLE), key=KEY, **settings)


@pytest.fixture(scope="module")
def drawn(prior, photos):
    return restored(prior, photos, draws=DRAWS)


def test_draws_leave_everything_else_as_it_is_to_the_bit(prior, photos, drawn):
    alone = restored(prior, photos)
    assert alone.draws is None and alone.spread is None
    for name in ("images", "merged", "latents", "loss", "steps", "trace"):
        for one, other in zip(*map(jax.tree.leaves, (getattr(alone, name), getattr(drawn, name))), strict=True):
            np.testing.assert_array_equal(one, other)


def test_latents_for_every_start_are_refused_before_anything_is_solved_if_draws_are_more_or_fewer(
    prior, photos, drawn, monkeypatch
):
    monkeypatch.setattr("jaxprior.restoration.drivers.Inverter", None)
    with pytest.raises(ArgumentError, match="for each of 2 starts, and 3 draws of each picture"):
        restored(prior, photos, draws=DRAWS, start=jp.GivenStart(drawn.latents))


def test_draws_differ_in_the_hole_and_keep_what_is_known(photos, drawn):
    draws = np.asarray(drawn.draws)
    assert draws.shape == (2, 3, 16, 16, 3)
    known = HOLE == 0
    for k in range(3):
        np.testing.assert_array_equal(draws[:, k][:, known], photos[:, known])
        assert np.abs(draws[:, k] - draws[:, (k + 1) % 3]).mean() > 0.01


def test_the_spread_is_the_standard_deviation_of_the_draws(drawn):
    spread = np.asarray(drawn.spread)
    assert spread.shape == (2, 16, 16)
    assert (spread[:, HOLE == 0] == 0).all() and (spread[:, HOLE == 1] > 0).all()
    expected = np.sqrt(np.asarray(drawn.draws).var(axis=1, ddof=1).mean(axis=-1))
    np.testing.assert_allclose(spread, expected, rtol=1e-4, atol=1e-6)
    assert (np.asarray(spread_of(np.ones((1, 1, 4, 4, 3)))) == 0).all()


def test_a_draw_does_not_depend_on_the_other_pictures(prior, photos, drawn):
    alone = restored(prior, photos[1:], draws=DRAWS, ids=np.array([1]))
    np.testing.assert_array_equal(alone.draws[0], drawn.draws[1])


def test_without_moves_draws_are_inversions_that_are_not_averaged(prior, photos, drawn):
    begun = restored(prior, photos, draws=jp.Draws(count=3, moves=0))
    assert np.abs(np.asarray(begun.draws - drawn.draws)).max() > 1e-3


def test_starts_of_the_estimate_and_draws_can_be_any_numbers(prior, photos):
    result = restored(prior, photos, solve=replace(SOLVE, starts=1), draws=2)
    assert result.draws.shape[1] == 2


def test_an_interrupted_drawing_goes_on_to_the_same_bits(prior, photos, drawn):
    """Interrupted whenever something was saved, it ends like the one that never was."""
    inverter = Inverter(prior, jp.Method(CODES, jp.Objective(), SOLVE, draws=DRAWS))

    class Stop(Exception):
        pass

    class Saved:
        arrays = None

        def due(self):
            return True

        def load(self):
            return self.arrays

        def save(self, arrays):
            self.arrays = {name: np.array(array) for name, array in arrays.items()}
            raise Stop

    saved, stops = Saved(), 0
    task = jp.Inpaint(HOLE)
    observed = task.observe(photos)
    while True:
        try:
            result = inverter.invert(observed, task, key=KEY, save_point=saved)
            break
        except Stop:
            stops += 1
    assert stops > 6 and int(saved.arrays[drawing.STAGE]) == 2
    np.testing.assert_array_equal(result.images, drawn.images)
    np.testing.assert_array_equal(result.draws, drawn.draws)


def test_stages_that_are_done_are_not_done_again():
    done = []

    class Saved:
        def load(self):
            return {"before/0/latents/z": np.ones(2), "stage": np.array(1)}

    def stage(number):
        def solve(save_point, before):
            done.append((number, [list(named(one)) for one in before]))
            return {"loss": np.zeros(1)}

        return solve

    found = in_stages([stage(0), stage(1), stage(2)], Saved())
    assert done == [(1, [["latents/z"]]), (2, [["latents/z"], ["loss"]])]
    assert found[0]["latents"]["z"].tolist() == [1, 1]


def test_progress_covers_draws_as_well(prior, photos):
    told = []
    restored(prior, photos, draws=DRAWS, progress=lambda *state: told.append(state[:4]))
    done, pictures, steps, total = zip(*told, strict=True)
    assert set(done) == {0} and set(pictures) == {2}
    assert total[0] == 4 * 2 + 4 * 3 + 4 * 3 == steps[-1]
    assert list(steps) == sorted(steps)


def test_draws_are_merged_so_that_thick_holes_are_all_the_priors():
    rule = MergeRule((1.0, 9.0), (1.0, 0.4), (0.1, 0.5)).of_draws()
    assert rule == MergeRule((1.0, 9.0), (0.8, 0.0), (0.2, 1.0))
    nothing = MergeRule((1.0,), (0.5,), (0.0,))
    assert nothing.of_draws() == nothing


def test_methods_say_draws_as_a_number_or_a_table(prior):
    assert make_method({}, prior=prior).draws is None
    assert make_method({"draws": 4}, prior=prior).draws == jp.Draws(count=4)
    assert make_method({"draws": {"count": 4, "moves": 0}}, prior=prior).draws == jp.Draws(count=4, moves=0)
    with pytest.raises(SettingsError, match=r"draws.moves: there are no draws to move on; give draws.count"):
        make_method({"draws": {"moves": 4}}, prior=prior)
    with pytest.raises(SettingsError, match=r"draws.cuont: no such setting; did you mean draws.count"):
        make_method({"draws": {"cuont": 4}}, prior=prior)


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True, "four"])
def test_a_wrong_number_of_draws_is_refused(prior, photos, wrong, unchecked):
    with pytest.raises(ArgumentError, match="`draws` must be"):
        restored(prior, photos, draws=wrong)
