"""Settings that belong to an encoder and not to its prior: they stand in the encoder's card.

    card["defaults"]    task -> {"codes": table, "objective": table, "solve": table}, as in a prior's card
    card["merge"]       how answers are merged, as in a prior's card, see `merge_rule.py`

They count where an inversion begins with the encoder: unless something else is asked for, whenever the prior has an
encoder whose card states the task. This module imports no JAX.
"""

from collections.abc import Mapping
from typing import Any

from jaxprior.restoration.codes_table import asks_for_other


def card_of_settings(prior: Any, task_name: str, *, codes: Mapping[str, Any], solve: Mapping[str, Any]) -> Any:
    """The card whose settings for a task count: the encoder's, or the prior's.

    Arguments:
        prior: a `Prior`, or what is known of one.
        task_name: of the forward operator, e.g. "inpaint".
        codes, solve: tables of what was given; another start, or codes of another kind than the encoder's card states,
            ask for the prior's settings.

    Example:
        >>> from jaxprior.weights.outlines import outline_prior
        >>> prior = outline_prior("cats32")
        >>> card_of_settings(prior, "inpaint", codes={}, solve={"init": "bank"}) is prior.card
        True
    """
    card = _card_of(prior.encoder)
    stated = card.get("defaults", {}).get(task_name)
    if not stated or solve.get("init", "encoder") != "encoder":
        return prior.card
    return prior.card if asks_for_other(codes, stated.get("codes", {}).get("kind", "multi")) else card


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


def _card_of(encoder: Any) -> Mapping[str, Any]:
    """The card of an encoder; empty for no encoder, and for a network without one."""
    card = getattr(encoder, "card", None)
    return card if isinstance(card, Mapping) else {}
