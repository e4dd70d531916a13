"""Numbers, times and sizes in words for people."""


def plural(noun: str, count: int) -> str:
    """The noun as it stands behind a number: "picture" behind 1, "pictures" behind all others."""
    return noun if count == 1 else f"{noun}s"


def with_article(noun: str) -> str:
    """The noun behind "a" or "an", by its first letter.

    Example:
        >>> with_article("encoder"), with_article("prior")
        ('an encoder', 'a prior')
    """
    return f"{'an' if noun[:1].lower() in tuple('aeiou') else 'a'} {noun}"


def size(count: int) -> str:
    """Bytes in words: "1.5 GiB", "12 MiB"."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{max(count / 2**20, 1):.0f} MiB"


def needed(count: float) -> str:
    """Bytes in words, exact enough to compare what is needed with what there is: "1.25 GiB", "3.57 MiB"."""
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 / 10 else f"{count / 2**20:.3g} MiB"


def duration(seconds: float) -> str:
    """Seconds in words, two digits: "45 s", "3.2 min", "5 h", "12 days"."""
    for unit, length in (("s", 60.0), ("min", 60.0), ("h", 48.0)):
        if seconds < length:
            return f"{seconds:.2g} {unit}"
        seconds /= 60 if unit != "h" else 24
    return f"{seconds:.3g} days"
