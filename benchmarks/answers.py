"""Damaged pictures, what a method makes of them, and the figures of that, kept picture by picture.

`hybrid.py`, `quality.py` and `sheet.py` say which methods; here they are called, a few pictures at a time, so that a
long comparison can be ended at any time and gone on with by the same command (see `picture_rows.py`).
"""

import argparse
import functools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from picture_rows import PictureRows, key_of
from restoring import NOISE_KEY, make_task, observations

import jaxprior as jp
from jaxprior.data import images
from jaxprior.errors import ImageError, SettingsError
from jaxprior.evaluation.cells import Cell, configuration
from jaxprior.evaluation.perception import DEFAULTS
from jaxprior.evaluation.scores import score
from jaxprior.operators import batched
from jaxprior.restoration.drivers import NUMERICS_VERSION, Inverter
from jaxprior.weights import registry


GROUP = 8
"""Pictures between two looks at the clock; a CPU solves them one by one anyway."""


class Damaged(NamedTuple):
    """Some pictures and what a task shows of them.

    Fields:
        task: the forward operator, with the masks of these pictures.
        photos: the originals [b, h, w, 3] in [-1, 1].
        ids: of the pictures [b]; they seed all chance.
        observed: what the method gets to see [b, ...].
        masks: [b, h, w], 1 = missing, or None.
    """

    task: jp.Operator
    photos: np.ndarray
    ids: np.ndarray
    observed: jax.Array
    masks: np.ndarray | None


class Answer(NamedTuple):
    """What a method makes of damaged pictures.

    Fields:
        raw: its own output [b, h, w, 3].
        merged: with what is known put back.
        seconds: of wall time, a picture [b].
    """

    raw: np.ndarray
    merged: np.ndarray
    seconds: np.ndarray


class Method(NamedTuple):
    """A method under its name in tables.

    Fields:
        name: for example "biharmonic".
        answer: from damaged pictures to an answer.
        settings: plain values that decide what it answers.
    """

    name: str
    answer: Callable[[Damaged], Answer]
    settings: Any


class Pictures:
    """Pictures of a folder or an archive, in the order of their names.

    Arguments:
        data: the folder or archive.
        size: side in pixels to which they are fitted.
    """

    def __init__(self, data: Path, size: int):
        self.data, self.size = data, size
        self._sources = images.list_images([data])

    def damaged(self, spec: str, indices: Sequence[int]) -> Damaged:
        """What the task of that word shows of some of the pictures.

        Raises:
            ImageError: there are not so many pictures.
        """
        if indices and max(indices) >= len(self._sources):
            raise ImageError(f"{self.data}: it has {len(self._sources)} pictures, and number {max(indices)} is wanted.")
        pixels = [images.fit(images.load_image(self._sources[index]), self.size) for index in indices]
        photos, ids = images.to_float(np.stack(pixels)), np.array([images.pixels_id(p) for p in pixels], np.uint32)
        task, masks = make_task(spec, self.size, ids)
        return Damaged(task, photos, ids, observations(task, photos, ids), masks)


def inverted(name: str, prior: jp.Prior, method: jp.Method, spec: str, *, averaged: Callable | None = None) -> Method:
    """A method that inverts a prior.

    Arguments:
        name: in tables.
        prior: the generator.
        method: codes, objective, solve, ...
        spec: the task in a word.
        averaged: None, or another method's function (observed, task) -> pictures, whose mean with the merged pictures
            takes their place.
    """
    ready = functools.cache(lambda: Inverter(prior, method))  # not before it is needed: rows may be complete

    def answer(damaged: Damaged) -> Answer:
        key, b = jax.random.key(NOISE_KEY), len(damaged.photos)
        result = ready().invert(damaged.observed, damaged.task, key=key, ids=damaged.ids, batch_size=b)
        raw, merged = np.asarray(result.images), np.asarray(result.merged)
        if averaged is not None:
            merged = (np.clip(merged, -1, 1) + averaged(np.asarray(damaged.observed), damaged.task)) / 2
        return Answer(raw, merged, np.asarray(result.seconds))

    task = make_task(spec, prior.resolution, np.zeros(1, np.uint32))[0]
    mask = jp.parse_mask(spec) if task.name == "inpaint" else None
    cell = Cell(task=task, method=method, mask=mask)
    settings = configuration(cell, prior, numerics_version=NUMERICS_VERSION)
    merge = prior.card.get("merge") if mask is not None and method.merge == "harmonic" else None
    return Method(name, answer, [settings, merge, averaged is not None])


