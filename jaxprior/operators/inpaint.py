"""Fill the missing part of each picture with what the prior generates.

The operator is `Inpaint`.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Shaped

from jaxprior.data.mask_words import INVERT_TEXT, MASK_TEXT, MEANS_TEXT, MaskMeans
from jaxprior.data.volume_masks import AnyMask
from jaxprior.errors import SettingsError
from jaxprior.lazy_jax import Array, jnp
from jaxprior.operators._base import Image, Operator, as_image, of_volumes, per_image
from jaxprior.operators._masking import checked_mask, mask_of, mask_over, register_checked
from jaxprior.settings import PLAIN, REQUIRED, Names, setting


TEXT = """\
Pictures given are what was observed; what lies under the mask is not looked at. They keep their size, and what is
known of them stays as it is: around every hole a square is cut out, restored at the prior's size, and put back without
a seam. `--size fit` answers with the centre square at the prior's size instead. With `--clean` pictures are originals,
fitted to the prior's size, and the report compares.

A prior with an encoder, as the bundled ones are, takes its answer, which needs no search. `--steps 20` goes on from
there, `--init bank` searches without it, and `--draws 8` makes several different answers for every hole. With
`--restorer` a network that answers at once takes a prior's place, for pictures of any size.

```
jaxprior inpaint photos/ --mask scratch.png -o runs/repaired
jaxprior inpaint cats.zip --mask center:0.25 --clean --limit 64 -o runs/center
jaxprior inpaint damaged/ --mask block:0.25 --reference originals/ -o runs/block
jaxprior inpaint chair.npy --mask half.npy --prior runs/chairs -o runs/half
```
With a prior that makes volumes, volumes are restored (docs/volumes.md).

Read more in docs/fill-holes.md.
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class InpaintSettings:
    """What can be set of the task: the mask, which every picture gets in place of the operator's own."""

    mask: str = setting(REQUIRED, MASK_TEXT.format(white="repair"), metavar="SPEC|FILE|DIR")
    mask_means: MaskMeans | None = setting(None, MEANS_TEXT)
    invert_mask: bool = setting(False, INVERT_TEXT, option="--invert-mask")


@register_checked
@dataclasses.dataclass(frozen=True)
class Inpaint(Operator):
    """A(x) = x * (1 - mask): missing pixels become 0, mid-grey in [-1, 1] (mGANprior's operator).

    Arguments:
        mask: `[h, w]` for all images or `[b, h, w]`, 1 (or true) = missing, 0 = known. It is kept as float32.
        volumes: images are volumes, and a mask is `[d, h, w]` or `[b, d, h, w]`.

    Raises:
        MaskError: the mask has another number of axes, values other than 0 and 1, or 1 everywhere.

    Example:
        >>> hole = jnp.zeros((64, 64)).at[16:48, 16:48].set(1)
        >>> float(Inpaint(hole).apply(jnp.ones((64, 64, 3))).mean())
        0.75
    """

    mask: Shaped[Array | np.ndarray, "*_b _h _w"] = per_image(ndim=2, of_space=True)
    volumes: bool = of_volumes()

    name = "inpaint"
    observes_pictures = True
    fills_holes = True
    takes_volumes = True
    settings = InpaintSettings
    text = TEXT

    @classmethod
    def from_settings(
        cls, given: Mapping[str, Any], shape: tuple[int, ...], *, names: Names = PLAIN
    ) -> tuple[Operator, AnyMask | None]:
        """Make the operator with nothing missing yet, and the specification of what is missing of every picture."""
        if "mask" not in given:
            raise SettingsError('inpaint needs a mask, e.g. mask = "center:0.25".')
        return cls(np.zeros(shape[:-1], np.float32), len(shape) == 4), mask_of(given, names, shape=shape)

    def __post_init__(self):
        mask = checked_mask(
            "Inpaint", self.mask, known="known", unknown="missing", volumes=self.volumes
        )
        object.__setattr__(self, "mask", mask)

    def apply(self, x: Image) -> Array:
        """Blank the missing pixels of one image `[h, w, c]`."""
        x = as_image(x)
        return x * (1 - self._over(x))

    def compared(self, observed: Array) -> Array:
        """Blank what an observation shows at missing pixels, whatever it is: A(x) is 0 there."""
        return jnp.where(self._over(observed) > 0.5, 0.0, observed)

    def seen(self, compared: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """The known pixels, and which ones these are."""
        return compared, 1 - self._over(compared)

    def merge(self, observed: Array, restored: Image) -> Array:
        """Keep the known pixels exactly as observed and take the missing ones from the restored image, seam and all."""
        return jnp.where(self._over(restored) > 0.5, restored, observed)

    def _over(self, x: Image) -> Array:
        return mask_over("Inpaint", self.mask, x)


OPERATOR = Inpaint
