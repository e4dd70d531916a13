"""What a path is that somebody gave where a run was expected, in words for the sentence that refuses it."""

import json
import os
from pathlib import Path
from typing import Any

from jaxprior.system.amounts import with_article


RECORD = "run.json"
"""The file that every run has from its beginning on."""

WEIGHTS = "model.safetensors"
"""The file that every training run keeps up to date."""

TRAINING = "training"
"""The kind of run that the record of a training states."""


def saved_networks(folder: str | os.PathLike) -> list[Path]:
    """The files of weights in a training's folder: its own, or one for each of the networks trained together."""
    own = Path(folder) / WEIGHTS
    return [own] if own.is_file() else sorted(Path(folder).glob(f"*/{WEIGHTS}"))


def wrong_kind(path: str | os.PathLike, record: dict[str, Any], expected: str) -> str:
    """The sentence about a run of another kind than the expected one.

    Arguments:
        path: of the run; record: what its record holds.
        expected: kind of run, "restoration" or "training".
    """
    kind = record.get("kind", "foreign")
    details = "" if kind == "restoration" else f": it {what_it_is(path)}"
    return f"{path} holds {with_article(kind)} run, not {with_article(expected)} run{details}."


def is_run(path: str | os.PathLike) -> bool:
    """Whether a path is the folder of a run, an evaluation or a training of this package."""
    return (_record(Path(path)) or {}).get("kind") in ("restoration", "evaluation", TRAINING)


def is_begun_training(path: str | os.PathLike) -> bool:
    """Whether a path is the run of a training that has saved no weights yet."""
    record = _record(Path(path))
    return record is not None and record.get("kind") == TRAINING and not saved_networks(path)


def what_it_is(path: str | os.PathLike) -> str:
    """Say what a path is, as the end of a sentence that begins with its name.

    Arguments:
        path: anything that was given for a run or for a network.

    Example:
        >>> what_it_is("nowhere")
        'does not exist'
    """
    path = Path(path)
    if not path.exists():
        return "does not exist"
    if not path.is_dir():
        return "is a file"
    record = _record(path)
    if record is None:
        return _folder(path)
    kind = record.get("kind", "damaged")
    if kind == "restoration":
        return f"is a restoration run ({record.get('title', 'of an unknown task')})"
    if kind == "evaluation":
        cells = [path / name for name in record.get("cells", []) if (path / name).is_dir()]
        return f"is the folder of an evaluation{_such_as(cells)}"
    if kind == TRAINING:
        return _training(path, record)
    return f"is a run whose {RECORD} is {kind}"


def _record(path: Path) -> dict[str, Any] | None:
    """The record of a run, None where there is none, and an empty one where it cannot be read."""
    try:
        record = json.loads((path / RECORD).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _training(path: Path, record: dict[str, Any]) -> str:
    """Words for the run of a training."""
    configuration = record.get("configuration")
    recipe = configuration.get("recipe", "unknown") if isinstance(configuration, dict) else "unknown"
    networks = saved_networks(path)
    if not networks:
        return f"is the run of a training ({recipe}) that has saved no weights yet"
    if networks[0].parent != path:
        return f"is the run of a training ({recipe}) of several networks{_such_as([networks[0].parent])}"
    return f"is the run of a training ({recipe})"


def _folder(path: Path) -> str:
    """Words for a folder that is no run itself."""
    if not any(path.iterdir()):
        return "is an empty folder"
    runs = sorted(file.parent for file in path.glob(f"*/{RECORD}"))
    if runs:
        return f"is a folder of runs{_such_as(runs)}"
    return f"is a folder without a {RECORD}"


def _such_as(folders: list[Path]) -> str:
    """Words that name the first of the folders in a folder."""
    return f" (such as {folders[0]})" if folders else ""
