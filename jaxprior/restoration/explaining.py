"""How well a prior explains pictures: short inversions, all priors by the same settings, and the PSNR of known pixels.

A few codes that are composed early in the network stay near what the generator makes, so that a picture of another
kind is explained worse than one of the prior's own kind. More codes, or later layers, explain any picture.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.inversion.codes.multi import MultiCode
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.metrics.signal_to_noise import psnr
from jaxprior.operators import Inpaint
from jaxprior.restoration.drivers import Inverter
from jaxprior.restoration.presets import Method
from jaxprior.weights.priors import Prior


CODES = MultiCode(num_codes=4, layer=4)
"""What is optimised; the layer is lowered to the prior's last."""
SOLVE = Solve(steps=10, optimizer="lbfgs", weight_rate=0.3, init="bank", bank_size=256)
SEED = 20261129
"""Of the inversions' chance; a picture's own chance comes from its pixels."""
GROUP = 8
"""Pictures at once, of one compiled shape."""


def settings_of(prior: Prior) -> dict[str, Any]:
    """The settings as a plain table, which says by what a figure was measured."""
    codes = _codes(prior)
    return {
        "codes": {"num_codes": codes.num_codes, "layer": codes.layer},
        "objective": {"pixel": "l2"},
        "solve": {
            name: getattr(SOLVE, name) for name in ("steps", "optimizer", "weight_rate", "init", "bank_size")
        },
        "seed": SEED,
    }  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Explanation:
    """How well a prior explains pictures.

    Fields:
        psnr: of the known pixels, dB [b].
        images: what the prior makes of them, float32 [b, h, w, c] in [-1, 1].
    """

    psnr: np.ndarray
    images: np.ndarray


class Explainer:
    """A prior made ready for short inversions of many pictures.

    Arguments:
        prior: of pictures, [h, w, c].
    """

    def __init__(self, prior: Prior):
        self.prior = prior
        self.inverter = Inverter(prior, Method(_codes(prior), Objective(), SOLVE))

    def explain(self, pictures: np.ndarray, missing: np.ndarray, ids: np.ndarray) -> Explanation:
        """Explain at most `GROUP` pictures.

        Arguments:
            pictures: float32 [b, h, w, c] in [-1, 1], of the prior's size.
            missing: float32 [b, h, w], 1 where a pixel is missing.
            ids: whole numbers [b] of 32 bits that seed each picture's chance.
        """
        count = len(pictures)
        pictures, missing, ids = (_filled(np.asarray(array)) for array in (pictures, missing, ids))
        observed = jnp.asarray(pictures * (1 - missing[..., None]))
        found = self.inverter.invert(observed, Inpaint(missing), key=jax.random.key(SEED), ids=jnp.asarray(ids))
        images = np.clip(np.asarray(found.images), -1, 1)
        explained = np.asarray(psnr(jnp.asarray(images), observed, mask=jnp.asarray(1 - missing)))
        return Explanation(psnr=explained[:count], images=images[:count])


def _codes(prior: Prior) -> MultiCode:
    return dataclasses.replace(CODES, layer=min(CODES.layer, prior.num_layers))


def _filled(array: np.ndarray) -> np.ndarray:
    """The group with its first entry repeated until it is full."""
    return np.concatenate([array, np.repeat(array[:1], GROUP - len(array), axis=0)])
