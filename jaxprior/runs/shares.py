"""How several processes divide the pictures of one run: of n processes each takes every n-th picture.

Each of them keeps a journal of its own, so that they never write to the same file.
"""

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

from jaxprior.errors import RunError


Item = TypeVar("Item")


@dataclasses.dataclass(frozen=True)
class Share:
    """One of several equal parts of a list; by default the only part, which is the whole list.

    Arguments:
        index: the number of the part, counted from 0.
        count: the number of parts.

    Raises:
        RunError: there is no part of that number.

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
        """Read the words of the command line: "2/8" is the second of eight parts.

        Raises:
            RunError: the text has another form, or there is no such part.
        """
        index, slash, count = text.partition("/")
        if not (slash and index.isdecimal() and count.isdecimal()):
            raise RunError(f"shard {text!r}: expected i/n with i from 1 to n, e.g. 2/8.")
        return cls(int(index) - 1, int(count))

    @property
    def suffix(self) -> str:
        """What the names of this part's own files have before their ending, e.g. "-2-of-8"; nothing for the whole."""
        return "" if self.count == 1 else f"-{self.index + 1}-of-{self.count}"

    def of(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return the items that belong to this part."""
        return items[self.index :: self.count]


WHOLE = Share()
"""The share of a process that works alone: all pictures."""
