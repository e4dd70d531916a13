"""Finding the runs of trainings in a folder."""

from pathlib import Path

from jaxprior.runs.kinds import RECORD, TRAINING
from jaxprior.runs.record import read_record


def is_training(path: Path) -> bool:
    """Whether something can have the report of a training: the folder of a training, or a file of weights."""
    path = Path(path)
    if path.is_file():
        return path.suffix == ".safetensors"
    return (path / RECORD).is_file() and read_record(path).get("kind") == TRAINING


def trainings_in(path: Path) -> list[Path]:
    """What can have the report of a training: the path itself, or the trainings of a folder that holds nothing else.

    Returns:
        paths, sorted by name; none where there is a run of another kind, or no training.
    """
    path = Path(path)
    if is_training(path):
        return [path]
    runs = [] if (path / RECORD).is_file() else sorted(file.parent for file in path.glob(f"*/{RECORD}"))
    return runs if all(is_training(run) for run in runs) else []
