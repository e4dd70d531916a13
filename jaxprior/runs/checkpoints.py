"""Checkpoints of the state of a training, written and read with orbax.

A checkpoint is a folder whose name is its number. Orbax writes it under a temporary name and then renames it, so that
a process that is killed leaves either a complete checkpoint or none. When the newest checkpoint is damaged, `restore`
reads the one before.
"""

import os
import shutil
from pathlib import Path

import jax
import numpy as np

from jaxprior.errors import RunError


def save(folder: Path, number: int, tree, *, keep: int = 2) -> None:
    """Write one checkpoint, and remove the oldest ones when there are more than `keep`.

    One that has this number already is there until the new one is complete.

    Arguments:
        folder: where all checkpoints of the run lie; made if it is missing.
        number: the name of this checkpoint. The highest number counts as the newest.
        tree: a pytree of arrays and Python numbers.
        keep: how many checkpoints remain, this one included.
    """
    from orbax.checkpoint import v1 as ocp

    path = Path(folder).absolute() / str(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    tree = jax.tree.map(np.asarray, tree)
    written = path.with_suffix(".new") if path.exists() else path
    if jax.process_count() > 1:
        _save_alone(written, tree)
    else:
        ocp.save(os.fspath(written), tree, overwrite=True)
    if written != path:
        shutil.rmtree(path)
        written.rename(path)
    for old in numbers(folder)[:-keep]:
        shutil.rmtree(Path(folder) / str(old), ignore_errors=True)


def numbers(folder: Path) -> list[int]:
    """Return the numbers of the complete checkpoints in a folder, the lowest first."""
    folder = Path(folder)
    return sorted(int(p.name) for p in folder.iterdir() if p.name.isdigit()) if folder.is_dir() else []


def restore(folder: Path, like):
    """Read the newest checkpoint that can be read.

    Arguments:
        folder: the folder that was given to `save`.
        like: a pytree of the structure, shapes and types that the checkpoint must have.

    Returns:
        (number, pytree of NumPy arrays), or None when the folder has no checkpoint.

    Raises:
        RunError: there are checkpoints, but none of them can be read or has the structure of `like`.
    """
    from orbax.checkpoint import v1 as ocp

    abstract = jax.tree.map(lambda x: np.empty(np.shape(x), np.asarray(x).dtype), like)
    failure = None
    for number in reversed(numbers(folder)):
        try:
            path = Path(folder).absolute() / str(number)
            return number, (
                _load_alone(path, abstract) if jax.process_count() > 1 else ocp.load(os.fspath(path), abstract)
            )
        except Exception as error:  # orbax raises errors of many kinds, and an older one may be whole
            failure = failure or error
    if failure is not None:
        raise RunError(f"{folder}: no checkpoint fits or can be read; the newest says: {failure}")
    return None


def _save_alone(path: Path, tree) -> None:
    """Save as one of several processes, without waiting for the others, for which orbax's newer interface would."""
    with _alone() as checkpointer:
        checkpointer.save(path, tree, force=True)


def _load_alone(path: Path, abstract):
    """Load as one of several processes what one process or one of several has saved."""
    from orbax.checkpoint.args import PyTreeRestore

    inner = next(path.glob("*/_METADATA"), path / "_METADATA").parent  # the newer interface adds a folder
    with _alone() as checkpointer:
        return checkpointer.restore(inner, args=PyTreeRestore(abstract))


def _alone():
    """Orbax's older reader and writer, for this process and no other."""
    from orbax.checkpoint import Checkpointer, PyTreeCheckpointHandler
    from orbax.checkpoint.options import MultiprocessingOptions

    this = jax.process_index()
    options = MultiprocessingOptions(
        primary_host=this, active_processes={this}, barrier_sync_key_prefix=f"process{this}"
    )
    return Checkpointer(PyTreeCheckpointHandler(multiprocessing_options=options), multiprocessing_options=options)
