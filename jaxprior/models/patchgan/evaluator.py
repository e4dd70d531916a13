"""How well holes of held-out pictures are filled, beside biharmonic interpolation, which needs no network."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jaxprior import metrics
from jaxprior.data import images
from jaxprior.training.evaluators import biharmonic, psnr
from jaxprior.training.phases import Moment
from jaxprior.weights.features import FeatureNetwork


gradient_energy, perceptual = jax.jit(metrics.gradient_energy), jax.jit(metrics.perceptual)
"""Compiled, so that values are not checked, see `jaxprior.training.evaluators`."""


@dataclass(frozen=True, kw_only=True)
class FilledHoles:
    """Figures of filled held-out pictures, means over the masks of medians over the pictures.

    Fields:
        fill: (state, originals [n, h, w, c] in [-1, 1], masks [n, h, w]) -> pictures [n, h, w, c] with holes filled.
        originals: the held-out pictures, uint8 [m, h, w, c].
        masks: the words of every mask -> masks of all of them, float32 [m, h, w], 1 = missing.
        network: a feature network in which filled pictures are compared with the originals, or None.
    """

    fill: Callable
    originals: np.ndarray
    masks: dict[str, np.ndarray]
    network: FeatureNetwork | None = None
    file = "holes.csv"
    title = "PSNR of the hole, held-out pictures [dB]"
    curve, reference = "psnr_hole", "biharmonic_psnr_hole"

    def measure(self, state: Any, moment: Moment) -> dict[str, float]:
        """Return "psnr_hole", "gradient_energy" in the hole as a share of the original's, and with a network
        "perceptual", the distance of the filled picture; with the prefix "biharmonic_" the same of the interpolation.
        "wins" is the share of pictures whose hole has the higher PSNR. Of several masks each has its own PSNR too.
        """
        truth, each = images.to_float(self.originals), {}
        for words, mask in self.masks.items():
            parts = zip(*(np.array_split(x, max(len(truth) // 16, 1)) for x in (truth, mask)), strict=True)
            filled = np.concatenate([np.asarray(self.fill(state, *part)) for part in parts])
            own, other = self._figures(filled, truth, mask), self._references[words]
            found = {name: float(np.nanmedian(values)) for name, values in own.items()}
            found |= {f"biharmonic_{name}": float(np.nanmedian(values)) for name, values in other.items()}
            each[words] = found | {"wins": float(np.mean(own["psnr_hole"] > other["psnr_hole"]))}
        figures = {name: float(np.mean([one[name] for one in each.values()])) for name in next(iter(each.values()))}
        if len(each) > 1:
            figures |= {f"psnr_hole {words}": found["psnr_hole"] for words, found in each.items()}
        return figures

    def _figures(self, filled: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
        """Figures of every picture."""
        found = {
            "psnr_hole": np.asarray(psnr(filled, truth, mask=mask)),
            "gradient_energy": np.asarray(gradient_energy(filled, truth, mask=mask)),
        }
        if self.network is not None:
            parts = zip(*(np.array_split(x, max(len(truth) // 16, 1)) for x in (filled, truth)), strict=True)
            found["perceptual"] = np.concatenate([np.asarray(perceptual(self.network, *part)) for part in parts])
        return found

    @functools.cached_property
    def _references(self) -> dict[str, dict[str, np.ndarray]]:
        """Figures of the interpolation by mask; they do not change while the network is trained."""
        truth = images.to_float(self.originals)
        return {
            words: self._figures(np.asarray(biharmonic(truth, mask)), truth, mask)
            for words, mask in self.masks.items()
        }

    def summary(self, row: dict[str, float]) -> dict[str, Any]:
        """Return all figures, and the name of the network if there is one."""
        named = {} if self.network is None else {"features": self.network.label}
        return {"held_out": row, **named}
