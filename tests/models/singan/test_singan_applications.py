"""Applications of a trained SinGAN beside PyTorch, SciPy, Pillow and numbers of the official code."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.cluster.vq
import scipy.ndimage
import singan_golden
from PIL import Image
from singan_golden import nhwc
from tiny_singan import MARGIN, PLAN, idle_singan, tiny_singan

from jaxprior.data.animations import save_animation
from jaxprior.data.sheets import captioned_grid
from jaxprior.errors import ImageError, MaskError
from jaxprior.models.singan import (
    animate,
    blend,
    build_pyramid,
    color_centers,
    draw,
    draw_scales,
    edit,
    fit_mask,
    fit_reference,
    harmonize,
    inject,
    paint,
    plan_scales,
    reconstruct,
    snap_to,
    soft_mask,
    super_resolve,
    synthesize,
    with_own_statistics,
)
from jaxprior.models.singan.enlarging import plan_enlarging
from jaxprior.models.singan.fitting import plan_fitting
from jaxprior.models.singan.injecting import at_scale, injected
from jaxprior.models.singan.resizing import resize
from jaxprior.nn.padding import zero_pad


KEY = jax.random.key(0)


def picture(height: int, width: int, seed: int = 3) -> np.ndarray:
    """A smooth uint8 picture."""
    noise = np.random.default_rng(seed).standard_normal((height, width, 3))
    smooth = scipy.ndimage.gaussian_filter(noise, (2, 2, 0))
    return np.uint8(np.clip(128 + 60 * smooth / smooth.std(), 0, 255))


def test_what_enters_a_scale_is_the_official_codes(golden):
    """Scale 3 of the golden picture, of which the goldens have the coarser scale enlarged."""
    arrays, model = golden("singan_pyramid"), singan_golden.model()
    finest = dataclasses.replace(model.scales[-1], size=(90, 120))
    model = dataclasses.replace(model, scales=(*model.scales, finest))
    exact = (((arrays["image_u8"] / 255).astype(np.float32) - np.float32(0.5)) * 2).astype(np.float64)
    image = resize(exact, (90, 120), scale=1.0)
    for n in (1, 2, 3, 4):
        np.testing.assert_array_equal(at_scale(model, image, n)[None].astype(np.float32), nhwc(arrays[f"real_{n}"]))
    entering = jax.jit(lambda x: injected(model, x, 3))(jnp.asarray(image, jnp.float32))
    expected = nhwc(arrays["up_of_real_2_official"])[0, :48, :64]
    difference = np.abs(np.asarray(entering) - expected)
    assert entering.shape == expected.shape and np.mean(difference > 1e-5) < 0.01  # a level tipped by float32
    np.testing.assert_allclose(injected(model, image, 3), entering, atol=0.02)


def torch_generator(torch, scale, noise, below):
    """One official generator in evaluation, written out: [b, h, w, c] NumPy arrays in float64."""

    def nchw(array):
        return torch.tensor(np.asarray(array, np.float64)).permute(0, 3, 1, 2)

    params, statistics = scale.variables["params"], scale.variables["batch_stats"]
    pad = torch.nn.ZeroPad2d(MARGIN)
    below = nchw(below)
    x = float(scale.amplitude) * pad(nchw(noise)) + pad(below)
    for name in ("layer0", "layer1", "output"):
        kernel = torch.tensor(np.asarray(params[name]["kernel"], np.float64)).permute(3, 2, 0, 1)
        if name == "output":
            x = torch.nn.functional.conv2d(x, kernel, torch.tensor(np.asarray(params[name]["bias"], np.float64)))
            continue
        x = torch.nn.functional.conv2d(x, kernel)
        mean, var = (torch.tensor(np.asarray(statistics[name]["norm"][s], np.float64)) for s in ("mean", "var"))
        gain, bias = (torch.tensor(np.asarray(params[name]["norm"][s], np.float64)) for s in ("scale", "bias"))
        x = torch.nn.functional.batch_norm(x, mean, var, gain, bias)
        x = torch.nn.functional.leaky_relu(x, 0.2)
    return (torch.tanh(x) + below).permute(0, 2, 3, 1).numpy()


def test_injection_is_that_of_pytorch_at_every_start_scale():
    torch = pytest.importorskip("torch")
    model, image = tiny_singan(), picture(20, 28).astype(np.float32) / 127.5 - 1
    found = np.asarray(inject(model, image, KEY, count=2))
    assert found.shape == (2, 2, 20, 28, 3)
    noises = model.draw_noises(KEY, model.sizes, count=2)
    wide, f, last = image.astype(np.float64), PLAN.factor, len(PLAN.sizes) - 1
    for start in (1, 2):
        coarse = resize(wide, PLAN.sizes[start - 1], scale=f ** (last - start + 1), method="bicubic")
        below = resize(coarse, PLAN.sizes[start], scale=1 / f, method="bicubic")
        x = np.stack([below, below])
        for n in range(start, last + 1):
            x = x if n == start else resize(x, PLAN.sizes[n], scale=1 / f, method="bicubic")
            x = torch_generator(torch, model.scales[n], noises[n], x)
        np.testing.assert_allclose(found[start - 1], x, atol=2e-5)
    np.testing.assert_allclose(inject(model, image, KEY, start_scales=(2,))[0, 0], found[1, 0], atol=2e-5)
    assert np.abs(found[0, 0] - found[0, 1]).mean() > 0.02


def test_what_enters_passes_through_networks_that_do_nothing():
    model = idle_singan()
    image = picture(20, 28).astype(np.float32) / 127.5 - 1
    found = inject(model, image, KEY)
    np.testing.assert_allclose(found[1, 0], injected(model, image, 2), atol=1e-6)
    again = resize(injected(model, image, 1), PLAN.sizes[2], scale=1 / PLAN.factor, method="bicubic")
    np.testing.assert_allclose(found[0, 0], again, atol=1e-6)
    ratio = dataclasses.replace(model, factor=None)  # sizes that no factor joins
    assert np.abs(np.asarray(inject(ratio, image, KEY) - found)).mean() < 0.05


@pytest.mark.parametrize(
    ("given", "size", "box", "words"),
    [
        ((20, 28), (20, 28), (0, 0, 20, 28), None),
        ((40, 56), (20, 28), (0, 0, 40, 56), "fitted from 56x40 to 28x20"),
        ((41, 56), (20, 28), (0, 0, 41, 56), "fitted from 56x41 to 28x20"),
        ((40, 80), (20, 28), (0, 12, 40, 56), "fitted from 80x40, its middle 56x40 to 28x20"),
        ((90, 28), (20, 28), (35, 0, 20, 28), "fitted from 28x90, its middle 28x20 to 28x20"),
        ((168, 250), (44, 64), (0, 0, 168, 250), "fitted from 250x168 to 64x44"),
        ((9, 9), (20, 28), (1, 0, 6, 9), "fitted from 9x9, its middle 9x6 to 28x20"),
    ],
)
def test_plan_of_a_fitting(given, size, box, words):
    fitting = plan_fitting(given, size)
    assert fitting.box == box and (fitting.words or "").startswith(words or "") and bool(fitting.words) == bool(words)


def test_references_and_masks_are_fitted_alike():
    model = tiny_singan()
    same = picture(20, 28)
    np.testing.assert_array_equal(fit_reference(model, same)[0], same.astype(np.float32) / np.float32(127.5) - 1)
    wide = picture(60, 140)
    reference, fitting = fit_reference(model, wide)
    assert reference.shape == (20, 28, 3) and reference.dtype == np.float32 and fitting.box == (0, 28, 60, 84)
    middle = wide[:, 28:112].astype(np.float32) / 127.5 - 1
    for channel in range(3):  # Pillow's bicubic, away from the border, which the official code treats in its own way
        theirs = Image.fromarray(middle[..., channel]).resize((28, 20), Image.Resampling.BICUBIC)
        theirs, inside = np.clip(theirs, -1, 1), np.s_[2:-2, 2:-2]
        np.testing.assert_allclose(reference[..., channel][inside], theirs[inside], atol=3e-5)
    np.testing.assert_allclose(fit_reference(model, wide.astype(np.float64) / 127.5 - 1)[0], reference, atol=1e-6)
    mask = np.zeros((60, 140))
    mask[30:45, 28 + 12 : 28 + 24] = 1
    expected = np.zeros((20, 28), bool)
    expected[10:15, 4:8] = True
    np.testing.assert_array_equal(fit_mask(model, mask), expected)
    np.testing.assert_array_equal(fit_mask(model, expected), expected)
    thin = np.zeros((60, 140))
    thin[:, 40] = 1  # a third of a pixel wide once fitted, and still there
    assert np.array_equal(np.flatnonzero(fit_mask(model, thin).all(axis=0)), [4]) and fit_mask(model, thin).sum() == 20


def test_the_picture_of_a_training_is_fitted_as_the_training_did():
    given = picture(45, 61)
    plan = plan_scales(45, 61, min_size=12, max_size=30)
    assert plan.sizes[-1] == (23, 30)  # 22.13 rounded up
    real = build_pyramid(given, plan, method="bicubic")[-1]
    model = tiny_singan()
    finest = dataclasses.replace(model.scales[-1], size=plan.sizes[-1])
    reference, fitting = fit_reference(dataclasses.replace(model, scales=(*model.scales[:-1], finest)), given)
    assert fitting.box == (0, 0, 45, 61)
    np.testing.assert_allclose(reference, np.clip(real, -1, 1), atol=1e-5)


def test_soft_masks_are_scipys():
    mask = np.zeros((40, 50))
    mask[12:20, 30:34] = mask[30, 3] = 1
    y, x = np.mgrid[-6:7, -6:7]
    wide = scipy.ndimage.binary_dilation(mask > 0, x**2 + y**2 <= 36).astype(float)
    blurred = scipy.ndimage.gaussian_filter(wide, 2.5, mode="nearest")
    expected = (blurred - blurred.min()) / (blurred.max() - blurred.min())
    np.testing.assert_allclose(soft_mask(mask, radius=6, sigma=2.5), expected, atol=1e-6)
    np.testing.assert_array_equal(soft_mask(mask, radius=0, sigma=0), mask)
    np.testing.assert_array_equal(soft_mask(mask, radius=60, sigma=5), np.ones((40, 50)))
    for wanted in ({"mask": np.zeros((9, 9))}, {"radius": -1}, {"sigma": -0.5}):
        with pytest.raises(MaskError, match="^mask: "):
            soft_mask(**{"mask": mask, "radius": 1, "sigma": 1.0, **wanted})


def test_colors_are_those_of_scipys_k_means():
    chance = np.random.default_rng(0)
    planted = np.array([[-0.9, 0, 0], [0.8, -0.6, 0.1], [0.1, 0.7, -0.2], [0.5, 0.5, 0.9]])  # dark to light
    image = (planted[chance.integers(4, size=(30, 40))] + chance.normal(0, 0.03, (30, 40, 3))).astype(np.float32)
    np.testing.assert_allclose(color_centers(image, 4), planted, atol=0.01)
    image = picture(40, 50).astype(np.float32) / 127.5 - 1
    centers = color_centers(image, 5)
    assert centers.dtype == np.float32 and centers.shape == (5, 3)
    np.testing.assert_array_equal(color_centers(image, 5), centers)
    pixels = image.reshape(-1, 3).astype(np.float64)
    codes, distances = scipy.cluster.vq.vq(pixels, centers.astype(np.float64))
    best = min(
        np.square(scipy.cluster.vq.vq(pixels, scipy.cluster.vq.kmeans2(pixels, 5, minit="++", seed=s)[0])[1]).sum()
        for s in range(12)
    )
    assert np.square(distances).sum() < 1.01 * best
    snapped = jax.jit(snap_to)(jnp.asarray(image), centers)
    np.testing.assert_array_equal(snapped, centers[codes].reshape(image.shape))
    gradient = jax.grad(lambda x: snap_to(x, centers).sum())(jnp.asarray(image))
    assert not np.asarray(gradient).any()
    assert snap_to(jnp.zeros((2, 4, 5, 3), jnp.bfloat16), centers).dtype == jnp.bfloat16
    with pytest.raises(ValueError, match="colors: expected 1 to 1"):
        color_centers(np.zeros((9, 9, 3)), 2)


def test_painting():
    model, given = tiny_singan(), picture(40, 56)
    made = paint(model, given, KEY, start_scales=[2])
    assert made.images.shape == (1, 1, 20, 28, 3) and made.start_scales == (2,) and made.masked is made.mask is None
    assert made.fitting.given == (40, 56)
    np.testing.assert_array_equal(made.reference, fit_reference(model, given)[0])
    few = paint(idle_singan(), given, KEY, start_scales=[2], colors=3)
    centers = color_centers(at_scale(model, model.image, 2), 3)
    np.testing.assert_array_equal(few.images[0, 0], snap_to(injected(model, made.reference, 2), centers))


@pytest.mark.parametrize("function", [harmonize, edit])
def test_what_is_outside_a_mask_stays(function):
    model, given = tiny_singan(), picture(40, 56)
    mask = np.zeros((40, 56))
    mask[:8, :8] = 1
    made = function(model, given, mask, key=KEY, count=2, radius=2, sigma=1)
    np.testing.assert_array_equal(made.mask, soft_mask(fit_mask(model, mask), radius=2, sigma=1))
    np.testing.assert_array_equal(made.images, inject(model, made.reference, KEY, count=2))
    masked = np.asarray(made.masked)
    assert masked.shape == (2, 2, 20, 28, 3)
    outside, inside = made.mask == 0, made.mask == 1
    assert outside.sum() > 300 and inside.sum() >= 1
    assert (masked[:, :, outside] == made.reference[outside]).all()
    np.testing.assert_allclose(masked[:, :, inside], np.asarray(made.images)[:, :, inside], atol=1e-6)
    weight = made.mask[None, None, ..., None]
    expected = (1 - weight) * made.reference[None, None] + weight * np.asarray(made.images)
    np.testing.assert_allclose(masked, expected, atol=1e-6)
    np.testing.assert_allclose(blend(made.reference, made.images[0, 0], made.mask), expected[0, 0], atol=1e-6)
    wide = {harmonize: 7, edit: 20}[function]
    defaults = function(model, given, mask, key=KEY, start_scales=[2])
    np.testing.assert_array_equal(defaults.mask, soft_mask(fit_mask(model, mask), radius=wide, sigma=5))


def test_steps_of_an_enlarging_are_the_official_ones():
    for factor, steps in ((4, 6), (2, 3), (8, 9), (1.1, 1), (3, 5)):
        sizes, step = plan_enlarging((25, 33), factor)
        assert len(sizes) == steps and step**steps == pytest.approx(factor)
        assert sizes[-1] == (round(25 * factor), round(33 * factor))
        assert sizes == tuple(sorted(sizes))
    assert plan_enlarging((25, 33), 4)[1] == pytest.approx(1.259921)
    assert plan_enlarging((100, 50), 4)[0] == ((126, 63), (159, 80), (200, 100), (252, 126), (318, 159), (400, 200))
    assert plan_enlarging((25, 33), 4, steps=2)[0] == ((50, 66), (100, 132))
    for factor, steps, said in ((1.0, None, "factor"), (np.nan, None, "factor"), (4, 0, "steps"), (9999, 1, "pixels")):
        with pytest.raises(ValueError, match=said):
            plan_enlarging((25, 33), factor, steps=steps)


def test_enlarging_applies_the_finest_network_at_every_step():
    made = super_resolve(idle_singan(0.05), KEY, factor=2.0)
    assert made.shape == (40, 56, 3)
    plain = super_resolve(idle_singan(), KEY, factor=2.0)
    np.testing.assert_allclose(made - plain, 3 * 0.05, atol=1e-5)
    ramp = np.linspace(-0.9, 0.9, 30)[None, :, None] * np.ones((24, 1, 3))
    large = np.asarray(super_resolve(idle_singan(), KEY, image=ramp, factor=2.5))
    assert large.shape == (60, 75, 3)  # pixel centres stay where they are, step after step
    straight = np.interp((np.arange(75) + 0.5) / 2.5 - 0.5, np.arange(30), ramp[0, :, 0])
    np.testing.assert_allclose(large[20, 10:-10, 1], straight[10:-10], atol=1e-4)


def test_enlarging_is_that_of_pytorch():
    """The first step's noise has one channel, as in the official code; a picture of 8 bits."""
    torch = pytest.importorskip("torch")
    model, given = tiny_singan(), picture(10, 12)
    found = super_resolve(model, KEY, image=given, factor=1.5)  # two steps
    step, sizes = 1.5**0.5, ((13, 15), (15, 18))
    repeated = dataclasses.replace(model, scales=model.scales[-1:] * 2)
    noises = repeated.draw_noises(KEY, sizes, count=1)
    assert (noises[0] == noises[0][..., :1]).all() and not (noises[1] == noises[1][..., :1]).all()
    x = given.astype(np.float64)[None] / 127.5 - 1
    for size, noise in zip(sizes, noises, strict=True):
        x = torch_generator(torch, model.scales[-1], noise, resize(x, size, scale=step, method="bicubic"))
    np.testing.assert_allclose(found, x[0], atol=2e-5)


