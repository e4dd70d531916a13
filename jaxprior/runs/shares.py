"""Who does which pictures, where several processes work on one run: each takes every n-th and keeps its own journal."""

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

from jaxprior.errors import RunError


Item = TypeVar("Item")


@dataclasses.dataclass(frozen=True)
class Share:
    """Part `index`, counted from 0, of `count` parts; the whole by default.

    Raises:
        RunError: there is no such part.

    Example:
        >>> Share(1, 3).of(["a", "b", "c", "d", "e"])
        ['b', 'e']
    """

    index: int = 0
    count: int = 1

    def __post_init__(self):
        if not 0 <= self.index < self.count:
            raise RunError(f"shard {self.index + 1}/{self.count}: expected i/n with i from 1 to n, e.g. 2/8.")

    @classmethod
    def parse(cls, text: str) -> "Share":
        """Read "2/8": the second of eight parts.

        Raises:
            RunError: it is written in another way.
        """
        index, slash, count = text.partition("/")
        if not (slash and index.isdecimal() and count.isdecimal()):
            raise RunError(f"shard {text!r}: expected i/n with i from 1 to n, e.g. 2/8.")
        return cls(int(index) - 1, int(count))

    @property
    def suffix(self) -> str:
        """What the names of its own files have before their ending: "-2-of-8", nothing for the whole."""
        return "" if self.count == 1 else f"-{self.index + 1}-of-{self.count}"

    def of(self, items: Sequence[Item]) -> Sequence[Item]:
        """Those items that belong to it."""
        return items[self.index :: self.count]


WHOLE = Share()
