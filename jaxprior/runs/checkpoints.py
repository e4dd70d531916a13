"""Checkpoints of training state: orbax behind three functions.

A checkpoint is a folder named by its number. Orbax writes it under a temporary name and renames it, so that a killed
process leaves either a whole checkpoint or none. `restore` falls back to the one before when the newest is damaged.
"""

import shutil
from pathlib import Path

import jax
import numpy as np

from jaxprior.errors import RunError


def save(folder: Path, number: int, tree, *, keep: int = 2) -> None:
    """Write `tree` (arrays, Python ints and floats) as checkpoint `number`; older ones beyond `keep` are removed."""
    from orbax.checkpoint import v1 as ocp

    path = Path(folder).absolute() / str(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    ocp.save(path, jax.tree.map(np.asarray, tree), overwrite=True)
    for old in numbers(folder)[:-keep]:
        shutil.rmtree(Path(folder) / str(old), ignore_errors=True)


def numbers(folder: Path) -> list[int]:
    """Numbers of the complete checkpoints in a folder, ascending."""
    folder = Path(folder)
    return sorted(int(p.name) for p in folder.iterdir() if p.name.isdigit()) if folder.is_dir() else []


def restore(folder: Path, like):
    """The newest readable checkpoint.

    Arguments:
        folder: where `save` wrote.
        like: a tree of the same structure, shapes and types.

    Returns:
        (number, tree of NumPy arrays), or None when there is none.

    Raises:
        RunError: there are checkpoints and none can be read.
    """
    from orbax.checkpoint import v1 as ocp

    abstract = jax.tree.map(lambda x: np.empty(np.shape(x), np.asarray(x).dtype), like)
    failure = None
    for number in reversed(numbers(folder)):
        try:
            return number, ocp.load(Path(folder).absolute() / str(number), abstract)
        except Exception as error:  # orbax raises many kinds; any of them means: try the one before
            failure = failure or error
    if failure is not None:
        raise RunError(f"{folder}: no checkpoint fits or can be read; the newest says: {failure}")
    return None