@pytest.mark.parametrize("padding", ["zero", "noise"])
def test_animations_walk_around_the_reconstruction(padding):
    model = tiny_singan(padding=padding)
    still = animate(model, KEY, frames=3, start_scale=0, alpha=1.0)
    remade = np.broadcast_to(reconstruct(model)[-1], (3, 20, 28, 3))
    np.testing.assert_allclose(still, remade, atol=1e-5)
    moving = np.asarray(animate(model, KEY, frames=3, start_scale=0, alpha=0.2, beta=0.7))
    assert np.abs(np.diff(moving, axis=0)).mean() > 0.01

    def noises(number):
        drawn = model.draw_noises(jax.random.fold_in(KEY, number), model.sizes, count=1)
        return [np.asarray(noise) for noise in drawn]

    fixed = [np.asarray(scale.noise)[None] for scale in model.scales]
    synthesized = jax.jit(synthesize)
    older, old = fixed, [0.95 * z + 0.05 * n for z, n in zip(fixed, noises(0), strict=True)]
    for t in range(3):
        now = [
            0.2 * z + 0.8 * (b + 0.7 * (b - a) + 0.3 * n)
            for z, a, b, n in zip(fixed, older, old, noises(t + 1), strict=True)
        ]
        np.testing.assert_allclose(moving[t], synthesized(model, now)[-1][0], atol=1e-4)
        older, old = old, now


