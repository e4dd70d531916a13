"""Give a grey photograph colours

The brightness of every pixel stays as it is; the colours are those of what the prior generates. This prior knows
faces of cats, so that it colours fur and eyes, and guesses elsewhere.
"""

import jax
import numpy as np
from skimage.data import chelsea

import jaxprior as jp


photo = chelsea()
grey = (photo @ [0.299, 0.587, 0.114])[..., None].round().astype(np.uint8)  # [300, 451, 1]

restored = jp.restore_photo(
    "cats64", grey, task=jp.Colorize(), key=jax.random.key(0), solve=jp.Solve(steps=20, optimizer="lbfgs")
)

jp.show(np.stack([grey.repeat(3, axis=-1), restored.picture, photo]), columns=3).save("colour_a_photograph.png")
print(f"colours: {np.ptp(restored.picture.astype(float), axis=-1).mean():.1f} of 255 between channels")
