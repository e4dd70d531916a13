"""Forward operators: linear ones are linear and adjoint; all work under jit, vmap and grad; numbers of others hold."""

import dataclasses
import doctest
import sys
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
import skimage.color
from PIL import Image

from jaxprior import operators
from jaxprior.errors import MaskError
from jaxprior.operators import (
    Colorize,
    Compose,
    Deblur,
    Denoise,
    Identity,
    Inpaint,
    Measure,
    Operator,
    SuperResolve,
    batched,
    image_axes,
    per_image,
    take,
)


H, W = 12, 16


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Filter(Operator):
    """A user's operator with inner operators, to see that the interface carries one: correlate, then degrade."""

    kernel: jax.Array = per_image(ndim=2)
    then: tuple[Operator, ...] = ()

    name = "filter"

    def apply(self, x):
        rows, columns = self.kernel.shape
        y = sum(
            self.kernel[i, j] * x[i : x.shape[0] - rows + 1 + i, j : x.shape[1] - columns + 1 + j]
            for i in range(rows)
            for j in range(columns)
        )
        for operator in self.then:
            y = operator.apply(y)
        return y


def normal(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape)


def hole(seed=0, *lead, h=H, w=W):
    return (normal(seed, *lead, h, w) > 0).astype(jnp.float32)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Gamma(Operator):
    """A user's operator that is not linear."""

    name = "gamma"
    linear = False

    def apply(self, x):
        return ((x + 1) / 2) ** 2


LINEAR = {
    "identity": Identity(),
    "inpaint": Inpaint(hole()),
    "inpaint, nothing missing": Inpaint(jnp.zeros((H, W))),
    "filter": Filter(normal(1, 3, 3), (Inpaint(hole(2, h=H - 2, w=W - 2)),)),
    "colorize": Colorize(),
    "superres bilinear": SuperResolve(4),
    "superres bicubic": SuperResolve(2, "bicubic"),
    "superres box": SuperResolve(4, "box"),
    "denoise": Denoise(),
    "denoise under a mask": Denoise(0.3, hole(3)),
    "deblur": Deblur(normal(4, 5, 5)),
    "deblur, kernel larger than the image": Deblur.gaussian(3.0, 19),
    "measure": Measure.gaussian(50, (H, W, 3)),
    "compose": Compose((Inpaint(hole(5)), Deblur(normal(6, 3, 3)), SuperResolve(2, "box"), Colorize())),
}


@pytest.mark.parametrize("name", LINEAR)
def test_linear_operators_are_linear_and_adjoint(name):
    operator = LINEAR[name]
    assert operator.linear
    apply = jax.jit(operator.apply)
    x, other = normal(3, H, W, 3), normal(4, H, W, 3)
    seen = apply(x)
    y = normal(5, *seen.shape)
    np.testing.assert_allclose(apply(2 * x - 3 * other), 2 * seen - 3 * apply(other), rtol=1e-4, atol=1e-4)
    (back,) = jax.jit(jax.linear_transpose(operator.apply, x))(y)
    np.testing.assert_allclose(jnp.vdot(seen, y), jnp.vdot(x, back), rtol=1e-4, atol=1e-3)
    gradient = jax.jit(jax.grad(lambda x: jnp.sum(operator.apply(x) * y)))(x)
    np.testing.assert_allclose(gradient, back, rtol=1e-5, atol=1e-5)


def test_every_linear_operator_of_the_library_is_tested_above():
    library = {value for value in vars(operators).values() if isinstance(value, type) and issubclass(value, Operator)}
    assert {value for value in library - {Operator} if value.linear} <= {type(op) for op in LINEAR.values()}


def test_inpaint_blanks_to_grey_and_is_its_own_adjoint_and_square():
    mask, x, y = hole(), normal(1, H, W, 3), normal(2, H, W, 3)
    operator = Inpaint(mask)
    seen = operator.apply(x)
    assert (seen[mask == 1] == 0).all() and (seen[mask == 0] == x[mask == 0]).all()
    np.testing.assert_allclose(jnp.vdot(seen, y), jnp.vdot(x, operator.apply(y)), rtol=1e-5)
    assert jnp.array_equal(operator.apply(seen), seen)