def test_animations_move_from_their_start_scale_on():
    model = tiny_singan()
    moving = np.asarray(animate(model, KEY, frames=2, start_scale=2, alpha=0.2))
    everything = np.asarray(animate(model, KEY, frames=2, start_scale=0, alpha=0.2))
    changes = [np.abs(np.diff(frames, axis=0)).mean() for frames in (moving, everything)]
    assert 1e-4 < changes[0] < changes[1]
    quiet = dataclasses.replace(model.scales[2], amplitude=np.float32(0))
    still = animate(dataclasses.replace(model, scales=(*model.scales[:2], quiet)), KEY, frames=2, start_scale=2)
    np.testing.assert_allclose(still[0], still[1], atol=1e-6)


@pytest.mark.parametrize("start_scale", [0, 2])
def test_images_of_all_scales(start_scale):
    model = tiny_singan()
    scales = draw_scales(model, KEY, count=2, start_scale=start_scale)
    assert [image.shape for image in scales] == [(2, *size, 3) for size in PLAN.sizes]
    np.testing.assert_allclose(scales[-1], draw(model, KEY, count=2, start_scale=start_scale), atol=1e-6)
    for n, remade in enumerate(reconstruct(model)[:start_scale]):
        np.testing.assert_allclose(scales[n][1:], remade, atol=1e-5)


