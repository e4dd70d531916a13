"""The priors and restorers that the page offers: those that are bundled or installed, and those that were named.

Only the heads of their files are read. A damaged file is left out, with a sentence.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jaxprior.errors import JaxpriorError
from jaxprior.operators import Colorize, Inpaint, Operator
from jaxprior.restoration.presets import check_method
from jaxprior.weights import loader
from jaxprior.weights.outlines import PriorOutline, outline_prior, outline_restorer


PRIOR, RESTORER = "prior", "restorer"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A network that can be chosen.

    Fields:
        kind: PRIOR or RESTORER.
        source: its name, file or training run, as `load_prior` and `load_restorer` take it.
        words: what people read in the list.
        outline: of a prior: its sizes and settings.
        task, factor: of a restorer: "inpaint" or "superres", and by how much it enlarges.
        named: whether the user named it when the page was started.
    """

    kind: str
    source: str
    words: str
    outline: PriorOutline | None = None
    task: str = ""
    factor: int = 1
    named: bool = False

    @property
    def value(self) -> str:
        """What the browser sends when it is chosen."""
        return f"{self.kind}:{self.source}"

    def answers_at_once(self, task: Operator) -> bool:
        """Whether its own settings for a task take a network's answer without any step, so that nothing converges."""
        return self.outline is None or check_method({}, task, prior=self.outline).solve.steps == 0


@dataclass(frozen=True, kw_only=True)
class Choices:
    """All networks that can be chosen.

    Fields:
        all: in the order in which they are shown.
        left_out: a sentence for each file that cannot be used.
    """

    all: tuple[Choice, ...]
    left_out: tuple[str, ...] = ()

    @property
    def fill(self) -> list[Choice]:
        """Those that fill holes: first what the user named, restorers before priors; then priors, which give several
        answers and can be watched, and the restorers that are at hand."""
        fillers = [one for one in self.all if one.task == "inpaint"]
        named = [one for one in (*fillers, *self.priors) if one.named]
        return [*named, *(one for one in (*self.priors, *fillers) if not one.named)]

    @property
    def enlarge(self) -> list[Choice]:
        """Those that enlarge photographs of any size."""
        return [one for one in self.all if one.task == "superres"]

    @property
    def priors(self) -> list[Choice]:
        """All priors of square pictures."""
        return [one for one in self.all if one.kind == PRIOR]

    def find(self, value: Any) -> Choice:
        """The choice that the browser sent.

        Raises:
            JaxpriorError: there is none like it.
        """
        for one in self.all:
            if one.value == value:
                return one
        raise JaxpriorError("Choose one of the priors or restorers in the list first.")


def find_choices(priors: Iterable[str] = (), restorers: Iterable[str] = ()) -> Choices:
    """Find what can be chosen.

    Arguments:
        priors, restorers: names, files and training runs that are offered first, beside what is bundled and installed.

    Raises:
        WeightsError: one of those that were named cannot be used.

    Example:
        >>> [one.source for one in find_choices().priors][:2]
        ['cats64', 'lsgan-cats64']
    """
    found: dict[str, Choice] = {}
    left_out: list[str] = []
    named = [*((PRIOR, one) for one in priors), *((RESTORER, one) for one in restorers)]
    cards = [(PRIOR, card["name"]) for card in loader.prior_cards()]
    for kind, source in (*named, *cards, *((RESTORER, name) for name in loader.named_restorers())):
        try:
            one = _prior(source) if kind == PRIOR else _restorer(source)
        except JaxpriorError as error:
            if (kind, source) in named:
                raise
            left_out.append(f"{source} is left out: {error}")
            continue
        if one is not None:
            found.setdefault(one.value, replace(one, named=(kind, source) in named))
        elif (kind, source) in named:
            raise JaxpriorError(f"{source}: the page takes priors of square pictures, and restorers of pictures.")
    return Choices(all=tuple(found.values()), left_out=tuple(left_out))


def hole_of(outline: PriorOutline) -> Inpaint:
    """A hole in the middle of a prior's pictures, for questions about its settings."""
    mask = np.zeros(outline.image_shape[:2], np.float32)
    mask[len(mask) // 2, len(mask) // 2] = 1
    return Inpaint(mask)


def what_will_be_seen(choice: Choice, task: str, thorough: bool) -> str:
    """Say what there is to watch with a choice, so that nobody waits for a curve that does not come.

    Arguments:
        choice: of the user; task: "inpaint" or "colorize"; thorough: whether a search was asked for.

    Example:
        >>> what_will_be_seen(find_choices().find("prior:cats64"), "inpaint", True)
        'cats64 searches: the loss and the pictures of the search appear while it goes on.'
    """
    if choice.kind == RESTORER or choice.outline is None:
        return f"{choice.source} answers at once, without a search: there is nothing to watch."
    operator = Colorize() if task == "colorize" else hole_of(choice.outline)
    if thorough or not choice.answers_at_once(operator):
        return f"{choice.source} searches: the loss and the pictures of the search appear while it goes on."
    return (
        f"{choice.source} has an encoder, which answers at once: there is nothing to watch unless you ask for several "
        "answers, or for a search."
    )


def _prior(source: str) -> Choice | None:
    outline = outline_prior(source)
    if outline is None or len(outline.image_shape) != 3 or outline.image_shape[0] != outline.image_shape[1]:
        return None
    return Choice(kind=PRIOR, source=source, words=_words(source, outline.card, _sides(outline)), outline=outline)


def _restorer(source: str) -> Choice | None:
    outline = outline_restorer(source)
    if outline.restores is None:
        return None
    task, factor = outline.restores.task, outline.restores.factor
    words = _words(source, outline.card, f"enlarges {factor} times" if task == "superres" else "restorer, fills holes")
    return Choice(kind=RESTORER, source=source, words=words, task=task, factor=factor)


def _sides(outline: PriorOutline) -> str:
    return f"prior of {outline.resolution}x{outline.resolution} pixels"


def _words(source: str, card: Any, what: str) -> str:
    subject = card.get("subject")
    return ", ".join([source, what, *([subject] if isinstance(subject, str) else [])])


def of_kind(choices: Sequence[Choice]) -> list[tuple[str, str]]:
    """Choices as a list of the page takes them: what is read, and what is sent."""
    return [(one.words, one.value) for one in choices]
