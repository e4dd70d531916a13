"""A training run on disk: what every recipe shares around the loop.

    RUN/run.json             resolved recipe, pictures, versions, device
    RUN/checkpoints/         state, data position, random state
    RUN/metrics.csv          losses and scores; RUN/swd.csv: sliced Wasserstein distances; RUN/curves.png: both, drawn
    RUN/samples/*.png        grids of generated pictures; RUN/samples.png: the newest
    RUN/model.safetensors    the averaged generator and the critic, half precision, with a card: `--prior RUN` loads it
"""

import csv
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxprior import files, images, metrics, weights
from jaxprior.training import loop
from jaxprior.training.data import Pictures


SAMPLES = 64
SWD_PICTURES = 1024


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a recipe hands to `run`.

    Fields:
        name: of the recipe ("pggan").
        settings: the recipe as plain JSON values; a run folder belongs to one set of them.
        phases: see `loop.Phase`.
        init: key -> start state.
        sample: (state, moment, codes [b, latent_dim]) -> images [b, r, r, c] in [-1, 1].
        latent_dim: length of a code.
        export: state -> parameter tree to save ("generator", "critic").
        card: architecture and config of the saved weights.
        pictures: the training pictures, for the distance.
        seed: of everything random.
    """

    name: str
    settings: dict
    phases: list[loop.Phase]
    init: Callable[[jax.Array], Any]
    sample: Callable
    latent_dim: int
    export: Callable[[Any], dict]
    card: dict
    pictures: Pictures
    seed: int


def run(
    plan: Plan,
    folder: str | Path,
    *,
    source: str,
    licence: str = "not stated",
    pace: loop.Pace | None = None,
    on_log: Callable[[loop.Moment], None] = lambda moment: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Train, or go on with a training.

    Arguments:
        plan: made by a recipe.
        folder: the run folder.
        source: what the pictures are, for the card.
        licence: of the pictures, for the card.
        pace, on_log, should_stop: see `loop.run`.

    Returns:
        The path of the trained weights.

    Raises:
        RunError: the folder belongs to another training, or another process writes to it.
        loop.Interrupted: `should_stop` said so; the same call goes on.
    """
    folder = Path(folder)
    digest = hashlib.sha256(np.ascontiguousarray(plan.pictures.pixels)).hexdigest()
    record = {"recipe": plan.name, "pictures": {"count": len(plan.pictures), "sha256": digest}, **plan.settings}
    with files.only_writer(folder):
        files.check_configuration(folder, record)
        files.write_json(
            folder / "run.json",
            {
                "kind": "training",
                "configuration": record,
                "data": source,
                "versions": files.versions(),
                "device": files.device_name(),
            },
        )
        recorder = _Recorder(plan, folder, source=source, licence=licence)
        init_key, run_key = jax.random.split(jax.random.key(plan.seed))
        loop.run(
            plan.phases,
            plan.init(init_key),
            folder=folder,
            key=run_key,
            pace=pace,
            on_log=on_log,
            on_snapshot=recorder.snapshot,
            should_stop=should_stop,
        )
    return folder / "model.safetensors"


