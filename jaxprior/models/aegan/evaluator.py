"""How good an AEGAN is: its samples as those of every GAN, and its reconstructions of held-out pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxprior.data import images
from jaxprior.training.evaluators import SlicedWasserstein, psnr, ssim
from jaxprior.training.phases import Moment


@dataclass(frozen=True, kw_only=True)
class SamplesAndReconstructions(SlicedWasserstein):
    """Sliced Wasserstein distances of samples, and how well held-out pictures are made again of their codes.

    Fields:
        answer: (state, images [n, r, r, c] in [-1, 1]) -> what the generator makes of their codes, the same shape.
        held: the held-out pictures, uint8 [m, r, r, c].
    """

    answer: Callable
    held: np.ndarray

    def measure(self, state: Any, moment: Moment) -> dict[str, float]:
        """Return the distances, and the figures of the reconstructions.

        These are "reconstruction_mse" on the range [-1, 1], a mean over all pictures, and the medians
        "reconstruction_psnr" and "reconstruction_ssim". Pictures of 8 pixels are not measured.
        """
        if not (distances := super().measure(state, moment)):
            return {}
        truth = images.to_float(self.held)
        parts = np.array_split(truth, max(len(truth) // 16, 1))
        answers = np.concatenate([np.asarray(self.answer(state, part)) for part in parts])
        return {
            **distances,
            "reconstruction_mse": float(np.mean(np.square(answers - truth))),
            "reconstruction_psnr": float(np.median(psnr(answers, truth))),
            "reconstruction_ssim": float(np.median(ssim(answers, truth))),
        }

    def summary(self, row: dict[str, float]) -> dict[str, Any]:
        """Return the distances by level, and the figures of the reconstructions."""
        held = {name.removeprefix("reconstruction_"): v for name, v in row.items() if name.startswith("reconstruction")}
        return {**super().summary(row), "held_out": held}
