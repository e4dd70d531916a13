"""Run one cell over many pictures: decode, degrade, invert in batches of one shape, score, save, journal.

    picture --decode, fit--> photo --operator--> observation --invert--> raw, merged --score--> files, then a
    journal row

A picture that cannot be read becomes a `failed` row and the run goes on. The same command goes on where it
stopped: what the journal already holds under the same key is not computed again. Chance is seeded by the
picture's content, and the last batch is padded, so a result depends neither on its place in a batch nor on
interruptions.
"""

import dataclasses
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from jaxprior import images, operators, restoration
from jaxprior.errors import ImageError, RunError
from jaxprior.evaluation.cells import Cell, configuration
from jaxprior.evaluation.journal import DIVERGED, FAILED, OK, Row
from jaxprior.evaluation.reading import Job, Reader
from jaxprior.evaluation.runfolder import RunFolder
from jaxprior.evaluation.scores import score
from jaxprior.evaluation.shares import Share
from jaxprior.evaluation.stopping import StopGuard
from jaxprior.files import device_name, versions, write_atomically


DEFAULT_BATCH = {"cpu": 16, "gpu": 64}
PICTURE_CHANNELS = (1, 3)
NO_SHARE = Share()


class Observer:
    """What a run tells while it works; the default says nothing."""

    def begin(self, total: int) -> None:
        """Called once with the number of pictures."""

    def step(self, pictures: int, steps_done: int, steps_total: int, mean_loss: float) -> None:
        """Called between chunks of steps of the current batch of so many pictures."""

    def rows(self, rows: Sequence[Row], *, computed: bool) -> None:
        """Called with rows now in the journal; `computed` is false for those that took no solving."""


def run_cell(
    cell: Cell,
    sources: Sequence[images.ImageSource],
    folder: RunFolder,
    *,
    prior: Any,
    batch_size: int | None = None,
    observer: Observer | None = None,
    command: str = "",
    share: Share = NO_SHARE,
    labels: dict[str, str] | None = None,
) -> list[Row]:
    """Restore all pictures of a cell into a run folder; what is there already is kept.

    Arguments:
        cell: task, mask, method, seed.
        sources: the pictures, from `jaxprior.images.list_images`.
        folder: where the run lives; made if missing.
        prior: the generator to invert.
        batch_size: pictures in one compiled shape; by default what the run began with, else 16 on CPU and 64
            on GPU, or the number of pictures if that is smaller.
        observer: is told about progress.
        command: how to go on with this run, for run.json.

    Returns:
        The newest row of every picture in the folder, sorted by name.

    Raises:
        RunError: the folder belongs to another configuration or another process writes into it.
        Stopped: SIGINT or SIGTERM arrived; the journal is whole.

    Example:
        >>> cell = Cell(task=SuperResolve(4), method=preset("default", SuperResolve(4), prior=prior))
        >>> rows = run_cell(cell, list_images("photos"), RunFolder("runs/photos"), prior=prior)
        >>> write_report([RunFolder("runs/photos")])
    """
    if not sources:
        raise RunError("There is no picture to work on: give files, folders or zip archives of pictures.")
    observer = observer or Observer()
    sources = share.of(sources)
    settings = configuration(cell, prior, numerics_version=restoration.NUMERICS_VERSION)
    folder.check_configuration(settings)
    reader = Reader(cell, settings, prior.resolution)
    with folder.open_for_writing(), StopGuard() as guard:
        folder.check_configuration(settings)
        batch_size = batch_size or _default_batch(folder, len(sources))
        record = {
            "configuration": settings,
            "title": cell.title if labels is None else " | ".join(labels.values()),
            **({} if labels is None else {"cell": labels}),
            "merges": reader.merges,
            "versions": versions(),
            "device": device_name(),
            "batch": batch_size,
            "images": len(sources),
            "command": command,
        }
        folder.write(record)
        observer.begin(len(sources))
        queue: list[Job] = []
        for job in _pending(reader, sources, folder, observer, guard):
            queue.append(job)
            if len(queue) == batch_size:
                _solve_and_save(cell, prior, queue, folder, batch_size, observer, guard)
                queue = []
        if queue:
            _solve_and_save(cell, prior, queue, folder, batch_size, observer, guard)
    return list(folder.journal.latest().values())


