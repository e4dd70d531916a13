"""How good generated volumes are: beside held-out ones, and beside volumes whose voxels are independent of each other.

Shapes are compared one by one, by intersection over union. Cubes of a material have nothing to be compared with voxel
by voxel; there statistics of the pores are compared.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxprior.metrics.porous import euler_number, two_point_correlation
from jaxprior.metrics.shapes import independent_voxels, largest_component, nearest_iou, occupancy, occupied
from jaxprior.models.gan3d.config import Gan3dRecipe
from jaxprior.training.phases import Moment


SAMPLES = 128
"""Generated volumes that are measured."""

REAL, INDEPENDENT = "real_", "independent_"
"""What the names of figures of controls begin with."""


def evaluator_of(recipe: Gan3dRecipe, *, sample: Callable, trained: np.ndarray, held: np.ndarray) -> Any:
    """The evaluator of a training.

    Arguments:
        recipe: the settings.
        sample: (state, count) -> generated volumes [count, r, r, r, 1] in [-1, 1].
        trained, held: volumes that are trained on, and held-out ones, uint8.
    """
    if not recipe.crops:
        return Shapes(sample=sample, trained=trained > 127, held=held > 127)
    low = recipe.pores == "low"
    return Materials(sample=sample, trained=(trained > 127) != low, held=(held > 127) != low, low=low)


@dataclass(frozen=True, kw_only=True)
class Shapes:
    """Nearest shapes of generated and of held-out volumes.

    Fields:
        sample: (state, count) -> generated volumes [count, r, r, r, 1] in [-1, 1].
        trained, held: volumes that are trained on, and held-out ones, bool [n, r, r, r, 1].
    """

    sample: Callable
    trained: np.ndarray
    held: np.ndarray
    file = "shapes.csv"
    note = (
        "iou: intersection over union of a generated volume and the nearest held-out one, mean; iou_trained: the same "
        "with those that were trained on; coverage: of a held-out volume and the nearest generated one, low where the "
        "generator makes few of the shapes that there are; occupancy: share of occupied voxels; component: share of "
        "them in the largest piece. real_...: the same of volumes that were trained on, as many as generated ones; "
        "independent_...: of volumes whose voxels are drawn independently, each occupied as often as in those."
    )
    title = "nearest intersection over union, generated to held-out"
    curve, reference = "iou", "real_iou"

    def measure(self, state: Any, moment: Moment) -> dict[str, float]:
        """Return the figures that `note` explains."""
        made = occupied(self.sample(state, SAMPLES))
        return {
            "iou": _mean(nearest_iou(made, self.held)),
            "iou_trained": _mean(nearest_iou(made, self.trained)),
            **self._others(made),
            **self._controls,
        }

    def _others(self, volumes: np.ndarray) -> dict[str, float]:
        return {
            "coverage": _mean(nearest_iou(self.held, volumes)),
            "occupancy": _mean(occupancy(volumes)),
            "component": _mean(largest_component(volumes)),
        }

    @functools.cached_property
    def _controls(self) -> dict[str, float]:
        """Figures that do not change while the network is trained."""
        return _of_controls(
            self.trained, lambda some: {"iou": _mean(nearest_iou(some, self.held)), **self._others(some)}
        )

    def summary(self, row: dict[str, float]) -> dict[str, Any]:
        """Return all figures."""
        return {"held_out": row}


@dataclass(frozen=True, kw_only=True)
class Materials:
    """Statistics of the pores of generated and of held-out cubes.

    Fields:
        sample: as of `Shapes`.
        trained, held: as of `Shapes`, True where there is a pore.
        low: whether the pores of generated volumes are the voxels of the low values.
    """

    sample: Callable
    trained: np.ndarray
    held: np.ndarray
    low: bool = False
    file = "materials.csv"
    note = (
        "Pores are the voxels of the values that --pores names, the high ones by default. porosity: share of pore "
        "voxels, mean over the cubes; porosity_sd: its standard deviation over them; s2_error: mean absolute "
        "difference of the two-point correlation from that of held-out cubes, over distances up to half a side and all "
        "three axes; euler: Euler number of the pores of a cube, mean; component: share of pore voxels in the largest "
        "piece. real_...: the same of cubes that were trained on, and held_porosity... of held-out ones; "
        "independent_...: of cubes whose voxels are drawn independently with the true rates."
    )
    title = "error of the two-point correlation"
    curve, reference = "s2_error", "real_s2_error"

    def measure(self, state: Any, moment: Moment) -> dict[str, float]:
        """Return the figures that `note` explains."""
        return {**self._figures(occupied(self.sample(state, SAMPLES)) != self.low), **self._controls}

    def _figures(self, volumes: np.ndarray) -> dict[str, float]:
        shares = occupancy(volumes)
        return {
            "porosity": _mean(shares),
            "porosity_sd": float(np.std(shares)),
            "s2_error": _mean(np.abs(_correlations(volumes) - self._of_held)),
            "euler": _mean(euler_number(volumes)),
            "component": _mean(largest_component(volumes)),
        }

    @functools.cached_property
    def _of_held(self) -> np.ndarray:
        return _correlations(self.held)

    @functools.cached_property
    def _controls(self) -> dict[str, float]:
        """Figures that do not change while the network is trained."""
        held = occupancy(self.held)
        found = {"held_porosity": _mean(held), "held_porosity_sd": float(np.std(held))}
        return found | _of_controls(self.trained, lambda some: self._figures(occupied(some)))

    def summary(self, row: dict[str, float]) -> dict[str, Any]:
        """Return all figures."""
        return {"held_out": row}


def _of_controls(trained: np.ndarray, figures: Callable[[np.ndarray], dict[str, float]]) -> dict[str, float]:
    """The figures of real volumes, and of volumes of independent voxels, under names that say so."""
    controls = {REAL: trained[:SAMPLES], INDEPENDENT: independent_voxels(trained, SAMPLES)}
    return {prefix + name: value for prefix, some in controls.items() for name, value in figures(some).items()}


def _correlations(volumes: np.ndarray) -> np.ndarray:
    """Mean two-point correlation of a set, [3, distances]; the distance 0, the porosity, is left out."""
    return np.stack([two_point_correlation(volumes, axis=axis).mean(axis=0)[1:] for axis in range(3)])


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values))
