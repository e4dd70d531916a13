"""Ways to fill holes of photographs, each under its name in tables: the arms of `filling_table.py`.

A way sees one photograph and its mask, and answers with the whole photograph, known pixels kept. Networks are trained
by commands of their own, in processes of their own, where it is said on what; a training that is ended goes on.
"""

import argparse
import dataclasses
import shlex
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from pieces import trained
from restoring import named
from simple_methods import biharmonic, mean_fill, total_variation

import jaxprior as jp
from jaxprior.restoration.drivers import NUMERICS_VERSION, Inverter


PATCHGANS = {
    "L1 alone": ("--global-weight", 0, "--patch-weight", 0),
    "L1 + global": ("--patch-weight", 0),
    "L1 + patch": ("--global-weight", 0),
    "L1 + both": (),
}
"""The networks of one training recipe that differ in the critic's heads, and the words of their commands."""

CONTEXT_ENCODER = (
    "autoencoder", "--preset", "pathak2016", "--resolution", 64, "--widths", "64,128,256,512", "--overlap", 0,
    "--mask", "center:0.25",
)  # fmt: skip
"""A context encoder that predicts the middle quarter of 64x64 pixels, whose hole has the size of the prediction."""


@dataclasses.dataclass(frozen=True)
class Filler:
    """A way to fill holes.

    Fields:
        name: in tables.
        make: a function that loads or trains what is needed, and returns a function of a photograph float32
            [1, h, w, 3] in [-1, 1], a mask float32 [1, h, w] and an id [1] that returns the filled photograph.
        identity: what decides its answers, without loading more than a card; called after `make`.
        side: the only size of photographs that it takes, or None; mask: the only mask, as it is written, or None.
    """

    name: str
    make: Callable[[], Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]]
    identity: Callable[[], Any]
    side: int | None = None
    mask: str | None = None

    def suits(self, mask: str, shape: tuple[int, int]) -> bool:
        """Whether it can fill this mask of photographs of this size."""
        return self.mask in (None, mask) and (self.side is None or shape == (self.side, self.side))


def fillers_of(options: argparse.Namespace, end: float) -> list[Filler]:
    """All ways that the options of a command name, see `add_filler_options`; biharmonic interpolation first.

    Arguments:
        options: of the command; end: value of `time.monotonic` at which no training goes on.
    """
    found = [_simple(function.__name__.replace("_", " "), function) for function in (biharmonic, total_variation)]
    found += [_restorer(name, cache(partial(jp.load_restorer, source))) for name, source in options.restorer]
    if options.train_data is not None:
        shared = shlex.split(options.training_words)
        for name, words in PATCHGANS.items():
            run = options.networks / f"patchgan-{name.replace(' + ', '-').replace(' ', '-').lower()}"
            ready = partial(_trained, run, ("patchgan", *words, *shared), options.train_data, end)
            found.append(_restorer(name, cache(partial(_after, ready, jp.load_restorer))))
        words = (*CONTEXT_ENCODER, *shlex.split(options.context_words))
        ready = partial(_trained, options.networks / "context", words, options.train_data, end)
        found.append(_context(cache(partial(_after, ready, jp.load_refiner))))
    found += [_prior(name, cache(partial(jp.load_prior, source))) for name, source in options.prior]
    return found


def _trained(run: Path, words: Sequence[Any], data: Path, end: float) -> Path:
    return trained(run, [*words, "--data", data], end=end)


def _after(ready: Callable[[], Path], load: Callable[[Path], Any]) -> Any:
    return load(ready())


def _simple(name: str, function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Filler:
    return Filler(name, lambda: lambda photo, mask, _: function(photo, mask), lambda: name)


def _restorer(name: str, load: Callable[[], jp.Restorer]) -> Filler:
    def fill(photo: np.ndarray, mask: np.ndarray, _: np.ndarray) -> np.ndarray:
        return jp.apply_restorer(load(), photo[0], mask[0], value_range=(-1, 1))[None]

    def make() -> Callable:
        load()
        return fill

    return Filler(name, make, lambda: load().sha256)


def _context(load: Callable[[], Any]) -> Filler:
    def fill(photo: np.ndarray, mask: np.ndarray, _: np.ndarray) -> np.ndarray:
        made = np.asarray(load()(mean_fill(photo, mask)))
        return np.where(mask[..., None] > 0, np.clip(made, -1, 1), photo)

    def make() -> Callable:
        load()
        return fill

    return Filler("context encoder", make, lambda: load().card["sha256"], side=64, mask="center:0.25")


def _prior(name: str, load: Callable[[], jp.Prior]) -> Filler:
    def make() -> Callable:
        prior = load()
        method = jp.preset("default", jp.Inpaint(np.zeros((prior.resolution, prior.resolution))), prior=prior)
        inverter = Inverter(prior, method)

        def fill(photo: np.ndarray, mask: np.ndarray, ids: np.ndarray) -> np.ndarray:
            task = jp.Inpaint(mask)
            found = inverter.invert(task.observe(photo), task, key=jax.random.key(0), ids=ids, batch_size=1)
            return np.clip(np.asarray(found.merged), -1, 1)

        return fill

    def identity() -> Any:
        prior = load()
        return [prior.sha256, getattr(prior.encoder, "sha256", None), NUMERICS_VERSION]

    return Filler(name, make, identity, side=load().resolution)


def add_filler_options(parser: argparse.ArgumentParser) -> None:
    """The options that name networks, or say how they are trained."""
    again = {"type": named, "action": "append", "default": []}
    parser.add_argument("--restorer", **again, metavar="NAME=RUN|FILE|NAME", help="a network; repeat it")
    parser.add_argument("--prior", **again, metavar="NAME=RUN|FILE|NAME", help="a prior, on pictures of its size")
    parser.add_argument("--train-data", type=Path, metavar="DIR|ZIP", help="train the networks of the comparison on it")
    parser.add_argument("--networks", type=Path, metavar="DIR", help="where these trainings lie")
    parser.add_argument("--training-words", default="", metavar="WORDS", help="more options of the four trainings")
    parser.add_argument("--context-words", default="", metavar="WORDS", help="of the context encoder's, alike")
