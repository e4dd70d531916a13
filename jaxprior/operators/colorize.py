"""Give grey pictures the colours of what the prior generates; the brightness of every pixel stays.

The operator is `Colorize`.
"""

import dataclasses

from jaxprior.data.pixels import luma
from jaxprior.lazy_jax import Array, jnp, register_dataclass
from jaxprior.operators._base import Image, Operator, as_image


TEXT = """\
Pictures given are grey; of coloured ones only the brightness is looked at. They keep their size and the brightness of
every pixel; squares of them get their colours at the prior's size. `--size fit` answers with the centre square at
the prior's size instead. With `--clean` pictures are originals, fitted to the prior's size, and the report compares.

```
jaxprior colorize grey/ -o runs/coloured
jaxprior colorize cats.zip --clean --limit 64 -o runs/colorize
```

Read more in docs/colour.md.
"""


@register_dataclass
@dataclasses.dataclass(frozen=True)
class Colorize(Operator):
    """A(x) = luma of x (BT.601: 0.299 R + 0.587 G + 0.114 B) on all channels: what a grey picture shows.

    Numerics: mGANprior's public code, which compares the luma on three equal channels.

    Example:
        >>> Colorize().apply(jnp.ones((64, 64, 3))).shape
        (64, 64, 3)
    """

    name = "colorize"
    observes_pictures = True
    gives_colours = True
    text = TEXT

    def apply(self, x: Image) -> Array:
        """Grey `[h, w, c]` of one image `[h, w, c]`, c being 3, or 1 for what has no colour to lose."""
        x = as_image(x)
        return jnp.broadcast_to(_luma(x), x.shape)

    def compared(self, observed: Array) -> Array:
        """The luma of an observation on all its channels: a photo with colour counts as its grey version."""
        return self.apply(observed)

    def merge(self, observed: Array, restored: Image) -> Array:
        """Keep the observation's luma and take the chroma (Cb, Cr) from the restored image; clipped to [-1, 1].

        Cb and Cr are multiples of B - luma and R - luma: adding one amount to every channel changes the luma alone.
        Where the sum leaves [-1, 1], clipping moves both.
        """
        return jnp.clip(restored + (_luma(observed) - _luma(restored)), -1, 1)


def _luma(x: Image) -> Array:
    """`[h, w, c]` -> `[h, w, 1]`."""
    if x.ndim != 3 or x.shape[-1] not in (1, 3):
        raise ValueError(f"Colorize: expected an image [h, w, 3] or [h, w, 1], got {tuple(x.shape)}.")
    return luma(x)


OPERATOR = Colorize
