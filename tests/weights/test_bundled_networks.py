"""The LSGAN, its refiner and the SinGAN that come along: found by name, their commands run, their cards say enough."""

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


PRIOR, REFINER, GALAXIES = "lsgan-cats64", "lsgan-cats64-refiner", "galaxies"
ROLES = {PRIOR: "prior", REFINER: "refiner", GALAXIES: "singan"}
LOADERS = {PRIOR: jp.load_prior, REFINER: jp.load_refiner, GALAXIES: singan.load_singan}
TOGETHER_MB = 4
COMPLETE = ("--mask", "center:0.25", "--prior", PRIOR, "--preset", "lsgan", "--refine", REFINER)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with a cat, and with a picture of stars in which one place is marked."""
    made = tmp_path_factory.mktemp("pictures")
    images.save_png(made / "cat.png", images.fit(chelsea()[:300, 120:420], 64))
    sky = np.zeros((90, 120, 3), np.uint8)
    sky[40:50, 60:70] = (250, 220, 90)
    images.save_png(made / "sky.png", sky)
    images.save_png(made / "mark.png", np.uint8(sky.any(axis=-1, keepdims=True).repeat(3, axis=-1)) * 255)
    return made


@pytest.mark.parametrize("name", ROLES)
def test_a_name_is_enough_and_the_card_says_where_the_network_comes_from(name):
    path = loader.find(name, role=ROLES[name])
    card, page = LOADERS[name](name).card, path.with_name("README.md").read_text()
    assert path == loader.bundled(ROLES[name])[name] and card["name"] == name
    assert "unfinished" not in card["training"]  # nobody is warned of what is used as it is
    for word in ("source", "licence"):
        assert card[word] and card[word] in page
    if name == GALAXIES:
        assert "NASA" in card["author"] and card["author"] in page and "public domain" in card["licence"]
    else:
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


def test_the_singan_draws_paints_and_harmonizes_by_its_name(folder, tmp_path):
    assert "2 images of 120x90 pixels" in printed("singan", "sample", GALAXIES, "-o", tmp_path / "s", "--count", 2)
    drawn = np.stack([images.load_image(tmp_path / "s" / f"{number:03d}.png") for number in range(2)])
    assert drawn.std() > 10 and np.any(drawn[0] != drawn[1])
    start = ("--start-scale", 2)
    printed("singan", "paint", GALAXIES, folder / "sky.png", "-o", tmp_path / "p", *start)
    mask = ("--mask", folder / "mark.png", "--mask-radius", 3, "--mask-blur", 2)
    printed("singan", "harmonize", GALAXIES, folder / "sky.png", *mask, "-o", tmp_path / "h", *start)
    for made in ("p/start_scale=2.png", "h/start_scale=2_masked.png"):
        assert images.load_image(tmp_path / made).shape == (90, 120, 3)


def test_the_singan_reconstructs_its_picture():
    model = singan.load_singan(GALAXIES)
    error = np.abs(np.asarray(singan.reconstruct(model)[-1][0]) - np.asarray(model.image)) * 127.5
    assert error.mean() < 10  # levels of 255


def test_they_are_listed_and_shown():
    listed = printed("priors")
    assert all(name in listed for name in ROLES)
    assert f"--refine {REFINER}" in listed and f"jaxprior singan sample {GALAXIES}" in listed
    for name in ROLES:
        shown = printed("priors", "show", name)
        assert name in shown and str(loader.find(name, role=ROLES[name])) in shown and "licence" in shown
    assert "NASA" in printed("priors", "show", GALAXIES)
    for typed, meant in (("Galaxies", GALAXIES), ("LSGAN-cats64", PRIOR), ("lsgan-cats64_REFINER", REFINER)):
        assert f"Did you mean {meant}?" in printed("priors", "show", typed, code=2)
    for name in (REFINER, GALAXIES):
        with pytest.raises(WeightsError, match="comes with the package"):
            uninstall(name)


def test_an_untrained_prior_shows_how_its_weights_are_found():
    shown = printed("priors", "show", "dip64")
    assert "weights are found for each picture" in shown
    assert "standard deviation 0.03 is added to its input (--input-noise)" in shown
    assert "of which a step keeps the share 0.99 (--average-pictures)" in shown
    assert "--input-noise" not in printed("priors", "show", PRIOR)


@pytest.mark.parametrize(
    ("load", "name", "said"),
    [
        (jp.load_refiner, "lsgan-cats64-refinr", "Did you mean lsgan-cats64-refiner?"),
        (jp.load_refiner, GALAXIES, "is a model of one picture .singan., for .*singan sample.*; expected a refiner"),
        (jp.load_refiner, PRIOR, "lsgan-cats64: this is a prior .dcgan., for --prior .*; expected a refiner"),
        (singan.load_singan, "galaxy", "Did you mean galaxies?"),
        (singan.load_singan, REFINER, "is a refiner .autoencoder., for --refine .*; expected a model of one picture"),
        (jp.load_prior, REFINER, "refiner: this is a refiner .autoencoder., for --refine .*; expected a prior"),
        (jp.load_prior, "lsgan-cat64", r"Did you mean lsgan-cats64\?$"),
        (jp.load_prior, "LSGAN-cats64", r"Did you mean lsgan-cats64\?$"),
        (jp.load_prior, "Galaxies", r"Did you mean galaxies\? It is a model .*jaxprior singan sample"),
        (jp.load_restorer, "Galaxies", r"Did you mean galaxies\? It is a model of one picture"),
        (jp.load_prior, "VGG16", r"Did you mean vgg16\? It is a feature network, for --features"),
        (jp.load_prior, "vgg16", "vgg16: this is a feature network, for --features .*; expected a prior"),
        (jp.load_features, "bedroom256", "bedroom256: this is a prior, for --prior .*; expected a feature network"),
        (jp.load_encoder, "cats64", "cats64: this is a prior .pggan., .*; expected an encoder .`jaxprior train enc"),
    ],
)
def test_a_wrong_name_is_one_sentence(load, name, said):
    with pytest.raises(JaxpriorError, match=said) as caught:
        load(name)
    assert len(str(caught.value).splitlines()) == 1


def test_a_model_of_the_same_name_in_this_folder_is_asked_about(tmp_path, monkeypatch):
    (tmp_path / GALAXIES).mkdir()
    model = singan.load_singan(GALAXIES)
    singan.save_singan(tmp_path / GALAXIES / "model.safetensors", model)
    monkeypatch.chdir(tmp_path)
    said = printed("singan", "sample", GALAXIES, "-o", "out", code=2)
    assert f"give ./{GALAXIES} to take what lies here" in said
    assert "1 images" in printed("singan", "sample", f"./{GALAXIES}", "-o", "out", "--count", 1)
