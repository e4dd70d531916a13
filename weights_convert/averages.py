"""Which of several states of one network is the average over its training: by the names that trainings use."""

import re


_LONG = ("smooth", "averag", "shadow", "running", "moving", "polyak")
_SHORT = ("ema", "avg", "swa")
_WHOLE = ("gs", "ma")
_NOT = ("no", "non", "not", "un", "without", "wo", "pre", "before", "raw", "online")
_OTHER_WORDS = ("schema", "cinema", "swap", "swapped", "email")
_CRITIC = re.compile(r"(net)?d|disc(rim(inator)?)?|critic|opt(im(izer)?)?")


def words_of(name: str) -> list[str]:
    """The words in a name: "netG_avg" -> net, g, avg; "generatorEMA" -> generator, ema.

    Example:
        >>> words_of("models.generatorEMA")
        ['models', 'generator', 'ema']
    """
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def is_average(name: str) -> bool:
    """Whether a state is called an average over the training.

    Example:
        >>> [is_average(name) for name in ("Gs", "avgG", "g_running", "netG", "schema", "G_noema")]
        [True, True, True, False, False, False]
    """
    words = [word for word in words_of(name) if word not in _OTHER_WORDS]
    if any(_says_not(word) for word in words):
        return False
    return any(
        word in _WHOLE or word.startswith(_SHORT) or word.endswith(_SHORT) or any(part in word for part in _LONG)
        for word in words
    )


def _says_not(word: str) -> bool:
    """Whether a word says that something is no average: "no", "Gno", "nonaveraged", "noema"."""
    word = word.removeprefix("g")
    begun = (word.removeprefix(no) for no in _NOT if word.startswith(no))
    return word in _NOT or word.startswith("non") or any(rest.startswith((*_SHORT, *_LONG)) for rest in begun)


def is_of_critic(name: str) -> bool:
    """Whether something belongs to the other player, or to an optimiser, by its name."""
    return any(_CRITIC.fullmatch(word) for word in words_of(name))
