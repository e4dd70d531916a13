"""What a run keeps of how each picture was solved, in the file of its latents: losses, and errors to the original."""

from collections.abc import Sequence

import numpy as np

from jaxprior.runs.runfolder import RunFolder


TRACE = "trace"
"""Name of the losses among the tensors of the file."""

ERRORS, ERROR_STEPS = "errors", "error_steps"
"""Names of the errors to the original, and of the iterations at which they were measured, where a run follows them."""

BESIDE_LATENTS = (TRACE, ERRORS, ERROR_STEPS)
"""Tensors of the file that are no latents."""


def load_trace(folder: RunFolder, name: str) -> np.ndarray | None:
    """Return the losses of a picture before every iteration and at the end, [steps + 1].

    Arguments:
        folder: the run; name: of the picture's files without suffix.

    Returns:
        None if there are none or the file is damaged.
    """
    (trace,) = _load(folder, name, (TRACE,)) or (None,)
    return trace


def load_errors(folder: RunFolder, name: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Return after how many iterations a picture's iterates were compared with its original, and their errors.

    Arguments:
        folder: the run; name: of the picture's files without suffix.

    Returns:
        whole numbers [k], and mean squared errors [k] in units of [-1, 1], NaN where one is not known. None if there
        are none or the file is damaged.
    """
    found = _load(folder, name, (ERROR_STEPS, ERRORS))
    if found is None or found[0].shape != found[1].shape:
        return None
    return found[0], found[1]


def _load(folder: RunFolder, name: str, tensors: Sequence[str]) -> list[np.ndarray] | None:
    """Sequences of numbers in the file of a picture's latents; None unless all of them are there."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder.file("latents", name), framework="np") as file:
            if not set(tensors) <= set(file.keys()):
                return None
            found = [file.get_tensor(tensor) for tensor in tensors]
    except (OSError, SafetensorError):
        return None
    return found if all(one.ndim == 1 and len(one) for one in found) else None
