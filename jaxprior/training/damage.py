"""How pictures are damaged that a network learns to see through, and batches of them.

Every picture of a batch draws a task and, where that has random masks, a mask. Both follow from the seed and the
batch's number alone, so that a resumed training sees what it would have seen. The tasks are applied by the compiled
step.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.operators import Operator, batched, image_axes, make_task, task_table
from jaxprior.training.drawn_masks import DrawnMasks
from jaxprior.training.own_samples import Samples
from jaxprior.training.photo_crops import Crops
from jaxprior.training.pictures import Pictures, draw, to_images
from jaxprior.training.tasks import check_task


Array = jax.Array

STREAM = 0x64616D61
"""Keeps the chance of the damage apart from that of the pictures' order."""


@dataclass(frozen=True)
class Damage:
    """One task with its masks.

    Fields:
        words: as the settings say it.
        operator: the forward operator.
        masks: where every picture gets one of them in place of the operator's own; else None.
    """

    words: str
    operator: Operator
    masks: DrawnMasks | None

    def with_masks(self, masks: Any) -> Operator:
        """The operator of a batch, every array with a leading axis b.

        Arguments:
            masks: [b, h, w], 1 = missing; only looked at where the task has masks.
        """
        return batched(self.operator, len(masks)) if self.masks is None else replace(self.operator, mask=masks)


def make_damages(tasks: Sequence[str], shape: tuple[int, int, int], *, seed: int) -> list[Damage]:
    """The tasks of a training, with their masks.

    Arguments:
        tasks: see `jaxprior.operators.task_table`.
        shape: of the pictures, (h, w, c).
        seed: of random masks.

    Raises:
        SettingsError: a task that is none.
        MaskError: masks that cannot be drawn for such pictures.
    """
    found = []
    for number, words in enumerate(tasks):
        check_task(words, shape)
        operator, spec = make_task(task_table(words), shape)
        found.append(Damage(words, operator, None if spec is None else DrawnMasks(spec, shape[:2], seed=seed + number)))
    return found


def files_said(tasks: Sequence[str]) -> dict[str, dict[str, str]]:
    """What the settings of a run say of the files that tasks name, such as masks: the sha256 of each file.

    Arguments:
        tasks: see `jaxprior.operators.task_table`.

    Returns:
        {"task_files": {words of the task: sha256}}; nothing where no task names a file.
    """
    found = {}
    for words in tasks:
        named = [Path(value) for value in task_table(words).values() if isinstance(value, str)]
        for path in filter(Path.is_file, named):
            found[words] = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"task_files": found} if found else {}


def damaged(
    damages: Sequence[Damage], originals: Array, chosen: Array, masks: Array, key: Array
) -> tuple[Array, Array]:
    """What the tasks leave of pictures; works inside compiled functions.

    Arguments:
        damages: all tasks.
        originals: [b, h, w, c] in [-1, 1].
        chosen: number of each picture's task, [b].
        masks: [b, h, w], 1 = missing.
        key: of the noise, if a task adds any.

    Returns:
        (seen [b, h, w, c], known [b, h, w, 1]), see `Operator.seen`.
    """
    shape = originals.shape[1:]
    return _of_tasks(lambda one, compared: one.seen(compared, shape), damages, originals, chosen, masks, key)


def pictured(damages: Sequence[Damage], originals: Array, chosen: Array, masks: Array, key: Array) -> Array:
    """What the tasks leave of pictures, as pictures alone: [b, h, w, c], see `Operator.pictured`.

    Arguments:
        damages, originals, chosen, masks, key: see `damaged`.
    """
    shape = originals.shape[1:]
    return _of_tasks(lambda one, compared: one.pictured(compared, shape), damages, originals, chosen, masks, key)


