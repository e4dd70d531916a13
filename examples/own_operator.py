"""Write your own forward operator and restore through it.

The degradation here is a dirty lens: every picture is darkened towards its corners by a known amount. An operator is a
small class with `apply` for one image; everything else (batching, jit, gradients) follows from it.

In an installed package an entry point of the group "jaxprior.operators" makes such a class a task of its own, with a
command `jaxprior vignette`; `jaxprior.operators` says how it states its settings.

    python examples/own_operator.py
"""

import dataclasses

import jax
import jax.numpy as jnp
from skimage.data import chelsea

import jaxprior as jp
from jaxprior.data.images import fit, to_float
from jaxprior.operators import per_image


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Vignette(jp.Operator):
    """A(x) = gain * (x + 1) - 1: brightness scaled pixel by pixel; black stays black."""

    gain: jax.Array = per_image(ndim=2)  # [h, w] for all images or [b, h, w]

    name = "vignette"
    linear = False  # affine, because black is -1

    def apply(self, x):
        return self.gain[..., None] * (x + 1) - 1


prior = jp.load_prior("cats32")
photo = to_float(fit(chelsea()[:300, 120:420], prior.resolution))[None]
axis = jnp.linspace(-1, 1, prior.resolution)
task = Vignette(jnp.exp(-1.5 * (axis[:, None] ** 2 + axis[None, :] ** 2)))

result = jp.restore(prior, photo, task, key=jax.random.key(0), solve=jp.Solve(steps=150))
print(f"darkened  {float(jp.metrics.psnr(task.observe(photo), photo)[0]):5.2f} dB")
print(f"restored  {float(jp.metrics.psnr(result.images, photo)[0]):5.2f} dB")
