"""A training run on disk: what every recipe shares around the loop.

    RUN/run.json             resolved recipe, pictures, versions, device
    RUN/checkpoints/         state, data position, random state
    RUN/metrics.csv          losses and scores
    RUN/swd.csv or so        the evaluator's figures, a table that the evaluator names
    RUN/curves.png           both tables, drawn
    RUN/samples/*.png        sheets of pictures that the network makes; RUN/samples.png: the newest
    RUN/model.safetensors    the trained networks, mostly in half precision, with a card; `--prior RUN` loads it;
                             of several networks trained together one each, RUN/NAME/model.safetensors
"""

import contextlib
import csv
import operator
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxprior.data import images
from jaxprior.errors import SettingsError
from jaxprior.runs import lock, record
from jaxprior.runs.kinds import TRAINING
from jaxprior.runs.trainings import check_same_start, check_training_folder
from jaxprior.settings import check_seed
from jaxprior.system import files, provenance, runtime
from jaxprior.system.activity import doing
from jaxprior.system.devices import Device
from jaxprior.training import foresight, loop, processes
from jaxprior.training.clock import TrainingClock
from jaxprior.training.data_parallel import DataParallel
from jaxprior.training.evaluators import PLACE, Evaluator
from jaxprior.training.metrics_file import read_metrics
from jaxprior.training.pictures import Pictures
from jaxprior.weights import storage


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a recipe hands to `run`.

    Fields:
        name: of the recipe ("pggan").
        settings: the recipe as plain JSON values; a run folder belongs to one set of them. Its "precision" is that
            of the whole training.
        phases: see `loop.Phase`.
        init: key -> start state.
        show: (state, moment) -> images [n, h, w, c] in [-1, 1] of a sheet that is eight wide.
        evaluator: measures a state at the end of every phase.
        export: state -> parameter tree to save ("generator", "critic").
        card: state -> architecture and config of the saved weights.
        pictures: the training pictures.
        seed: of everything random.
        at_rest: number type of the saved weights.
        members: names of networks that are trained together; the leaves of `export` then have them on a leading axis.
        curves: metrics that are drawn in plots of their own, beside the losses, the scores and the evaluator's curve.
    """

    name: str
    settings: dict
    phases: list[loop.Phase]
    init: Callable[[jax.Array], Any]
    show: Callable[[Any, loop.Moment], Any]
    evaluator: Evaluator
    export: Callable[[Any], dict]
    card: Callable[[Any], dict]
    pictures: Pictures
    seed: int
    at_rest: type = np.float16
    members: tuple[str, ...] = ()
    curves: tuple[str, ...] = ()

    def __post_init__(self):
        check_seed(self.seed)
        if not any(phase.steps for phase in self.phases):
            raise SettingsError("There is nothing to train: every part of this training has 0 steps; give more.")

    @property
    def configuration(self) -> dict:
        """What a run folder records and belongs to: recipe, pictures and settings, as plain JSON values."""
        pictures = {"count": len(self.pictures), "sha256": self.pictures.sha256}
        return {"recipe": self.name, "pictures": pictures, **self.settings}

    def models(self, folder: Path) -> list[Path]:
        """Files of the trained weights in a run folder."""
        return [folder / name / "model.safetensors" for name in self.members] or [folder / "model.safetensors"]


_ADDED = {
    "image_channels": 3, "mask_means": None, "invert_mask": False, "start_from": None, "warmup_steps": None,
    "evaluate_features": None, "code": None, "overlap": 0, "base": "none", "pores": "high",
    "starts_from": "noise",
}  # fmt: skip
"""Settings that recipes have not always had, with what held before. Where they have it, a run does not state them.
Those that other recipes have had from the start are in a recipe's own table `ADDED`."""


def settings_of(recipe: Any) -> dict:
    """A recipe's fields as plain JSON values, for `Plan.settings`."""
    settings = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(recipe).items()}
    added = {**_ADDED, **getattr(recipe, "ADDED", {})}
    return {name: value for name, value in settings.items() if name not in added or value != added[name]}


def check_folder(plan: Plan, folder: Path) -> None:
    """Refuse a folder that holds something else than the beginning of this training. Nothing is written.

    Raises:
        RunError: it does.
    """
    check_training_folder(folder)
    check_same_start(folder, plan.settings.get("start_from"))
    record.check_configuration(folder, plan.configuration)


