"""How well a network enlarges pieces of held-out photographs, beside bicubic enlargement."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jaxprior import metrics
from jaxprior.data import images
from jaxprior.nn.rescaling import enlarge_bicubic, shrink_bicubic
from jaxprior.training.evaluators import psnr, ssim
from jaxprior.training.phases import Moment
from jaxprior.weights.features import FeatureNetwork


AT_A_TIME = 8
"""Pieces that are enlarged together."""

EXAMPLES = 8
"""Pieces that a sheet shows."""

psnr_luma = jax.jit(metrics.psnr_luma, static_argnames="border")
gradient_energy = jax.jit(metrics.gradient_energy)
"""Compiled, so that values are not checked, as in `jaxprior.training.evaluators`."""


@dataclass(frozen=True, kw_only=True)
class Enlarged:
    """Figures of what a network makes of shrunk pieces of held-out photographs, and of bicubic enlargement.

    Fields:
        enlarge: (state, small pictures [n, h, w, 3] in [-1, 1]) -> [n, factor h, factor w, 3].
        originals: uint8 [m, s, s, 3].
        factor: how many times larger.
        network: a feature network in which results are compared with the originals as well, or None.
    """

    enlarge: Callable
    originals: np.ndarray
    factor: int
    network: FeatureNetwork | None = None
    file = "held-out.csv"
    note = (
        "Means over pieces of held-out photographs, shrunk by antialiased bicubic interpolation to 8 bits and enlarged "
        "again. psnr: of RGB; psnr_y: of the luma of BT.601 without a border as wide as the factor; gain_y: of psnr_y "
        "over bicubic enlargement; gradient_energy: that of the originals is 1; perceptual: distance of feature maps, "
        "lower is better; bicubic_...: the same of bicubic enlargement."
    )
    title = "PSNR of the luma, held-out photographs [dB]"
    curve, reference = "psnr_y", "bicubic_psnr_y"

    @functools.cached_property
    def truth(self) -> np.ndarray:
        """The originals, float32 in [-1, 1]."""
        return images.to_float(self.originals)

    @functools.cached_property
    def small(self) -> np.ndarray:
        """What is enlarged, float32 [m, s / factor, s / factor, 3] in [-1, 1], of 8 bits."""
        return images.to_float(images.to_uint8(np.float32(shrink_bicubic(self.truth.astype(np.float64), self.factor))))

    @functools.cached_property
    def bicubic(self) -> np.ndarray:
        """The bicubic enlargement of `small`, in [-1, 1]."""
        return np.clip(enlarge_bicubic(self.small.astype(np.float64), self.factor), -1, 1).astype(np.float32)

    def made(self, state: Any, count: int) -> np.ndarray:
        """What the network makes of the first `count` of `small`, in [-1, 1]."""
        parts = np.array_split(self.small[:count], max(-(-count // AT_A_TIME), 1))
        return np.clip(np.concatenate([np.asarray(self.enlarge(state, part)) for part in parts]), -1, 1)

    def measure(self, state: Any, moment: Moment) -> dict[str, float]:
        """Return the figures that `note` explains."""
        ours, bicubic = self._figures(self.made(state, len(self.small))), self._of_bicubic
        return {**ours, "gain_y": ours["psnr_y"] - bicubic["bicubic_psnr_y"], **bicubic}

    @functools.cached_property
    def _of_bicubic(self) -> dict[str, float]:
        return {f"bicubic_{name}": value for name, value in self._figures(self.bicubic).items()}

    def _figures(self, made: np.ndarray) -> dict[str, float]:
        each = {
            "psnr": psnr(made, self.truth),
            "psnr_y": psnr_luma(made, self.truth, border=self.factor),
            "ssim": ssim(made, self.truth),
            "gradient_energy": gradient_energy(made, self.truth),
        }
        if self.network is not None:
            parts = [np.array_split(one, max(len(made) // AT_A_TIME, 1)) for one in (made, self.truth)]
            each["perceptual"] = np.concatenate(
                [metrics.perceptual(self.network, *pair) for pair in zip(*parts, strict=True)]
            )
        return {name: float(np.mean(values)) for name, values in each.items()}

    def summary(self, row: dict[str, float]) -> dict[str, Any]:
        """Return all figures, and what the perceptual distance was measured with."""
        named = {} if self.network is None else {"network": self.network.label}
        return {"held_out": row, **named}


def rows_of_examples(evaluator: Enlarged, state: Any) -> np.ndarray:
    """A sheet that is eight wide: small, bicubic, the network's, original, and the same of the next piece.

    Small pictures are magnified by repetition. Of few held-out pieces there are fewer than `EXAMPLES`.

    Returns:
        [4 n, s, s, 3] in [-1, 1], n being even: a last piece without a neighbour has grey ones.
    """
    count = min(EXAMPLES, len(evaluator.small))
    repeated = evaluator.small[:count].repeat(evaluator.factor, axis=1).repeat(evaluator.factor, axis=2)
    kinds = (repeated, evaluator.bicubic[:count], evaluator.made(state, count), evaluator.truth[:count])
    rows = np.stack(kinds, axis=1)
    rows = np.pad(rows, ((0, count % 2), *((0, 0),) * 4))
    return rows.reshape(-1, *evaluator.truth.shape[1:])
