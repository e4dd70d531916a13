"""What a user should know of how pictures were read, gathered over many pictures: each note once."""

from collections.abc import Iterable


Noted = Iterable[tuple[str, Iterable[str]]]
"""Names of pictures, each with its notes."""


def collect_notes(pictures: Noted) -> dict[str, list[str]]:
    """Return every note with the names of its pictures, each once, both in the order in which they come.

    Example:
        >>> collect_notes([("a.png", ["turned"]), ("b.png", ["turned"])])
        {'turned': ['a.png', 'b.png']}
    """
    found: dict[str, dict[str, None]] = {}
    for name, notes in pictures:
        for note in notes:
            found.setdefault(note, {})[name] = None
    return {note: list(names) for note, names in found.items()}


def note_sentences(pictures: Noted) -> list[str]:
    """Return a sentence for every note, with the first of its pictures and the number of the others.

    Example:
        >>> note_sentences([("a.png", ["turned"]), ("b.png", ["turned"])])
        ['turned: a.png and 1 more']
    """
    return [note_sentence(note, names[0], len(names)) for note, names in collect_notes(pictures).items()]


def note_sentence(note: str, first: str, count: int) -> str:
    """Return the sentence for one note that `count` pictures have, of which one is named.

    Example:
        >>> note_sentence("turned", "a.png", 3)
        'turned: a.png and 2 more'
    """
    return f"{note}: {first}" + (f" and {count - 1} more" if count > 1 else "")
