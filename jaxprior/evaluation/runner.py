"""Run one cell over many pictures: decode, degrade, invert in groups of one shape, score, save, journal.

    picture --decode, fit--> job --solve--> result --> files, then a journal row

A picture that cannot be read becomes a `failed` row and the run goes on. The same command goes on where it
stopped: what the journal already holds under the same key is not computed again, and the batch that was in flight goes
on from its last minute. Chance is seeded by the picture's content, and the last batch is padded, so a result depends
neither on its place in a batch nor on interruptions.
"""

import collections
import dataclasses
import itertools
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from jaxprior.data import images
from jaxprior.data.inputs import makes_volumes, noun_of
from jaxprior.errors import ImageError, RunError
from jaxprior.evaluation.at_once import RestorerReader, RestorerSolver
from jaxprior.evaluation.cells import Cell, check_size, configuration, spelled_as
from jaxprior.evaluation.drawn import save_draws
from jaxprior.evaluation.finished import Finished
from jaxprior.evaluation.followed import ERROR_EVERY, with_followed
from jaxprior.evaluation.measures import MEASURES, with_measures
from jaxprior.evaluation.perception import SAID, choose_network
from jaxprior.evaluation.reading import Job, JobReader, Reader, read_ahead
from jaxprior.evaluation.restorer_cells import RestorerCell, restorer_configuration
from jaxprior.evaluation.solving import Found, Solver
from jaxprior.evaluation.stored import save_latents, save_pictures
from jaxprior.evaluation.volume_reading import VolumeReader
from jaxprior.protocols import Restores
from jaxprior.restoration import drivers
from jaxprior.restoration.memory import FULL_SPEED, MemoryPlan, is_out_of_memory
from jaxprior.restoration.restored_tasks import check_restores
from jaxprior.runs.inflight import InFlight
from jaxprior.runs.observer import Observer
from jaxprior.runs.row import FAILED, Row
from jaxprior.runs.rows import Rows
from jaxprior.runs.runfolder import RunFolder
from jaxprior.runs.stopping import StopGuard
from jaxprior.system.activity import doing
from jaxprior.system.provenance import device_name, versions
from jaxprior.weights.refiners import OwnAnswer
from jaxprior.weights.restorers import Restorer


DEFAULT_BATCH = 64
"""Pictures solved at once on each accelerator."""

SQUARES = 4
"""Of a picture that keeps its size; so many are expected where a batch is chosen."""

AHEAD = 8
"""Whole photographs that are read ahead at most: of twelve million pixels, each takes 50 MB."""

UNCHANGED = "nothing is missing under the mask: returned unchanged"


