"""The card of a trained network: what it is, where it comes from, its licence, its default settings.

As long as a training is not done, the card of the weights that it has saved says so in its table "training": under
"unfinished" stand the "steps" after which they were saved, and of how many ("of"). A checkpoint may be of later steps.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jaxprior.data import html
from jaxprior.errors import ArgumentError


class Card(Mapping):
    """Read-only JSON object that says what a prior is; hashable, so that it can be a static part of a pytree."""

    def __init__(self, values: Mapping[str, Any]):
        self._text = json.dumps(dict(values), sort_keys=True)
        self._values = json.loads(self._text)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Card) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f"Card({self.get('name')!r})"

    def _repr_html_(self) -> str:
        """What a notebook shows: all that the card says."""
        return html.table({name: v if isinstance(v, str) else json.dumps(v) for name, v in self._values.items()})


def trained_on(card: Mapping[str, Any]) -> str:
    """What a network was trained on, in words for a sentence.

    Arguments:
        card: of the network; its "subject" is what the pictures show.

    Example:
        >>> trained_on({"name": "cats64", "subject": "cat faces"})
        'what cats64 was trained on (cat faces)'
    """
    subject = f" ({card['subject']})" if isinstance(card.get("subject"), str) else ""
    return f"what {card.get('name', 'the prior')} was trained on{subject}"


def unfinished(card: Mapping[str, Any]) -> str | None:
    """The sentence about a network whose training is not done; None for all others.

    Arguments:
        card: of the network.

    Example:
        >>> unfinished({"training": {"phase": "8x8 fade", "unfinished": {"steps": 40, "of": 2000}}})
        'its weights were saved after 40 of 2,000 steps of training (8x8 fade), so what it makes will look unfinished'
    """
    training = card.get("training")
    told = training.get("unfinished") if isinstance(training, Mapping) else None
    if not isinstance(training, Mapping) or not isinstance(told, Mapping):
        return None
    steps, of = told.get("steps"), told.get("of")
    if not isinstance(steps, int) or not isinstance(of, int):
        return None
    phase = f" ({training['phase']})" if "phase" in training else ""
    saved = f"its weights were saved after {steps:,} of {of:,} steps of training{phase}"
    return f"{saved}, so what it makes will look unfinished"


def card_of_own_encoder(card: Mapping[str, Any]) -> Card:
    """The card of an encoder that stands in the same file as its prior.

    Arguments:
        card: of the file. Its table "encoder" holds what is said of the encoder alone, for example the "defaults" that
            begin with it; the prior's own defaults are not the encoder's.

    Example:
        >>> card_of_own_encoder({"name": "aegan", "encoder": {"defaults": {"reconstruct": {}}}})["defaults"]
        {'reconstruct': {}}
    """
    own = card.get("encoder")
    return Card({**card, "defaults": {}, **(own if isinstance(own, Mapping) else {})})


def check_belongs(encoder: Any, prior: Any) -> None:
    """Refuse an encoder of another prior.

    Arguments:
        encoder: has a card, and the `prior_sha256` of the prior that it belongs to.
        prior: has a card and its own `sha256`.

    Raises:
        ArgumentError: it belongs to another prior.
    """
    if encoder.prior_sha256 == prior.sha256:
        return
    belongs = encoder.card.get("prior", {}).get("name") or f"a prior of sha256 {encoder.prior_sha256[:12]}..."
    here = prior.card.get("name") or f"one of sha256 {prior.sha256[:12]}..."
    if belongs == here:
        belongs, here = f"{belongs} ({encoder.prior_sha256[:12]}...)", f"{here} ({prior.sha256[:12]}...)"
    raise ArgumentError(
        f"the encoder belongs to {belongs}, and this prior is {here}: an encoder knows the codes and features of "
        f"one prior; `jaxprior train encoder --prior {prior.card.get('name') or 'PRIOR'}` trains one of this."
    )
