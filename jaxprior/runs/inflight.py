"""Saving the batch that is being solved, so that a run that is killed loses at most a minute of work.

The file RUN/in-flight.safetensors holds the latents, the state of the optimiser, the best iterates and the losses of
that batch. It is written atomically between two chunks of steps: once a minute, and when the run is asked to stop. It
belongs to one batch of one shape on one kind of device, and every other batch ignores it.
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
"""Seconds between two saves, which is the work that a killed process may lose."""


class InFlight:
    """Keeps the state of one batch in a file; it is a `jaxprior.restoration.placement.SavePoint`.

    Arguments:
        path: the file.
        owner: a description of the batch as plain JSON values: the keys of its pictures, and everything else on which
            the result depends to the bit. A file with another description is ignored.
        leaving: says whether the run was asked to stop, in which case the state is saved without waiting a minute.
    """

    def __init__(self, path: Path, owner: Mapping, *, leaving: Callable[[], bool]):
        self.path, self.leaving = path, leaving
        self.owner = json.dumps(owner, sort_keys=True)
        self.saved = time.monotonic()

    def due(self) -> bool:
        """Return whether it is time to save: a minute has passed since the last save, or the run is about to stop."""
        return self.leaving() or time.monotonic() - self.saved >= EVERY

    def save(self, arrays: dict[str, np.ndarray]) -> None:
        """Write the arrays to the file, in place of what it held.

        Raises:
            OSError: the disk refuses; the earlier file stays as it was.
        """
        arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
        write_atomically(self.path, safetensors.numpy.save(arrays, metadata={"owner": self.owner}))
        self.saved = time.monotonic()

    def load(self) -> dict[str, np.ndarray] | None:
        """Return the saved arrays of this batch, or None if there is no whole file or it belongs to another batch."""
        try:
            with safetensors.safe_open(self.path, framework="np") as file:
                if (file.metadata() or {}).get("owner") != self.owner:
                    return None
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        except (OSError, safetensors.SafetensorError):
            return None

    def clear(self) -> None:
        """Remove the file, because the batch is finished and its rows are in the journal."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
