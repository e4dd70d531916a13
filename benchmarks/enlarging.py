"""Interpolation as a restorer: what a network that enlarges pictures is compared with, in the same runs.

    bicubic    Keys' cubic kernel, a = -0.5, as Pillow and MATLAB enlarge
    Lanczos    sinc(t) sinc(t / 3), |t| < 3, as Pillow enlarges

Beyond the border there is nothing: the weights of the pixels that are there are enlarged, as Pillow does.
"""

import flax.linen as nn
import jax
import numpy as np

from jaxprior.nn.resampling import Kernel, axis_weights, cubic, resample, scaled_centres
from jaxprior.weights.card import Card
from jaxprior.weights.restorers import Restorer


KERNELS = {"bicubic": cubic(-0.5), "Lanczos": Kernel(3.0, lambda t: np.where(t < 3, np.sinc(t) * np.sinc(t / 3), 0.0))}


class Interpolation(nn.Module):
    """Pictures [b, h, w, c] -> [b, factor h, factor w, c], without any parameters.

    Fields:
        kernel: of `KERNELS`.
        factor: how many times larger.
    """

    kernel: str
    factor: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Enlarge pictures."""
        rows, columns = (self._weights(side) for side in x.shape[1:3])
        return resample(x, rows, columns)

    def _weights(self, side: int) -> np.ndarray:
        """The matrix of one axis, [factor side, side]."""
        centres = scaled_centres(side * self.factor, self.factor)
        return axis_weights(centres, side, kernel=KERNELS[self.kernel], border="omit")


def interpolation(kernel: str, factor: int) -> Restorer:
    """The restorer that enlarges by a kernel of `KERNELS`, and so many times."""
    name = f"{kernel} x{factor}"
    card = Card({"name": name, "sha256": name, "config": {"kernel": kernel, "factor": factor}})
    module, reach = Interpolation(kernel, factor), int(KERNELS[kernel].reach)
    return Restorer(module=module, params={}, task="superres", factor=factor, reach=reach, card=card)