def run_cell(
    cell: Cell,
    sources: Sequence[images.ImageSource],
    folder: RunFolder,
    *,
    prior: Any,
    among: Sequence[images.ImageSource] = (),
    batch_size: int | None = None,
    memory: float | None = None,
    perceptual: str | os.PathLike | None = None,
    observer: Observer | None = None,
    command: str = "",
    labels: dict[str, str] | None = None,
) -> Rows:
    """Restore all pictures of a cell into a run folder; what is there already is kept.

    Arguments:
        cell: task, mask, method, seed.
        sources: the pictures, from `jaxprior.data.images.list_images`, no two of one name; the folder's share of them
            is done. For a prior of volumes, these from `jaxprior.data.volumes.list_volumes`.
        folder: where the run lives; made if missing.
        prior: the generator to invert; for a `RestorerCell` the `Restorer`.
        among: all pictures of which `sources` are the first, by default these: an original or a mask that could belong
            to a later picture is ambiguous.
        batch_size: pictures solved at once on accelerators; by default what the run began with, else 64 for each
            device, or the number of pictures if that is smaller. A CPU solves one at a time on each of its devices.
        memory: bytes that a step may need on each device, by default what an accelerator tells that it has. What does
            not fit is solved fewer at once, and if need be more slowly. Used where a run begins.
        perceptual: name or file of the feature network in which results are compared with their originals (the figures
            "perceptual" and "perceptual_hole", see `jaxprior.metrics.perceptual`), or "none". By default what the run
            began with, and in a new run the first that is installed of `jaxprior.evaluation.perception.DEFAULTS`.
            Photographs that keep their size are not compared in a network, unless a restorer restored them and one is
            named.
        observer: is told about progress.
        command: how to go on with this run, for run.json.
        labels: "prior", "data", "task" and "method", what the cell is called in a grid.

    Returns:
        The newest row of every one of the pictures, as far as it is finished, sorted by name.

    Raises:
        RunError: the folder belongs to another configuration, another process writes into it, or the device's memory
            did not suffice for a single picture. MemoryLimitError: it is foreseen that it will not.
        WeightsError: the network of `perceptual` is not there.
        Stopped: SIGINT or SIGTERM arrived; the journal is whole, and the batch in flight is saved.

    Example:
        >>> cell = Cell(  # inverts for minutes # doctest: +SKIP
        ...     task=SuperResolve(4), method=preset("default", SuperResolve(4), prior=prior)
        ... )
        >>> rows = run_cell(  # inverts for minutes # doctest: +SKIP
        ...     cell, list_images("photos"), RunFolder("runs/photos"), prior=prior
        ... )
        >>> write_report([RunFolder("runs/photos")])  # inverts for minutes # doctest: +SKIP
    """
    shape = getattr(prior, "image_shape", ())  # pictures that a restorer takes have no size of their own
    noun = noun_of(shape)
    if not sources:
        raise RunError(f"There is no {noun} to work on: give files, folders or zip archives of {noun}s.")
    names = [source.name for source in sources]
    if len(set(names)) < len(names):
        twice = next(name for name, times in collections.Counter(names).items() if times > 1)
        raise RunError(f"Two of the {noun}s are called {twice}: give every {noun} a name of its own.")
    settings = _settings_of(cell, prior)
    if (folder.path / "run.json").exists():
        record = folder.read()
        settings = spelled_as(settings, record)
        check_size(folder.path, settings, record)
    folder.check_configuration(settings)
    reader = _reader_of(cell, settings, prior, among or sources)
    with folder.open_for_writing(), StopGuard() as guard:
        folder.check_configuration(settings)
        network, named = choose_network(perceptual, cell, folder.path, shape)
        cell = with_followed(with_measures(cell, folder.path, shape), folder.path)
        record = {
            "configuration": settings,
            "title": cell.title if labels is None else " | ".join(labels.values()),
            **({} if labels is None else {"cell": labels}),
            "merges": reader.merges,
            **({} if named is None else {SAID: named}),
            **({} if not cell.measures else {MEASURES: list(cell.measures)}),
            **({} if cell.error_every is None else {ERROR_EVERY: cell.error_every}),
            **({} if cell.origin is None else {"defaults": cell.origin}),
            "versions": versions(),
            "device": device_name(),
            "images": len(sources),
            **({} if cell.reference is None else {"reference_path": os.path.abspath(cell.reference)}),
            **({} if reader.masks.folder is None else {"masks_path": os.path.abspath(reader.masks.folder)}),
            "command": command,
        }
        folder.name_pictures(names)
        mine = folder.share.of(sources)
        began, memory_plan = _began(folder, record["device"])
        if isinstance(cell, RestorerCell):
            solver = RestorerSolver(cell, prior, wanted=batch_size or began, network=network)
        else:
            most = len(mine) * (SQUARES if cell.keeps_size else 1)
            wanted = batch_size or began or min(max(most, 1), DEFAULT_BATCH * jax.local_device_count())
            solver = Solver(cell, prior, wanted=wanted, memory_plan=memory_plan, network=network)
        run = _Run(cell, solver, reader, folder, record, observer or Observer(), guard)
        return run.all(mine, began, memory)


def _settings_of(cell: Cell, prior: Any) -> dict:
    """The resolved settings of a cell.

    Raises:
        RunError: a restorer for a cell of a prior, or the other way round; or a restorer that does something else.
    """
    restorer, at_once = isinstance(prior, Restorer), isinstance(cell, RestorerCell)
    if restorer != at_once:
        raise RunError(f"{cell.title}: a RestorerCell goes with a restorer, from `load_restorer`, others with a prior.")
    if isinstance(cell, RestorerCell):
        check_restores(cell.task, Restores(prior.task, prior.factor), prior.name)
        return restorer_configuration(cell, prior)
    return configuration(cell, prior, numerics_version=drivers.NUMERICS_VERSION)


def _reader_of(cell: Cell, settings: dict, prior: Any, pictures: Sequence[Any]) -> JobReader:
    """What reads the pictures of a cell."""
    if isinstance(cell, RestorerCell):
        return RestorerReader(cell, settings, pictures)
    if makes_volumes(prior.image_shape):
        return VolumeReader(cell, settings, prior.image_shape, pictures)
    return Reader(cell, settings, prior.image_shape, pictures, card=prior.card)


