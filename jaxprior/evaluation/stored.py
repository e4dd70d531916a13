"""What a run keeps of one picture: its pictures as PNG, its latents and losses as safetensors."""

import contextlib
import json
from typing import Any

import numpy as np

from jaxprior.data import images
from jaxprior.errors import RunError
from jaxprior.evaluation.reading import Job
from jaxprior.inversion.state import named
from jaxprior.runs.journal import Row
from jaxprior.runs.runfolder import PICTURES, RunFolder
from jaxprior.runs.traces import TRACE
from jaxprior.system.files import write_atomically
from jaxprior.weights.tree import unflatten


PICTURE_CHANNELS = (1, 3)
ABOUT = "jaxprior"
"""Name of the metadata of a file of latents: which picture they are of."""


def save_pictures(folder: RunFolder, job: Job, *, merged: np.ndarray, raw: np.ndarray | None, observed: np.ndarray):
    """Write a picture's PNG files, each whole and durable when this returns.

    Arguments:
        folder: the run; job: the picture.
        merged: with what is known put back, float [r, r, c] in [-1, 1].
        raw: the generator's output, or None if there was nothing to generate.
        observed: the observation, shown if it is a picture.
    """
    pictures = {"images": merged}
    if raw is not None:
        pictures["raw"] = raw
    if observed.ndim == 3 and observed.shape[-1] in PICTURE_CHANNELS:
        pictures["inputs"] = observed
    if job.truth is not None:
        pictures["originals"] = job.truth
    if job.mask is not None:
        pictures["masks"] = job.mask[..., None] * 2 - 1
    for kind, picture in pictures.items():
        images.save_png(folder.file(kind, job.file), images.to_uint8(images.to_rgb(picture)))


def save_latents(folder: RunFolder, job: Job, latents: Any, trace: np.ndarray) -> None:
    """Write a picture's latents, a tree of arrays, and the losses before every iteration and at the end."""
    tensors = {name: np.asarray(leaf, order="C") for name, leaf in named(latents).items()}
    tensors[TRACE] = np.asarray(trace, np.float32, order="C")
    _save_tensors(folder, job, tensors)


def copy_files(folder: RunFolder, file: str, job: Job) -> None:
    """Write what a run keeps under one name under a picture's own name too; what is not there is left out.

    Arguments:
        folder: the run.
        file: the name of the files of another picture with the same key.
        job: the picture.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    for kind in PICTURES:
        with contextlib.suppress(FileNotFoundError):
            write_atomically(folder.file(kind, job.file), folder.file(kind, file).read_bytes())
    with contextlib.suppress(FileNotFoundError, SafetensorError):
        _save_tensors(folder, job, load_file(folder.file("latents", file)))


def stored_key(folder: RunFolder, file: str) -> str | None:
    """Return the key of the result whose latents lie under a name; None if there are none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder.file("latents", file), framework="np") as opened:
            about = json.loads((opened.metadata() or {}).get(ABOUT, "{}"))
    except (OSError, SafetensorError, ValueError):
        return None
    return about.get("key")


def _save_tensors(folder: RunFolder, job: Job, tensors: dict[str, np.ndarray]) -> None:
    from safetensors.numpy import save

    about = json.dumps({"image": job.image, "id": job.id, "key": job.key})
    write_atomically(folder.file("latents", job.file), save(tensors, metadata={ABOUT: about}))


def load_latents(folder: RunFolder, row: Row) -> dict:
    """Return the latents of one picture as the engine keeps them, a nested dict of arrays without a batch axis.

    Raises:
        RunError: the file is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = folder.file("latents", str(row.file))
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise RunError(f"{path} cannot be read ({error}); repeat the run's command without this file.") from None
    return unflatten({name: tensor for name, tensor in tensors.items() if name != TRACE})
