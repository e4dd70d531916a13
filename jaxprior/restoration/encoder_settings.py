"""Settings that belong to an encoder and not to its prior: they stand in the encoder's card.

    card["defaults"]    task -> {"codes": table, "objective": table, "solve": table}, as in a prior's card
    card["merge"]       how answers are merged, as in a prior's card, see `merge_rule.py`

They count where an inversion begins with the encoder: unless something else is asked for, whenever the prior has an
encoder whose card states the task. What asks for something else is said here once, by `card_of_settings`, for the
command line, recipes and programs alike. This module imports no JAX.
"""

from collections.abc import Mapping
from typing import Any

from jaxprior.inversion.codes.tuned import TunedCode
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.inversion.starts import GivenStart
from jaxprior.protocols import Codes
from jaxprior.restoration.codes_table import asks_for_other, kind_of_codes
from jaxprior.settings import is_none


Given = Mapping[str, Mapping[str, Any]]
"""What was given of a method, as far as it is in the parts "codes", "objective" and "solve" of the method's table."""

OF_ANSWERS = ("init", "steps", "precision", "temperature")
"""Fields of `Solve` that mean something, or are asked about elsewhere, where an encoder's answer is taken without any
step. The temperature is also that of draws. All others are about steps."""


def card_of_settings(prior: Any, task_name: str, given: Given) -> Any:
    """The card whose settings for a task count: the encoder's, or the prior's.

    The prior's settings are asked for by another start than the encoder; by codes of another kind, or at another layer,
    than the encoder's card states; and, where that states 0 steps and no number of steps was given, by any setting
    that does something in steps only: a term of the objective, the optimiser, the number of starts and the like.

    Arguments:
        prior: a `Prior`, or what is known of one.
        task_name: of the forward operator, e.g. "inpaint".
        given: what was given; parts that are not there were not.

    Example:
        >>> from jaxprior.weights.outlines import outline_prior
        >>> prior = outline_prior("cats32")
        >>> for solve in ({"init": "bank"}, {"steps": 9}, {"optimizer": "adam"}):
        ...     print(card_of_settings(prior, "inpaint", {"solve": solve})["name"])
        cats32
        cats32-encoder
        cats32
    """
    card = _card_of(prior.encoder)
    stated = card.get("defaults", {}).get(task_name)
    solve = given.get("solve", {})
    if not stated or solve.get("init", "encoder") != "encoder":
        return prior.card
    if asks_for_other(given.get("codes", {}), stated.get("codes", {})):
        return prior.card
    makes_steps = stated.get("solve", {}).get("steps") != 0 or "steps" in solve
    return card if makes_steps or not _is_about_steps(given) else prior.card


def as_given(codes: Codes | None, objective: Objective | None, solve: Solve | None, start: Any) -> Given:
    """What a program gave of a method, as `card_of_settings` takes it.

    Arguments:
        codes, objective, solve, start: what was given, or None.
    """
    given: dict[str, dict[str, Any]] = {"codes": {}, "objective": {}, "solve": {}}
    if codes is not None:
        inner = codes.codes if isinstance(codes, TunedCode) else codes  # a tuning can follow an answer, too
        given["codes"] = {"kind": kind_of_codes(inner), "layer": inner.layer}
    if objective is not None:
        given["objective"] = dict(vars(objective))
    if solve is not None:
        given["solve"] = {"init": solve.init, "steps": solve.steps}
    if start is not None:  # it counts in place of the one that `solve` names
        answered = isinstance(start, GivenStart) and isinstance(start.given, Mapping) and "features" in start.given
        given["solve"]["init"] = "encoder" if answered else start.name
        given["codes"] = {**({"kind": "feature"} if answered else {}), **given["codes"]}
    return given


def merge_card(card: Mapping[str, Any], start: Any) -> Mapping[str, Any]:
    """The card that says how results are merged: that of the encoder which they begin with, if it says it.

    Arguments:
        card: of the prior.
        start: where latents begin, or None.

    Example:
        >>> merge_card({"name": "cats64"}, None)["name"]
        'cats64'
    """
    own = _card_of(getattr(start, "encoder", None))
    return own if "merge" in own else card


def _is_about_steps(given: Given) -> bool:
    """Whether anything was given that does something in steps only; a network that is left out does nothing."""
    terms = [value for value in given.get("objective", {}).values() if not is_none(value)]
    return bool(terms) or any(name not in OF_ANSWERS for name in given.get("solve", {}))


def _card_of(encoder: Any) -> Mapping[str, Any]:
    """The card of an encoder; empty for no encoder, and for a network without one."""
    card = getattr(encoder, "card", None)
    return card if isinstance(card, Mapping) else {}
