"""How good several answers for a hole are, and whether they spread as far as they are wrong; for `draws.py`."""

from typing import Any

import numpy as np
import scipy.stats
from paired import compared
from simple_methods import biharmonic

import jaxprior as jp
from jaxprior.metrics.perceptual import perceptual_map


CLASSES = 10
"""Of pixels, by the spread of their draws."""


def in_holes(values: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """The mean over the missing pixels of [b, ..., h, w], one number each."""
    masks = masks.reshape(len(masks), *(1,) * (values.ndim - 3), *masks.shape[1:])
    return (values * masks).sum(axis=(-2, -1)) / masks.sum(axis=(-2, -1))


class Judged:
    """Distances of draws and other pictures from the originals, in the holes.

    Arguments:
        found: the fields of some pictures.
        network: of the perceptual distance, or None.
    """

    def __init__(self, found: dict[str, np.ndarray], network: Any):
        self.truth, self.masks, self.network = found["truth"], found["mask"], network
        self.draws = np.clip(found["draws"].astype(np.float32), -1, 1)
        self.pictures = {"biharmonic": biharmonic(self.truth, self.masks), "estimate": np.clip(found["merged"], -1, 1),
                         "mean of draws": self.draws.mean(axis=1)}  # fmt: skip

    def psnr(self, pictures: np.ndarray) -> np.ndarray:
        """In dB, [b]."""
        return np.asarray(jp.metrics.psnr(pictures, self.truth, mask=self.masks))

    def perceptual(self, pictures: np.ndarray) -> np.ndarray:
        """The mean of the map of the perceptual distance over the hole, [b]."""
        return in_holes(np.asarray(perceptual_map(self.network, pictures, self.truth)), self.masks)

    def figures(self) -> dict[str, dict[str, np.ndarray]]:
        """Of every way to answer, {"psnr": [b], "perceptual": [b]}."""
        measures = {"psnr": (self.psnr, np.max)}
        if self.network is not None:
            measures["perceptual"] = (self.perceptual, np.min)
        found: dict[str, dict[str, np.ndarray]] = {}
        for name, (measure, best) in measures.items():
            each = np.stack([measure(self.draws[:, k]) for k in range(self.draws.shape[1])], axis=1)
            found.setdefault("one draw", {})[name] = np.median(each, axis=1)
            found.setdefault("best draw", {})[name] = best(each, axis=1)
            for who, pictures in self.pictures.items():
                found.setdefault(who, {})[name] = measure(pictures)
        return found

    def diversity(self) -> np.ndarray:
        """Root mean square difference of two draws of a picture in the hole, [b]."""
        count = self.draws.shape[1]
        squares = self.draws.var(axis=1, ddof=1).mean(axis=-1) * 2  # of two independent draws
        return np.sqrt(in_holes(squares, self.masks)) if count > 1 else np.zeros(len(self.draws))

    def calibration(self) -> dict:
        """Spread against error over the pixels of all holes, see the head of this file."""
        count, inside = self.draws.shape[1], self.masks > 0
        variance = self.draws.var(axis=1, ddof=1).mean(axis=-1)
        squares = np.square(self.draws.mean(axis=1) - self.truth).mean(axis=-1)
        expected, error = variance[inside] * (count + 1) / count, squares[inside]
        classes = np.array_split(np.argsort(expected), CLASSES)
        ranks = (self.draws < self.truth[:, None]).sum(axis=1)[inside]  # of every channel
        pixels = [
            scipy.stats.spearmanr(one[hole], other[hole]).statistic
            for one, other, hole in zip(variance, squares, inside, strict=True)
        ]
        whole = scipy.stats.spearmanr(in_holes(variance, self.masks), in_holes(squares, self.masks)).statistic
        return {
            "expected": [round(float(np.sqrt(expected[some].mean())), 4) for some in classes],
            "error": [round(float(np.sqrt(error[some].mean())), 4) for some in classes],
            "error_over_expected": round(float(np.sqrt(error.mean() / expected.mean())), 3),
            "rank": [round(float((ranks == place).mean()), 4) for place in range(count + 1)],
            "spearman_of_pixels": round(float(np.nanmedian(pixels)), 3),
            "spearman_of_pictures": round(float(whole), 3),
        }


def summary(judged: Judged) -> dict:
    """Medians over the pictures, paired comparisons and the calibration of an arm."""
    figures = judged.figures()
    rows = {
        who: {name: round(float(np.median(values)), 4) for name, values in found.items()}
        for who, found in figures.items()
    }
    best, mean = figures["best draw"]["psnr"], figures["mean of draws"]["psnr"]
    return {
        "figures": rows, "best_against_mean": compared(best, mean),
        "mean_against_estimate": compared(mean, figures["estimate"]["psnr"]),
        "mean_against_biharmonic": compared(mean, figures["biharmonic"]["psnr"]),
        "diversity": round(float(np.median(judged.diversity())), 4), "calibration": judged.calibration(),
    }  # fmt: skip
