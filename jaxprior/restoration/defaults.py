"""Settings for priors whose card states none, by the size of their images and by the task. This module imports no JAX.

Where they come from (docs/recipes.md has the measured cost of each):

- The optimiser, few evaluations, and several short starts for what was not seen were measured on the bundled priors of
  32 and 64 pixels (docs/inversion.md), whose cards say the same. Up to 128 pixels the layers are those of cats64.
- From 256 pixels on there are 20 codes at the layers of mGANprior, which were found on PGGANs of 256 and 1024 pixels:
  features of 32x32 pixels (layer 8) for a reconstruction, of 16x16 (layer 6) for colours and enlargement, of 8x8
  (layer 4) for holes.
- Evaluations and starts are then bounded by what they cost on two CPU cores: a minute or two for a picture of 256
  pixels. All starts of a picture are in memory at once, which is why there are fewer of them at 1024 pixels.
- Starts are random. The bank of 4096 samples, in which the bundled priors look for theirs, takes a quarter of an hour
  or more to draw at 256 pixels on two cores, and brought L-BFGS nothing (docs/inversion.md). `init="bank"` chooses it
  all the same.

Only the cost was measured at these sizes. How good the results are with a certain prior, nobody has measured.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class SizeDefaults:
    """What is chosen for a task, one value for each of `UP_TO`.

    Fields:
        layer: at which the codes are composed; lowered to a prior's last one where it has fewer.
        starts, steps: independent inversions of a picture, and gradient evaluations of each.
        weights: of the channels, as `MultiCode.weights`.
        weight_rate: as `Solve.weight_rate`.
    """

    layer: tuple[int, int, int, int]
    starts: tuple[int, int, int, int] = (1, 1, 1, 1)
    steps: tuple[int, int, int, int]
    weights: str = "free"
    weight_rate: float = 1.0


UP_TO = (128, 256, 512)
"""Sides in pixels; the fourth value of each setting is for larger images."""

CODES = 20

BY_SIZE = "defaults by size, not measured on this prior"
"""What people are told of settings that are chosen here."""

LITTLE_SEEN = SizeDefaults(layer=(4, 6, 6, 6), steps=(50, 50, 50, 40), weights="softmax")
"""For noise, blur, and tasks of other packages: one start, stopped early so that it does not follow the noise."""

TASKS = {
    "reconstruct": SizeDefaults(layer=(6, 8, 8, 8), steps=(100, 80, 80, 50), weight_rate=0.3),
    "inpaint": SizeDefaults(layer=(2, 4, 4, 4), starts=(4, 4, 4, 2), steps=(25, 25, 25, 25)),
    "superres": SizeDefaults(layer=(2, 6, 6, 6), starts=(4, 4, 4, 2), steps=(25, 25, 25, 25)),
    "colorize": SizeDefaults(layer=(2, 6, 6, 6), starts=(8, 4, 4, 2), steps=(10, 15, 15, 20), weights="softmax"),
}


def defaults_of(card: Mapping[str, Any], task_name: str, *, resolution: int) -> dict[str, dict]:
    """The settings of a prior for a task: its card's, and for what that does not state those of its size.

    Arguments:
        card: of the prior.
        task_name: of the forward operator, e.g. "inpaint".
        resolution: side of the prior's images, pixels.

    Returns:
        {"codes": table, "objective": table, "solve": table}, by the names of the fields of `MultiCode`, `Objective` and
        `Solve`.

    Example:
        >>> defaults_of({}, "inpaint", resolution=256)["solve"]
        {'optimizer': 'lbfgs', 'steps': 25, 'starts': 4}
    """
    return {**_by_size(task_name, resolution), **_stated(card, task_name)}


def origin_of_defaults(card: Mapping[str, Any], task_name: str, *, resolution: int) -> str | None:
    """Say that a prior's settings for a task were chosen by its size; None where its card states them.

    Arguments:
        card, task_name, resolution: as for `defaults_of`.

    Example:
        >>> origin_of_defaults({}, "inpaint", resolution=256)
        'the settings for inpaint are defaults by size, not measured on this prior (up to 256 pixels)'
    """
    if states_defaults(card, task_name):
        return None
    return f"the settings for {task_name} are {BY_SIZE} ({_said(resolution)})"


def states_defaults(card: Mapping[str, Any], task_name: str) -> bool:
    """Whether a prior's card states settings for a task.

    Arguments:
        card, task_name: as for `defaults_of`.
    """
    return bool(_stated(card, task_name))


def _stated(card: Mapping[str, Any], task_name: str) -> dict[str, dict]:
    return card.get("defaults", {}).get(task_name, {})


def _by_size(task_name: str, resolution: int) -> dict[str, dict]:
    chosen, place = TASKS.get(task_name, LITTLE_SEEN), bisect_left(UP_TO, resolution)
    codes: dict[str, Any] = {"num_codes": CODES, "layer": chosen.layer[place]}
    solve: dict[str, Any] = {"optimizer": "lbfgs", "steps": chosen.steps[place]}
    if chosen.weights != "free":
        codes["weights"] = chosen.weights
    if chosen.starts[place] > 1:
        solve["starts"] = chosen.starts[place]
    if chosen.weight_rate != 1.0:
        solve["weight_rate"] = chosen.weight_rate
    return {"codes": codes, "objective": {"pixel": "l2"}, "solve": solve}


def _said(resolution: int) -> str:
    place = bisect_left(UP_TO, resolution)
    return f"up to {UP_TO[place]} pixels" if place < len(UP_TO) else f"above {UP_TO[-1]} pixels"