class _Run:
    """One call of `run_cell`, between the lock and the last row."""

    def __init__(
        self, cell: Cell, solver: Solver | RestorerSolver, reader: JobReader, folder: RunFolder, record: dict,
        observer: Observer, guard: StopGuard,
    ):  # fmt: skip
        self.cell, self.solver, self.reader, self.folder = cell, solver, reader, folder
        self.record, self.observer, self.guard = record, observer, guard
        self.noun = "volume" if "volume" in record["configuration"] else "picture"
        self.finished = Finished(folder)
        self.same: dict[str, list[dict[str, Any]]] = {}  # by key: names of pictures equal to one to be solved

    def all(self, sources: Sequence[images.ImageSource], began: int | None, memory: float | None) -> Rows:
        """Do all pictures that the journal does not have; return the rows of the run.

        Arguments:
            sources: the pictures of this process.
            began: pictures at once that the run began with, or None where it begins now.
            memory: see `run_cell`.
        """
        if began is None:
            wanted = self.solver.batch
            self.solver.fit(memory)
            self._tell_what_fits(wanted)
        self._note()
        if began not in (None, self.solver.batch):
            self.observer.note(
                f"the run began with a batch of {began} and goes on with {self.solver.batch}; rows of another batch "
                "agree with them within 0.1 dB, not to the bit."
            )
        if self.cell.origin is not None:
            self.observer.note(f"{self.cell.origin}.")
        if self.reader.masks.statement is not None:
            self.observer.note(self.reader.masks.statement)
        for found in (self.reader.originals, self.reader.masks.files):
            if found is not None and found.by_name:
                self.observer.note(found.said_of_names())
        self.observer.begin(len(sources))
        jobs = self._pending(sources)
        while waiting := self._next(jobs):
            while waiting:
                done = self._solve(waiting[: self.solver.at_once])
                waiting = waiting[done:]
        rows = self.folder.rows()
        self._tell_of_names(rows)
        return rows

    def _tell_of_names(self, rows: Rows) -> None:
        """Say which pictures of earlier commands are no longer in tables and report, which have these rows."""
        if len(rows) < self.record["images"]:
            return  # other processes are still at work
        before = self.folder.unnamed_rows()
        before = before.take(~np.isin(before.ids, rows.ids))
        left = {row.key: row.image for row in before if row.key is not None}
        if left:
            first, *others = left.values()
            nouns = f"{self.noun}s of earlier commands are" if others else f"{self.noun} of an earlier command is"
            which = f"{len(left)} {nouns}"
            self.observer.note(
                f"{which} not named any more ({first}{', ...' if others else ''}); tables and reports leave out what "
                "is not named now, and its files are kept."
            )

    def _next(self, jobs: Iterator[Job]) -> list[Job]:
        """Wait for the next jobs to be solved together; none at the end."""
        with doing(f"reading {self.noun}s"):
            return list(itertools.islice(jobs, self.solver.at_once))

    def _note(self) -> None:
        """Take note of the batch in run.json before anything is computed with it."""
        memory_plan = dataclasses.asdict(self.solver.memory_plan)
        self.folder.write({**self.record, "batch": self.solver.batch, "economy": memory_plan})

    def _pending(self, sources: Iterable[images.ImageSource]) -> Iterator[Job]:
        """Read picture after picture; yield those to be computed, journal those that need no computing."""
        ahead = min(2 * self.solver.at_once, AHEAD) if self.cell.keeps_size else 2 * self.solver.at_once
        for source, job in read_ahead(self.reader, sources, ahead):
            self.guard.check()
            if isinstance(job, Job):
                self.reader.tell_of_size(job, self.observer)
            if isinstance(job, ImageError):
                row = Row(image=source.name, status=FAILED, reason=_sentence(job, source.name))
            elif job.key in self.same:
                self.same[job.key].append({"image": job.image, "file": job.file, "notes": job.notes})
                continue
            elif (row := self.finished.row_of(job)) is None and job.complete:
                job = dataclasses.replace(job, file=self.finished.file_of(job))
                save_pictures(self.folder, job, merged=job.photo, raw=(), observed=job.photo)
                row = self._row(job, None)
            if row is None:
                assert isinstance(job, Job)  # what cannot be read has a row
                self.same[job.key] = []
                yield job
                continue
            if not self.finished.is_newest(row):
                self.folder.journal.append([dataclasses.replace(row, written=time.time())])
                self.finished.add(row)
                self.finished.journalled()
            self.observer.rows([row], computed=False)

    def _solve(self, jobs: list[Job]) -> int:
        """Invert some jobs together, write every file, then the rows.

        Returns:
            How many jobs were done: none if the memory did not suffice; the next batch is smaller then.
        """
        began = time.perf_counter()
        save_point = self._save_point(jobs)

        def progress(steps: int, total: int, loss: float | None) -> None:
            self.guard.check()
            self.observer.step(len(jobs), steps, total, loss)

        try:
            found = self.solver.solve(jobs, save_point=save_point, progress=progress)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            found = None  # and nothing else of it: the error's frames hold the device's memory
        if found is None:
            self._shrink()
            return 0
        seconds = (time.perf_counter() - began) / len(jobs)
        rows = [row for job, one in zip(jobs, found, strict=True) for row in self._save(job, one, seconds)]
        self.folder.journal.append(rows)
        self.finished.journalled()
        save_point.clear()
        self.observer.rows(rows, computed=True)
        self.guard.check()
        return len(jobs)

    def _save(self, solved: Job, found: Found, seconds: float) -> list[Row]:
        """Write the files of a picture, and of those that are equal to it; the rows of all of them."""
        rows: dict[str, Row] = {}
        for names in ({}, *self.same.pop(solved.key)):
            job = dataclasses.replace(solved, **names)
            job = dataclasses.replace(job, file=self.finished.file_of(job))
            if job.file not in {row.file for row in rows.values()}:
                raw = [part.raw for part in found.parts]
                save_pictures(self.folder, job, merged=found.merged, raw=raw, observed=found.observed)
                if found.draws is not None and found.spread is not None:
                    beside = {"input": found.observed, "least error": found.merged}
                    after = {} if job.truth is None else {"original": job.truth}
                    save_draws(self.folder, job.file, found.draws, found.spread, beside=beside, after=after)
                for number, part in enumerate(found.parts, 1):
                    save_latents(
                        self.folder, job, part.latents, part.trace, number=number, errors=part.errors,
                        every=self.cell.error_every,
                    )  # fmt: skip
            rows[job.image] = self._row(job, found, seconds=seconds)
            self.finished.add(rows[job.image])
        return list(rows.values())

    def _save_point(self, jobs: Sequence[Job]) -> InFlight:
        owner = {
            "keys": [job.key for job in jobs],
            "batch": self.solver.batch,
            "economy": dataclasses.asdict(self.solver.memory_plan),
            "device": self.record["device"],
            "versions": self.record["versions"],
        }
        return InFlight(self.folder.in_flight, owner, leaving=lambda: self.guard.requested)

    def _shrink(self) -> None:
        before = self.solver.batch
        if not self.solver.shrink():
            raise RunError(
                f"The device's memory does not suffice for {before} {self.noun}s at once, and fewer are not possible: "
                "use a smaller prior or another device."
            )
        self._tell_what_fits(before)
        self._note()

    def _tell_what_fits(self, wanted: int) -> None:
        """If the memory does not suffice for what was wanted, say what is done instead."""
        solver, how = self.solver, ""
        if solver.memory_plan.at_once is not None:
            how = f", {solver.memory_plan.at_once} of {self.cell.method.codes.num_codes} codes at a time"
        elif solver.memory_plan.recompute:
            how = ", computing parts of a step twice"
        if how or solver.batch < wanted:
            how = f"going on with {solver.batch}{how}"
            self.observer.note(f"the device's memory does not suffice for {wanted} {self.noun}s at once: {how}.")

    def _row(self, job: Job, found: Found | None, *, seconds: float | None = None) -> Row:
        """A row of what was found, or of a picture of which nothing was missing."""
        made: dict[str, Any] = {"image": job.image, "id": job.id, "file": job.file, "key": job.key}
        made |= {"written": time.time(), "notes": job.notes}
        if found is None:
            return Row(**made, reason=UNCHANGED)
        return Row(
            **made,
            figures=found.figures,
            fit=found.fit,
            status=found.status,
            reason=found.reason,
            loss=found.loss if found.parts and not isinstance(self.cell.method.refine, OwnAnswer) else None,
            steps=max(len(found.trace) - 1, 0),
            seconds=seconds,
            device=self.record["device"],
            batch=self.solver.batch,
        )


def _began(folder: RunFolder, device: str) -> tuple[int | None, MemoryPlan]:
    """What a run began with on this kind of device, so that going on gives the same bits."""
    if not (folder.path / "run.json").exists():
        return None, FULL_SPEED
    before = folder.read()
    if before["device"] != device:
        return None, FULL_SPEED
    return before["batch"], MemoryPlan(**before.get("economy", {}))


def _sentence(error: Exception, name: str) -> str:
    """The message on one line, without the picture's name, which the row has already."""
    return " ".join(str(error).split()).removeprefix(f"{name}: ")
