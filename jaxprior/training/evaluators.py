"""Evaluators: they measure how good a network is at the end of a phase of its training.

A training has one evaluator. Its figures are collected in a table of the run folder, drawn as a curve, and written on
the card of the weights. The table's name is known here only; readers find it by its columns (`read_evaluation`).
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np

from jaxprior import metrics
from jaxprior.data import images
from jaxprior.metrics.sliced_wasserstein import level_distances
from jaxprior.restoration.smooth_fill import biharmonic_fill, harmonic_fill
from jaxprior.training.feature_distances import FEATURE_NOTE, FIGURES, feature_figures
from jaxprior.training.metrics_file import read_metrics
from jaxprior.training.phases import Moment
from jaxprior.training.pictures import Pictures
from jaxprior.weights.features import FeatureNetwork


CODES, SHOWN = 1024, 64
"""How many generated pictures a distance is measured on, and how many of them a sheet shows."""

PLACE = ("step", "phase", "images")
"""The first columns of an evaluator's table, and of the table of losses. They say how far the training was: the step,
the phase, and how many pictures had been shown."""

psnr, ssim, rmse, diversity = map(jax.jit, (metrics.psnr, metrics.ssim, metrics.rmse, metrics.diversity))
"""Compiled, so that values are not checked: of a training that diverges a figure is NaN, and the training goes on."""


def rows_of_eight(*kinds: Any) -> np.ndarray:
    """A sheet of several kinds of pictures: eight of the first kind, below them the eight of the second, and so on.

    Arguments:
        kinds: pictures [n, h, w, c] each, of the same size; a last row is filled up with grey ones.

    Returns:
        [m, h, w, c], for a sheet that is eight wide.

    Example:
        >>> rows_of_eight(np.zeros((9, 2, 2, 3)), np.ones((9, 2, 2, 3))).shape
        (32, 2, 2, 3)
    """
    columns = np.stack(kinds)
    columns = np.pad(columns, ((0, 0), (0, -columns.shape[1] % 8), *((0, 0),) * 3))
    return np.concatenate(np.split(columns, columns.shape[1] // 8, axis=1)).reshape(-1, *columns.shape[2:])


@runtime_checkable
class Evaluator(Protocol):
    """Measures the state of a training.

    Fields:
        file: name of the CSV table in the run folder that collects the figures.
        title: title of the plot of the figures.
        curve: the column that is drawn as a curve.
    """

    file: str
    title: str
    curve: str

    @property
    def reference(self) -> str | None:
        """The column whose newest value is drawn as a level beside the curve, or None."""
        ...

    def measure(self, state: Any, moment: Moment) -> dict[str, float]:
        """Return the figures by column; an empty dictionary if the network cannot be measured yet."""
        ...

    def summary(self, row: dict[str, float]) -> dict[str, Any]:
        """Return what the card of the weights says of the newest figures."""
        ...


@dataclass(frozen=True, kw_only=True)
class SlicedWasserstein:
    """Sliced Wasserstein distances of generated from real pictures, and of real from real ones (Karras et al., 2018).

    Fields:
        sample: (state, moment, codes) -> images [n, r, r, c] in [-1, 1], 16 pixels or more.
        codes: [n, d], n a multiple of 16.
        pictures: real ones, at the last resolution.
        seed: chooses which of the real pictures are compared.
        network: a feature network in which the same pictures are compared as well, or None.
    """

    sample: Callable
    codes: np.ndarray | jax.Array
    pictures: Pictures
    seed: int
    network: FeatureNetwork | None = None
    file = "swd.csv"
    note = (
        "swd: generated against real pictures, at the levels of a pyramid of 16 pixels and more; real: real pictures "
        "against other real ones, as low as it can become. Lower is better."
    )
    title = "sliced Wasserstein distance x 1000"
    curve, reference = "swd_mean", "real_mean"

    def measure(self, state: Any, moment: Moment) -> dict[str, float]:
        """Return the distances by level of the pyramid, "swd_32", "real_32", ..., "swd_mean", and with a network those
        of `jaxprior.training.feature_distances.feature_figures`."""
        parts = np.split(np.asarray(self.codes), 16)
        fakes = np.concatenate([np.asarray(self.sample(state, moment, part)) for part in parts])
        if fakes.shape[1] < 16:
            return {}  # the distance's pyramid ends at 16 pixels
        pixels = self.pictures.pixels
        times = int(np.log2(pixels.shape[1] // fakes.shape[1]))
        half = min(len(self.codes), len(pixels) // 2)
        chosen = np.random.default_rng(self.seed).permutation(len(pixels))[: 2 * half]
        reals = images.to_float(Pictures(pixels[chosen]).halved(times).pixels)
        key = jax.random.key(0)
        distance = level_distances(reals[:half], fakes[:half], key=key)
        floor = level_distances(reals[:half], reals[half:], key=key)
        found = {f"swd_{k}": v for k, v in distance.items()} | {f"real_{k}": v for k, v in floor.items()}
        if self.network is not None:
            found |= feature_figures(self.network, reals[:half], fakes[:half], others=reals[half:])
        return found

    def summary(self, row: dict[str, float]) -> dict[str, Any]:
        """Return both distances by level, and with a network its name and what was measured in it."""
        found = {"swd": _levels(row, "swd_"), "swd_real": _levels(row, "real_")}
        if self.network is None:
            return found
        named = {"network": self.network.frechet_title, "sha256": self.network.card["sha256"]}
        return {**found, "features": named | {name: row[name] for name in FIGURES if name in row}}


@dataclass(frozen=True, kw_only=True)
class Repaired:
    """PSNR and SSIM of held-out pictures after repair, the known pixels put back, beside what was given to repair.

    Fields:
        repair: (state, images [n, r, r, 3] in [-1, 1]) -> images of the same shape.
        triples: uint8 [n, r, r, 7], see `jaxprior.models.autoencoder.pairs`.
    """

    repair: Callable
    triples: np.ndarray
    file = "held-out.csv"
    note = (
        "Medians over held-out pictures after repair; given: the same of what was given to repair. Higher is better."
    )
    title = "PSNR of the hole, held-out pictures [dB]"
    curve, reference = "psnr_hole", "given_psnr_hole"

    def measure(self, state: Any, moment: Moment) -> dict[str, float]:
        """Return medians over the held-out pictures.

        These are "psnr" and "ssim" of the merged pictures and "psnr_hole"; with the prefix "given_" the same of what
        was given to repair.
        """
        given, truth, mask = np.split(images.to_float(self.triples), (3, 6), axis=-1)
        mask = (mask[..., 0] > 0).astype(np.float32)
        parts = np.array_split(given, max(len(given) // 16, 1))
        repaired = np.concatenate([np.asarray(self.repair(state, part)) for part in parts])
        found = {}
        for name, pictures in (("", repaired), ("given_", given)):
            merged = np.where(mask[..., None] > 0, pictures, given)
            found[f"{name}psnr"] = psnr(merged, truth)
            found[f"{name}ssim"] = ssim(merged, truth)
            found[f"{name}psnr_hole"] = psnr(pictures, truth, mask=mask)
        return {name: float(np.median(values)) for name, values in found.items()}

    def summary(self, row: dict[str, float]) -> dict[str, Any]:
        """Return all figures."""
        return {"held_out": row}


@dataclass(frozen=True, kw_only=True)
class Filled:
    """PSNR of what an encoder answers to damaged held-out pictures, beside what needs no network.

    Where pixels are missing that is biharmonic interpolation, and the PSNR is that of the missing pixels; of other
    damage it is the damaged picture itself, and the PSNR that of the whole picture. A picture that is not damaged is
    compared with nothing.

    Fields:
        answer: (state, seen [n, h, w, c], known [n, h, w, 1]) -> images [n, h, w, c] in [-1, 1].
        originals: the held-out pictures, uint8 [m, h, w, c].
        tasks: the words of every task -> (seen, known) of all of them.
    """

    answer: Callable
    originals: np.ndarray
    tasks: dict[str, tuple[np.ndarray, np.ndarray]]
    file = "answers.csv"
    note = (
        "Held-out pictures, means over the tasks of medians. psnr: of the answer; merged_psnr: after a harmonic merge "
        "with what is known; reference_psnr: of biharmonic interpolation, or of the damaged picture where nothing is "
        "missing; gain: of the merged answer over that, picture by picture; wins: share of pictures with a gain. dB, "
        "higher is better."
    )
    title = "PSNR of the answer, held-out pictures [dB]"
    curve, reference = "merged_psnr", "reference_psnr"

    def measure(self, state: Any, moment: Moment) -> dict[str, float]:
        """Return the figures that `note` explains, and the gain of every task."""
        each = {words: self._of_task(state, words) for words in self.tasks}
        names = max(each.values(), key=len)
        found = {name: float(np.mean([one[name] for one in each.values() if name in one])) for name in names}
        if len(each) > 1:
            found |= {f"gain {words}": figures["gain"] for words, figures in each.items() if "gain" in figures}
        return found

    def _is_damaged(self, words: str) -> bool:
        """Whether a task leaves anything to be restored."""
        seen, known = self.tasks[words]
        return bool((known < 0.5).any()) or not np.array_equal(seen, images.to_float(self.originals))

    def _of_task(self, state: Any, words: str) -> dict[str, float]:
        seen, known = self.tasks[words]
        truth, reference = images.to_float(self.originals), self._references[words]
        cuts = max(len(seen) // 16, 1)
        parts = zip(np.array_split(seen, cuts), np.array_split(known, cuts), strict=True)
        answers = np.concatenate([np.asarray(self.answer(state, *part)) for part in parts])
        mask, merged = None, answers
        if (known < 0.5).any():
            mask = np.float32(known[..., 0] < 0.5)
            merged = answers + np.asarray(harmonic((truth - answers) * known, mask))
        own, after, before = (np.asarray(psnr(one, truth, mask=mask)) for one in (answers, merged, reference))
        figures = {"psnr": own, "merged_psnr": after}
        if self._is_damaged(words):
            figures |= {"reference_psnr": before, "gain": after - before, "wins": after > before}
        return {name: float(np.mean(v) if name == "wins" else np.median(v)) for name, v in figures.items()}

    @functools.cached_property
    def _references(self) -> dict[str, np.ndarray]:
        """What each task's answers are compared with; it does not change while the network is trained."""

        def of_task(seen: np.ndarray, known: np.ndarray) -> np.ndarray:
            missing = np.float32(known[..., 0] < 0.5)
            return np.asarray(biharmonic(seen, missing)) if missing.any() else seen

        return {words: of_task(*one) for words, one in self.tasks.items()}

    def summary(self, row: dict[str, float]) -> dict[str, Any]:
        """Return all figures."""
        return {"held_out": row}


