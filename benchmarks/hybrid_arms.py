"""The methods that `hybrid.py` compares: tables of settings, and controls that are no inversions.

A table is that of `jaxprior.restoration.presets.make_method`, for all tasks, or one for holes and one for the others.
What this version of jaxprior cannot do yet (or has no weights for) is left out with the reason.
"""

import argparse
import dataclasses
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import numpy as np
from answers import Method, direct, inverted
from restoring import make_task
from simple_methods import SIMPLE, mean_fill

import jaxprior as jp
from jaxprior.errors import JaxpriorError
from jaxprior.restoration.presets import make_method
from jaxprior.weights.encoders import load_encoder


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arm:
    """One method.

    Fields:
        hole, whole: tables of the method for inpainting and for reconstruction; None where the arm has none.
        encoder: whose encoder: "own" (the prior's), "untrained", "permuted" (trained on pairs that do not belong
            together).
        trained: False for a generator with random weights.
        averaged: the merged picture is the mean of itself and of biharmonic interpolation.
        simple: instead of an inversion: "mean fill", "biharmonic" or "context encoder".
    """

    hole: Mapping[str, Any] | None = None
    whole: Mapping[str, Any] | None = None
    encoder: str = "own"
    trained: bool = True
    averaged: bool = False
    simple: str | None = None

    def table(self, *, hole: bool) -> Mapping[str, Any] | None:
        """The table for a task with or without a hole."""
        return self.hole if hole else self.whole


