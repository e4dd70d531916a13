"""Pictures for the other examples: two faces of cats of [-1, 1], from the photograph that scikit-image brings along."""

import numpy as np
from skimage.data import chelsea

from jaxprior.data import images


def two_cats(size: int) -> np.ndarray:
    """The face and its mirror image, float32 [2, size, size, 3]."""
    face = images.to_float(images.fit(chelsea()[:300, 120:420], size))
    return np.stack([face, face[:, ::-1]])
