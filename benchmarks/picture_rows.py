"""Figures of pictures in a file that grows: a long comparison can be ended at any time and gone on with.

Each line is one picture restored by one method, as JSON: "task", "method", "key", "index" of the picture, and its
figures. The key is a hash of all settings: rows of a method whose settings have changed since are not found any more.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np


def key_of(*settings: object) -> str:
    """A hash of settings that are plain values; whatever else is among them counts by its `repr`."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=repr).encode()).hexdigest()[:16]


class PictureRows:
    """The rows of a file, by task and method.

    Arguments:
        path: of the file; there need not be one yet.
    """

    def __init__(self, path: Path):
        self.path = path
        self._rows: dict[tuple[str, str], dict[int, dict]] = {}
        for line in path.read_text().splitlines() if path.is_file() else []:
            if line.endswith("}"):  # the last one may be cut short
                self._keep(json.loads(line))

    def _keep(self, row: dict) -> None:
        self._rows.setdefault((row["task"], row["key"]), {})[row["index"]] = row

    def lacking(self, task: str, key: str, indices: Iterable[int]) -> list[int]:
        """Those of the pictures that have no row yet."""
        known = self._rows.get((task, key), {})
        return [index for index in indices if index not in known]

    def add(self, task: str, method: str, key: str, indices: Sequence[int], figures: dict[str, np.ndarray]) -> None:
        """Append the rows of some pictures.

        A figure that is not finite, such as the PSNR of equal pictures, is left out.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        cut_short = self.path.is_file() and not self.path.read_bytes().endswith(b"\n")
        with self.path.open("a") as file:
            if cut_short:
                file.write("\n")
            for place, index in enumerate(indices):
                each = {name: float(values[place]) for name, values in figures.items()}
                each = {name: round(value, 5) for name, value in each.items() if math.isfinite(value)}
                row = {"task": task, "method": method, "key": key, "index": int(index), **each}
                file.write(json.dumps(row) + "\n")
                self._keep(row)

    def figures(self, task: str, key: str, indices: Iterable[int]) -> dict[str, np.ndarray] | None:
        """The figures of pictures, {name: values [b]}; None unless there are rows of all of them."""
        indices, known = list(indices), self._rows.get((task, key), {})
        if not indices or any(index not in known for index in indices):
            return None
        rows = [known[index] for index in indices]
        names = [name for name in rows[0] if name not in ("task", "method", "key", "index")]
        return {name: np.array([row[name] for row in rows]) for name in names if all(name in row for row in rows)}
