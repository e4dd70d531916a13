"""Forward operators A: what happened to the photo, `y = A(x)`. A task IS a forward operator.

Restoring looks for a generated image x whose A(x) explains the observation y, so an operator is a function
that can be differentiated, jitted and vmapped. Images are float32 in [-1, 1]; masks are 1 where pixels are
missing.

Writing one: subclass `Operator`, decorate it with `@jax.tree_util.register_dataclass` and
`@dataclasses.dataclass(frozen=True)`, declare each array with `per_image(ndim=...)`, and write `apply` for
ONE image:

    @jax.tree_util.register_dataclass
    @dataclasses.dataclass(frozen=True)
    class Exposure(Operator):
        gain: jax.Array = per_image(ndim=0)      # () for all images or [b], one for each
        name = "exposure"

        def apply(self, x):
            return self.gain * x

Arrays are leaves of the pytree: one array for all images, or with a leading axis b, one for each; `batched`
makes the latter of the former for `jax.vmap(..., in_axes=0)`. All other fields are static: declare them with
`dataclasses.field(metadata={"static": True})`. Give it a `label` if one word is not enough for a title.
"""

from jaxprior.operators.base import Identity, Operator, batched, per_image, take
from jaxprior.operators.blur import Deblur
from jaxprior.operators.colour import Colorize
from jaxprior.operators.compose import Compose
from jaxprior.operators.masking import Inpaint
from jaxprior.operators.noise import Denoise
from jaxprior.operators.resampling import SuperResolve


__all__ = [
    "Colorize",
    "Compose",
    "Deblur",
    "Denoise",
    "Identity",
    "Inpaint",
    "Operator",
    "SuperResolve",
    "batched",
    "per_image",
    "take",
]
