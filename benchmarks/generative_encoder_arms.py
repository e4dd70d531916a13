"""The arms of `generative_encoder.py`: methods on one prior, and the autoencoders that some of them need.

Each task has autoencoders of its own, which `jaxprior train convae` trains in processes of their own: one on real
pictures and samples of the prior, half and half, and one on real pictures alone. A training that is ended goes on where
it was.
"""

import argparse
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
from pieces import trained

import jaxprior as jp
from jaxprior.errors import WeightsError
from jaxprior.evaluation import Cell, make_task
from jaxprior.operators import task_table
from jaxprior.restoration.presets import make_method


TASKS = {
    "reconstruct": "reconstruct", "denoise": "denoise 0.5", "deblur": "deblur 1.5", "superres": "superres 4",
    "inpaint": "inpaint block:0.25",
}  # fmt: skip
"""The five tasks of the paper's Table 2 and Figures 2 and 5 to 8, in the words of a command."""

Kind = Literal["own", "real", "untrained"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arm:
    """One method.

    Fields:
        table: of the method, see `jaxprior.restoration.presets.make_method`.
        network: which autoencoder of the task stands in the table, and `place` under which name: "own" was trained on
            real and generated pictures, "real" on real ones alone, "untrained" is the first with random weights.
        aegan: whether the prior is the AEGAN.
    """

    table: Mapping[str, Any]
    network: Kind | None = None
    place: str = "encoder"
    aegan: bool = False


GE: dict[str, Any] = {"preset": "generative_encoder"}
AT_ONCE: dict[str, Any] = {"codes": {"kind": "single"}, "solve": {"init": "encoder", "steps": 0}}

ARMS: dict[str, Arm] = {
    "GE": Arm(table=GE, network="own"),
    "InvertGAN": Arm(table={"preset": "invertgan"}),
    "InvertGAN, blind": Arm(table={"preset": "invertgan_blind"}),
    "ConvAE": Arm(table={"merge": "paste"}, network="own", place="answer"),
    "AEGAN": Arm(table=AT_ONCE, aegan=True),
    "multi-code": Arm(table={"encoder": "none"}),
    "default": Arm(table={}),
    "GE, untrained encoder": Arm(table=GE, network="untrained"),
    "GE, encoder of real pictures": Arm(table=GE, network="real"),
}
"""By the names under which they stand in tables. "InvertGAN" compares A(G(z)) with y, "blind" is the paper's form."""


class Networks:
    """The priors and autoencoders of a comparison.

    Arguments:
        options: those of `add_network_options`.
        end: value of `time.monotonic` at which no training goes on.

    Fields:
        prior: the generator that all arms but the AEGAN's invert.
    """

    def __init__(self, options: argparse.Namespace, end: float):
        self.options, self.end = options, end
        self.prior = jp.load_prior(options.prior)
        self._trained: set[Path] = set()

    def cell(
        self, task: str, arm: Arm, *, error_every: int | None, steps: int | None = None, train: bool = True
    ) -> tuple[Cell, jp.Prior]:
        """What an arm does with every picture of a task, and the prior.

        Arguments:
            task: one of `TASKS`; arm: the method.
            error_every: see `Cell`.
            steps: iterations in place of those of the arm, where it has any.
            train: whether networks are trained that are not there, or not finished.

        Raises:
            TimeOverError: a network is not finished. WeightsError: it is not there, and must not be trained.
        """
        table, prior = dict(arm.table), self.prior
        if arm.aegan:
            prior = jp.load_prior(self._aegan(train=train))
        if arm.network is not None:
            run = self._convae(task, real=arm.network == "real", train=train)
            table[arm.place] = untrained(run) if arm.network == "untrained" else str(run)
        operator, mask = make_task(task_table(TASKS[task]), prior.image_shape)
        method = make_method(table, operator, prior=prior)
        if steps is not None and method.solve.steps:
            method = method._replace(solve=dataclasses.replace(method.solve, steps=steps))
        return Cell(task=operator, mask=mask, method=method, measures=("mse",), error_every=error_every), prior

    def _convae(self, task: str, *, real: bool, train: bool) -> Path:
        run = self.options.networks / f"convae-{task}{'-real' if real else ''}"
        words = ["convae", "--prior", self.options.prior, "--steps", self.options.training_steps]
        words += [] if task == "reconstruct" else ["--task", TASKS[task]]
        words += ["--own-samples", 0] if real else []
        return self._run(run, words, train=train)

    def _aegan(self, *, train: bool) -> Path:
        words = ["aegan", "--resolution", self.prior.resolution]
        words += [] if self.options.aegan_steps is None else ["--steps", self.options.aegan_steps]
        return self._run(self.options.networks / "aegan", words, train=train)

    def _run(self, run: Path, words: list[Any], *, train: bool) -> Path:
        """The run of a training, which is finished when this returns."""
        if run in self._trained:
            return run
        if not train:
            if not (run / "model.safetensors").is_file():
                raise WeightsError(f"{run}: no network has been trained there yet.")
            return run
        trained(run, [*words, "--data", self.options.train_data], end=self.end)
        self._trained.add(run)
        return run


def untrained(run: Path) -> Any:
    """The encoder of a ConvAE with random weights."""
    network = jp.load_features(run)
    autoencoder = network.module.network
    shape = (1, autoencoder.resolution, autoencoder.resolution, autoencoder.image_channels)
    params = network.module.init(jax.random.key(3), jnp.zeros(shape))["params"]
    card = {**network.card, "name": "untrained encoder", "sha256": "untrained"}
    return dataclasses.replace(network, params=params, card=type(network.card)(card))


def add_network_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what is trained, and on what."""
    parser.add_argument("--train-data", type=Path, required=True, metavar="DIR|ZIP", help="to train networks on")
    parser.add_argument("--prior", default="cats32", help="name, file or run (default: cats32)")
    parser.add_argument("--networks", type=Path, required=True, metavar="DIR", help="where the trainings lie")
    parser.add_argument("--training-steps", type=int, default=1500, metavar="K", help="of each ConvAE (1500)")
    parser.add_argument("--aegan-steps", type=int, metavar="K", help="of the AEGAN, by default its preset's")
