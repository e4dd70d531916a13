"""The arrays of tests/golden/pggan_layouts, and the state dicts that belong to them, by the recipe in their notes."""

import re
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike


FOLDER = Path(__file__).parent / "golden/pggan_layouts"
State = dict[str, np.ndarray]


class GoldenLayout:
    """The arrays of one project's file, and the state dict of a network by the recipe."""

    def __init__(self, project: str):
        self.arrays, self.bias = np.load(FOLDER / f"{project}.npz"), 2.0 if project == "gan_zoo" else 0.3

    def state(self, network: str, dtype: DTypeLike = np.float32) -> State:
        """Its numbers were rounded to float32, in whatever type they are wanted."""
        state = {}
        for entry in self.arrays[f"{network}.keys"]:
            key, numbers, value = re.fullmatch(r"(\S+) \((.*?)\)(?: = (.*))?", str(entry)).groups()
            shape = tuple(int(n) for n in numbers.split(",") if n.strip())
            n = np.random.default_rng([20261128, zlib.crc32(f"{network}.{key}".encode())]).normal(size=shape)
            last = key.split(".")[-1]
            n = self.bias * n if last in ("bias", "b") else 0.1 * np.exp(0.3 * n) if last == "scale" else n
            state[key] = np.asarray(float(value) if value else n, np.float32).astype(dtype)
        return state

    def nhwc(self, name: str) -> np.ndarray:
        """Images, channels last."""
        return np.moveaxis(self.arrays[name], 1, -1)