def test_merge_keeps_known_pixels_bit_for_bit():
    mask, photo, restored = hole(), normal(1, H, W, 3), normal(2, H, W, 3)
    merged = Inpaint(mask).merge(Inpaint(mask).apply(photo), restored)
    assert jnp.array_equal(merged[mask == 0], photo[mask == 0])
    assert jnp.array_equal(merged[mask == 1], restored[mask == 1])
    assert jnp.array_equal(Identity().merge(photo, restored), restored)
    diverged = Inpaint(mask).merge(photo, jnp.full_like(photo, jnp.nan))
    assert jnp.isfinite(diverged[mask == 0]).all()


@pytest.mark.parametrize("lead", [(), (5,)])
def test_batches_are_their_single_images(lead):
    photos = normal(1, 5, H, W, 3)
    operator = Inpaint(hole(2, *lead))
    observed = operator.observe(photos)
    single = [Inpaint(operator.mask[i] if lead else operator.mask).apply(photos[i]) for i in range(5)]
    assert jnp.array_equal(observed, jnp.stack(single))
    assert jnp.array_equal(jax.jit(lambda op, x: op.observe(x))(operator, photos), observed)
    assert jnp.array_equal(operator.observe(np.asarray(photos)), observed)
    merged = jax.vmap(Inpaint.merge)(batched(operator, 5), observed, photos)
    assert jnp.array_equal(merged, photos)
    assert jnp.array_equal(Identity().observe(photos), photos)


def test_operators_made_of_operators():
    operator = Filter(normal(1, 3, 3), (Inpaint(hole(2, 4, h=H - 2, w=W - 2)), Identity()))
    photos = normal(3, 4, H, W, 3)
    observed = operator.observe(photos)
    assert observed.shape == (4, H - 2, W - 2, 3)
    inner = dataclasses.replace(operator, then=(Inpaint(operator.then[0].mask[2]),))
    np.testing.assert_allclose(observed[2], inner.apply(photos[2]), rtol=1e-5, atol=1e-6)
    part = take(operator, jnp.array([2, 0]))
    assert part.kernel.shape == (3, 3) and part.then[0].mask.shape == (2, H - 2, W - 2)
    np.testing.assert_allclose(part.observe(photos[jnp.array([2, 0])]), observed[jnp.array([2, 0])], rtol=1e-5)
    gradient = jax.grad(lambda op: jnp.sum(op.observe(photos) ** 2))(operator)
    assert gradient.kernel.shape == (3, 3) and jnp.isfinite(gradient.kernel).all()


def test_batched_and_take_work_under_jit():
    masks = hole(1, 6)
    selected = jax.jit(lambda op, i: take(op, i))(Inpaint(masks), jnp.array([5, 5, 0]))
    assert jnp.array_equal(selected.mask, masks[jnp.array([5, 5, 0])])
    assert take(Inpaint(masks[0]), jnp.array([1])).mask.shape == (H, W)
    assert jax.jit(lambda op: batched(op, 3))(Inpaint(masks[0])).mask.shape == (3, H, W)
    assert batched(Identity(), 3) == Identity()
    assert len(jax.tree.leaves(Identity())) == 0 and len(jax.tree.leaves(Inpaint(masks))) == 1


