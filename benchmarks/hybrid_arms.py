"""The methods that `hybrid.py` compares: tables of settings, and controls that are no inversions.

A table is that of `jaxprior.restoration.presets.make_method`, for all tasks, or one for holes and one for the others.
What this version of jaxprior cannot do yet (or has no weights for) is left out with the reason.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any


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
    """L-BFGS for so many evaluations of each of some starts."""
    return {"solve": {"optimizer": "lbfgs", "steps": steps, "init": init, "starts": starts}}


def both(table: Mapping[str, Any], **fields: Any) -> Arm:
    """An arm with one table for all tasks."""
    return Arm(hole=table, whole=table, **fields)


SINGLE: dict[str, Any] = {"preset": "invertgan"}
HOLE_BEFORE = changed({"codes": {"num_codes": 20, "layer": 2}, "objective": {"pixel": "l2"}}, lbfgs(25, "bank", 4))
WHOLE_BEFORE = changed({"codes": {"num_codes": 20, "layer": 6}, "objective": {"pixel": "l2"}}, lbfgs(100, "bank"))
WHOLE_BEFORE = changed(WHOLE_BEFORE, {"solve": {"weight_rate": 0.3}})
FEATURES = {"codes": {"kind": "feature", "layer": 4}, "objective": {"pixel": "l2"}}
FROM_ENCODER = {"solve": {"init": "encoder"}}


def before(changes: Mapping[str, Any], **fields: Any) -> Arm:
    """Multi-code inversion as it was the default before there were encoders, with changes."""
    return Arm(hole=changed(HOLE_BEFORE, changes), whole=changed(WHOLE_BEFORE, changes), **fields)


ARMS: dict[str, Arm] = {
    "mean fill": Arm(simple="mean fill"),
    "biharmonic": Arm(simple="biharmonic"),
    "context encoder": Arm(simple="context encoder"),
    "default": both({}),
    "untrained generator": both({}, trained=False),
    "single code, 1400": both(SINGLE),
    "single code, bank + 100": both(changed(SINGLE, lbfgs(100, "bank"))),
    "single code, encoder alone": both(changed(SINGLE, lbfgs(0, "encoder"))),
    "single code, encoder + 100": both(changed(SINGLE, lbfgs(100, "encoder"))),
    "multi-code": before({}),
    "multi-code, averaged with biharmonic": Arm(hole=HOLE_BEFORE, averaged=True),
    "multi-code, encoder": before(FROM_ENCODER),
    "multi-code, encoder, one start": before(changed(FROM_ENCODER, {"solve": {"starts": 1, "steps": 100}})),
    "features, encoder alone": both(changed(FEATURES, lbfgs(0, "encoder"))),
    **{f"features, encoder + {n}": both(changed(FEATURES, lbfgs(n, "encoder"))) for n in (10, 25, 50, 100)},
    "features, bank + 100": both(changed(FEATURES, lbfgs(100, "bank"))),
    "features, untrained encoder + 100": both(changed(FEATURES, lbfgs(100, "encoder")), encoder="untrained"),
    "features, permuted encoder alone": both(changed(FEATURES, lbfgs(0, "encoder")), encoder="permuted"),
    "features, permuted encoder + 100": both(changed(FEATURES, lbfgs(100, "encoder")), encoder="permuted"),
}
"""By the names under which they stand in tables."""
