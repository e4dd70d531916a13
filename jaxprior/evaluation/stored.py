"""What a run keeps of one picture: its pictures as PNG, its latents and losses as safetensors."""

import json
from typing import Any

import numpy as np

from jaxprior.data import images
from jaxprior.errors import RunError
from jaxprior.evaluation.reading import Job
from jaxprior.inversion.state import named
from jaxprior.runs.journal import Row
from jaxprior.runs.runfolder import RunFolder
from jaxprior.runs.traces import TRACE
from jaxprior.system.files import write_atomically
from jaxprior.weights.tree import unflatten


PICTURE_CHANNELS = (1, 3)


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
    from safetensors.numpy import save

    tensors = {name: np.asarray(leaf, order="C") for name, leaf in named(latents).items()}
    tensors[TRACE] = np.asarray(trace, np.float32, order="C")
    about = json.dumps({"image": job.image, "id": job.id, "key": job.key})
    write_atomically(folder.file("latents", job.file), save(tensors, metadata={"jaxprior": about}))


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
