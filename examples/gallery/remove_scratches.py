"""Remove scratches

`strokes:0.05` draws random strokes over a twentieth of the picture; a file with white strokes on black does as well.
Thin holes are filled smoothly from the pixels around them, and thick ones by the prior: each hole gets a weight that
depends on how thick it is.
"""

import jax
import numpy as np
from skimage.data import chelsea

import jaxprior as jp


photo = chelsea()
mask = jp.parse_mask("strokes:0.05").draw(photo.shape[:2], key=jax.random.key(3))  # [h, w], 1 is missing

restored = jp.restore_photo("cats64", photo, mask, key=jax.random.key(0))

damaged = np.where(np.asarray(mask)[..., None] > 0, 255, photo).astype(np.uint8)
jp.show(np.stack([damaged, restored.picture, photo]), columns=3).save("remove_scratches.png")
error = restored.picture.astype(float) - photo
print(f"error under the scratches: {np.abs(error)[np.asarray(mask) > 0].mean():.1f} of 255")