def _pending(
    reader: Reader,
    sources: Iterable[images.ImageSource],
    folder: RunFolder,
    observer: Observer,
    guard: StopGuard,
) -> Iterator[Job]:
    """Decode picture after picture; yield those still to be computed, journal those that cannot be."""
    journal = folder.journal
    finished = {(row.image, row.key): row for row in journal if row.status != FAILED}
    latest = journal.latest()
    for source in sources:
        try:
            with guard.allowed():
                job = reader.read(source)
        except ImageError as error:
            row = Row(image=source.name, status=FAILED, reason=_sentence(error, source.name))
            job = None
        else:
            row = finished.get((job.image, job.key))
        if row is None:
            yield job
            continue
        if latest.get(row.image) != row:
            journal.append([row])
        observer.rows([row], computed=False)


def _solve_and_save(
    cell: Cell,
    prior: Any,
    jobs: list[Job],
    folder: RunFolder,
    batch_size: int,
    observer: Observer,
    guard: StopGuard,
) -> None:
    """One batch: invert, score, write every file, then the rows."""
    begun = time.perf_counter()
    padded = jobs + jobs[:1] * (batch_size - len(jobs))
    stack = {
        name: None if getattr(jobs[0], name) is None else np.stack([getattr(job, name) for job in padded])
        for name in ("photo", "truth", "mask")
    }
    with guard.allowed():
        task = cell.task if cell.mask is None else dataclasses.replace(cell.task, mask=stack["mask"])
        key, ids = jax.random.key(cell.seed), np.array([job.id for job in padded], np.uint32)
        if cell.clean:
            observed = restoration.observe(task, stack["photo"], key=key, ids=ids)
        else:
            observed = jax.vmap(type(task).shown)(operators.batched(task, batch_size), stack["photo"])
        result = restoration.invert(
            prior,
            observed,
            task,
            codes=cell.method.codes,
            objective=cell.method.objective,
            solve=cell.method.solve,
            key=key,
            ids=ids,
            batch_size=batch_size,
            progress=lambda _images, _of, steps, total, loss: observer.step(len(jobs), steps, total, loss),
        )
        raw, merged, observed, latents = jax.device_get((result.images, result.merged, observed, result.latents))
        figures = score(task, raw, merged, observed, stack["truth"], stack["mask"])
    seconds = (time.perf_counter() - begun) / len(jobs)
    rows = []
    for i, job in enumerate(jobs):
        diverged = bool(result.diverged[i])
        row = Row(
            image=job.image,
            id=job.id,
            status=DIVERGED if diverged else OK,
            reason="the loss became infinite or not a number; the best finite iterate was kept" if diverged else None,
            **figures[i],
            loss=float(result.loss[i]),
            steps=int(result.trace.shape[1]) - 1,
            seconds=seconds,
            device=device_name(),
            batch=batch_size,
            file=job.file,
            key=job.key,
        )
        _save(folder, job, raw[i], merged[i], observed[i], jax.tree.map(lambda leaf, i=i: leaf[i], latents), row)
        rows.append(row)
    folder.journal.append(rows)
    observer.rows(rows, computed=True)


def _save(
    folder: RunFolder,
    job: Job,
    raw: np.ndarray,
    merged: np.ndarray,
    observed: np.ndarray,
    latents: Any,
    row: Row,
) -> None:
    pictures = {"raw": raw, "images": merged}
    if observed.ndim == 3 and observed.shape[-1] in PICTURE_CHANNELS:
        pictures["inputs"] = np.broadcast_to(observed, (*observed.shape[:2], 3))
    if job.truth is not None:
        pictures["originals"] = job.truth
    if job.mask is not None:
        pictures["masks"] = np.repeat(job.mask[..., None] * 2 - 1, 3, axis=-1)
    for kind, picture in pictures.items():
        images.save_png(folder.file(kind, job.file), images.to_uint8(picture))
    write_atomically(folder.file("latents", job.file), _latents_bytes(latents, row))


def _latents_bytes(latents: Any, row: Row) -> bytes:
    from safetensors.numpy import save

    leaves = jax.tree_util.tree_flatten_with_path(latents)[0]
    tensors = {
        jax.tree_util.keystr(path, simple=True, separator="/"): np.asarray(leaf, order="C") for path, leaf in leaves
    }
    return save(tensors, metadata={"jaxprior": json.dumps({"image": row.image, "id": row.id, "key": row.key})})


def _default_batch(folder: RunFolder, count: int) -> int:
    """The shape a run began with, so that going on gives the same bits; else one for the device."""
    if (folder.path / "run.json").exists():
        return folder.read()["batch"]
    return min(count, DEFAULT_BATCH.get(jax.default_backend(), 16))


def _sentence(error: Exception, name: str) -> str:
    """The message on one line, without the picture's name, which the row has already."""
    return " ".join(str(error).split()).removeprefix(f"{name}: ")
