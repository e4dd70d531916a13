"""HDF5 files, as Keras saves weights: the arrays in them by path, "conv1/kernel:0".

h5py parses them. Its C library trusts what it reads: a few changed bytes can make it fill all memory or crash. So it
works in a process of its own (`hdf5_child`) that may use a limited amount of memory and time, and only the arrays
come back.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import safetensors.numpy

from jaxprior.errors import WeightsError


MAGIC = b"\x89HDF\r\n\x1a\n"
SECONDS = 120
_CHILD = Path(__file__).with_name("hdf5_child.py")


def require_h5py() -> None:
    """Check that h5py is installed.

    Raises:
        WeightsError: it is not.
    """
    try:
        import h5py  # noqa: F401
    except ImportError as error:
        raise WeightsError("HDF5 files need h5py: `pip install 'jaxprior[convert]'`") from error


def read(data: bytes) -> dict[str, np.ndarray]:
    """Read every array of an HDF5 file.

    Arguments:
        data: the whole file.
    Returns:
        Arrays by path, as stored (float16, float32 or float64).
    Raises:
        WeightsError: damaged or hostile file, something else than plain floating-point arrays, or no h5py.
    """
    require_h5py()
    command = [sys.executable, "-P", str(_CHILD)]  # -P: our modules must not stand in for others of their names
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # each thread reserves memory that is never used
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=SECONDS, env=environment)
    except subprocess.TimeoutExpired as error:
        raise WeightsError(f"damaged HDF5 file: reading it does not end within {SECONDS} seconds") from error
    if done.returncode == 1:
        lines = done.stderr.decode(errors="replace").splitlines() or [""]
        raise WeightsError("".join(c if c.isprintable() else "?" for c in lines[-1][:400]))
    if done.returncode:
        raise WeightsError("damaged HDF5 file: the library that reads it broke down")
    arrays = safetensors.numpy.load(done.stdout)
    if not arrays:
        raise WeightsError("an HDF5 file without arrays; expected the weights of a network")
    return dict(sorted(arrays.items()))
