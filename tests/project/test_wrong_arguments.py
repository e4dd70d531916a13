"""Every public function refuses a wrong argument in one sentence that names it, before anything is compiled."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_prior import random_prior
from tiny_singan import tiny_singan

import jaxprior as jp
from jaxprior.errors import JaxpriorError


KEY = jax.random.key(0)
CODES = jp.MultiCode(num_codes=2, layer=2)
PHOTO = np.random.default_rng(0).uniform(-1, 1, (16, 16, 3)).astype(np.float32)
PHOTOS = np.stack([PHOTO, -PHOTO])
PIXELS = np.full((2, 16, 16, 3), 200, np.uint8)
UNIT = np.random.default_rng(1).uniform(0, 1, (2, 16, 16, 3)).astype(np.float32)
BROKEN = np.where(np.arange(2).reshape(2, 1, 1, 1) == 1, np.nan, PHOTOS)
Z = np.zeros((2, 2, 16), np.float32)
LATENTS = {"z": Z, "alpha": np.full((2, 2, 16), 0.5, np.float32)}

WRONG_PICTURES = {
    "uint8": (PIXELS, r"uint8 \[2, 16, 16, 3\]; `jp.images.to_float` converts uint8"),
    "0 to 255": (PIXELS.astype(np.float32), "got values from 200 to 200; they look like 0 to 255"),
    "0 to 255 in JAX": (jnp.asarray(PIXELS, jnp.float32), "look like 0 to 255"),
    "whole numbers": (PIXELS.astype(int), "int64"),
    "NaN": (BROKEN, "not finite, the first of them in picture 1"),
    "infinity": (np.where(np.isnan(BROKEN), np.inf, BROKEN), "not finite, the first of them in picture 1"),
    "NaN in JAX": (jnp.asarray(BROKEN), "not finite, the first of them in picture 1"),
    "a path": ("cat.png", "'cat.png'"),
    "a list": ([PHOTO, PHOTO], "a list"),
    "nothing": (None, "None"),
    "truth values": (PHOTOS > 0, "bool"),
}
"""What is no batch of pictures in [-1, 1], and what the sentence says of it."""


@pytest.fixture(scope="module")
def prior():
    return random_prior()


@pytest.fixture(scope="module")
def model():
    return tiny_singan()


@pytest.fixture(autouse=True)
def nothing_is_compiled(unchecked, monkeypatch):
    """No test of this file comes as far as a step of an inversion."""

    def fail(*_, **__):
        raise AssertionError("the wrong argument reached the engine")

    monkeypatch.setattr("jaxprior.inversion.engine.begin", fail)
    monkeypatch.setattr("jaxprior.weights.priors.Prior.split", fail)


def refused(call, words: str) -> str:
    """The sentence with which a call is refused, in which the words must be found."""
    with pytest.raises(JaxpriorError) as caught:
        call()
    sentence = str(caught.value)
    assert re.search(words, sentence), sentence
    assert "\n" not in sentence, sentence
    return sentence


@pytest.mark.parametrize("kind", WRONG_PICTURES)
def test_wrong_pictures_are_refused_wherever_pictures_are_taken(kind, prior):
    pictures, words = WRONG_PICTURES[kind]
    identity = jax.tree_util.Partial(lambda x: x)
    for name, call in {
        "photos": lambda: jp.restore(prior, pictures, key=KEY),
        "observed": lambda: jp.invert(prior, pictures, key=KEY),
        "x": lambda: jp.metrics.psnr(pictures, PHOTOS),
        "y": lambda: jp.metrics.ssim(PHOTOS, pictures),
        "a": lambda: jp.metrics.perceptual(identity, pictures, PHOTOS),
        "x ": lambda: jp.metrics.rmse(pictures, PHOTOS),
        "real": lambda: jp.metrics.swd(pictures, PHOTOS, key=KEY),
        "images": lambda: jp.metrics.patch_frechet(identity, PHOTO, pictures),
        "samples": lambda: jp.metrics.diversity(pictures, PHOTO),
    }.items():
        assert f"`{name.strip()}`" in refused(call, words)
    refused(lambda: jp.Inpaint(np.eye(16)).observe(pictures), words)


def test_types_and_shapes_are_checked_inside_of_compiled_functions_too():
    refused(lambda: jax.jit(jp.metrics.psnr)(PIXELS, PIXELS), "`x` must be pictures of floats")
    refused(lambda: jax.jit(jp.metrics.psnr)(PHOTOS, PHOTOS[:1]), "of one shape")
    assert np.isnan(jax.jit(jp.metrics.psnr)(BROKEN, PHOTOS)[1])
    assert jax.vmap(jp.metrics.psnr)(PHOTOS, PHOTOS).shape == (2,)
    gradient = jax.grad(lambda x: jp.metrics.rmse(x, jnp.asarray(PHOTOS)).sum())(jnp.asarray(-PHOTOS))
    assert np.isfinite(gradient).all()


MASK = np.eye(16, dtype=np.float32)

WRONG_METRICS = {
    "another shape": (lambda: jp.metrics.psnr(PHOTOS, PHOTO), "of one shape"),
    "grey without an axis": (lambda: jp.metrics.ssim(PHOTOS[..., 0], PHOTOS[..., 0]), "axis of channels"),
    "two axes": (lambda: jp.metrics.psnr(MASK, MASK), "of one shape"),
    "soft mask": (lambda: jp.metrics.psnr(PHOTOS, PHOTOS, mask=MASK * 0.5), "`mask`: expected 0 and 1"),
    "mask of 255": (lambda: jp.metrics.psnr(PHOTOS, PHOTOS, mask=MASK.astype(np.uint8) * 255), "to 255"),
    "mask of NaN": (lambda: jp.metrics.ssim(PHOTOS, PHOTOS, mask=MASK * np.nan), "`mask`: expected 0 and 1"),
    "mask with channels": (lambda: jp.metrics.ssim(PHOTOS, PHOTOS, mask=MASK[..., None]), "`mask`: expected"),
    "mask of another batch": (lambda: jp.metrics.psnr(PHOTOS, PHOTOS, mask=np.stack([MASK] * 3)), "`mask`: expected"),
    "a mask's name": (lambda: jp.metrics.psnr(PHOTOS, PHOTOS, mask="center:0.25"), "`mask`: expected"),
    "window": (lambda: jp.metrics.ssim(PHOTOS, PHOTOS, window=7), "`window` must be one of uniform, gaussian, got 7"),
    "a network's name": (lambda: jp.metrics.perceptual("vgg16", PHOTOS, PHOTOS), "`network`.*`load_features`"),
    "one picture for sets": (lambda: jp.metrics.swd(PHOTO, PHOTO, key=KEY), "`real`: expected a set"),
    "key": (lambda: jp.metrics.swd(PHOTOS, PHOTOS, key=0), r"`key` must be one random key of JAX.*jax.random.key\(0\)"),
    "channels": (lambda: jp.metrics.patch_frechet(len, PHOTO, PHOTOS[..., :1]), "`images`: expected 3 channels"),
}


@pytest.mark.parametrize("kind", WRONG_METRICS)
def test_wrong_arguments_of_metrics(kind):
    refused(*WRONG_METRICS[kind])


MASKED = jp.Inpaint(MASK)

WRONG_RESTORES = {
    "prior": ({"prior": PHOTOS}, "`prior` must be a prior or the name of one"),
    "unknown prior": ({"prior": "dogs9000"}, "dogs9000: neither a bundled prior"),
    "class for a task": ({"task": jp.Colorize}, r"`task`.*the class Colorize; write Colorize\(...\)"),
    "word for a task": ({"task": "inpaint"}, "`task` must be a forward operator"),
    "mask for a task": ({"task": MASK}, r"`task`.*`jp.Inpaint\(mask\)`"),
    "mask's words for a task": ({"task": jp.parse_mask("center:0.25")}, r"`task`.*mask.draw\(prior.resolution\)"),
    "kernel of NaN": ({"task": jp.Deblur(jnp.full((3, 3), jnp.nan))}, "`task` must have arrays of finite numbers"),
    "another size": ({"photos": PHOTOS[:, :8, :8]}, r"`photos` must have the shape \[b, 16, 16, 3\]"),
    "grey": ({"photos": PHOTOS[..., :1]}, r"`photos` must have the shape \[b, 16, 16, 3\]"),
    "more axes": ({"photos": PHOTOS[None]}, r"`photos` must have the shape \[b, 16, 16, 3\]"),
    "no pictures": ({"photos": PHOTOS[:0]}, "no pictures"),
    "[0, 1]": ({"photos": UNIT}, r"`photos` has values from .*looks like \[0, 1\].*`value_range=\(0, 1\)`"),
    "range": ({"value_range": "uint8"}, "`value_range` must be the numbers of black and white"),
    "range of one": ({"value_range": (1, 1)}, "`value_range` must be two finite numbers, the smaller one first"),
    "[0, 1] given as 0 to 255": ({"photos": PIXELS, "value_range": (0, 1)}, "`photos` must be pictures in"),
    "number for a key": ({"key": 3}, r"`key` must be one random key of JAX, got 3; `jax.random.key\(3\)`"),
    "several keys": ({"key": jax.random.split(KEY, 2)}, "`key` must be one random key of JAX"),
    "no key": ({"key": None}, "`key` must be one random key of JAX"),
    "number of codes": ({"codes": 20}, r"`codes`.*jp.MultiCode\(num_codes=20\)"),
    "class of codes": ({"codes": jp.MultiCode}, "`codes`.*the class MultiCode"),
    "a layer too deep": ({"codes": jp.MultiCode(layer=9)}, "`layer` must be"),
    "word for an objective": ({"objective": "l2"}, r"`objective`.*jp.Objective\(pixel='l2'\)"),
    "number of steps": ({"solve": 300}, r"`solve`.*jp.Solve\(steps=300\)"),
    "name of a refiner": ({"refine": "runs/refiner"}, "`refine` must be a network"),
    "word for a merge": ({"merge": "seamless"}, "`merge` must be one of harmonic, paste, got 'seamless'"),
    "name of a start": ({"start": "bank"}, r"`start` must be a start.*jp.Solve\(init='bank'\)"),
    "class of a start": ({"start": jp.RandomStart}, "`start`.*the class RandomStart"),
    "latents for a start": ({"start": LATENTS}, r"`start`.*jp.GivenStart\(latents\)"),
    "ids of another length": ({"ids": [1]}, "`ids` must be one whole number for each of 2 pictures"),
    "ids of text": ({"ids": ["a", "b"]}, "`ids` must be whole numbers"),
    "ids of floats": ({"ids": [0.5, 1]}, "`ids` must be whole numbers"),
    "negative ids": ({"ids": [-1, 1]}, "`ids` must be whole numbers from 0"),
    "ids beyond 32 bits": ({"ids": [2**40, 1]}, "`ids` must be whole numbers from 0 to 4294967295"),
    "batch of nothing": ({"batch_size": 0}, "`batch_size` must be 1 or more, got 0"),
    "half a batch": ({"batch_size": 0.5}, "`batch_size` must be a whole number"),
    "memory": ({"memory": "4G"}, "`memory` must be a positive number"),
    "devices": ({"devices": []}, "`devices` must be a list"),
    "names of devices": ({"devices": ["gpu"]}, "`devices` must be a list of JAX's devices"),
    "progress": ({"progress": "yes"}, "`progress` must be True, a function or None"),
}


@pytest.mark.parametrize("kind", WRONG_RESTORES)
def test_wrong_arguments_of_restore_and_invert(kind, prior):
    change, words = WRONG_RESTORES[kind]
    given = {"prior": prior, "key": KEY, "codes": CODES, **change}
    pictures = given.pop("photos", PHOTOS)
    refused(lambda: jp.restore(photos=pictures, **given), words)
    refused(lambda: jp.invert(observed=pictures, **given), words.replace("photos", "observed"))


def test_observations_must_be_those_of_the_task(prior):
    small = jp.SuperResolve(4)
    for observed in (PHOTOS, np.zeros((2, 4, 4, 1), np.float32), np.zeros((4, 4), np.float32)):
        words = r"`observed` must have the shape \[b, 4, 4, 3\]"
        refused(lambda y=observed: jp.invert(prior, y, small, key=KEY), words)
    refused(lambda: jp.restore(prior, PHOTOS, jp.SuperResolve(3), key=KEY), "factor 3 does not divide")
    unknown = np.where(MASK[..., None] > 0, np.nan, PHOTOS)
    with pytest.raises(AssertionError, match="reached the engine"):  # what lies under the mask is not looked at
        jp.invert(prior, unknown, MASKED, key=KEY, codes=CODES, objective=jp.Objective(), solve=jp.Solve())


WRONG_STARTS = {
    "no dictionary": (Z, "that are no dictionary of arrays"),
    "no codes": ({"alpha": LATENTS["alpha"]}, 'without the codes "z"'),
    "other fields": ({**LATENTS, "gamma": Z}, 'with "gamma", but these codes have "alpha", "z" only'),
    "fewer pictures": (jax.tree.map(lambda x: x[:1], LATENTS), r"of the shapes .*\(1, 2, 16\).*number of pictures, 2"),
    "fewer codes": ({"z": Z[:, :1]}, r"of the shapes .*\(2, 1, 16\)"),
    "shorter codes": ({"z": Z[..., :8]}, r"of the shapes .*\(2, 2, 8\)"),
    "other starts": (jax.tree.map(lambda x: np.stack([x] * 3, axis=1), LATENTS), r"with 2 starts each"),
    "not finite": ({**LATENTS, "z": Z * np.nan}, "not all finite"),
}


@pytest.mark.parametrize("kind", WRONG_STARTS)
def test_given_latents_that_do_not_fit_are_refused_before_anything_is_prepared(kind, prior):
    given, words = WRONG_STARTS[kind]
    settings = {"key": KEY, "codes": CODES, "objective": jp.Objective(), "solve": jp.Solve(starts=2)}
    start, words = jp.GivenStart(given), f"`start` gives latents.*{words}"
    refused(lambda: jp.restore(prior, PHOTOS, start=start, **settings), words)


def test_a_host_driver_says_that_it_cannot_be_compiled(prior):
    for function in (jp.restore, jp.invert):
        words = f"`{function.__name__}` cannot be called inside `jax.jit`.*compile `Prior.generate`"
        refused(lambda f=function: jax.jit(f)(prior, PHOTOS, key=KEY), words)
        refused(lambda f=function: jax.vmap(lambda x: f(prior, x, key=KEY).loss)(PHOTOS), words)
        refused(lambda f=function: jax.grad(lambda x: f(prior, x, key=KEY).loss.sum())(PHOTOS), words)


PRIORS = {
    "one code": (lambda prior: prior.generate(Z[0, 0]), r"`z` must be a batch of latent codes.*`z\[None\]`"),
    "a code of another length": (lambda prior: prior.generate(Z[0, :, :9]), r"`z`.*floats \[b, 16\], got .*\[2, 9\]"),
    "several codes": (lambda prior: prior.generate(Z), "`z` must be a batch of latent codes"),
    "whole numbers": (lambda prior: prior.generate(np.zeros((2, 16), int)), "`z`.*int64"),
    "a list": (lambda prior: prior.generate([0.0] * 16), "`z`.*a list"),
    "head of one code": (lambda prior: prior.head(Z[0, 0], 2), "`z` must be a batch"),
    "half a layer": (lambda prior: prior.head(Z[0], 2.5), "`layer` must be a whole number"),
    "a layer's name": (lambda prior: prior.channels("conv2"), "`layer` must be a whole number"),
    "channels": (lambda prior: prior.tail(np.zeros((1, 4, 4, 3), np.float32), 2), "`features` must be features after"),
    "size": (lambda prior: prior.tail(np.zeros((1, 8, 8, 16), np.float32), 2), "must have the size of layer 2"),
    "untrained": (lambda prior: jp.untrained(prior, key=1), "`key` must be one random key"),
    "untrained name": (lambda prior: jp.untrained("cats32", key=KEY), "`prior` must be a prior"),
    "preset": (lambda prior: jp.preset("best", prior=prior), "unknown preset 'best'"),
    "preset of no name": (lambda prior: jp.preset(None, prior=prior), "unknown preset None"),
    "preset of a name": (lambda prior: jp.preset("default", prior="cats32"), "`prior` must be a prior"),
    "preset of a mask": (lambda prior: jp.preset("default", MASK, prior=prior), "`task` must be a forward operator"),
    "load_prior": (lambda prior: jp.load_prior(32), "`source` must be the name or the path of a prior, got 32"),
    "load_prior of a prior": (lambda prior: jp.load_prior(prior), "`source` must be the name or the path of a prior"),
    "load_prior of nowhere": (lambda prior: jp.load_prior(Path("nowhere")), "nowhere: neither"),
    "load_refiner": (lambda prior: jp.load_refiner(None), "`source` must be the name or the path of a refiner"),
    "load_features": (lambda prior: jp.load_features(None), "`source`.*path of a feature network"),
    "load_features' size": (lambda prior: jp.load_features("vgg16", size=2.5), "`size` must be a whole number"),
    "load_singan": (lambda prior: jp.singan.load_singan(7), "`source` must be the name or the path of a model of one"),
    "render": (lambda prior: jp.render(prior, {"z": Z}, codes=CODES), "`latents` must have the shapes"),
    "render one": (lambda prior: jp.render(prior, Z, codes=CODES), '`latents` must be latents, a dictionary'),
    "render of other codes": (lambda prior: jp.render(prior, LATENTS, codes=jp.SingleCode()), "`latents` must have"),
    "render without codes": (lambda prior: jp.render(prior, LATENTS, codes=2), "`codes` must be of the kind"),
    "direction": (lambda prior: jp.edit(LATENTS, np.zeros(5), 1.0), r"`direction` must be an array \[16\]"),
    "direction of NaN": (lambda prior: jp.edit(LATENTS, np.full(16, np.nan), 1.0), "`direction` must be finite"),
    "amount": (lambda prior: jp.edit(LATENTS, np.zeros(16), "2"), "`amount` must be a finite number"),
    "edit of codes": (lambda prior: jp.edit(Z, np.zeros(16), 1.0), "`latents` must be latents"),
    "two kinds": (lambda prior: jp.interpolate(LATENTS, {"z": Z}, [0.5]), "must be latents of the same codes"),
    "fractions": (lambda prior: jp.interpolate(LATENTS, LATENTS, [[0.5]]), "`fractions` must be finite numbers"),
    "fractions of NaN": (lambda prior: jp.interpolate(LATENTS, LATENTS, [np.nan]), "`fractions` must be finite"),
}


@pytest.mark.parametrize("kind", PRIORS)
def test_wrong_arguments_around_priors(kind, prior):
    call, words = PRIORS[kind]
    refused(lambda: call(prior), words)


VALUES = {
    "no codes": (lambda: jp.MultiCode(num_codes=0), "`num_codes` must be 1 or more, got 0"),
    "half a code": (lambda: jp.MultiCode(num_codes=2.5), "`num_codes` must be a whole number, 1 or more, got 2.5"),
    "text for a number": (lambda: jp.MultiCode(layer="4"), "`layer` must be a whole number"),
    "truth for a number": (lambda: jp.MultiCode(num_codes=True), "`num_codes` must be a whole number"),
    "weights": (lambda: jp.MultiCode(weights=["free"]), "`weights` must be one of"),
    "word for attention": (lambda: jp.MultiCode(attention="cbam"), r"`attention` must be jp.CBAM\(\)"),
    "class of attention": (lambda: jp.MultiCode(attention=jp.CBAM), "`attention`.*the class CBAM"),
    "reduction": (lambda: jp.CBAM(reduction=0.5), "`reduction` must be a whole number"),
    "project": (lambda: jp.SingleCode(project=True), "`project` must be one of"),
    "steps": (lambda: jp.Solve(steps=0.5), "`steps` must be a whole number"),
    "negative steps": (lambda: jp.Solve(steps=-1), "`steps` must be 0 or more, got -1"),
    "rate of NaN": (lambda: jp.Solve(learning_rate=float("nan")), "`learning_rate` must be a finite number, positive"),
    "infinite rate": (lambda: jp.Solve(learning_rate=float("inf")), "`learning_rate` must be a finite number"),
    "text for a rate": (lambda: jp.Solve(learning_rate="0.1"), "`learning_rate` must be a finite number.*'0.1'"),
    "no rate": (lambda: jp.Solve(learning_rate=0), "`learning_rate` must be positive, got 0"),
    "hold out": (lambda: jp.Solve(hold_out=1.0), "`hold_out` must be between 0 and 1, got 1.0"),
    "target": (lambda: jp.Solve(target_psnr="30"), "`target_psnr` must be a finite number"),
    "optimizer": (lambda: jp.Solve(optimizer=None), "`optimizer` must be one of"),
    "init": (lambda: jp.Solve(init=jp.RandomStart()), "`init` must be one of"),
    "pixel": (lambda: jp.Objective(pixel="mse"), "`pixel` must be one of l2, l1, l2_sum, l1_sum"),
    "weight": (lambda: jp.Objective(feature_weight=-1), "`feature_weight` must be 0 or more, got -1"),
    "weight of NaN": (lambda: jp.Objective(critic_weight=float("nan")), "`critic_weight` must be a finite number"),
    "window": (lambda: jp.Objective(window=3.5), "`window` must be a whole number"),
    "features": (lambda: jp.Objective(features="vgg16"), "`features` must be a network.*`jp.load_features`"),
    "critic": (lambda: jp.Objective(critic=10), "`critic` must be a network"),
    "factor": (lambda: jp.SuperResolve(0), "whole factor from 2 to 16, got 0"),
    "half a factor": (lambda: jp.SuperResolve(2.5), "whole factor from 2 to 16"),
    "kernel's name": (lambda: jp.SuperResolve(2, kernel=["box"]), "kernels bilinear, bicubic, box"),
    "path for a kernel": (lambda: jp.Deblur("motion.png"), "`kernel` must be an array.*load_kernel"),
    "list for a kernel": (lambda: jp.Deblur([[1.0]]), "`kernel` must be an array"),
    "number for a kernel": (lambda: jp.Deblur(5).observe(PHOTOS), "`kernel` must be an array"),
    "even kernel": (lambda: jp.Deblur(np.full((4, 4), 1 / 16)), "k odd"),
    "kernel of NaN": (lambda: jp.Deblur(np.full((3, 3), np.nan)), "not finite"),
    "sigma's text": (lambda: jp.Deblur.gaussian("1.5"), "`sigma` must be positive and finite"),
    "size": (lambda: jp.Deblur.gaussian(1.0, 5.5), "`size` must be odd and positive"),
    "sigma": (lambda: jp.Denoise(-1), "`sigma` must be positive and finite, got -1"),
    "sigma in levels": (lambda: jp.Denoise(25), "so at most 2, got 25; noise of 25 levels of 255 is sigma=0.196"),
    "text for sigma": (lambda: jp.Denoise("0.2"), "`sigma` must be positive and finite, got '0.2'"),
    "no operator": (lambda: jp.Compose([jp.Identity(), "inpaint"]), "expected operators in `operators`, got 'inpaint'"),
    "one operator": (lambda: jp.Compose(jp.Identity()), "expected a tuple of one or more operators"),
    "class of an operator": (lambda: jp.Compose((jp.Colorize,)), "got the class Colorize"),
    "keys": (lambda: jp.Denoise().observe(PHOTOS, key=0), "`observe` needs 2 random keys.*got 0"),
    "one photo": (lambda: jp.Colorize().observe(PHOTO), r"`photos` must be a batch \[b, h, w, c\].*`photos\[None\]`"),
    "pixels": (lambda: jp.Identity().apply(PIXELS[0]), "`x` must be an image of floats"),
}


@pytest.mark.parametrize("kind", VALUES)
def test_wrong_values_of_settings_and_operators(kind):
    refused(*VALUES[kind])


FILES = {
    "nothing": (lambda: jp.load_images(None, size=16), "`paths` must be one path or several, got None"),
    "a number": (lambda: jp.load_images([3], size=16), "`paths` must be one path or several, got 3"),
    "no match": (lambda: jp.load_images("nowhere/*.png", size=16), "nothing matches it as a pattern"),
    "no size": (lambda: jp.load_images(".", size=0), "`size` must be 1 or more, got 0"),
    "half a size": (lambda: jp.load_images(".", size=16.0), "`size` must be a whole number"),
    "two sizes": (lambda: jp.load_images(".", size=(16, 16)), "`size` must be a whole number"),
    "channels": (lambda: jp.load_images(".", size=16, channels=4), "`channels` must be 3 for RGB or 1"),
    "limit": (lambda: jp.load_images(".", size=16, limit=0.5), "`limit` must be a whole number"),
    "load_image": (lambda: jp.images.load_image(None), "`source` must be a path, bytes"),
    "to_float": (lambda: jp.images.to_float(PHOTO), "to_float: expected uint8, got float32"),
    "to_uint8": (lambda: jp.to_uint8(PIXELS), "to_uint8: expected floats"),
    "fit": (lambda: jp.images.fit(PIXELS[0], 2.5), "`size` must be a whole number"),
    "fit's filter": (lambda: jp.images.fit(PIXELS[0], 8, resample=["nearest"]), "resample: expected one of"),
    "empty path": (lambda: jp.load_images("", size=16), "`paths` must be one path or several, got ''"),
    "save_png": (lambda: jp.images.save_png(None, PIXELS[0]), "`path` must be the path of a file, got None"),
    "grid": (lambda: jp.images.grid(None, columns=2), "grid: expected uint8 pictures"),
    "grid's columns": (lambda: jp.images.grid(PIXELS, columns=1.5), "`columns` must be a whole number"),
    "to_rgb": (lambda: jp.images.to_rgb("cat.png"), "to_rgb: expected pictures"),
    "content_name": (lambda: jp.images.content_name(None, PIXELS[0]), "content_name: expected the name of a file"),
    "load_kernel": (lambda: jp.evaluation.load_kernel(None), "`path` must be the path of a blur kernel"),
    "load_direction": (lambda: jp.evaluation.load_direction(3, 16), "`path` must be the path of a direction"),
    "load_recipe": (lambda: jp.evaluation.load_recipe(None), "`source` must be the path of a recipe"),
    "load_task": (lambda: jp.operators.load_task(None), "`name` must be the name of a task"),
    "batched": (lambda: jp.operators.batched("inpaint", 2), "`operator` must be a forward operator"),
    "take": (lambda: jp.operators.take(jp.Inpaint(MASK), 1.5), "`indices` must be an array of whole numbers"),
    "bank": (lambda: jp.BankStart(bank_size=PHOTO), "`bank_size` must be a whole number"),
    "array for a network": (lambda: jp.Objective(features=PHOTO), "`features` must be a network"),
    "case": (lambda: jp.benchmarking.make_problem(256), "`case` must be a case, got 256"),
    "fit of floats": (lambda: jp.images.fit(PHOTO, 8), "fit: expected a uint8 array"),
}


@pytest.mark.parametrize("kind", FILES)
def test_wrong_arguments_around_files(kind):
    refused(*FILES[kind])


SCENE = np.random.default_rng(2).uniform(-1, 1, (20, 28, 3)).astype(np.float32)

SINGANS = {
    "model": (lambda model: jp.singan.draw("balloons.safetensors", KEY), "`model` must be a model of one picture"),
    "reconstruct": (lambda model: jp.singan.reconstruct(None), "`model` must be a model of one picture"),
    "key": (lambda model: jp.singan.draw(model, 0), "`key` must be one random key"),
    "count": (lambda model: jp.singan.draw(model, KEY, count=1.5), "count: expected at least one image, got 1.5"),
    "scale": (lambda model: jp.singan.draw(model, KEY, start_scale="1"), "`start_scale` must be a whole number"),
    "size": (lambda model: jp.singan.draw(model, KEY, width_scale=float("nan")), "`width_scale` must be a finite"),
    "frames": (lambda model: jp.singan.animate(model, KEY, frames=2.5), "frames: expected at least one"),
    "alpha": (lambda model: jp.singan.animate(model, KEY, alpha="0.1"), "alpha: expected a number from 0 to 1"),
    "animate": (lambda model: jp.singan.animate(PHOTO, KEY), "`model` must be a model"),
    "inject": (lambda model: jp.singan.inject(model, np.zeros((20, 28, 3), np.uint8), KEY), "`image` must be pictures"),
    "scales": (lambda model: jp.singan.paint(model, PHOTO, KEY, start_scales=1), "expected a list of scales"),
    "scale's text": (lambda model: jp.singan.paint(model, PHOTO, KEY, start_scales="12"), "expected a list of scales"),
    "radius": (lambda model: jp.singan.soft_mask(MASK, radius="7", sigma=1.0), "expected a radius and a sigma"),
    "sigma": (lambda model: jp.singan.soft_mask(MASK, radius=7, sigma=float("nan")), "got 7 and nan"),
    "blend": (lambda model: jp.singan.blend(PHOTO, PHOTOS, MASK[:8]), "`kept`, `made` and `mask` must be arrays"),
    "colors": (lambda model: jp.singan.color_centers(PHOTO, 2.5), "colors: expected 1 to 256"),
    "colors of a path": (lambda model: jp.singan.color_centers("cat.png", 2), "`image` must be an array"),
    "snap": (lambda model: jp.singan.snap_to(PHOTO, np.zeros((2, 4))), "`images` and `centers` must be arrays"),
    "centers": (lambda model: jp.singan.inject(model, SCENE, KEY, centers=3), "centers: expected a list"),
    "noises": (lambda model: jp.singan.synthesize(model, SCENE), "`noises` must be a list"),
    "noise": (lambda model: jp.singan.synthesize(model, [SCENE]), r"`noises\[0\]` must be noise, floats"),
    "fit_reference": (lambda model: jp.singan.fit_reference(None, SCENE), "`model` must be a model"),
    "fit_mask": (lambda model: jp.singan.fit_mask("a", MASK), "`model` must be a model"),
    "save": (lambda model: jp.singan.save_singan("a.safetensors", SCENE), "`model` must be a model"),
    "save nowhere": (lambda model: jp.singan.save_singan(None, model), "`path` must be the path of a file"),
    "plan": (lambda model: jp.singan.plan_scales("250", 250), "`height` must be a whole number"),
    "scale factor": (lambda model: jp.singan.plan_scales(250, 250, scale_factor="a"), "`scale_factor` must be"),
    "pyramid": (lambda model: jp.singan.build_pyramid(PIXELS[0], None), "`plan` must be a plan of scales"),
    "painting": (lambda model: jp.singan.paint(model, UNIT[0] * 255, KEY), r"expected values in \[-1, 1\]"),
    "factor": (lambda model: jp.singan.super_resolve(model, KEY, factor="4"), "factor: expected a number above 1"),
    "steps": (lambda model: jp.singan.super_resolve(model, KEY, steps=1.5), "steps: expected at least 1"),
    "picture": (lambda model: jp.singan.super_resolve(model, KEY, image="cat.png"), "expected uint8 or floats"),
}


@pytest.mark.parametrize("kind", SINGANS)
def test_wrong_arguments_around_models_of_one_picture(kind, model):
    call, words = SINGANS[kind]
    refused(lambda: call(model), words)
