"""The smooth fills agree with direct solutions of their equations and with scikit-image, whatever the hole."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg
from skimage import data
from skimage.restoration import inpaint_biharmonic
from skimage.transform import resize

from jaxprior.errors import ImageError, MaskError
from jaxprior.restoration.smooth_fill import biharmonic_fill, harmonic_fill


H, W = 24, 33
"""An odd side, so that the coarser grids do not divide evenly."""

PICTURE = np.asarray(resize(data.astronaut(), (H, W), anti_aliasing=True) * 2 - 1, np.float32)
FILLS = {1: jax.jit(harmonic_fill), 2: jax.jit(biharmonic_fill)}
"""By the power of the Laplacian that is 0 in the hole."""


def holes() -> dict[str, np.ndarray]:
    """Masks [H, W], true where pixels are missing."""
    rows, columns = np.mgrid[:H, :W]
    return {
        "inside": (rows > 5) & (rows < 17) & (columns > 8) & (columns < 25),
        "at the border": (rows < 7) | (columns > 26),
        "scattered": np.random.default_rng(0).random((H, W)) < 0.5,
        "a scratch": abs(rows - columns // 2 - 4) < 2,
        "nothing": np.zeros((H, W), bool),
    }


def laplacian(inside: np.ndarray) -> scipy.sparse.csr_matrix:
    """The graph Laplacian of the pixels inside, each a neighbour of up to four others."""
    number = np.arange(inside.size).reshape(inside.shape)
    pairs = [
        np.stack([number[first], number[second]])[:, inside[first] & inside[second]]
        for first, second in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1]))
    ]
    one, other = np.concatenate(pairs, axis=1)
    edges = scipy.sparse.coo_matrix((np.ones(one.size), (one, other)), shape=(inside.size,) * 2)
    edges = edges + edges.T
    return (scipy.sparse.diags(np.asarray(edges.sum(axis=1)).ravel()) - edges).tocsr()


def direct(picture: np.ndarray, missing: np.ndarray, power: int, inside: np.ndarray | None = None) -> np.ndarray:
    """The solution in float64; of the thin plate within the range of the known pixels."""
    inside = np.ones_like(missing) if inside is None else inside
    matrix = laplacian(inside) ** power if power > 1 else laplacian(inside)
    hole, known = (missing & inside).ravel(), (~missing & inside).ravel()
    pixels = picture.reshape(-1, picture.shape[-1]).astype(np.float64)
    right = -matrix[hole][:, known] @ pixels[known]
    filled = pixels.copy()
    if hole.any():
        filled[hole] = scipy.sparse.linalg.spsolve(matrix[hole][:, hole].tocsc(), right)
    if power > 1:
        filled[hole] = np.clip(filled[hole], pixels[known].min(axis=0), pixels[known].max(axis=0))
    return filled.reshape(picture.shape)


@pytest.mark.parametrize("power", FILLS)
@pytest.mark.parametrize("name", holes())
def test_a_fill_is_the_direct_solution_of_its_equation(name, power):
    missing = holes()[name]
    filled = FILLS[power](PICTURE, missing)
    np.testing.assert_allclose(filled, direct(PICTURE, missing, power), atol=2e-3 if power > 1 else 2e-4)


@pytest.mark.parametrize("name", ["inside", "at the border", "scattered", "a scratch"])
def test_the_biharmonic_fill_is_that_of_scikit_image(name):
    missing = holes()[name]
    expected = inpaint_biharmonic(PICTURE.astype(np.float64), missing, channel_axis=-1)
    np.testing.assert_allclose(FILLS[2](PICTURE, missing), expected, atol=2e-3)


@pytest.mark.parametrize("power", FILLS)
def test_the_known_pixels_stay_to_the_bit_and_what_lies_under_the_hole_does_not_matter(power):
    missing = holes()["at the border"]
    damaged = np.where(missing[..., None], np.float32(np.nan), PICTURE)
    filled = np.asarray(FILLS[power](damaged, missing))
    assert np.array_equal(filled, FILLS[power](PICTURE, missing))
    assert np.array_equal(filled[~missing], PICTURE[~missing])


@pytest.mark.parametrize("power", FILLS)
def test_one_known_pixel_fills_everything_and_none_gives_grey(power):
    missing = np.ones((H, W), bool)
    missing[3, 20] = False
    np.testing.assert_allclose(FILLS[power](PICTURE, missing), np.broadcast_to(PICTURE[3, 20], (H, W, 3)), atol=1e-4)
    missing[3, 20] = True
    assert not np.asarray(harmonic_fill(PICTURE, missing)).any()


@pytest.mark.parametrize("power", FILLS)
def test_padding_is_no_neighbour(power):
    """A padded picture is filled like the picture itself, whatever stands in the padding and in its mask."""
    missing = holes()["at the border"]
    around = ((2, 6), (3, 28))
    padded = np.pad(PICTURE, (*around, (0, 0)), constant_values=np.nan)
    inside = np.pad(np.ones((H, W), bool), around)
    filled = np.asarray(FILLS[power](padded, np.pad(missing, around, constant_values=True), inside))
    np.testing.assert_allclose(filled[inside].reshape(H, W, 3), FILLS[power](PICTURE, missing), atol=2e-3)
    assert np.isnan(filled[~inside]).all()


@pytest.mark.parametrize("power", FILLS)
def test_a_picture_with_a_bite_out_of_it_is_filled_around_the_bite(power):
    inside = np.ones((H, W), bool)
    inside[:10, 14:18] = False
    missing = holes()["inside"]
    filled = np.asarray(FILLS[power](PICTURE, missing, inside))
    np.testing.assert_allclose(filled[inside], direct(PICTURE, missing, power, inside)[inside], atol=2e-3)


@pytest.mark.parametrize("fill", FILLS.values(), ids=["harmonic", "biharmonic"])
def test_pictures_of_a_batch_are_filled_like_each_one_alone(fill):
    masks = np.stack([mask for name, mask in holes().items()])
    pictures = np.stack([np.roll(PICTURE, shift, axis=1) for shift in range(len(masks))])
    together = jax.jit(jax.vmap(fill))(pictures, masks)
    for filled, picture, mask in zip(together, pictures, masks, strict=True):
        np.testing.assert_allclose(filled, fill(picture, mask), atol=2e-3)


def test_scaling_a_picture_scales_its_membrane():
    missing = holes()["inside"]
    np.testing.assert_allclose(FILLS[1](PICTURE / 4, missing), FILLS[1](PICTURE, missing) / 4, atol=1e-4)


def test_a_picture_of_one_row_is_filled_along_it():
    missing = np.zeros((1, 9), bool)
    missing[0, 2:7] = True
    filled = harmonic_fill(jnp.linspace(-1, 1, 9)[None, :, None], missing)
    np.testing.assert_allclose(np.ravel(filled), np.linspace(-1, 1, 9), atol=1e-4)


def test_what_is_no_picture_or_no_mask_of_it_is_refused():
    with pytest.raises(ImageError, match=r"`values` must be one picture \[h, w, c\] of floats, got an array uint8"):
        harmonic_fill(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4)))
    with pytest.raises(MaskError, match=r"`missing` must be an array \[4, 4\], as large as the picture"):
        biharmonic_fill(np.zeros((4, 4, 3), np.float32), np.zeros((5, 4)))
    with pytest.raises(MaskError, match="`inside` must be an array"):
        harmonic_fill(np.zeros((4, 4, 3), np.float32), np.zeros((4, 4)), np.zeros(4))
