"""What the folders that trainings on one picture leave have in common: lists with an entry for each scale (PyTorch)."""

import numbers
from pathlib import Path

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert import pytorch
from weights_convert.tensors import as_weight


def entries(path: Path, data: bytes) -> list:
    """The list that a file holds, without anything in it being run.

    Raises:
        WeightsError: the file is damaged or hostile, or holds no list.
    """
    try:
        value = pytorch.read_zip(data) if data[:4] == b"PK\x03\x04" else pytorch.read_legacy(data)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    if not isinstance(value, list):
        raise WeightsError(f"{path}: expected a list with an entry for each scale, got a {type(value).__name__}")
    return value


def number(path: Path, scale: int, value: object) -> np.ndarray:
    """An entry that is one number, as a float32 array of no dimension; `path` and `scale` are for the sentence."""
    array = np.asarray(value) if isinstance(value, numbers.Real | np.ndarray) else np.empty(0)
    if array.size != 1 or array.dtype.kind not in "iuf":
        raise WeightsError(f"{path}: entry {scale} is not a number")
    return array.astype(np.float32).reshape(())


def image(path: Path, scale: int, value: object) -> np.ndarray:
    """An entry that is a single image or noise, [1, c, h, w] -> [h, w, c]; `path` and `scale` as of `number`."""
    if not isinstance(value, np.ndarray) or value.ndim != 4 or value.shape[0] != 1 or 0 in value.shape:
        got = value.shape if isinstance(value, np.ndarray) else type(value).__name__
        raise WeightsError(f"{path}: entry {scale} is not one image [1, c, h, w], but {got}")
    return as_weight(f"{path.name}, entry {scale}", value)[0].transpose(1, 2, 0).astype(np.float32)


def left_out(folder: Path, files: dict[str, bytes]) -> tuple[str, ...]:
    """Names of the files in a folder that are not among those that are read."""
    others = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return tuple(sorted(name for name in others if name not in files))
