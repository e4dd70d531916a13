"""What a run keeps of one picture: its pictures as PNG, its latents and losses as safetensors."""

import contextlib
import io
import itertools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxprior.data import images
from jaxprior.data.volume_pictures import volume_picture
from jaxprior.data.volume_units import Units
from jaxprior.errors import RunError
from jaxprior.evaluation.drawn import copy_draws
from jaxprior.evaluation.reading import Job
from jaxprior.inversion.state import named
from jaxprior.runs.row import Row
from jaxprior.runs.runfolder import PICTURES, RunFolder
from jaxprior.runs.traces import BESIDE_LATENTS, ERROR_STEPS, ERRORS, TRACE
from jaxprior.system.files import write_atomically
from jaxprior.weights.tree import unflatten


PICTURE_CHANNELS = (1, 3)
ABOUT = "jaxprior"
"""Name of the metadata of a file of latents: which picture they are of."""


def save_pictures(
    folder: RunFolder, job: Job, *, merged: np.ndarray, raw: Sequence[np.ndarray], observed: np.ndarray
) -> None:
    """Write a picture's PNG files, each whole and durable when this returns.

    Arguments:
        folder: the run; job: the picture.
        merged: with what is known put back, float [r, r, c] in [-1, 1], or uint8 [h, w, 3]; or a volume,
            [d, h, w, 1], as raw and observed are then.
        raw: the generator's output, one picture or one for each square; empty if there was nothing to generate.
        observed: the observation, shown if it is a picture.
    """
    pictures = {("images", job.file): merged}
    pictures |= {("raw", numbered(job.file, i)): one for i, one in enumerate(raw, 1)}
    if observed.ndim == 3 and observed.shape[-1] in PICTURE_CHANNELS:
        pictures["inputs", job.file] = observed
    if job.truth is not None:
        pictures["originals", job.file] = job.truth
    if job.units is not None:
        if observed.ndim == 4:
            pictures["inputs", job.file] = observed
        if job.mask is not None:
            pictures["masks", job.file] = job.mask * 2 - 1
        _save_volumes(folder, pictures, job.units)
        return
    if job.mask is not None:
        pictures["masks", job.file] = job.mask[..., None].astype(np.float32) * 2 - 1
    for (kind, file), picture in pictures.items():
        pixels = picture if picture.dtype == np.uint8 else images.to_uint8(images.to_rgb(picture))
        images.save_png(folder.file(kind, file), pixels)


def _save_volumes(folder: RunFolder, volumes: dict[tuple[str, str], np.ndarray], units: Units) -> None:
    """Write volumes in [-1, 1] as arrays in the units of their file, and beside each what it looks like.

    Results are in the file's own type, binary ones occupied where the value is above the middle of the range. The
    generator's own output and what was observed keep all that lies between, as float32.
    """
    for (kind, file), volume in volumes.items():
        whole = volume[..., 0] if volume.ndim == 4 else volume
        images.save_png(folder.file(kind, file), volume_picture(whole))
        if kind == "masks":
            values = (whole > 0).astype(np.uint8)
        else:
            values = units.unscaled(whole) if kind in ("images", "originals") else units.measured(whole)
        data = io.BytesIO()
        np.save(data, values)
        write_atomically(folder.volume(kind, file), data.getvalue())


def numbered(file: str, number: int) -> str:
    """The name of the files of a picture's square: the picture's own for the first, then "cat-458e0cbb-2" and so on."""
    return file if number == 1 else f"{file}-{number}"


def save_latents(
    folder: RunFolder, job: Job, latents: Any, trace: np.ndarray, *, number: int = 1, errors: np.ndarray | None = None,
    every: int | None = None,
) -> None:  # fmt: skip
    """Write a picture's latents, a tree of arrays, and the losses before every iteration and at the end.

    Arguments:
        folder, job: the run and the picture.
        latents, trace: what is written.
        number: of the square that they are of, where a picture has several.
        errors: of iterates to the original [k], after 0, `every`, 2 `every`, ... iterations; None where nobody asked.
        every: so many iterations lie between two errors.
    """
    tensors = {name: np.asarray(leaf, order="C") for name, leaf in named(latents).items()}
    tensors[TRACE] = np.asarray(trace, np.float32, order="C")
    if errors is not None and every is not None:
        tensors[ERRORS] = np.asarray(errors, np.float32, order="C")
        tensors[ERROR_STEPS] = every * np.arange(len(errors), dtype=np.int32)
    _save_tensors(folder, job, tensors, numbered(job.file, number))


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
            for number in itertools.count(1):
                content = folder.file(kind, numbered(file, number)).read_bytes()
                write_atomically(folder.file(kind, numbered(job.file, number)), content)
        with contextlib.suppress(FileNotFoundError):
            write_atomically(folder.volume(kind, job.file), folder.volume(kind, file).read_bytes())
    copy_draws(folder, file, job.file)
    with contextlib.suppress(FileNotFoundError, SafetensorError):
        for number in itertools.count(1):
            tensors = load_file(folder.file("latents", numbered(file, number)))
            _save_tensors(folder, job, tensors, numbered(job.file, number))


def stored_key(folder: RunFolder, file: str) -> str | None:
    """Return the key of the result whose latents lie under a name; None if there are none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder.file("latents", file), framework="np") as opened:
            about = json.loads((opened.metadata() or {}).get(ABOUT, "{}"))
    except (OSError, SafetensorError, ValueError):
        return None
    return about.get("key")


def _save_tensors(folder: RunFolder, job: Job, tensors: dict[str, np.ndarray], file: str) -> None:
    from safetensors.numpy import save

    about = json.dumps({"image": job.image, "id": job.id, "key": job.key})
    write_atomically(folder.file("latents", file), save(tensors, metadata={ABOUT: about}))


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
    return unflatten({name: tensor for name, tensor in tensors.items() if name not in BESIDE_LATENTS})