def changed(table: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A table with changes, of which only the entries that are named replace others."""
    merged = dict(table)
    for name, value in changes.items():
        before = merged.get(name)
        both = isinstance(value, Mapping) and isinstance(before, Mapping)
        merged[name] = changed(before, value) if both else value
    return merged


def lbfgs(steps: int, init: str, starts: int = 1) -> dict[str, Any]:
    """L-BFGS for so many evaluations of each of some starts, whatever a card says."""
    solve = {"optimizer": "lbfgs", "steps": steps, "init": init, "starts": starts, "weight_rate": 1.0, "keep": "best"}
    return {"objective": {"pixel": "l2"}, "solve": solve}


def both(table: Mapping[str, Any], **fields: Any) -> Arm:
    """An arm with one table for all tasks."""
    return Arm(hole=table, whole=table, **fields)


SINGLE: dict[str, Any] = {"preset": "invertgan"}
SINGLE_50 = changed(SINGLE, lbfgs(50, "bank"))
HOLE_BEFORE = {"codes": {"kind": "multi", "num_codes": 20, "layer": 2}, **lbfgs(25, "bank", 4)}
WHOLE_BEFORE = {"codes": {"kind": "multi", "num_codes": 20, "layer": 6}, **lbfgs(100, "bank")}
WHOLE_BEFORE = changed(WHOLE_BEFORE, {"solve": {"weight_rate": 0.3}})
FEATURES: dict[str, Any] = {"codes": {"kind": "feature"}}
FEATURES_25 = {**FEATURES, **lbfgs(25, "encoder")}
FROM_ENCODER = {"solve": {"init": "encoder"}}

TERMS: dict[str, dict[str, Any]] = {
    "code penalty": {"objective": {"code_penalty": 1e-4}},
    "anchor 0.01": {"objective": {"anchor": 0.01}},
    "anchor 0.1": {"objective": {"anchor": 0.1}},
    "critic's features": {"objective": {"features": "critic", "feature_weight": 0.01}},
    "critic": {"objective": {"critic": "prior", "critic_weight": 1e-3, "critic_loss": "nonsaturating"}},
    "critic on merged": {
        "objective": {
            "critic": "prior", "critic_weight": 1e-3, "critic_loss": "nonsaturating", "critic_on": "merged",
        }
    },
    "in domain": {"objective": {"in_domain": "prior", "in_domain_weight": 0.01, "in_domain_on": "features"}},
    "tuned": {"tune": {"steps": 20}},
}  # fmt: skip
"""What an arm adds to another: a term of the loss, or the tuning of the generator."""


def tuned(table: Mapping[str, Any], steps: int = 20, **settings: Any) -> dict[str, Any]:
    """The same, and then the generator is tuned to each start of a picture."""
    return changed(table, {"tune": {"steps": steps, **settings}})


def before(changes: Mapping[str, Any], **fields: Any) -> Arm:
    """Multi-code inversion as it was the default before there were encoders, with changes."""
    return Arm(hole=changed(HOLE_BEFORE, changes), whole=changed(WHOLE_BEFORE, changes), **fields)


ARMS: dict[str, Arm] = {
    "mean fill": Arm(simple="mean fill"),
    "biharmonic": Arm(simple="biharmonic"),
    "context encoder": Arm(simple="context encoder"),
    "default": both({}),
    "untrained generator": both({"solve": {"init": "bank"}}, trained=False),
    "single code, 1400": both(SINGLE),
    "single code, bank + 100": both(changed(SINGLE, lbfgs(100, "bank"))),
    "single code, bank + 50": both(SINGLE_50),
    "single code, bank + 50, tuned": both(tuned(SINGLE_50)),
    "single code, bank + 50, tuned, local": both(tuned(SINGLE_50, locality=1.0)),
    "single code, bank + 50, tuned, last two layers": both(tuned(SINGLE_50, last=2, rank=4)),
    "single code, encoder alone": both(changed(SINGLE, lbfgs(0, "encoder"))),
    "single code, encoder + 100": both(changed(SINGLE, lbfgs(100, "encoder"))),
    "multi-code": before({}),
    "multi-code, averaged with biharmonic": Arm(hole=HOLE_BEFORE, averaged=True),
    "multi-code, encoder": before(FROM_ENCODER),
    "multi-code, encoder, one start": before(changed(FROM_ENCODER, {"solve": {"starts": 1, "steps": 100}})),
    **{f"multi-code, {name}": before(term) for name, term in TERMS.items() if "in domain" not in name},
    "features, encoder alone": both(changed(FEATURES, lbfgs(0, "encoder"))),
    **{f"features, encoder + {n}": both(changed(FEATURES, lbfgs(n, "encoder"))) for n in (10, 25, 50, 100)},
    **{f"features, encoder + 25, {name}": both(changed(FEATURES_25, term)) for name, term in TERMS.items()},
    "features, bank + 100": both(changed(FEATURES, lbfgs(100, "bank"))),
    "features, untrained encoder + 100": both(changed(FEATURES, lbfgs(100, "encoder")), encoder="untrained"),
    "features, permuted encoder alone": both(changed(FEATURES, lbfgs(0, "encoder")), encoder="permuted"),
    "features, permuted encoder + 100": both(changed(FEATURES, lbfgs(100, "encoder")), encoder="permuted"),
}
"""By the names under which they stand in tables."""


class NotPossible(Exception):
    """An arm that cannot be made here; the message says why."""


class ArmMaker:
    """A prior, and the networks that arms need.

    Arguments:
        options: those of `add_arm_options`, and `prior`.

    Fields:
        prior: the generator, with its encoder.
    """

    def __init__(self, options: argparse.Namespace):
        prior = jp.load_prior(options.prior)
        self.prior = prior if options.encoder is None else with_encoder(prior, load_encoder(options.encoder))
        self._permuted, self._context = options.permuted_encoder, options.context_encoder

    @property
    def encoder_sha256(self) -> str | None:
        """Identity of the prior's encoder."""
        return None if self.prior.encoder is None else self.prior.encoder.sha256

    def method(self, name: str, arm: Arm, spec: str) -> tuple[Method, int]:
        """What answers for an arm, and its gradient evaluations of a picture.

        Arguments:
            name: of the arm.
            arm: what it is.
            spec: the task in a word.

        Raises:
            NotPossible: this version, or what was given, does not have what the arm needs.
        """
        task, masks = make_task(spec, self.prior.resolution, np.zeros(1, np.uint32))
        if arm.simple is not None:
            return self._simple(arm.simple, hole=masks is not None), 0
        table = arm.table(hole=masks is not None)
        if table is None or (arm.averaged and masks is None):
            raise NotPossible("it is not for this task")
        prior = self._prior(arm)
        try:
            method = make_method(at_the_encoder(table, prior), task, prior=prior)
        except (JaxpriorError, ValueError) as error:
            raise NotPossible(str(error)) from None
        average = SIMPLE["inpaint"]["biharmonic"] if arm.averaged else None
        each = getattr(method, "evaluations", method.solve.steps)  # of one start, the tuning included
        return inverted(name, prior, method, spec, averaged=average), each * method.solve.starts

    def _simple(self, name: str, *, hole: bool) -> Method:
        if not hole:
            raise NotPossible("it fills holes")
        if name in SIMPLE["inpaint"]:
            return direct(name, SIMPLE["inpaint"][name])
        if self._context is None:
            raise NotPossible("give --context-encoder")
        network = jp.load_refiner(self._context)
        return direct(name, partial(_filled_by, network), network.card["sha256"])

    def _prior(self, arm: Arm) -> jp.Prior:
        if not arm.trained:
            return jp.untrained(self.prior, key=jax.random.key(2))
        if arm.encoder == "own":
            return self.prior
        if arm.encoder == "permuted":
            if self._permuted is None:
                raise NotPossible("give --permuted-encoder")
            return with_encoder(self.prior, load_encoder(self._permuted))
        if self.prior.encoder is None:
            raise NotPossible("the prior has no encoder; give --encoder")
        return with_encoder(self.prior, untrained_encoder(self.prior.encoder))


def at_the_encoder(table: Mapping[str, Any], prior: jp.Prior) -> Mapping[str, Any]:
    """A table in which a feature map without a layer lies at that of the prior's encoder, if it has one."""
    codes = table.get("codes", {})
    if codes.get("kind") != "feature" or "layer" in codes or prior.encoder is None:
        return table
    return changed(table, {"codes": {"layer": prior.encoder.layer}})


def with_encoder(prior: jp.Prior, encoder: Any) -> jp.Prior:
    """The prior with another encoder."""
    return dataclasses.replace(prior, encoder=encoder)


def untrained_encoder(encoder: Any) -> Any:
    """The same network with random weights."""
    h, w, c = encoder.image_shape
    variables = encoder.module.init(jax.random.key(3), np.zeros((1, h, w, c)), np.zeros((1, h, w, 1)))
    card = {**encoder.card, "name": "untrained encoder", "sha256": "untrained"}
    return dataclasses.replace(encoder, params=variables["params"], card=type(encoder.card)(card))


def _filled_by(network: Any, observed: np.ndarray, task: jp.Operator) -> np.ndarray:
    return np.asarray(network(mean_fill(observed, np.asarray(task.mask))))


def add_arm_options(parser: argparse.ArgumentParser) -> None:
    """The options that name networks and further arms."""
    parser.add_argument("--encoder", metavar="RUN|FILE", help="the prior's encoder, if it is not the bundled one")
    parser.add_argument("--permuted-encoder", metavar="RUN|FILE", help="one trained on pairs of different pictures")
    parser.add_argument("--context-encoder", metavar="RUN", help="of `jaxprior train autoencoder --mask ...`")
    parser.add_argument(
        "--arm", action="append", default=[], metavar="NAME=JSON", help="one more arm: a method's table"
    )


def named_arm(name: str, arms: Mapping[str, Arm]) -> str:
    """The one arm of a name, or whose name begins like that.

    Arguments:
        name: of the arm, or its beginning; arms: by their names.
    """
    found = [name] if name in arms else [arm for arm in arms if arm.startswith(name)]
    if len(found) != 1:
        how = f"{len(found)} arms begin" if found else "no arm begins"
        raise SystemExit(f"--against {name}: {how} like that; there are {'; '.join(found or arms)}.")
    return found[0]


def chosen_arms(names: str | None, further: list[str]) -> dict[str, Arm]:
    """The arms that were asked for, in the order of `ARMS`.

    Arguments:
        names: of arms, or their beginnings, with semicolons; None for all.
        further: "NAME=JSON", more arms by the tables of their methods.
    """
    wanted = list(ARMS) if names is None else [name.strip() for name in names.split(";")]
    unknown = [name for name in wanted if not any(arm.startswith(name) for arm in ARMS)]
    if unknown:
        raise SystemExit(f"no arm begins with {', '.join(unknown)}; there are {'; '.join(ARMS)}.")
    begun = tuple(name for name in wanted if name not in ARMS)
    found = {name: arm for name, arm in ARMS.items() if name in wanted or (begun and name.startswith(begun))}
    for text in further:
        name, separator, table = text.partition("=")
        if not separator:
            raise SystemExit(f'--arm: expected NAME={{"solve": ...}}, got {text}.')
        try:
            found[name] = both(json.loads(table))
        except ValueError as error:
            raise SystemExit(f"--arm {name}: its table is no JSON ({error}), got {table}.") from None
    return found