def test_mistakes_are_sentences(unchecked):
    photos = normal(1, 2, H, W, 3)
    for mask, words in [
        (jnp.zeros((8, 8)), r"got \(8, 8\) and \(12, 16, 3\)"),
        (jnp.zeros((3, H, W)), "first is the number of images, 2"),
        (jnp.zeros((2, H, W, 1)), r"expected an array \[h, w\] or \[b, h, w\], got the shape \(2, 12, 16, 1\)"),
    ]:
        with pytest.raises(ValueError, match=words):
            Inpaint(mask).observe(photos)
    with pytest.raises(ValueError, match="observe` takes batches"):
        Inpaint(jnp.zeros((H, W))).apply(photos)
    with pytest.raises(ValueError, match=r"0 \(known\) and 1 \(missing\), got values from 0 to 255"):
        Inpaint(np.array([[0, 255]], np.uint8))
    with pytest.raises(ValueError, match=r"expected an array \[h, w\] or \[b, h, w\]"):
        Inpaint(np.zeros((H, W, 1, 1)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        Inpaint(jnp.zeros((H, W))).mask = None


@pytest.mark.parametrize("array", [np.asarray, jnp.asarray])
@pytest.mark.parametrize("make", [Inpaint, lambda mask: Denoise(0.2, mask), lambda mask: Compose((Inpaint(mask),))])
def test_masks_that_say_nothing_clear_are_refused(make, array, unchecked):
    mask = np.asarray(hole())
    batch = np.stack([mask, np.ones_like(mask)])
    for given, words in [
        (mask * 0.5, "values from 0 to 0.5"),
        (mask * 255, "values from 0 to 255"),
        (-mask, "values from -1 to"),
        (np.where(mask == 1, np.nan, 0), "got NaN"),
        (np.ones_like(mask), "got 1 everywhere: leave some pixels"),
        (batch, "got 1 everywhere in the mask of image 1"),
        (mask[..., None, None], r"the shape \(12, 16, 1, 1\)"),
        (mask[0], r"the shape \(16,\)"),
    ]:
        with pytest.raises(MaskError, match=f"^(Inpaint|Denoise): mask: expected .*{words}"):
            make(array(given))


def test_masks_of_all_types_are_kept_as_one():
    """Another type would be another program, which takes half a minute to compile."""
    mask = np.asarray(hole())
    for kind in (bool, np.uint8, np.int32, np.float64, np.float32):
        for array in (np.asarray, jnp.asarray):
            for operator in (Inpaint(array(mask.astype(kind))), Denoise(0.2, array(mask.astype(kind)))):
                assert operator.mask.dtype == np.float32 and np.array_equal(operator.mask, mask)
    assert np.array_equal(Inpaint([[0, 1], [1, 0]]).mask, np.eye(2)[::-1])
    assert not Inpaint(np.zeros((4, 4))).mask.any()  # nothing missing is no mistake


def test_what_is_no_mask_may_stand_in_an_operators_place():
    photos, operator = normal(1, 2, H, W, 3), Inpaint(hole())
    gradient = jax.grad(lambda task: jnp.sum(task.observe(photos) ** 2))(operator)
    assert gradient.mask.shape == (H, W) and isinstance(gradient, Inpaint)
    assert jax.tree.map(lambda leaf: leaf.shape, operator).mask == (H, W)
    assert jax.tree.structure(operator) == jax.tree.structure(gradient)
    (path, _), = jax.tree_util.tree_leaves_with_path(Denoise(0.2, hole()))
    assert jax.tree_util.keystr(path) == ".mask"


def test_masks_of_other_types_do_not_change_the_images_type():
    x = normal(1, H, W, 3)
    for mask in (
        np.asarray(hole()) > 0,
        np.asarray(hole()).astype(np.uint8),
        np.asarray(hole()).astype(np.float64),
    ):
        assert jnp.array_equal(Inpaint(mask).apply(x), Inpaint(hole()).apply(x))
        assert Inpaint(mask).apply(x).dtype == jnp.float32
        assert Inpaint(mask).apply(x.astype(jnp.bfloat16)).dtype == jnp.bfloat16


# --- what holds for every operator ---


@pytest.mark.parametrize("name", LINEAR)
def test_batches_under_jit_are_their_single_images(name):
    operator, photos, order = LINEAR[name], normal(7, 3, H, W, 3), jnp.array([2, 0])
    keys = jax.random.split(jax.random.key(1), 3)
    each = batched(operator, 3)
    observed = jax.jit(lambda op, x, k: op.observe(x, key=k))(operator, np.asarray(photos), keys)
    expected = jax.eval_shape(operator.apply, jax.ShapeDtypeStruct((H, W, 3), jnp.float32))
    assert observed.shape == (3, *expected.shape) and observed.dtype == expected.dtype == jnp.float32
    axes = (image_axes(each), 0)
    apply = jax.jit(jax.vmap(type(operator).apply, axes))
    clean = apply(each, photos)
    np.testing.assert_allclose(clean[2], operator.apply(photos[2]), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(apply(take(each, order), photos[order]), clean[order], rtol=1e-5, atol=1e-5)
    compared = jax.jit(jax.vmap(type(operator).compared, axes))(each, observed)
    np.testing.assert_allclose(compared, clean, atol=2.0 if name == "denoise" else 1e-5)
    merged = jax.jit(jax.vmap(type(operator).merge, (*axes, 0)))(each, clean, photos)
    assert merged.shape == photos.shape and jnp.isfinite(merged).all()


@pytest.mark.parametrize("name", LINEAR)
def test_no_grouped_convolutions_and_products_at_full_precision(name):
    if name == "filter":
        pytest.skip("not the library's")
    operator = batched(LINEAR[name], 3)
    apply = jax.vmap(type(operator).apply, (image_axes(operator), 0))
    program = str(jax.make_jaxpr(apply)(operator, normal(0, 3, H, W, 3)))
    assert "conv_general_dilated" not in program
    assert program.count("dot_general[") == program.count("precision=(Precision.HIGHEST, Precision.HIGHEST)")
    assert ("dot_general[" in program) == ("superres" in operator.label or name == "measure")


@pytest.mark.parametrize("operator", [Colorize(), SuperResolve(2, "box"), Deblur.gaussian(1.0), Denoise()])
def test_types_of_images_are_kept(operator):
    x = normal(0, H, W, 3).astype(jnp.bfloat16)
    assert operator.apply(x).dtype == jnp.bfloat16
    np.testing.assert_allclose(operator.apply(x), operator.apply(x.astype(jnp.float32)), atol=0.03)


def test_labels():
    task = Compose([SuperResolve(4), Denoise(0.2), Deblur.gaussian(1.5, 9)])
    assert task.label == "superres x4 bilinear + denoise 0.2 + deblur 9x9" and task.name == "compose"
    assert batched(task, 2).label == task.label
    assert Denoise(0.05, hole()).label == "denoise 0.05 masked"
    assert Identity().label == "reconstruct" and Gamma().label == "gamma" and Colorize().label == "colorize"


@pytest.mark.parametrize("operator", [Inpaint(jnp.zeros((H, W))), Denoise(0.2), Denoise(0.2, jnp.zeros((H, W)))])
def test_masks_can_be_replaced_by_one_for_each_image(operator):
    photos, masks = normal(1, 4, H, W, 3), np.asarray(hole(2, 4))
    task = dataclasses.replace(operator, mask=masks)
    observed = task.observe(photos, key=jax.random.split(jax.random.key(0), 4))
    known = masks == 0
    assert jnp.array_equal(observed[known], photos[known])
    assert not jnp.isclose(observed[~known], photos[~known]).all(-1).any()
    part = take(task, np.array([3, 1]))
    merged = jax.vmap(type(part).merge)(part, observed[np.array([3, 1])], photos[np.array([3, 1])])
    assert jnp.array_equal(merged, photos[np.array([3, 1])])


# --- mGANprior's own numbers ---


@pytest.fixture
def pictures(golden):
    """(target, generated) of the public code's loss goldens, [h, w, c]: a photograph and a noisy version of it."""
    target = (golden("inversion_tasks")["target_u8"].astype(np.float32) / 255 - 0.5) * 2
    noise = np.random.default_rng([2020, zlib.crc32(b"x_loss")]).standard_normal((1, 3, 256, 256)).astype(np.float32)
    return target, np.tanh(noise[0].transpose(1, 2, 0)) * 0.5 + 0.5 * target


@pytest.mark.parametrize("factor", [4, 8, 16])
@pytest.mark.parametrize("kernel, mode", [("bilinear", "bilinear"), ("bicubic", "bicubic"), ("box", "area")])
def test_superres_equals_the_public_code(golden, pictures, kernel, mode, factor):
    arrays, (target, generated) = golden("losses_operators"), pictures
    small, other = (SuperResolve(factor, kernel).apply(x) for x in (target, generated))
    expected = arrays[f"sr_{mode}_{factor}_gtdown"][0].transpose(1, 2, 0)  # the first 32 rows and columns
    # A mean of 256 pixels: the golden is 1.6e-6 from the mean in float64, ours 1e-7.
    np.testing.assert_allclose(small[:32, :32], expected, atol=2e-6 if (kernel, factor) == ("box", 16) else 6e-7)
    np.testing.assert_allclose(jnp.mean((other - small) ** 2), arrays[f"sr_{mode}_{factor}_L2"], rtol=2e-6)


def test_colour_and_holes_equal_the_public_code(golden, pictures):
    arrays, (target, generated) = golden("losses_operators"), pictures
    grey = Colorize().apply(target)
    crop = arrays["gray_gt_crop"][0, 0]  # rows and columns 112:144, in [0, 1]
    for channel in range(3):
        np.testing.assert_allclose((grey[112:144, 112:144, channel] + 1) / 2, crop, atol=1e-6)
    loss = jnp.mean((Colorize().apply(generated) - Colorize().compared(jnp.asarray(target))) ** 2)
    np.testing.assert_allclose(loss, arrays["color_L2"], rtol=1e-6)
    mask = np.zeros((256, 256), np.float32)
    mask[96:160, 80:176] = 1
    for task in (Inpaint(mask), Denoise(0.1, mask)):
        loss = jnp.mean((task.apply(generated) - task.compared(jnp.asarray(target))) ** 2)
        np.testing.assert_allclose(loss, arrays["masked_L2"], rtol=1e-6)


# --- colour ---


def pictures_without_clipping():
    """An observation and a restored image whose merge stays inside [-1, 1]."""
    photo, restored = (0.3 * jnp.tanh(normal(i, 64, 64, 3)) for i in (1, 2))
    return photo, restored


def test_colorize_keeps_the_observed_luma_and_the_restored_chroma():
    photo, restored = pictures_without_clipping()
    task = Colorize()
    observed = task.apply(photo)
    merged = task.merge(observed, restored)
    assert jnp.abs(merged).max() < 1
    np.testing.assert_allclose(task.apply(merged), observed, atol=1e-6)
    as_seen, as_made, as_merged = (skimage.color.rgb2ycbcr((np.asarray(x) + 1) / 2) for x in (photo, restored, merged))
    np.testing.assert_allclose(as_merged[..., 0], as_seen[..., 0], atol=1e-4)  # of 219 steps
    np.testing.assert_allclose(as_merged[..., 1:], as_made[..., 1:], atol=1e-4)  # of 224 steps
    np.testing.assert_allclose((observed[..., 0] + 1) / 2 * 219 + 16, as_seen[..., 0], atol=1e-3)
    np.testing.assert_allclose(task.merge(photo, restored), merged, atol=1e-6)  # a photo with colour counts as grey
    np.testing.assert_allclose(task.merge(observed, photo), photo, atol=1e-6)


def test_colorize_merges_as_the_public_codes_pictures():
    def ycbcr(x):
        return np.asarray(Image.fromarray(to_bytes(x)).convert("YCbCr"))

    def to_bytes(x):
        return np.asarray(jnp.round((x + 1) * 127.5)).astype(np.uint8)

    photo, restored = pictures_without_clipping()
    bands = np.concatenate([ycbcr(photo)[..., :1], ycbcr(restored)[..., 1:]], -1)
    expected = np.asarray(Image.fromarray(bands, "YCbCr").convert("RGB"))
    merged = to_bytes(Colorize().merge(Colorize().apply(photo), restored))
    difference = np.abs(merged.astype(int) - expected)  # of 255
    assert difference.max() <= 4 and difference.mean() < 1.6  # Pillow rounds Y, Cb and Cr down


def test_colorize_stays_in_range_and_leaves_grey_images():
    merged = Colorize().merge(jnp.full((4, 4, 3), 0.9), normal(1, 4, 4, 3))
    assert jnp.abs(merged).max() == 1
    grey = normal(2, 4, 4, 1)
    assert jnp.array_equal(Colorize().apply(grey), grey)


# --- resolution ---


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_antialiased_superres_equals_pillow(factor):
    x = np.random.default_rng(factor).uniform(-1, 1, (12 * factor, 7 * factor)).astype(np.float32)
    expected = Image.fromarray(x).resize((7, 12), Image.Resampling.BICUBIC)
    found = SuperResolve(factor, "antialiased").apply(x[..., None])[..., 0]
    np.testing.assert_allclose(found, np.asarray(expected), atol=1e-6)


@pytest.mark.parametrize("factor", [2, 3, 7, 16])
@pytest.mark.parametrize("kernel, mode", [("bilinear", "bilinear"), ("bicubic", "bicubic"), ("box", "area")])
def test_superres_equals_pytorch(kernel, mode, factor):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(1).standard_normal((3 * factor, 4 * factor, 3), np.float32)
    options = {} if mode == "area" else {"align_corners": False}
    nchw = torch.from_numpy(x.transpose(2, 0, 1)[None].copy())
    expected = torch.nn.functional.interpolate(nchw, scale_factor=1 / factor, mode=mode, **options)
    expected = expected[0].permute(1, 2, 0).numpy()
    actual = SuperResolve(factor, kernel).apply(x)
    assert actual.shape == (3, 4, 3) and expected.shape == (3, 4, 3)
    np.testing.assert_allclose(actual, expected, atol=2e-6)


def test_superres_takes_the_centre_of_each_cell():
    x = normal(1, 32, 48, 3)
    cells = x.reshape(2, 16, 3, 16, 3)
    np.testing.assert_allclose(SuperResolve(16).apply(x), cells[:, 7:9, :, 7:9].mean((1, 3)), atol=1e-6)
    np.testing.assert_allclose(SuperResolve(16, "box").apply(x), cells.mean((1, 3)), atol=1e-6)
    weights = SuperResolve(2, "bicubic").apply(np.broadcast_to(np.eye(4, dtype=np.float32)[:, None], (4, 4, 4)))[:, 0]
    # Row 0 is -3/32, 19/32, 19/32, -3/32 times the rows -1 (again 0), 0, 1, 2.
    np.testing.assert_allclose(weights * 32, [[16, 19, -3, 0], [0, -3, 19, 16]], atol=1e-5)


# --- noise ---


def test_noise_has_its_size_is_not_clipped_and_comes_from_the_keys():
    photos = jnp.broadcast_to(0.9 * jnp.sign(normal(1, 1, 64, 64, 3)), (4, 64, 64, 3))
    keys = jax.random.split(jax.random.key(5), 4)
    observed = Denoise(0.3).observe(photos, key=keys)
    noise = np.asarray(observed - photos)
    np.testing.assert_allclose(noise.std((1, 2, 3)), 0.3, rtol=0.03)
    np.testing.assert_allclose(noise.mean((1, 2, 3)), 0, atol=0.012)
    assert np.abs(np.corrcoef(noise.reshape(4, -1)) - np.eye(4)).max() < 0.05
    assert np.abs(np.corrcoef(noise.reshape(-1, 3).T) - np.eye(3)).max() < 0.05
    assert jnp.abs(observed).max() > 1.5
    assert jnp.array_equal(Denoise(0.3).observe(photos[1:], key=keys[1:]), observed[1:])
    raw = jax.random.key_data(keys)
    assert jnp.array_equal(Denoise(0.3).observe(photos, key=raw), observed)
    assert jnp.array_equal(Denoise().apply(photos[0]), photos[0])
    assert jnp.array_equal(Denoise().merge(observed[0], photos[0]), photos[0])


def test_masked_noise_is_where_the_mask_is_and_is_not_compared():
    photos, mask = normal(1, 3, H, W, 3), np.asarray(hole())
    task = Denoise(0.3, mask)
    observed = task.observe(photos, key=jax.random.split(jax.random.key(5), 3))
    changed = (observed != photos).any(-1)
    assert jnp.array_equal(changed, jnp.broadcast_to(mask == 1, changed.shape))
    assert jnp.array_equal(task.compared(observed[0]), task.apply(photos[0]))
    assert jnp.array_equal(task.apply(photos[0]), Inpaint(mask).apply(photos[0]))
    assert jnp.array_equal(task.merge(observed[0], photos[0]), photos[0])
    broken = jnp.where(mask[..., None] == 1, jnp.nan, photos[0])
    assert jnp.isfinite(task.compared(broken)).all() and jnp.isfinite(task.merge(broken, photos[0])).all()
    with pytest.raises(MaskError, match=r"0 \(clean\) and 1 \(noisy\), got values from 0.2 to 0.7"):
        Denoise(0.3, np.where(mask == 1, 0.7, 0.2))


# --- blur ---


@pytest.mark.parametrize("h, w, k", [(12, 16, 3), (17, 31, 7), (64, 64, 15), (6, 9, 13), (5, 5, 1)])
def test_deblur_equals_scipys_convolution(h, w, k):
    rng = np.random.default_rng(1)
    x, kernel = rng.standard_normal((h, w, 3), np.float32), rng.standard_normal((k, k), np.float32) / k
    expected = [scipy.ndimage.convolve(x[..., c].astype(np.float64), kernel, mode="reflect") for c in range(3)]
    np.testing.assert_allclose(Deblur(kernel).apply(x), np.stack(expected, -1), atol=5e-6)


def test_gaussian_blur_equals_scipys_and_keeps_brightness():
    x = np.asarray(normal(1, 40, 48, 3))
    task = Deblur.gaussian(1.7)
    assert task.kernel.shape == (13, 13) and task.kernel.dtype == np.float32
    np.testing.assert_allclose(task.kernel.sum(), 1, rtol=1e-6)
    expected = scipy.ndimage.gaussian_filter(x.astype(np.float64), 1.7, radius=6, axes=(0, 1))
    np.testing.assert_allclose(task.apply(x), expected, atol=2e-6)
    np.testing.assert_allclose(task.apply(x).mean(), x.mean(), atol=1e-6)
    assert Deblur.gaussian(2.0, 9).kernel.shape == (9, 9) and Deblur.gaussian(0.1).kernel.shape == (3, 3)


def test_a_bright_point_becomes_a_picture_of_the_kernel_for_each_image_its_own():
    kernels = np.asarray(normal(1, 3, 5, 5))
    point = np.zeros((3, 15, 11, 1), np.float32)
    point[:, 7, 5] = 1
    observed = Deblur(kernels).observe(point)
    np.testing.assert_allclose(observed[:, 5:10, 3:8, 0], kernels, atol=1e-6)
    assert jnp.abs(observed.at[:, 5:10, 3:8].set(0)).max() < 1e-6
    gradient = jax.grad(lambda op: jnp.sum(op.observe(point) ** 2))(Deblur(jnp.asarray(kernels)))
    np.testing.assert_allclose(gradient.kernel, 2 * kernels, atol=1e-5)


# --- several ---


def test_compose_is_its_operators_in_their_order():
    photos = normal(1, 2, H, W, 3)
    first, second = Deblur.gaussian(1.0), Inpaint(hole(2))
    task = Compose((first, second))
    np.testing.assert_allclose(task.apply(photos[0]), second.apply(first.apply(photos[0])))
    assert not jnp.allclose(task.apply(photos[0]), first.apply(second.apply(photos[0])), atol=0.05)
    np.testing.assert_allclose(task.observe(photos), second.observe(first.observe(photos)))
    assert task.linear and not Compose((first, Gamma())).linear and not Compose((Compose((Gamma(),)), first)).linear
    shown = normal(3, H, W, 3)
    assert jnp.array_equal(task.compared(shown), second.compared(shown))


def test_compose_gives_every_operator_its_own_randomness():
    photos = jnp.zeros((2, 64, 64, 3))
    keys = jax.random.split(jax.random.key(0), 2)
    mask = np.zeros((64, 64), np.float32)
    mask[:32] = 1
    both = Compose((Denoise(0.3, mask), Denoise(0.4)))
    observed = np.asarray(both.observe(photos, key=keys))
    np.testing.assert_allclose(observed[:, :32].std(), 0.5, rtol=0.03)  # the root of 0.09 + 0.16
    np.testing.assert_allclose(observed[:, 32:].std(), 0.4, rtol=0.03)
    assert jnp.array_equal(Compose((Inpaint(mask),)).observe(photos), photos)  # no keys where none are needed


def test_compose_puts_back_only_what_is_certain():
    photo, restored = (jnp.tanh(normal(i, H, W, 3)) / 2 for i in (1, 2))
    one, two = hole(3), hole(4)
    key = jax.random.split(jax.random.key(0), 1)

    def merge(*tasks):
        task = Compose(tasks)
        return task.merge(task.observe(photo[None], key=key)[0], restored)

    known = jnp.where((one + two > 0)[..., None], restored, photo)
    assert jnp.array_equal(merge(Inpaint(one), Inpaint(two)), known)
    assert jnp.array_equal(merge(Inpaint(one), Denoise(0.2, two)), known)
    for tasks in [
        (Inpaint(one), Denoise(0.2)),
        (Denoise(0.2), Inpaint(one)),
        (Inpaint(one), SuperResolve(2)),
        (SuperResolve(2), Inpaint(hole(5, h=H // 2, w=W // 2))),
        (Deblur.gaussian(1.0), Inpaint(one)),
        (Inpaint(one), Deblur.gaussian(1.0)),
    ]:
        assert jnp.array_equal(merge(*tasks), restored), Compose(tasks).label
    coloured = Colorize().merge(photo, restored)
    for tasks in [(Inpaint(one), Colorize()), (Colorize(), Inpaint(one))]:
        expected = jnp.where((one > 0)[..., None], restored, coloured)
        np.testing.assert_allclose(merge(*tasks), expected, atol=1e-6, err_msg=Compose(tasks).label)


def test_mistakes_with_the_other_operators_are_sentences(unchecked):
    photos, keys = normal(1, 2, H, W, 3), jax.random.split(jax.random.key(0))
    for make, words in [
        (lambda: SuperResolve(5).observe(photos), "factor 5 does not divide an image of 12 x 16 pixels"),
        (lambda: SuperResolve(1), "whole factor from 2 to 16, got 1"),
        (lambda: SuperResolve(2.0), "got 2.0"),
        (lambda: SuperResolve(4, "lanczos"), "bilinear, bicubic, box, antialiased, got 'lanczos'"),
        (lambda: Colorize().apply(photos[0, ..., :2]), r"got \(12, 16, 2\)"),
        (lambda: Denoise(0.0), "`sigma` must be positive and finite, got 0"),
        (lambda: Denoise(float("nan")), "must be positive"),
        (lambda: Denoise(0.1, np.full((4, 4), 2.0)), r"0 \(clean\) and 1 \(noisy\), got values from 2 to 2"),
        (lambda: Denoise().observe(photos), "needs 2 random keys.*pass `key=jax.random.split"),
        (lambda: Denoise().observe(photos, key=jax.random.key(0)), r"2 random keys.*got keys of the shape \(\)"),
        (lambda: Denoise().observe(photos, key=jax.random.split(jax.random.key(0), 3)), r"shape \(3,\)"),
        (lambda: Denoise().observe(photos, key=jax.random.PRNGKey(0)), r"shape \(2,\)"),
        (lambda: Compose((Identity(), Denoise())).observe(photos), "Denoise: `observe` needs 2 random keys"),
        (lambda: Denoise(0.1, jnp.zeros((3, H, W))).observe(photos, key=keys), "number of images, 2"),
        (lambda: Deblur(np.ones((4, 4))), r"k odd, got \(4, 4\)"),
        (lambda: Deblur(np.ones((3, 5))), r"got \(3, 5\)"),
        (lambda: Deblur(np.ones(3)), r"\[k, k\] or \[b, k, k\]"),
        (lambda: Deblur(np.full((3, 3), np.inf)), "not finite"),
        (lambda: Deblur(jnp.ones((4, 4))).observe(photos), r"k odd, got \(4, 4\)"),
        (lambda: Deblur.gaussian(0.0), "`sigma` must be positive"),
        (lambda: Deblur.gaussian(1.0, 4), "odd and positive, got 4"),
        (lambda: Compose(()), "one or more operators"),
        (lambda: Compose(Identity()), "expected a tuple"),
    ]:
        with pytest.raises(ValueError, match=words):
            make()


def test_examples_run():
    modules = [module for name, module in sys.modules.items() if name.startswith("jaxprior.operators.")]
    names = {**{name: getattr(operators, name) for name in operators.__all__}, "jax": jax, "jnp": jnp}
    results = [doctest.testmod(module, extraglobs=names) for module in modules]
    assert sum(r.failed for r in results) == 0 and sum(r.attempted for r in results) >= 14


def test_transforms_of_a_blur_have_lengths_without_large_prime_factors():
    """As ever: another length would be another rounding, and other results."""
    from scipy.fft import next_fast_len

    smooth = sorted(2**a * 3**b * 5**c for a in range(12) for b in range(8) for c in range(6))
    assert [next_fast_len(n, real=True) for n in range(1, 2001)] == [
        next(length for length in smooth if length >= n) for n in range(1, 2001)
    ]
