"""The folders of trainings: finding them, and refusing others."""

from pathlib import Path

from jaxprior.errors import RunError
from jaxprior.runs.kinds import RECORD, TRAINING, wrong_kind
from jaxprior.runs.record import read_record


def is_training(path: Path) -> bool:
    """Whether something can have the report of a training: the folder of a training, or a file of weights."""
    path = Path(path)
    if path.is_file():
        return path.suffix == ".safetensors"
    return (path / RECORD).is_file() and read_record(path).get("kind") == TRAINING


def check_training_folder(run: Path) -> None:
    """Refuse a folder that holds another kind of run than a training.

    Raises:
        RunError: it does.
    """
    if (run / RECORD).is_file() and (found := read_record(run)).get("kind") != TRAINING:
        raise RunError(f"{wrong_kind(run, found, TRAINING)[:-1]}; give another folder with -o.")


def check_same_start(run: Path, start_from: str | None) -> None:
    """Refuse to continue a training that began with other weights: other settings follow from where it begins.

    Arguments:
        run: its folder; where it has no record yet, everything is accepted.
        start_from: sha256 of the weights that this command goes on from, or None.

    Raises:
        RunError: it began with other ones.
    """
    if not (run / RECORD).is_file():
        return
    before = read_record(run).get("configuration", {}).get("start_from")
    if before == start_from:
        return
    began = "without --from" if before is None else "from the weights of another --from"
    here = "has none" if start_from is None else "goes on from the weights of --from"
    raise RunError(f"{run} was begun {began}, this command {here}: give another folder with -o.")


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