def direct(name: str, function: Callable[[np.ndarray, Any], np.ndarray], settings: Any = None) -> Method:
    """A method that answers by a function (observed, task) -> pictures [b, h, w, 3], whose holes it fills."""

    def answer(damaged: Damaged) -> Answer:
        began = time.perf_counter()
        raw = np.asarray(function(np.asarray(damaged.observed), damaged.task))
        seconds = np.full(len(raw), (time.perf_counter() - began) / len(raw))
        merged = raw if damaged.masks is None else np.where(damaged.masks[..., None] > 0, raw, damaged.photos)
        return Answer(raw, merged, seconds)

    return Method(name, answer, [name, settings])


def feature_network(name: str | None, size: int) -> Any:
    """The network of the perceptual distance: the one of that name, or the first installed one that can, or None.

    Arguments:
        name: of an installed network, "none", or None.
        size: side of the pictures in pixels, which some networks ask to be larger.

    Raises:
        SettingsError: pictures of this size cannot be compared in the network that was named.
    """
    if name == "none":
        return None
    names = [one for one in DEFAULTS if one in registry.installed()] if name is None else [name]
    for network in map(jp.load_features, names):
        if (why := network.refuses((size, size, 3))) is None:
            return network
        if name is not None:
            raise SettingsError(f"--perceptual {name}: it cannot compare pictures of {size} pixels ({why}).")
    return None


def figures(answer: Answer, damaged: Damaged, network: Any) -> dict[str, np.ndarray]:
    """All figures of a journal row, and PSNR and SSIM in the hole of the merged picture, which is what a user sees."""
    task, photos, masks = batched(damaged.task, len(damaged.photos)), damaged.photos, damaged.masks
    rows = score(task, answer.raw, answer.merged, np.asarray(damaged.observed), photos, masks, network=network)
    found = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    if masks is not None:
        found["psnr_hole_merged"] = np.asarray(jp.metrics.psnr(answer.merged, photos, mask=masks))
        found["ssim_hole_merged"] = np.asarray(jp.metrics.ssim(answer.merged, photos, mask=masks))
    return {**found, "seconds": answer.seconds}


def groups(indices: Sequence[int]) -> Iterator[Sequence[int]]:
    """A few pictures at a time, at first a single one: it waits for the compiler, which no median is to see."""
    if indices:
        yield indices[:1]
    for first in range(1, len(indices), GROUP):
        yield indices[first : first + GROUP]


class Answers:
    """The figures of pictures that methods answer, computed once and kept.

    Arguments:
        options: those of `add_options`.
        size: side of the pictures in pixels.

    Fields:
        pictures: of the options' folder or archive.
        network: of the perceptual distance, or None.
    """

    def __init__(self, options: argparse.Namespace, size: int):
        self.pictures, self.network = Pictures(options.data, size), feature_network(options.perceptual, size)
        self._rows = PictureRows(options.out.with_suffix(".rows.jsonl"))
        self._end = float("inf") if options.minutes is None else time.monotonic() + 60 * options.minutes

    @property
    def compared_in(self) -> str | None:
        """What the perceptual distance is measured in, for records."""
        return None if self.network is None else self.network.label

    def figures(
        self, spec: str, method: Method, indices: Iterable[int], *, compute: bool = True
    ) -> dict[str, np.ndarray] | None:
        """Let a method answer all pictures that it has not answered yet.

        Arguments:
            spec: the task in a word.
            method: who answers.
            indices: of the pictures.
            compute: False: only look at what is kept.

        Returns:
            the figures of all pictures {name: values [b]}, or None if the time did not suffice.
        """
        network = None if self.network is None else self.network.card["sha256"]
        key, indices = key_of(self.pictures.data.name, method.settings, network), list(indices)
        lacking, began = self._rows.lacking(spec, key, indices), time.monotonic()
        for some in groups(lacking) if compute else ():
            if time.monotonic() > self._end:
                return None
            damaged, before = self.pictures.damaged(spec, some), time.process_time()
            answer = method.answer(damaged)
            processor = np.full(len(some), (time.process_time() - before) / len(some))
            found = {**figures(answer, damaged, self.network), "processor_seconds": processor}
            self._rows.add(spec, method.name, key, some, found)
        if lacking and compute:
            took = (time.monotonic() - began) / len(lacking)
            print(f"{spec}, {method.name}: {len(lacking)} pictures, {took:.2f} s a picture", flush=True)
        return self._rows.figures(spec, key, indices)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that comparisons have in common."""
    parser.add_argument("--data", type=Path, required=True, help="held-out pictures: folder or zip")
    parser.add_argument("--prior", help="name, file or run (default: the best bundled)")
    parser.add_argument("--perceptual", metavar="NAME|none", help="feature network (default: the first installed)")
    parser.add_argument("--minutes", type=float, help="after which no further pictures are begun")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write; the rows lie beside it")
