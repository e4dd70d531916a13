"""How pictures are damaged that a network learns to see through, and batches of them.

Every picture of a batch draws a task and, where that has random masks, a mask. Both follow from the seed and the
batch's number alone, so that a resumed training sees what it would have seen. Masks are drawn once and packed into
bits; the tasks themselves are applied by the compiled step.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.data.masks import MaskSpec
from jaxprior.operators import Operator, batched, make_task, task_table
from jaxprior.training.own_samples import Samples
from jaxprior.training.pictures import Pictures, draw
from jaxprior.training.tasks import check_task


Array = jax.Array

MASKS, MASK_BITS = 4096, 1 << 28
"""Masks of a random kind that are drawn once: so many, or as many as have so many bits together."""
STREAM = 0x64616D61
"""Keeps the chance of the damage apart from that of the pictures' order."""


@dataclass(frozen=True)
class Damage:
    """One task with its masks.

    Fields:
        words: as the settings say it.
        operator: the forward operator.
        masks: bits of masks [k, ceil(h w / 8)] where every picture gets one in place of the operator's own; else None.
    """

    words: str
    operator: Operator
    masks: np.ndarray | None

    def with_masks(self, masks: Any) -> Operator:
        """The operator of a batch, every array with a leading axis b.

        Arguments:
            masks: [b, h, w], 1 = missing; only looked at where the task has masks.
        """
        return batched(self.operator, len(masks)) if self.masks is None else replace(self.operator, mask=masks)


def make_damages(tasks: Sequence[str], shape: tuple[int, int, int], *, seed: int) -> list[Damage]:
    """The tasks of a training, with masks drawn.

    Arguments:
        tasks: see `jaxprior.operators.task_table`.
        shape: of the pictures, (h, w, c).
        seed: of random masks.

    Raises:
        SettingsError: a task that is none.
    """
    found = []
    for number, words in enumerate(tasks):
        check_task(words, shape)
        operator, spec = make_task(task_table(words), shape)
        found.append(Damage(words, operator, None if spec is None else _drawn(spec, shape[:2], seed + number)))
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


def _drawn(spec: MaskSpec, size: tuple[int, int], seed: int) -> np.ndarray:
    """Masks, packed into bits: one if all are alike."""
    h, w = size
    count = min(MASKS, max(MASK_BITS // (h * w), 1)) if spec.per_image else 1
    keys = jax.random.split(jax.random.key(seed), count)
    return np.stack([np.packbits(spec.draw(h, key).astype(bool)) for key in keys])


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
    keys = jax.random.split(key, len(originals))
    shape, seen, known = originals.shape[1:], jnp.zeros_like(originals), jnp.zeros((*originals.shape[:3], 1))
    for number, damage in enumerate(damages):
        operator = damage.with_masks(masks)
        observed = operator.observe(originals, key=keys)
        own_seen, own_known = jax.vmap(lambda one, y: one.seen(one.compared(y), shape))(operator, observed)
        own = (chosen == number)[:, None, None, None]
        seen, known = jnp.where(own, own_seen, seen), jnp.where(own, own_known, known)
    return seen, known


@dataclass(frozen=True)
class Batches:
    """Where batches come from.

    Fields:
        pictures: real ones, or None where there are only samples.
        samples: of the prior.
        damages: the tasks.
        own: samples in a batch.
    """

    pictures: Pictures | None
    samples: Samples
    damages: Sequence[Damage]
    own: int

    def batches(self, start: int, size: int, seed: int) -> Callable[[int], dict[str, np.ndarray]]:
        """index -> a batch: "pictures" uint8 [size, h, w, c], real ones first; "z" [size, d], 0 for real ones; "task"
        int32 [size]; "mask" uint8 [size, h, w], 1 = missing.

        Arguments:
            start: pictures drawn before; size: pictures in a batch; seed: of everything random.
        """
        assert self.samples.z is not None  # samples have codes
        real, z, everyone = size - self.own, self.samples.z, np.arange(len(self.samples))

        def batch(index: int) -> dict[str, np.ndarray]:
            number = start // size + index
            numbers = draw(everyone, number * self.own, self.own, seed=seed + 1)
            pixels, codes = self.samples.pixels[numbers], z[numbers]
            if real and self.pictures is not None:
                pixels = np.concatenate([draw(self.pictures.pixels, number * real, real, seed=seed), pixels])
                codes = np.concatenate([np.zeros((real, z.shape[1]), z.dtype), codes])
            chance = np.random.default_rng([STREAM, seed, number])
            chosen = chance.integers(len(self.damages), size=size).astype(np.int32)
            return {"pictures": pixels, "z": codes, "task": chosen, "mask": self._masks(chosen, chance, pixels)}

        return batch

    def _masks(self, chosen: np.ndarray, chance: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
        masks = np.zeros(pixels.shape[:3], np.uint8)
        for row, number in enumerate(chosen):
            drawn = self.damages[number].masks
            if drawn is not None:
                masks[row] = unpacked(drawn[chance.integers(len(drawn))], pixels.shape[1:3])
        return masks


def unpacked(bits: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """A mask of its bits: uint8 [h, w]."""
    h, w = size
    return np.unpackbits(bits, count=h * w).reshape(h, w)
