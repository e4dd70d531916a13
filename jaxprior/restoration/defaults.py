"""Settings for priors whose card states none, by the size of their images and by the task. This module imports no JAX.

Where they come from (docs/recipes.md has the measured cost of each):

- The optimiser, few evaluations, and several short starts for what was not seen were measured on the bundled priors of
  32 and 64 pixels (docs/inversion.md), whose cards say the same. Up to 128 pixels the layers are those of cats64.
- From 256 pixels on there are 20 codes at the layers of mGANprior, which were found on PGGANs of 256 and 1024 pixels:
  features of 32x32 pixels (layer 8) for a reconstruction, of 16x16 (layer 6) for colours and enlargement, of 8x8
  (layer 4) for holes.
- Evaluations and starts are then bounded by what they cost on two CPU cores: half a minute to two and a half for a
  picture, and less than 8 GB of memory at 1024 pixels. Every doubling of the size adds little to a step, so one set of
  settings serves all sizes from 256 pixels on.
- Starts are random. The bank of 4096 samples, in which the bundled priors look for theirs, takes eight minutes to draw
  at 256 pixels on two cores, and more above, and brought L-BFGS nothing (docs/inversion.md). `init="bank"` chooses it
  all the same.

Only the cost was measured at these sizes. How good the results are with a certain prior, nobody has measured.
"""

import copy
from collections.abc import Mapping
from typing import Any


SMALL = 128
"""Side in pixels up to which images count as small."""

BY_SIZE = "defaults by size, not measured on this prior"
"""What people are told of settings that are chosen here."""


def _settings(
    layer: int, steps: int, *, starts: int = 1, weights: str = "free", weight_rate: float = 1.0
) -> dict[str, dict]:
    """The settings of a task, in which only what is no default of `MultiCode` and `Solve` stands.

    Arguments:
        layer: at which 20 codes are composed; it is lowered to a prior's last one where it has fewer.
        steps, starts: gradient evaluations of an inversion, and independent inversions of a picture.
        weights, weight_rate: see `MultiCode` and `Solve`.
    """
    codes: dict[str, Any] = {"num_codes": 20, "layer": layer}
    solve: dict[str, Any] = {"optimizer": "lbfgs", "steps": steps}
    if weights != "free":
        codes["weights"] = weights
    if starts > 1:
        solve["starts"] = starts
    if weight_rate != 1.0:
        solve["weight_rate"] = weight_rate
    return {"codes": codes, "objective": {"pixel": "l2"}, "solve": solve}


OTHER = "other"
"""Noise, blur, and tasks of other packages: an inversion is stopped before it follows the noise."""

UP_TO_SMALL = {
    "reconstruct": _settings(6, 100, weight_rate=0.3),
    "inpaint": _settings(2, 25, starts=4),
    "superres": _settings(2, 25, starts=4),
    "colorize": _settings(2, 10, starts=8, weights="softmax"),
    OTHER: _settings(4, 50, weights="softmax"),
}
LARGER = {
    "reconstruct": _settings(8, 80, weight_rate=0.3),
    "inpaint": _settings(4, 25, starts=4),
    "superres": _settings(6, 25, starts=4),
    "colorize": _settings(6, 15, starts=4, weights="softmax"),
    OTHER: _settings(6, 50, weights="softmax"),
}


def defaults_of(card: Mapping[str, Any], task_name: str, *, image_shape: tuple[int, ...]) -> dict[str, dict]:
    """The settings of a prior for a task: its card's, and for what that does not state those of its size.

    What a card states under "other" counts for all tasks that it does not name.

    Arguments:
        card: of the prior.
        task_name: of the forward operator, e.g. "inpaint".
        image_shape: of the prior's images, (h, w, c); their longest side decides.

    Returns:
        {"codes": table, "objective": table, "solve": table}, by the names of the fields of `MultiCode`, `Objective` and
        `Solve`.

    Example:
        >>> defaults_of({}, "inpaint", image_shape=(256, 256, 3))["solve"]
        {'optimizer': 'lbfgs', 'steps': 25, 'starts': 4}
    """
    return {**_by_size(task_name, image_shape), **_stated(card, task_name)}


def origin_of_defaults(card: Mapping[str, Any], task_name: str, *, image_shape: tuple[int, ...]) -> str | None:
    """Say that a prior's settings for a task were chosen by its size; None where its card states them.

    Arguments:
        card, task_name, image_shape: as for `defaults_of`.

    Example:
        >>> origin_of_defaults({}, "inpaint", image_shape=(256, 256, 3))
        'the settings for inpaint are defaults by size, not measured on this prior (above 128 pixels)'
    """
    if states_defaults(card, task_name):
        return None
    return f"the settings for {task_name} are {BY_SIZE} ({_said(image_shape)})"


def states_defaults(card: Mapping[str, Any], task_name: str) -> bool:
    """Whether a prior's card states settings for a task.

    Arguments:
        card, task_name: as for `defaults_of`.
    """
    return bool(_stated(card, task_name))


def _stated(card: Mapping[str, Any], task_name: str) -> dict[str, dict]:
    stated = card.get("defaults", {})
    return stated.get(task_name, stated.get(OTHER, {}))


def _by_size(task_name: str, image_shape: tuple[int, ...]) -> dict[str, dict]:
    table = UP_TO_SMALL if max(image_shape[:-1]) <= SMALL else LARGER
    return copy.deepcopy(table.get(task_name, table[OTHER]))


def _said(image_shape: tuple[int, ...]) -> str:
    return f"{'up to' if max(image_shape[:-1]) <= SMALL else 'above'} {SMALL} pixels"