def test_own_statistics_are_those_of_training():
    model = tiny_singan()
    own = reconstruct(with_own_statistics(model))
    below = jnp.zeros((1, *PLAN.sizes[0], 3))
    for n, scale in enumerate(model.scales):
        below = model.enlarge(own[n - 1], PLAN.sizes[n]) if n else below
        z = scale.amplitude * zero_pad(jnp.asarray(scale.noise)[None], MARGIN) + zero_pad(below, MARGIN)
        trained, _ = scale.generator.apply(scale.variables, z, below, train=True, mutable=["batch_stats"])
        np.testing.assert_allclose(own[n], trained, atol=2e-5)
    assert np.abs(own[-1] - reconstruct(model)[-1]).mean() > 0.02
    again = with_own_statistics(with_own_statistics(model))
    assert jax.tree.structure(again) == jax.tree.structure(with_own_statistics(model))


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_animation_files(suffix, tmp_path):
    frames = np.stack([picture(20, 30, seed) for seed in range(5)])
    path = tmp_path / f"film.{suffix}"
    save_animation(path, frames, fps=25)
    with Image.open(path) as film:
        assert (film.n_frames, film.size, film.info["loop"]) == (5, (30, 20), 0)
        for n in range(5):
            film.seek(n)
            film.load()
            assert film.info["duration"] == 40
            assert np.abs(np.asarray(film.convert("RGB"), np.float32) - frames[n]).mean() < 8
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    save_animation(path, frames[:1])
    for wanted in ({"path": tmp_path / "film.mp4"}, {"frames": []}, {"frames": frames / 255}, {"fps": 0}, {"fps": 51}):
        with pytest.raises(ImageError):
            save_animation(**{"path": path, "frames": frames, "fps": 10, **wanted})