def run(
    plan: Plan,
    folder: str | Path,
    *,
    source: str,
    licence: str = "not stated",
    devices: Sequence[Device] | None = None,
    pace: loop.Pace | None = None,
    on_log: Callable[[loop.Moment], None] = lambda moment: None,
    should_stop: Callable[[], bool] = lambda: False,
    clock: TrainingClock | None = None,
    memory: float | None = None,
) -> Path:
    """Train, or go on with a training.

    Where `jax.distributed` has joined several processes, all of them call this with the same plan; the first one writes
    the folder.

    Arguments:
        plan: made by a recipe.
        folder: the run folder.
        source: what the pictures are, for the card.
        licence: of the pictures, for the card.
        devices: of this process, over which each batch is spread, as far as they divide it; all of them by default.
            Any number of devices goes on with what any other has begun.
        pace, on_log, should_stop, clock: see `loop.run`.
        memory: bytes that a step may need on the device; by default all that an accelerator has.

    Returns:
        The path of the trained weights, the first of several.

    Raises:
        RunError: the folder belongs to another training, or another process writes to it.
        MemoryLimitError: a step of a phase needs more memory than that; nothing has begun then.
        SettingsError: several processes have other settings, or cannot share a batch evenly.
        processes.ProcessLost: one of several processes has ended; started again, all go on.
        loop.Interrupted: `should_stop` said so, or the planned time of the clock is over; the same call goes on.
    """
    folder = Path(folder)
    configuration = plan.configuration
    with processes.watched(), contextlib.ExitStack() as held:
        processes.check_same(configuration)
        placement = DataParallel(devices, by_member=bool(plan.members))
        foresight.check_memory(plan, limit=memory, placement=placement)

        def opened() -> _Recorder:
            held.enter_context(lock.only_writer(folder))
            check_folder(plan, folder)
            files.write_json(
                folder / "run.json",
                {
                    "kind": TRAINING,
                    "configuration": configuration,
                    "data": source,
                    "versions": provenance.versions(),
                    "device": _device(plan, placement),
                },
            )
            return _Recorder(plan, folder, source=source, licence=licence, placement=placement)

        recorder = processes.by_first(opened)
        init_key, run_key = jax.random.split(jax.random.key(plan.seed))
        precision = runtime.MATMUL_PRECISION[plan.settings["precision"]]
        with jax.default_matmul_precision(precision), doing("making the networks") as work:
            loop.run(
                plan.phases,
                plan.init(init_key),
                folder=folder if recorder else None,
                key=run_key,
                placement=placement,
                pace=pace,
                on_log=on_log,
                on_snapshot=recorder.snapshot if recorder else _nothing,
                should_stop=should_stop,
                clock=clock,
                work=work,
            )
    return plan.models(folder)[0]


def _device(plan: Plan, placement: DataParallel) -> str:
    """What run folder and card say of the devices that a training uses."""
    return provenance.device_name(placement.most(phase.images_per_step for phase in plan.phases))


def _nothing(_state: Any, _moment: loop.Moment) -> None:
    """What a process does for a snapshot that another one takes."""


