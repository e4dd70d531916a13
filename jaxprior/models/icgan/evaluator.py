"""How good an IcGAN is: what a judge reads in real, generated and changed pictures, and how well pictures are rebuilt.

The judge is a network of its own that has taught none of the others. It has not seen the held-out pictures either.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np

from jaxprior.models.icgan.networks import Encoder, Generator, settled
from jaxprior.nn.latent import draw_codes
from jaxprior.system.evenly import evenly
from jaxprior.training.evaluators import rows_of_eight
from jaxprior.training.labelled_pictures import Part, others
from jaxprior.training.phases import Moment
from jaxprior.training.pictures import to_images


MEASURED, AT_ONCE = 1000, 64
"""Held-out pictures that are measured at most, and pictures that go through a network at once."""
ROWS, IN_A_ROW = 4, 8
"""Rows of a sheet that show one code each with several labels, and pictures in a row."""


@dataclass(frozen=True)
class Trained:
    """The networks of a training, applied to its state.

    Fields:
        generator: the generator; readers: {"judge", "label_encoder", "code_encoder"}.
    """

    generator: Generator
    readers: dict[str, Encoder]

    @cached_property
    def _programs(self) -> dict[str, Any]:
        made = jax.jit(lambda variables, z, y: self.generator.apply(variables, (z, y), method="of_labels"))
        return {"made": made} | {name: jax.jit(network.apply) for name, network in self.readers.items()}

    def made(self, state: dict, z: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Images [n, r, r, c] of codes [n, d] and labels [n, k]."""
        return _in_parts(lambda z, y: self._programs["made"](state["average"], z, y), z, labels)

    def read(self, state: dict, name: str, images: np.ndarray) -> np.ndarray:
        """What one of the readers says of images [n, r, r, c]."""
        return _in_parts(lambda x: self._programs[name](state[name], x), images)


def _in_parts(function: Any, *arrays: np.ndarray) -> np.ndarray:
    """A compiled function of many rows, `AT_ONCE` at a time: one compiled shape."""
    count = len(arrays[0])
    found = []
    for start in range(0, count, AT_ONCE):
        rows = [array[start : start + AT_ONCE] for array in arrays]
        missing = AT_ONCE - len(rows[0])
        padded = [np.pad(one, ((0, missing), *((0, 0),) * (one.ndim - 1))) for one in rows]
        found.append(np.asarray(function(*padded))[: AT_ONCE - missing])
    return np.concatenate(found)


def agreement(read: np.ndarray, labels: np.ndarray, *, exclusive: bool) -> float:
    """How often labels are read as they are: the share of pictures with the right class, or of right attributes.

    Arguments:
        read: what a network says, [n, k]; labels: of -1 and 1, [n, k].
        exclusive: whether they are classes.

    Example:
        >>> agreement(np.array([[0.2, -0.9]]), np.array([[1, 1]]), exclusive=False)
        0.5
    """
    if exclusive:
        return float(np.mean(read.argmax(axis=1) == labels.argmax(axis=1)))
    return float(np.mean((read > 0) == (labels > 0)))


@dataclass(frozen=True, kw_only=True)
class ReadLabels:
    """What the judge reads, and how well held-out pictures are rebuilt.

    Fields:
        networks: that are trained.
        held: held-out pictures with labels.
        codes: length of a code.
        seed: of the codes that are drawn.
    """

    networks: Trained
    held: Part
    codes: int
    seed: int
    file = "labels.csv"
    note = (
        "Held-out pictures; shares from 0 to 1, of pictures with the right class or of right attributes. judge and "
        "label_encoder: what they read of real pictures; generated: what the judge reads of pictures that were made "
        "with a label; changed: of held-out pictures that were given another label. rebuilt_mse: mean square error, in "
        "[-1, 1], of pictures made of their own code and label; random_mse: of those made of a random code and the "
        "right label."
    )
    title = "labels that the judge reads as they should be"
    curve, reference = "generated", "judge"

    @cached_property
    def _measured(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Held-out images, their labels, other labels, and random codes."""
        some = evenly(len(self.held), MEASURED)
        labels = self.held.labels.signed
        own = labels[some]
        other = others(labels, own, 0, seed=self.seed) if len(np.unique(labels, axis=0)) > 1 else own
        z = draw_codes(jax.random.key(self.seed + 1), (len(some), self.codes))
        pixels: Any = self.held.pixels[some]
        return np.asarray(to_images(pixels, None)), own, other, np.asarray(z)

    def measure(self, state: Any, moment: Moment) -> dict[str, float]:
        """Return the figures that `note` explains."""
        images, labels, other, z = self._measured
        exclusive, read, made = self.held.labels.exclusive, self.networks.read, self.networks.made

        def right(name: str, shown: np.ndarray, wanted: np.ndarray) -> float:
            return agreement(read(state, name, shown), wanted, exclusive=exclusive)

        codes = read(state, "code_encoder", images)
        random = made(state, z, labels)
        own = np.asarray(settled(read(state, "label_encoder", images), exclusive=exclusive))
        return {
            "judge": right("judge", images, labels),
            "label_encoder": right("label_encoder", images, labels),
            "generated": right("judge", random, labels),
            "changed": right("judge", made(state, codes, other), other),
            "rebuilt_mse": float(np.mean(np.square(made(state, codes, own) - images))),
            "random_mse": float(np.mean(np.square(random - images))),
        }

    def summary(self, row: dict[str, float]) -> dict[str, Any]:
        """Return all figures."""
        return {"held_out": row}

    def sheet(self, state: Any) -> np.ndarray:
        """Four rows of one code each with eight labels; then, in threes of rows, held-out pictures, the same rebuilt,
        and the same with another label."""
        images, _, other, z = self._measured
        every = np.unique(self.held.labels.signed, axis=0)[::-1]
        labels = every[np.resize(evenly(len(every), IN_A_ROW), IN_A_ROW)]
        random = np.resize(z, (ROWS, self.codes)).repeat(IN_A_ROW, 0)
        drawn = self.networks.made(state, random, np.tile(labels, (ROWS, 1)))
        some = images[: 2 * IN_A_ROW]
        codes = self.networks.read(state, "code_encoder", some)
        read = self.networks.read(state, "label_encoder", some)
        own = np.asarray(settled(read, exclusive=self.held.labels.exclusive))
        rebuilt = self.networks.made(state, codes, own)
        changed = self.networks.made(state, codes, other[: len(some)])
        return np.concatenate([drawn, rows_of_eight(some, rebuilt, changed)])