def _mapped(fill: Callable) -> Any:
    """A fill of one picture as a compiled function of many, picture by picture."""
    return jax.jit(lambda pictures, missing: jax.lax.map(lambda one: fill(*one), (pictures, missing)))


harmonic, biharmonic = _mapped(harmonic_fill), _mapped(biharmonic_fill)
"""Fills of many pictures [n, h, w, c] whose missing pixels are 1 in [n, h, w]."""


@dataclass(frozen=True, kw_only=True)
class OwnPictures:
    """How exactly networks remake the one picture that each was trained on, and how different their samples are.

    Fields:
        sample: (state, moment) -> random images [k, n, h, w, c] in [-1, 1] of k networks.
        remake: (state, moment) -> their reconstructions [k, h, w, c].
        pictures: moment -> their pictures [k, h, w, c].
    """

    sample: Callable
    remake: Callable
    pictures: Callable
    file = "quality.csv"
    note = (
        "Reconstruction: root mean squared error of the reconstruction in levels of 255, lower is better. Diversity: "
        "how different samples are, as a share of the picture's own contrast."
    )
    title = "reconstruction error, levels of 255"
    curve, reference = "reconstruction", None

    def measure(self, state: Any, moment: Moment) -> dict[str, float]:
        """Return means over the networks: the root mean squared error "reconstruction", in levels of 255, and the
        "diversity" of the samples; see `jaxprior.metrics`."""
        pictures = self.pictures(moment)
        errors = rmse(self.remake(state, moment), pictures)
        pairs = zip(self.sample(state, moment), pictures, strict=True)
        return {
            "reconstruction": float(np.mean(errors)),
            "diversity": float(np.mean([diversity(*pair) for pair in pairs])),
        }

    def summary(self, row: dict[str, float]) -> dict[str, Any]:
        """Return both figures."""
        return {"quality": row}


