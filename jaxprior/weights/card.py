"""The card of a trained network: what it is, where it comes from, its licence, its default settings."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


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
