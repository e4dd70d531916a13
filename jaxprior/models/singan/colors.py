"""Few colors: the k-means centers of a picture, and images snapped to them (the official quantization for paint).

Clip art has a few flat colors. Snapped to as many colors of the model's picture, it differs less from what the networks
were trained on, and most so if the scale that it enters was trained on snapped images too.
"""

import warnings

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.checks import as_array, described, is_array
from jaxprior.errors import ArgumentError


Array = jax.Array
STARTS, ITERATIONS = 4, 50


def color_centers(image: np.ndarray | Array, count: int) -> np.ndarray:
    """The colors that represent a picture best: k-means by Lloyd's iterations, the best of four k-means++ starts.

    Arguments:
        image: [h, w, c], any range.
        count: number of colors.

    Returns:
        float32 [count, c]; the same for the same picture always.

    Raises:
        ValueError: the picture has fewer different colors.

    Example:
        >>> color_centers(np.array([[[0.0], [1.0], [1.0]]]), 2).ravel()
        array([0., 1.], dtype=float32)
    """
    from scipy.cluster import vq  # It comes with scikit-image, and takes long to import.

    if not is_array(image) or np.ndim(image) != 3:
        raise ArgumentError(f"`image` must be an array [h, w, c], got {described(image)}.")
    colors = np.asarray(image, np.float64).reshape(-1, np.shape(image)[-1])
    different = len(np.unique(colors, axis=0))
    if not isinstance(count, int | np.integer) or not 1 <= count <= different:
        given = described(count)
        raise ArgumentError(f"colors: expected 1 to {different}, as many as the picture has there, got {given}.")
    chance = np.random.default_rng(0)
    found = []
    for _ in range(STARTS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # A center that loses all its pixels stays where it is.
            centers, _ = vq.kmeans2(colors, _spread(colors, count, chance), iter=ITERATIONS, minit="matrix")
        found.append((float(np.square(vq.vq(colors, centers)[1]).sum()), centers))
    best = min(found, key=lambda pair: pair[0])[1]
    return best[np.argsort(best.sum(axis=1), kind="stable")].astype(np.float32)  # The order is from dark to light.


def snap_to(images: Array, centers: Array | np.ndarray) -> Array:
    """Replace every pixel by the nearest of some colors. Works inside compiled functions; its gradient is zero.

    Arguments:
        images: [..., c].
        centers: colors [k, c], in the range of the images.

    Returns:
        Images of the same shape and type.

    Example:
        >>> snap_to(jnp.array([0.1, 0.8])[:, None], jnp.array([[0.0], [1.0]])).ravel().tolist()
        [0.0, 1.0]
    """
    images, centers = as_array("images", images), as_array("centers", centers)
    if not is_array(images) or not is_array(centers) or np.shape(centers)[1:] != np.shape(images)[-1:]:
        given = f"{described(images)} and {described(centers)}"
        raise ArgumentError(f"`images` and `centers` must be arrays [..., c] and [k, c], got {given}.")
    colors = jnp.asarray(centers, images.dtype)
    pixels = images.reshape(-1, 1, images.shape[-1])
    # Distances come from differences; products would lose the accuracy that tells two close colors apart.
    nearest = jnp.argmin(jnp.sum(jnp.square(pixels - colors[None]), axis=-1), axis=1)
    return colors[nearest].reshape(images.shape)


def _spread(colors: np.ndarray, count: int, chance: np.random.Generator) -> np.ndarray:
    """The start of k-means++: the next color is drawn by the square of its distance from those chosen before."""
    chosen = [colors[chance.integers(len(colors))]]
    distance = np.full(len(colors), np.inf)
    for _ in range(count - 1):
        distance = np.minimum(distance, np.square(colors - chosen[-1]).sum(axis=1))
        chosen.append(colors[chance.choice(len(colors), p=distance / distance.sum())])
    return np.array(chosen)