@dataclass(frozen=True, kw_only=True)
class Reconstructed:
    """Errors of pictures that an autoencoder makes of held-out ones, whole and damaged, beside that of a mean picture.

    Fields:
        answer: (state, images [n, h, w, c]) -> images [n, h, w, c] in [-1, 1].
        originals: the held-out pictures, uint8 [m, h, w, c].
        tasks: the words of every task -> damaged held-out pictures, float32 [m, h, w, c].
        mean: the mean of the pictures that are trained on, [h, w, c] in [-1, 1].
    """

    answer: Callable
    originals: np.ndarray
    tasks: dict[str, np.ndarray]
    mean: np.ndarray
    file = "reconstructions.csv"
    note = (
        "Held-out pictures, means. mse: mean squared error of what is answered to the pictures themselves, in [-1, 1]; "
        "psnr: the same in dB; with the words of a task: of what is answered to the pictures damaged so; mean_mse: of "
        "one and the same answer to all, the mean of the pictures that are trained on."
    )
    title = "mean squared error, held-out pictures, [-1, 1]"
    curve, reference = "mse", "mean_mse"

    def measure(self, state: Any, moment: Moment) -> dict[str, float]:
        """Return the figures that `note` explains."""
        truth = images.to_float(self.originals)
        found = {}
        for words, seen in {"": truth, **self.tasks}.items():
            parts = np.array_split(seen, max(len(seen) // 16, 1))
            answers = np.concatenate([np.asarray(self.answer(state, part)) for part in parts])
            name = f" {words}" if words else ""
            found[f"mse{name}"] = float(np.mean(np.square(answers - truth, dtype=np.float64)))
            found[f"psnr{name}"] = float(np.mean(psnr(answers, truth)))
        return {**found, "mean_mse": float(np.mean(np.square(self.mean - truth, dtype=np.float64)))}

    def summary(self, row: dict[str, float]) -> dict[str, Any]:
        """Return all figures."""
        return {"held_out": row}


EVALUATORS = (SlicedWasserstein, Repaired, Filled, OwnPictures, Reconstructed)
"""The package's own evaluators; a training of another package may have another one."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The evaluator's table in a run folder, as a reader finds it.

    Fields:
        rows: one dictionary a row, texts by column, oldest first; an empty list if nothing has been measured yet.
        title: title of the plot of the figures.
        curve: the column that is drawn as a curve; empty if that is not known.
        reference: the column that is drawn beside it, or None.
        note: what the columns are.
    """

    rows: list[dict[str, str]]
    title: str = "Figures"
    curve: str = ""
    reference: str | None = None
    note: str = ""


def read_evaluation(folder: Path) -> Evaluation:
    """Return the evaluator's table in a run folder.

    The table is the one beside `metrics.csv` whose columns begin with `PLACE`, so that whoever reads a run need not
    know which evaluator it had. What its figures mean is known of the package's own evaluators.

    Arguments:
        folder: of a training.
    """
    for path in sorted(Path(folder).glob("*.csv")):
        if path.name == "metrics.csv":
            continue
        with open(path, errors="replace") as file:
            columns = file.readline().rstrip("\n").split(",")
        if tuple(columns[: len(PLACE)]) == PLACE and (rows := read_metrics(path)):
            own = next((evaluator for evaluator in EVALUATORS if evaluator.file == path.name), None)
            if own is None:
                return Evaluation(rows=rows)
            note = f"{own.note} {FEATURE_NOTE}" if FIGURES[0] in columns else own.note
            reference = own.reference if own.reference in columns else None
            return Evaluation(rows=rows, title=own.title, curve=own.curve, reference=reference, note=note)
    return Evaluation(rows=[])


def _levels(row: dict[str, float], prefix: str) -> dict[str, float]:
    """The figures whose names start with a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}
