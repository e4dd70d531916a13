"""The losses of a picture, which a run keeps in the file of its latents."""

import numpy as np

from jaxprior.runs.runfolder import RunFolder


TRACE = "trace"
"""Name of the losses among the tensors of the file."""


def load_trace(folder: RunFolder, name: str) -> np.ndarray | None:
    """Return the losses of a picture before every iteration and at the end, [steps + 1].

    Arguments:
        folder: the run; name: of the picture's files without suffix.

    Returns:
        None if there are none or the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder.file("latents", name), framework="np") as file:
            trace = file.get_tensor(TRACE) if TRACE in file.keys() else None
    except (OSError, SafetensorError):
        return None
    return trace if trace is not None and trace.ndim == 1 and len(trace) else None
