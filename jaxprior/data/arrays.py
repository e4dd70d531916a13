"""Reading small arrays from users' files: blur kernels, and directions in latent space. No code in a file is run."""

import math
from pathlib import Path

import numpy as np

from jaxprior.checks import file_path
from jaxprior.data import images
from jaxprior.errors import ImageError, RunError


MOST_OFF = 0.1
"""By which the sum of a kernel from a file may differ from 1."""


def load_kernel(path: str | Path) -> np.ndarray:
    """Read a blur kernel.

    Arguments:
        path: a .npy file with an array [k, k] that sums to 1, which is used as it is; or a picture, whose grey values
            are divided by their sum.

    Returns:
        float32 [k, k].

    Raises:
        RunError: the file cannot be read, or the kernel is not a square with an odd side, is black, or does not sum
            to 1.

    Example:
        >>> task = Deblur(load_kernel("motion.png"))
    """
    path = file_path("path", path, "a blur kernel")
    if path.suffix.lower() == ".npy":
        kernel = _read_npy(path, "kernel")
    else:
        try:
            kernel = images.load_image(path).mean(axis=-1)
        except ImageError as error:
            raise RunError(f"kernel {error}") from None
        kernel = (kernel / max(kernel.sum(), 1e-9)).astype(np.float32)
    if kernel.ndim != 2 or kernel.shape[0] != kernel.shape[1] or kernel.shape[0] % 2 == 0:
        raise RunError(f"kernel {path}: expected a square with an odd side, got {_sizes(kernel)}.")
    if not kernel.any():
        raise RunError(f"kernel {path}: it is black, so nothing would be left of a picture.")
    if abs(kernel.sum() - 1) > MOST_OFF:
        raise RunError(
            f"kernel {path}: its values sum to {kernel.sum():.4g} and would change the brightness of pictures; divide "
            "it by its sum."
        )
    return kernel


def load_direction(path: str | Path, latent_dim: int) -> np.ndarray:
    """Read a direction in latent space.

    Arguments:
        path: a .npy file, such as InterFaceGAN publishes, or a .safetensors file with one tensor; [d] or [1, d].
        latent_dim: the length d of the prior's latent codes.

    Returns:
        float32 [d].

    Raises:
        RunError: the file cannot be read, or it holds no vector of this length.
    """
    path = file_path("path", path, "a direction")
    vector = _read_tensor(path) if path.suffix.lower() == ".safetensors" else _read_npy(path, "direction")
    if vector.shape not in ((latent_dim,), (1, latent_dim)):
        raise RunError(
            f"direction {path}: this prior's latent codes have {latent_dim} numbers, the file has {_sizes(vector)}."
        )
    return vector.reshape(latent_dim)


def _read_npy(path: Path, what: str) -> np.ndarray:
    """Read an array; `what` is the word for it in error messages."""
    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise RunError(f"{what} {path}: no such file.") from None
    except (OSError, ValueError, EOFError) as error:
        raise RunError(f"{what} {path}: not an array in NumPy's .npy format ({_short(error)}).") from None
    if not isinstance(array, np.ndarray):
        raise RunError(f"{what} {path}: it is an archive of arrays; give one array as .npy.")
    return _numbers(array, path, what)


def _read_tensor(path: Path) -> np.ndarray:
    """Read the only tensor of a safetensors file."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
    except FileNotFoundError:
        raise RunError(f"direction {path}: no such file.") from None
    except (OSError, SafetensorError) as error:
        raise RunError(f"direction {path}: not a safetensors file ({_short(error)}).") from None
    if len(tensors) != 1:
        raise RunError(f"direction {path}: expected one tensor, got {len(tensors)}.")
    return _numbers(next(iter(tensors.values())), path, "direction")


def _numbers(array: np.ndarray, path: Path, what: str) -> np.ndarray:
    """Convert an array to float32. Complex numbers, text, infinity and NaN are refused."""
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise RunError(f"{what} {path}: expected finite real numbers.")
    return array.astype(np.float32)


def _sizes(array: np.ndarray) -> str:
    """Return the shape of an array in words for an error message, e.g. "3x3"."""
    return "x".join(map(str, array.shape)) if array.ndim and math.prod(array.shape) else "none"


def _short(error: Exception) -> str:
    """Return the message of an error on one line, cut to 120 characters."""
    return " ".join(str(error).split())[:120]