class _Recorder:
    """Writes what one can look at: samples, weights, figures, curves."""

    def __init__(self, plan: Plan, folder: Path, *, source: str, licence: str, placement: DataParallel):
        self.plan, self.folder, self.source, self.licence, self.placement = plan, folder, source, licence, placement
        self.device = _device(plan, placement)
        self.figures = read_metrics(folder / plan.evaluator.file)
        self.began = time.monotonic()
        self.earlier = _seconds_so_far(plan.models(folder)[0])

    def snapshot(self, state: Any, moment: loop.Moment) -> None:
        """Samples, weights and curves; at the end of a phase also the evaluator's figures."""
        with doing("drawing samples"):
            shown = np.asarray(self.plan.show(state, moment))
        sheet = images.grid([enlarged(image) for image in images.to_uint8(shown)], columns=8)
        (self.folder / "samples").mkdir(exist_ok=True)
        images.save_png(self.folder / "samples" / f"{moment.images:08d}.png", sheet)
        images.save_png(self.folder / "samples.png", sheet)
        phase = self.plan.phases[moment.phase_number]
        if moment.index == phase.steps:
            if moment.images_per_second:  # not measured where an earlier process made the last step
                seconds = phase.images_per_step / moment.images_per_second
                foresight.remember_speed(self.plan, phase, seconds, self.placement)
            self._measure(state, moment)
        self._export(state, moment)
        draw_curves(self.folder, self.plan.evaluator, self.plan.curves)

    def _measure(self, state: Any, moment: loop.Moment) -> None:
        with doing("measuring the samples"):
            measured = self.plan.evaluator.measure(state, moment)
        if not measured:
            return
        row = {"step": moment.step, "phase": moment.phase, "images": moment.images}
        row |= {name: f"{value:.4g}" for name, value in measured.items()}
        self.figures = [r for r in self.figures if int(r["step"]) < moment.step] + [row]
        fields = list(dict.fromkeys(name for r in self.figures for name in r))
        with open(self.folder / self.plan.evaluator.file, "w", newline="") as file:
            writer = csv.DictWriter(file, fields, restval="")
            writer.writeheader()
            writer.writerows(self.figures)

    def _export(self, state: Any, moment: loop.Moment) -> None:
        newest = self.figures[-1] if self.figures else {}
        figures = {name: float(value) for name, value in newest.items() if name not in PLACE and value}
        seconds = self.earlier + time.monotonic() - self.began
        card = {
            **self.plan.card(state),
            "source": self.source,
            "licence": self.licence,
            "training": {
                "recipe": self.plan.settings,
                "pictures": len(self.plan.pictures),
                "images_shown": moment.images,
                "phase": moment.phase,
                "seconds": round(seconds),
                "device": self.device,
                **self.plan.evaluator.summary(figures),
                **_unfinished(moment),
            },
        }
        tree = jax.tree.map(lambda x: np.asarray(x, self.plan.at_rest), self.plan.export(state))
        for number, path in enumerate(self.plan.models(self.folder)):
            path.parent.mkdir(exist_ok=True)
            own = jax.tree.map(operator.itemgetter(number), tree) if self.plan.members else tree
            storage.save_weights(path, own, {**card, "name": path.parent.name})


def _unfinished(moment: loop.Moment) -> dict[str, Any]:
    """What the card says besides as long as the training is not done; see `jaxprior.weights.card.unfinished`."""
    if moment.step >= moment.total_steps:
        return {}
    return {"unfinished": {"steps": moment.step, "of": moment.total_steps}}


def enlarged(image: np.ndarray, side: int = 64) -> np.ndarray:
    """A small picture [h, w, c] magnified to `side` pixels by repetition, so that one can see it."""
    factor = max(side // image.shape[0], 1)
    return images.to_rgb(image).repeat(factor, axis=0).repeat(factor, axis=1)


def draw_curves(folder: Path, evaluator: Evaluator, further: Sequence[str] = ()) -> None:
    """Draw `metrics.csv` and the evaluator's figures of a run as `curves.png`; `further` is `Plan.curves`."""
    rows = read_metrics(folder / "metrics.csv")
    if len(rows) < 2:
        return
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figures = read_metrics(folder / evaluator.file)
    panels = {kind: (rows, [name for name in rows[-1] if kind in name]) for kind in ("loss", "score")}
    panels = {kind: panel for kind, panel in panels.items() if panel[1]}
    panels |= {name: (rows, [name]) for name in further}
    panels[evaluator.title] = (figures, [evaluator.curve])
    figure, axes = pyplot.subplots(1, len(panels), figsize=(5 * len(panels), 4), layout="constrained")
    for axis, (title, (source, names)) in zip(axes, panels.items(), strict=True):
        for name in names:
            points = [(int(r["images"]) / 1000, float(r[name])) for r in source if r.get(name)]
            if points:
                axis.plot(*zip(*points, strict=True), marker="o" if source is figures else None, lw=0.8, label=name)
        if source is figures and evaluator.reference and figures:
            axis.axhline(float(figures[-1][evaluator.reference]), color="grey", ls=":", label=evaluator.reference)
        axis.set(xlabel="thousand pictures shown", title=title)
        for first, second in zip(rows, rows[1:], strict=False):
            if first["phase"] != second["phase"]:
                axis.axvline(int(second["images"]) / 1000, color="grey", lw=0.5, alpha=0.5)
        if axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize=8)
    temporary = folder / ".curves.png"
    figure.savefig(temporary, dpi=100)
    pyplot.close(figure)
    os.replace(temporary, folder / "curves.png")


def _seconds_so_far(path: Path) -> float:
    return float(storage.read_card(path).get("training", {}).get("seconds", 0)) if path.is_file() else 0.0
