"""What the numbers of a volume's file mean, and how they become values in [-1, 1] and back.

The `Units` of a file are found by looking at its numbers:

- "binary": 0 is empty and 1 is occupied.
- "bytes": whole numbers from 0 to 255.
- "unit": real numbers from 0 to 1.

Everything else is refused with the range that was found, because a guess would give a plausible wrong result.
Results are written in the units of the file that they were made of.
"""

import dataclasses

import numpy as np

from jaxprior.errors import VolumeError


LEAST_BYTES = 16
"""The largest value that whole numbers must reach to be taken for levels from 0 to 255; labels rarely do."""


@dataclasses.dataclass(frozen=True)
class Units:
    """What the numbers of a file mean, and how they become values in [-1, 1] and back.

    Fields:
        name: "binary", "bytes" or "unit".
        top: the number that becomes 1; 0 becomes -1.
        dtype: the type in which results are written.
    """

    name: str
    top: float
    dtype: str

    def scaled(self, volume: np.ndarray) -> np.ndarray:
        """Values of a file -> float32 in [-1, 1], of the same shape.

        Example:
            >>> BINARY.scaled(np.array([0.0, 1.0]))
            array([-1.,  1.], dtype=float32)
        """
        return (np.asarray(volume, np.float32) * np.float32(2 / self.top) - np.float32(1)).astype(np.float32)

    def unscaled(self, values: np.ndarray) -> np.ndarray:
        """Values in [-1, 1] -> values of a file, in its type: binary ones are occupied above 0, bytes are rounded.

        Values beyond [-1, 1] are clipped.

        Example:
            >>> BINARY.unscaled(np.array([-0.2, 0.7])), BYTES.unscaled(np.array([-0.2, 0.7]))
            (array([0, 1], dtype=uint8), array([102, 217], dtype=uint8))
        """
        values = np.asarray(values, np.float32)
        if self.name == "binary":
            return (values > 0).astype(self.dtype)
        found = self.measured(values)
        return (np.rint(found) if self.name == "bytes" else found).astype(self.dtype)

    def measured(self, values: np.ndarray) -> np.ndarray:
        """Values in [-1, 1] -> float32 in the range of the file, neither rounded nor compared with a threshold.

        Example:
            >>> BYTES.measured(np.array([0.0]))
            array([127.5], dtype=float32)
        """
        return (np.clip(np.asarray(values, np.float32), -1, 1) + np.float32(1)) * np.float32(self.top / 2)


BINARY, BYTES, UNIT = Units("binary", 1, "uint8"), Units("bytes", 255, "uint8"), Units("unit", 1, "float32")


def units_of(volume: np.ndarray, name: str = "the volume") -> Units:
    """Find out what the numbers of a volume, or of a set of volumes, mean.

    Arguments:
        volume: numbers as a file holds them, of any shape.
        name: what the error message calls it.

    Raises:
        VolumeError: they are none of the three that are known; the sentence has their range.

    Example:
        >>> units_of(np.array([[[0, 1, 1]]])).name
        'binary'
    """
    low, high = float(volume.min()), float(volume.max())
    if ((volume == 0) | (volume == 1)).all():
        return BINARY
    if low >= 0 and high <= 1:
        return UNIT
    if low >= 0 and LEAST_BYTES <= high <= 255 and (volume == np.rint(volume)).all():
        return BYTES
    if low >= 0 and high < LEAST_BYTES and (volume == np.rint(volume)).all():
        raise VolumeError(
            f"{name}: its values are whole numbers from {low:g} to {high:g}, which look like labels; choose "
            "one of them and save where it is as 0 and 1."
        )
    raise VolumeError(
        f"{name}: its values go from {low:g} to {high:g}; expected 0 and 1, whole numbers from 0 to 255, or real "
        "numbers from 0 to 1. Scale them to 0 to 1 first."
    )
