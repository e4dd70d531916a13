"""The LSGAN and its refiner that come along: found by name, their commands run, their cards say enough."""

from pathlib import Path

import jax
import numpy as np
import pytest
from program import printed
from skimage.data import chelsea

import jaxprior as jp
from jaxprior import singan
from jaxprior.data import images
from jaxprior.errors import JaxpriorError, WeightsError
from jaxprior.weights import loader
from jaxprior.weights.installing import uninstall


PRIOR, REFINER = "lsgan-cats64", "lsgan-cats64-refiner"
ROLES = {PRIOR: "prior", REFINER: "refiner"}
LOADERS = {PRIOR: jp.load_prior, REFINER: jp.load_refiner}
TOGETHER_MB = 4
COMPLETE = ("--mask", "center:0.25", "--prior", PRIOR, "--preset", "lsgan", "--refine", REFINER)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with a cat."""
    made = tmp_path_factory.mktemp("pictures")
    images.save_png(made / "cat.png", images.fit(chelsea()[:300, 120:420], 64))
    return made


@pytest.mark.parametrize("name", ROLES)
def test_a_name_is_enough_and_the_card_says_where_the_network_comes_from(name):
    path = loader.find(name, role=ROLES[name])
    card, page = LOADERS[name](name).card, path.with_name("README.md").read_text()
    assert path == loader.bundled(ROLES[name])[name] and card["name"] == name
    assert "unfinished" not in card["training"]  # nobody is warned of what is used as it is
    for word in ("source", "licence"):
        assert card[word] and card[word] in page
    assert "MIT" in card["licence"] and "provenance of each photograph is not stated" in card["licence"]


def test_together_they_are_small():
    folders = [loader.bundled(role)[name].parent for name, role in ROLES.items()]
    assert sum(path.stat().st_size for one in folders for path in one.iterdir()) < TOGETHER_MB * 1e6


def test_a_hole_is_completed_and_repaired_by_names_alone(folder, tmp_path):
    run, command = tmp_path / "run", ("inpaint", folder / "cat.png", *COMPLETE, "--steps", 2, "-o", tmp_path / "run")
    printed(*command)
    made = sorted((run / "images").iterdir())
    assert len(made) == 1
    restored, cat = images.load_image(made[0]), images.load_image(folder / "cat.png")
    changed = np.any(restored != cat, axis=-1)
    assert changed[20:44, 20:44].any() and not changed[:16].any() and not changed[:, :16].any()
    before = made[0].stat().st_mtime_ns
    printed(*command)  # the same command finds that all is done
    assert made[0].stat().st_mtime_ns == before


def test_the_refiner_brings_a_completion_nearer_to_the_cat(folder):
    """scikit-image's cat, of which neither network learnt, and the search of the prior's card."""
    prior, refiner = jp.load_prior(PRIOR), jp.load_refiner(REFINER)
    cat = images.to_float(images.load_image(folder / "cat.png"))[None]
    mask = jp.parse_mask("center:0.25").draw(prior.resolution, jax.random.key(0))
    found = jp.restore(prior, cat, jp.Inpaint(mask), merge="paste", key=jax.random.key(0))
    refined = refiner(found.merged)
    assert psnr_in(refined, cat, mask) > psnr_in(found.images, cat, mask)


def psnr_in(made, truth, mask) -> float:
    """dB in the hole."""
    return float(jp.metrics.psnr(made, truth, mask=mask)[0])


def test_they_are_listed_and_shown():
    listed = printed("priors")
    assert all(name in listed for name in ROLES)
    assert f"--refine {REFINER}" in listed
    for name in ROLES:
        shown = printed("priors", "show", name)
        assert name in shown and str(loader.find(name, role=ROLES[name])) in shown and "licence" in shown
    with pytest.raises(WeightsError, match="comes with the package"):
        uninstall(REFINER)


@pytest.mark.parametrize(
    ("load", "name", "said"),
    [
        (jp.load_refiner, "lsgan-cats64-refinr", "Did you mean lsgan-cats64-refiner?"),
        (jp.load_refiner, PRIOR, "a refiner is an"),
        (singan.load_singan, REFINER, "expected a singan"),
        (jp.load_prior, REFINER, "which is not a prior"),
        (jp.load_prior, "lsgan-cat64", "Did you mean lsgan-cats64?"),
    ],
)
def test_a_wrong_name_is_one_sentence(load, name, said):
    with pytest.raises(JaxpriorError, match=said) as caught:
        load(name)
    assert len(str(caught.value).splitlines()) == 1
