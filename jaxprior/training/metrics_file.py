"""`metrics.csv`: what the logged steps of a training measured, and other tables of a training that look like it."""

import csv
import io
import os
from pathlib import Path

import numpy as np


class MetricsFile:
    """`metrics.csv`: one row a logged step. Rows at or after the point of resumption are dropped when it is opened."""

    def __init__(self, path: Path, *, keep_below: int):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [row for row in read_metrics(path) if int(row["step"]) <= keep_below]
        self.fields = list(dict.fromkeys(name for row in rows for name in row if row[name] != ""))
        self._rewrite(rows)

    def append(self, row: dict) -> None:
        """Add one row; a new column rewrites the file."""
        row = {name: _plain(value) for name, value in row.items()}
        if new := [name for name in row if name not in self.fields]:
            rows = read_metrics(self.path)
            self.fields += new
            self._rewrite(rows)
        with open(self.path, "a", newline="") as file:
            csv.DictWriter(file, self.fields, restval="").writerow(row)

    def _rewrite(self, rows: list[dict]) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, self.fields, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(text.getvalue())
        os.replace(temporary, self.path)


def read_metrics(path: Path) -> list[dict[str, str]]:
    """Rows of a `metrics.csv`; an incomplete last row is left out. Empty when there is no file."""
    if not Path(path).is_file():
        return []
    with open(path, newline="") as file:
        text = file.read()
    whole = text[: text.rfind("\n") + 1]
    return [row for row in csv.DictReader(io.StringIO(whole)) if row.get("step", "").isdigit()]


def _plain(value):
    return f"{value:.6g}" if isinstance(value, float | np.floating) else value