def test_sheets_have_captions_over_their_pictures():
    tiles = [picture(40, 70, seed) for seed in range(3)]
    captions = ("first", "a caption that is longer than that", "")
    sheet = captioned_grid(list(zip(captions, tiles, strict=True)), columns=2)
    height, width = sheet.shape[:2]
    assert height == 2 * (80 + 16 + 4) + 4 and width > 2 * 170
    np.testing.assert_array_equal(sheet[20:100:2, 4:144:2], tiles[0])
    np.testing.assert_array_equal(sheet[121:200:2, 5:144:2], tiles[2])
    assert (sheet[4:20, 4:34] < 100).any() and (sheet[104:120, 4:34] == 255).all()


def test_mistakes_are_sentences():
    model, image = tiny_singan(), np.zeros((20, 28, 3), np.float32)
    single = dataclasses.replace(model, scales=model.scales[:1], image=image[:12, :17])
    mask = np.ones((20, 28))
    for call, said in (
        (lambda: inject(model, image, KEY, start_scales=(0,)), "expected 1 to 2 for this model, at 0 nothing enters"),
        (lambda: inject(model, image, KEY, start_scales=(1, 3)), "expected 1 to 2 for this model; got 3"),
        (lambda: inject(model, image, KEY, start_scales=(1, 1)), "different scales"),
        (lambda: inject(model, image, KEY, start_scales=()), "different scales"),
        (lambda: inject(model, image, KEY, count=0), "at least one image"),
        (lambda: inject(model, image[:9], KEY), "fit it first"),
        (lambda: inject(model, image, KEY, centers=[np.zeros((2, 3))]), "each of 2 start scales"),
        (lambda: inject(single, image[:12, :17], KEY), "one scale only"),
        (lambda: paint(model, image[:7], KEY), "it is 28x7; expected at least 8x8"),
        (lambda: paint(model, image[..., 0], KEY), "expected uint8 or floats"),
        (lambda: paint(model, image + 2, KEY), r"values in \[-1, 1\], got 2 to 2"),
        (lambda: paint(model, image * np.nan, KEY), r"values in \[-1, 1\]"),
        (lambda: paint(dataclasses.replace(model, image=image), image, KEY, colors=5), "expected 1 to 1"),
        (lambda: harmonize(model, image, mask[:9], key=KEY), "mask: it is 28x9 and its picture 28x20"),
        (lambda: edit(model, image, mask * 0, key=KEY), "nothing is marked"),
        (lambda: fit_mask(model, image), "expected"),
        (lambda: super_resolve(model, KEY, image=image[..., :1]), "expected uint8 or floats"),
        (lambda: animate(model, KEY, frames=0), "at least one"),
        (lambda: animate(model, KEY, start_scale=3), "expected 0 to 2"),
        (lambda: animate(model, KEY, alpha=1.5), "alpha: expected a number from 0 to 1"),
        (lambda: animate(model, KEY, beta=-0.1), "beta: expected a number from 0 to 1"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            call()
