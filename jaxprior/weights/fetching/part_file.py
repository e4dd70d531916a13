"""A file of which not all has been fetched yet, and what the server said of the whole of it."""

import json
from pathlib import Path

from jaxprior.system.files import write_json


class PartFile:
    """A file of which not all has come, and beside it what the server said of the whole.

    Arguments:
        path: of the part.
    """

    def __init__(self, path: Path):
        self.path, self._notes = path, path.with_name(f"{path.name}.json")

    @property
    def length(self) -> int:
        """Bytes that are there."""
        return self.path.stat().st_size if self.path.exists() else 0

    def said(self) -> dict[str, str]:
        """What the server said of the whole when the part was begun."""
        try:
            return json.loads(self._notes.read_text())
        except (OSError, ValueError):
            return {}

    def begin(self, said: dict[str, str]) -> None:
        """Throw away what is there, and note what the server says of the whole."""
        self.path.write_bytes(b"")
        write_json(self._notes, said)

    def discard(self) -> None:
        """Throw away all of it."""
        self.path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)