def _of_tasks(
    look: Callable, damages: Sequence[Damage], originals: Array, chosen: Array, masks: Array, key: Array
) -> Any:
    """What `look` makes of every picture's operator and of what images are compared with there."""
    keys, found = jax.random.split(key, len(originals)), None
    for number, damage in enumerate(damages):
        operator = damage.with_masks(masks)
        observed = operator.observe(originals, key=keys)
        own = jax.vmap(lambda one, y: look(one, one.compared(y)), (image_axes(operator), 0))(operator, observed)
        mine = (chosen == number)[:, None, None, None]
        found = own if found is None else jax.tree.map(partial(jnp.where, mine), own, found)
    return found


def of_held_out(look: Callable, damages: Sequence[Damage], number: int, held: Any, *, seed: int) -> Any:
    """What one task leaves of held-out pictures, in memory; the same at every measurement.

    Arguments:
        look: `damaged` or `pictured`.
        damages: all tasks; number: of the one.
        held: uint8 [n, h, w, c].
        seed: of the training.
    """
    masks, drawn = np.zeros(held.shape[:3], np.float32), damages[number].masks
    if drawn is not None:
        masks = np.stack([drawn[row % len(drawn)] for row in range(len(held))])
    chosen, key = np.full(len(held), number, np.int32), jax.random.key(seed + 1)
    originals = np.asarray(to_images(held, None), np.float32)
    return jax.tree.map(np.asarray, jax.jit(partial(look, damages))(originals, chosen, masks.astype(np.float32), key))


@dataclass(frozen=True)
class Batches:
    """Where batches come from.

    Fields:
        pictures: real ones, or None where there are only samples.
        samples: of the prior, or None where there are only real pictures.
        damages: the tasks; none where pictures are whole.
        own: samples in a batch.
        crop: side of random squares of the real pictures that are in a batch in place of the whole ones; None: whole.
        choose: of so many such squares the one with the most detail is taken.
    """

    pictures: Pictures | None
    samples: Samples | None
    damages: Sequence[Damage]
    own: int
    crop: int | None = None
    choose: int = 1

    def batches(self, start: int, size: int, seed: int) -> Callable[[int], dict[str, np.ndarray]]:
        """index -> a batch: "pictures" uint8 [size, h, w, c], real ones first; with samples "z" [size, d], 0 for real
        ones; with tasks "task" int32 [size] and "mask" uint8 [size, h, w], 1 = missing.

        Arguments:
            start: pictures drawn before; size: pictures in a batch; seed: of everything random.
        """
        real = size - self.own

        def batch(index: int) -> dict[str, np.ndarray]:
            number = start // size + index
            found, pixels = self._own(number, size, seed), []
            if real and self.pictures is not None:
                if self.crop is None:
                    pixels = [draw(self.pictures.pixels, number * real, real, seed=seed)]
                else:
                    pixels = [Crops(self.pictures.pixels, self.crop, self.choose).batches(0, real, seed)(number)]
            found["pictures"] = np.concatenate([*pixels, *([found["pictures"]] if found else [])])
            if not self.damages:
                return found
            chance = np.random.default_rng([STREAM, seed, number])
            chosen = chance.integers(len(self.damages), size=size).astype(np.int32)
            return {**found, "task": chosen, "mask": self._masks(chosen, chance, found["pictures"])}

        return batch

    def _own(self, number: int, size: int, seed: int) -> dict[str, np.ndarray]:
        """The samples of batch `number` and the codes of all its pictures; nothing without samples."""
        if self.samples is None or not self.own:
            return {}
        assert self.samples.z is not None  # samples have codes
        numbers = draw(np.arange(len(self.samples)), number * self.own, self.own, seed=seed + 1)
        z = self.samples.z
        codes = np.concatenate([np.zeros((size - self.own, z.shape[1]), z.dtype), z[numbers]])
        return {"pictures": self.samples.pixels[numbers], "z": codes}

    def _masks(self, chosen: np.ndarray, chance: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
        masks = np.zeros(pixels.shape[:3], np.uint8)
        for row, number in enumerate(chosen):
            drawn = self.damages[number].masks
            if drawn is not None:
                masks[row] = drawn[int(chance.integers(len(drawn)))]
        return masks
