"""The matrices of all resizes are the bits that they always were, and their rows are averages."""

import hashlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprior.models.singan import resizing
from jaxprior.nn import bicubic, resampling
from jaxprior.operators import superres


SIZES = [(1, 5), (5, 1), (7, 7), (13, 29), (29, 13), (64, 25), (25, 64)]

FROZEN = {
    "upsample_bicubic": "9b29604584996933",
    "bicubic": "5522f7f49bb30a6e",
    "bilinear_aa": "ac06ca114b82caa2",
    "superres bilinear": "dfb5393beb2d7710",
    "superres bicubic": "2227702ae2631506",
    "superres box": "ea5332af0345dd19",
}
"""SHA-256 of matrices, computed when each of the three users still built its own."""


def matrices(name: str) -> list[np.ndarray]:
    if name == "upsample_bicubic":
        return [bicubic._weights(*sizes) for sizes in SIZES]
    if name in resizing.RESIZES:
        return [resizing._weights(size, out, scale, name) for size, out in SIZES for scale in (out / size, 0.8, 1.25)]
    kernel = name.split()[1]
    return [superres._weights(out * factor, factor, kernel) for out in (1, 4, 16) for factor in (2, 3, 4, 7, 16)]


def usable(name: str) -> list[np.ndarray]:
    """Without those whose rows lie wholly beyond the border, which nothing asks for."""
    return [matrix for matrix in matrices(name) if np.isfinite(matrix).all()]


@pytest.mark.parametrize("name", FROZEN)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_bits_of_the_matrices_are_frozen(name):
    digest = hashlib.sha256(b"".join(matrix.tobytes() for matrix in usable(name))).hexdigest()
    assert digest[:16] == FROZEN[name]


@pytest.mark.parametrize("name", FROZEN)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_rows_sum_to_one_and_matrices_cannot_be_changed(name):
    for matrix in usable(name):
        np.testing.assert_allclose(matrix.sum(axis=1), 1, rtol=1e-14)
        with pytest.raises(ValueError, match="read-only"):
            matrix[0, 0] = 2


def test_linear_and_box_weights_by_hand():
    third = resampling.axis_weights(resampling.cell_centres(2, 3), 6, kernel=resampling.BOX, stretch=1 / 3)
    np.testing.assert_array_equal(third, np.repeat(np.eye(2), 3, axis=1) / 3)
    doubled = resampling.axis_weights(resampling.scaled_centres(4, 2.0), 2, kernel=resampling.LINEAR)
    np.testing.assert_array_equal(doubled, [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])


def test_borders_by_hand():
    centres = np.array([-0.5, 1.5])
    expected = {"repeat": [[1, 0], [0, 1]], "omit": [[1, 0], [0, 1]], "omit_first": [[1, 0], [0, 1]]}
    for border, rows in expected.items():
        matrix = resampling.axis_weights(centres, 2, kernel=resampling.LINEAR, border=border)
        np.testing.assert_array_equal(matrix, rows)
    far = {"repeat": [[0.25, 0.75]], "omit": [[1 / 3, 2 / 3]], "omit_first": [[0.25, 0.75]]}
    for border, rows in far.items():  # a triangle twice as wide, centred on the last of two pixels
        matrix = resampling.axis_weights(np.array([1.0]), 2, kernel=resampling.LINEAR, stretch=0.5, border=border)
        np.testing.assert_allclose(matrix, rows, rtol=1e-15)


def test_float64_arrays_are_resampled_by_numpy_and_others_by_jax():
    x = np.random.default_rng(0).standard_normal((2, 5, 6, 3))
    rows, columns = (bicubic._weights(n, out) for n, out in ((5, 9), (6, 4)))
    exact = resampling.resample(x, rows, columns)
    assert isinstance(exact, np.ndarray) and exact.dtype == np.float64 and exact.shape == (2, 9, 4, 3)
    single = resampling.resample(jnp.asarray(x, jnp.float32), rows, columns)
    assert isinstance(single, jax.Array) and single.dtype == jnp.float32
    np.testing.assert_allclose(single, exact, atol=1e-5)
