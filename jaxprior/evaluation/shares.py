"""Shares of a run's pictures."""

import dataclasses
from collections.abc import Sequence

from jaxprior.errors import RunError


@dataclasses.dataclass(frozen=True)
class Share:
    """Part of the pictures: index of count, from 0."""

    index: int = 0
    count: int = 1

    def of(self, sources: Sequence) -> Sequence:
        """Those pictures that belong to it."""
        return sources[self.index :: self.count]

    @classmethod
    def parse(cls, text: str) -> "Share":
        """Read "2/8", counted from 1.

        Raises:
            RunError: it is none.
        """
        index, _, count = text.partition("/")
        if not (index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count)):
            raise RunError(f"shard {text!r}: expected i/n with i from 1 to n, e.g. 2/8.")
        return cls(int(index) - 1, int(count))
