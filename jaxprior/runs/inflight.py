"""The batch in flight on disk: a run that is killed loses at most a minute of solving.

RUN/in-flight.safetensors holds the latents, the optimiser's memory, the best iterates and the losses of the batch that
is being solved. It is written at a chunk boundary, atomically, once a minute and when the run is asked to stop, and
belongs to one batch of one shape on one kind of device: for any other it is as if it were not there.
"""

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from jaxprior.system.files import write_atomically


EVERY = 60.0
"""Seconds of work that a kill may cost."""


class InFlight:
    """A `jaxprior.restoration.placement.SavePoint` in a file.

    Arguments:
        path: the file.
        owner: what it belongs to, as plain JSON: the keys of the batch's pictures and what else decides bits.
        leaving: whether the run was asked to stop, so that it is saved at once.
    """

    def __init__(self, path: Path, owner: Mapping, *, leaving: Callable[[], bool]):
        self.path, self.leaving = path, leaving
        self.owner = json.dumps(owner, sort_keys=True)
        self.saved = time.monotonic()

    def due(self) -> bool:
        """Whether a minute has passed, or the run is about to stop."""
        return self.leaving() or time.monotonic() - self.saved >= EVERY

    def save(self, arrays: dict[str, np.ndarray]) -> None:
        """Replace the file.

        Raises:
            OSError: the disk refuses; the earlier file is left as it was.
        """
        arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
        write_atomically(self.path, safetensors.numpy.save(arrays, metadata={"owner": self.owner}))
        self.saved = time.monotonic()

    def load(self) -> dict[str, np.ndarray] | None:
        """The arrays if they are this batch's, else None."""
        try:
            with safetensors.safe_open(self.path, framework="np") as file:
                if (file.metadata() or {}).get("owner") != self.owner:
                    return None
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        except (OSError, safetensors.SafetensorError):
            return None

    def clear(self) -> None:
        """Remove the file: the batch is finished and its rows are in the journal."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
