"""The generator is tuned to each picture once its codes are found: what changes, what stays, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_prior import random_prior

import jaxprior as jp
from jaxprior.errors import ArgumentError, SettingsError
from jaxprior.restoration.drivers import Inverter, Method, render
from jaxprior.restoration.presets import make_method


KEY, SOLVE, L2 = jax.random.key(0), jp.Solve(steps=4, optimizer="lbfgs"), jp.Objective()
CODES = jp.MultiCode(num_codes=2, layer=2)
TUNED = jp.TunedCode(codes=CODES, steps=6)
HOLE = np.zeros((16, 16), np.float32)
HOLE[5:11, 5:11] = 1


@pytest.fixture(scope="module")
def prior() -> jp.Prior:
    return random_prior()


@pytest.fixture(scope="module")
def photos(prior):
    return prior.generate(jax.random.normal(jax.random.key(3), (2, 16))) / 3


@pytest.fixture(scope="module")
def results(prior, photos):
    """Without tuning, and with it."""
    return [restored(prior, photos, codes) for codes in (CODES, TUNED)]


def restored(prior, photos, codes, **settings):
    method = {"objective": L2, "solve": SOLVE, **settings}
    return jp.restore(prior, photos, jp.Inpaint(HOLE), key=KEY, codes=codes, **method)


def test_the_codes_stay_as_they_were_found_and_what_is_known_is_explained_better(results):
    plain, tuned = results
    for name, found in plain.latents.items():
        np.testing.assert_array_equal(tuned.latents[name], found)
    assert set(tuned.latents) == {*plain.latents, "change"}
    assert (np.asarray(tuned.loss) < 0.8 * np.asarray(plain.loss)).all()


def test_trace_and_steps_are_those_of_both_phases(results):
    plain, tuned = results
    assert tuned.trace.shape == (2, 4 + 6 + 1)
    np.testing.assert_array_equal(tuned.trace[:, :5], plain.trace)
    np.testing.assert_allclose(tuned.trace.min(axis=1), tuned.loss, rtol=1e-6)
    assert (np.asarray(tuned.steps) > 4).all()


def test_the_image_can_be_made_of_the_latents_again(prior, results):
    images = render(prior, results[1].latents, codes=TUNED)
    np.testing.assert_allclose(images, results[1].images, atol=1e-5)
    moved = render(prior, jp.edit(results[1].latents, np.ones(16, np.float32), 1.0), codes=TUNED)
    assert float(jnp.abs(moved - images).max()) > 0.01


def test_a_tuning_can_be_gone_on_with(prior, photos, results):
    """Latents of a tuned result hold the change, so that an inversion without steps for codes begins where it ended."""
    again = restored(prior, photos, TUNED, start=jp.GivenStart(results[1].latents), solve=jp.Solve(steps=0))
    assert (np.asarray(again.loss) < np.asarray(results[1].loss)).all()


def test_every_start_of_a_picture_is_tuned(prior, photos):
    solve = jp.Solve(steps=2, optimizer="lbfgs", starts=2)
    tuned = jp.TunedCode(codes=jp.SingleCode(), steps=2, rank=0, last=2)
    result = restored(prior, photos, tuned, solve=solve)
    changes = {name: {part: leaf.shape for part, leaf in one.items()} for name, one in result.latents["change"].items()}
    assert changes == {"layer5": {"bias": (2, 2, 8)}, "output2": {"bias": (2, 2, 3)}}
    np.testing.assert_allclose(render(prior, result.latents, codes=tuned), result.images, atol=1e-5)


def test_with_locality_pictures_near_those_found_move_less(prior, photos, results):
    near = jax.tree.map(lambda leaf: leaf[0], results[1].latents)
    near["z"] = near["z"] + 0.5 * jax.random.normal(jax.random.key(9), near["z"].shape)
    generator = prior.split(2)

    def moved(result) -> float:
        latents = {**near, "change": jax.tree.map(lambda leaf: leaf[0], result.latents["change"])}
        plain = CODES.synthesize(generator, {name: near[name] for name in ("z", "alpha")})
        return float(jnp.mean(jnp.square(TUNED.synthesize(generator, latents) - plain)))

    local = restored(prior, photos, jp.TunedCode(codes=CODES, steps=6, locality=3.0))
    assert moved(local) < 0.7 * moved(results[1])
    plain = results[0]
    assert (np.asarray(local.loss) < np.asarray(plain.loss)).all()


class Interrupted(Exception):
    pass


class Once:
    """A save point that is due after every chunk, and interrupts when something of the second phase was saved."""

    def __init__(self):
        self.saved, self.interrupts = None, True

    def due(self) -> bool:
        return True

    def save(self, arrays):
        self.saved = {name: np.array(array) for name, array in arrays.items()}
        if self.interrupts and int(arrays["pass"]) == 1 and arrays["moment/evaluated"].max() > 0:
            raise Interrupted

    def load(self):
        return self.saved


def test_an_interrupted_tuning_goes_on_to_the_same_bits(prior, photos, results):
    task = jp.Inpaint(HOLE)
    observed = np.asarray(photos) * (1 - HOLE[..., None])
    save_point = Once()
    arguments = {"key": KEY, "save_point": save_point}
    with pytest.raises(Interrupted):
        Inverter(prior, Method(TUNED, L2, SOLVE)).invert(observed, task, **arguments)
    save_point.interrupts = False
    found = Inverter(prior, Method(TUNED, L2, SOLVE)).invert(observed, task, **arguments)
    whole = results[1]
    for name in ("images", "loss", "trace", "steps"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))


def test_progress_counts_the_steps_of_both_phases(prior, photos):
    told = []
    restored(prior, photos[:1], TUNED, progress=lambda *numbers: told.append(numbers))
    assert {(done, steps, of) for done, _, steps, of, _ in told} >= {(0, 4, 10), (1, 10, 10)}
    assert all(done == 0 for done, _, steps, _, _ in told if steps < 10)


def test_draws_and_terms_that_look_at_codes_go_with_a_tuning(prior, photos, results):
    """The draws are made by the generator as it is; a map that the codes were held near to does not matter to it."""
    objective = jp.Objective(anchor=0.1)
    plain, tuned = (
        restored(prior, photos[:1], codes, objective=objective, draws=jp.Draws(count=1, moves=0))
        for codes in (CODES, TUNED)
    )
    np.testing.assert_allclose(tuned.draws, plain.draws, atol=1e-5)
    np.testing.assert_array_equal(tuned.latents["z"], plain.latents["z"])
    assert float(tuned.loss[0]) < float(plain.loss[0])


def test_a_method_says_the_tuning_in_a_table_of_its_own(prior):
    method = make_method({"codes": {"num_codes": 3, "layer": 2}, "tune": {"steps": 7, "last": 3}}, prior=prior)
    assert (method.codes.steps, method.codes.last, method.codes.codes.num_codes) == (7, 3, 3)
    assert method.evaluations == method.solve.steps + 7
    assert not isinstance(make_method({"tune": {"steps": 0, "rank": 2}}, prior=prior).codes, jp.TunedCode)
    with pytest.raises(SettingsError, match=r"tune.rnk: no such setting; did you mean tune.rank"):
        make_method({"tune": {"rnk": 1}}, prior=prior)


def test_what_cannot_be_tuned_is_refused_in_a_sentence():
    class Plain:
        latent_dim, channels, code_distribution = 4, 3, "normal"

    with pytest.raises(ArgumentError, match="cannot be tuned: it has no `tail_layers`"):
        TUNED.no_change(Plain(), KEY)
    with pytest.raises(ArgumentError, match="tuned already"):
        jp.TunedCode(codes=TUNED)
    with pytest.raises(ArgumentError, match="`rank` must be"):
        jp.TunedCode(rank=-1)
