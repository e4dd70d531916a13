"""Fill a hole in a photograph

A photograph of any size comes back in its own size. Only what the mask marks is changed: squares around the hole are
scaled to the prior's size, restored, and put back without a seam.
"""

import jax
import numpy as np
from skimage.data import chelsea

import jaxprior as jp


photo = chelsea()  # a cat, uint8 [300, 451, 3]
rows, columns = np.mgrid[: photo.shape[0], : photo.shape[1]]
mask = (rows - 175) ** 2 + (columns - 290) ** 2 < 40**2  # True is missing: a disc on the nose

restored = jp.restore_photo("cats64", photo, mask, key=jax.random.key(0))

damaged = np.where(mask[..., None], 128, photo).astype(np.uint8)
jp.show(np.stack([damaged, restored.picture, photo]), columns=3).save("fill_a_hole.png")
print(f"known pixels changed: {int((restored.picture != photo)[~mask].sum())}")
