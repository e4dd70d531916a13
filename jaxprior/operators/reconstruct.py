"""Find latent codes whose generated image equals each picture.

The operator is `Identity`: nothing happened to the photo.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from jaxprior.lazy_jax import Array, register_dataclass
from jaxprior.operators._base import Operator, as_image


TEXT = """\
The same command resumes an interrupted run. Results, tables and an offline report are in RUN.

```
jaxprior reconstruct photos/ -o runs/photos
jaxprior reconstruct cats.zip --limit 64 --codes 20 --layer 8 --steps 300 -o runs/cats
jaxprior reconstruct cat.png --prior my_prior.safetensors --preset mganprior -o runs/cat
```

Read more in docs/inversion.md.
"""


@register_dataclass
@dataclasses.dataclass(frozen=True)
class Identity(Operator):
    """A(x) = x: plain reconstruction of a photo by the prior.

    Example:
        >>> Identity().apply(jnp.ones((64, 64, 3))).shape
        (64, 64, 3)
    """

    name = "reconstruct"
    observes_pictures = True
    degrades = False
    takes_volumes = True
    text = TEXT

    def apply(self, x: Float[Array | np.ndarray, "*_space _c"]) -> Array:
        """Return the image itself, [h, w, c], or a volume, [d, h, w, c]."""
        return as_image(x)


OPERATOR = Identity