class _Recorder:
    """Writes what one can look at: samples, weights, distances, curves."""

    def __init__(self, plan: Plan, folder: Path, *, source: str, licence: str):
        self.plan, self.folder, self.source, self.licence = plan, folder, source, licence
        self.codes = jax.random.normal(jax.random.key(plan.seed + 1), (SWD_PICTURES, plan.latent_dim))
        self.distances = loop.read_metrics(folder / "swd.csv")
        self.began = time.monotonic()
        self.earlier = _seconds_so_far(folder)

    def snapshot(self, state: Any, moment: loop.Moment) -> None:
        """Samples, weights and curves; at the end of a phase also the distance."""
        small = self.plan.sample(state, moment, self.codes[:SAMPLES])
        sheet = images.grid([enlarged(image) for image in images.to_uint8(np.asarray(small))], columns=8)
        (self.folder / "samples").mkdir(exist_ok=True)
        images.save_png(self.folder / "samples" / f"{moment.images // 1000:06d}k.png", sheet)
        images.save_png(self.folder / "samples.png", sheet)
        if moment.index == self.plan.phases[moment.phase_number].steps:
            self._measure(state, moment)
        self._export(state, moment)
        draw_curves(self.folder)

    def _measure(self, state: Any, moment: loop.Moment) -> None:
        fakes = np.concatenate(
            [np.asarray(self.plan.sample(state, moment, part)) for part in np.split(np.asarray(self.codes), 16)]
        )
        if fakes.shape[1] < 16:
            return  # the distance's pyramid ends at 16 pixels
        times = int(np.log2(self.plan.pictures.pixels.shape[1] // fakes.shape[1]))
        half = min(SWD_PICTURES, len(self.plan.pictures) // 2)
        chosen = np.random.default_rng(self.plan.seed).permutation(len(self.plan.pictures))[: 2 * half]
        reals = images.to_float(Pictures(self.plan.pictures.pixels[chosen]).halved(times).pixels)
        key = jax.random.key(0)
        distance = metrics.swd(reals[:half], fakes[:half], key=key)
        floor = metrics.swd(reals[:half], reals[half:], key=key)
        row = {"step": moment.step, "phase": moment.phase, "images": moment.images}
        row |= {f"swd_{level}": f"{value:.4g}" for level, value in distance.items()}
        row |= {f"real_{level}": f"{value:.4g}" for level, value in floor.items()}
        self.distances = [r for r in self.distances if int(r["step"]) < moment.step] + [row]
        fields = list(dict.fromkeys(name for r in self.distances for name in r))
        with open(self.folder / "swd.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, fields, restval="")
            writer.writeheader()
            writer.writerows(self.distances)

    def _export(self, state: Any, moment: loop.Moment) -> None:
        newest = self.distances[-1] if self.distances else {}
        seconds = self.earlier + time.monotonic() - self.began
        card = {
            "name": self.folder.name,
            **self.plan.card,
            "source": self.source,
            "licence": self.licence,
            "training": {
                "recipe": self.plan.settings,
                "pictures": len(self.plan.pictures),
                "images_shown": moment.images,
                "phase": moment.phase,
                "seconds": round(seconds),
                "device": files.device_name(),
                "swd": _levels(newest, "swd_"),
                "swd_real": _levels(newest, "real_"),
            },
        }
        half = jax.tree.map(lambda x: np.asarray(x, np.float16), self.plan.export(state))
        weights.save_weights(self.folder / "model.safetensors", half, card)


def enlarged(image: np.ndarray, side: int = 64) -> np.ndarray:
    """A small picture [r, r, c] magnified to `side` pixels by repetition, so that one can see it."""
    factor = max(side // image.shape[0], 1)
    image = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def draw_curves(folder: Path) -> None:
    """Draw `metrics.csv` and `swd.csv` of a run as `curves.png`."""
    rows = loop.read_metrics(folder / "metrics.csv")
    if len(rows) < 2:
        return
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    distances = loop.read_metrics(folder / "swd.csv")
    figure, axes = pyplot.subplots(1, 3, figsize=(15, 4), layout="constrained")
    for axis, prefix in zip(axes, ("loss", "score", "swd"), strict=True):
        source = distances if prefix == "swd" else rows
        names = [n for r in source[-1:] for n in r if prefix in n and (prefix != "swd" or n == "swd_mean")]
        for name in names:
            points = [(int(r["images"]) / 1000, float(r[name])) for r in source if r.get(name)]
            axis.plot(*zip(*points, strict=True), marker="o" if prefix == "swd" else None, lw=0.8, label=name)
        if prefix == "swd" and distances:
            axis.axhline(float(distances[-1]["real_mean"]), color="grey", ls=":", label="real against real")
        titles = {"swd": "sliced Wasserstein distance x 1000"}
        axis.set(xlabel="thousand pictures shown", title=titles.get(prefix, prefix))
        for first, second in zip(rows, rows[1:], strict=False):
            if first["phase"] != second["phase"]:
                axis.axvline(int(second["images"]) / 1000, color="grey", lw=0.5, alpha=0.5)
        if names:
            axis.legend(fontsize=8)
    temporary = folder / ".curves.png"
    figure.savefig(temporary, dpi=100)
    pyplot.close(figure)
    os.replace(temporary, folder / "curves.png")


def _levels(row: dict[str, str], prefix: str) -> dict[str, float]:
    """The columns of a row of `swd.csv` that start with a prefix, without it."""
    return {name.removeprefix(prefix): float(v) for name, v in row.items() if name.startswith(prefix) and v}


def _seconds_so_far(folder: Path) -> float:
    path = folder / "model.safetensors"
    return float(weights.read_card(path).get("training", {}).get("seconds", 0)) if path.is_file() else 0.0
