"""How foreign files arrange the numbers of a tensor, and how they become ours.

Ours are HWIO kernels, [latent, 4, 4, C_0] for a generator's layer0 and [4, 4, C_0, C_0] for a critic's.

Spatial flips: PyTorch's layer0 is often a 4x4 convolution with padding 3 on a 1x1 map, which is the dense layer with
its kernel flipped. A transposed convolution on a 1x1 map, and a matrix [latent, 16 C_0], are not flipped. A fused
up-convolution is a transposed convolution, which equals nearest upsampling and a convolution with the flipped kernel;
it is stored flipped, so that plain and fused files give one and the same layer. A fused down-convolution has no flip,
but averages before the activation instead of after it: another function, which the card's `upsample` tells apart.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Arrangement:
    """How a file arranges the numbers of a tensor.

    Fields:
        axes: of the file's array, in our order; flip: our axes that run the other way.
        form: what a resampling convolution of this arrangement says about its network.
        dense: "rows" or "columns" where three axes C, 4, 4 are one axis in the file, the first or the last one.
        ones: axes of the file's array that have length 1, and that ours has not.
    """

    axes: tuple[int, ...]
    flip: tuple[int, ...] = ()
    form: str = "nearest"
    dense: str = ""
    ones: tuple[int, ...] = ()

    def apply(self, array: np.ndarray) -> np.ndarray:
        """The file's array in our form; one that cannot be brought into it stays as it is."""
        if array.shape != self.stored(self.shape_of(array)):
            return array
        inner = np.squeeze(array, self.ones)
        if self.dense == "rows":
            inner = inner.reshape(-1, 4, 4, *inner.shape[1:])
        elif self.dense:
            inner = inner.reshape(*inner.shape[:-1], -1, 4, 4)
        return np.flip(inner.transpose(self.axes), self.flip)

    def stored(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape in the file of a tensor that has this shape with us."""
        plain = [0] * len(self.axes)
        for ours, theirs in enumerate(self.axes):
            plain[theirs] = shape[ours]
        if self.dense == "rows":
            plain[:3] = [plain[0] * 16]
        elif self.dense:
            plain[-3:] = [plain[-3] * 16]
        for axis in self.ones:
            plain.insert(axis, 1)
        return tuple(plain)

    def shape_of(self, array: np.ndarray) -> tuple[int, ...]:
        """Our shape of a file's array, as far as it has one: `stored` tells whether it has."""
        plain = [size for axis, size in enumerate(array.shape) if axis not in self.ones]
        if self.dense and plain:
            place = 0 if self.dense == "rows" else len(plain) - 1
            plain[place : place + 1] = [plain[place] // 16, 4, 4]
        plain += [0] * (len(self.axes) - len(plain))
        return tuple(plain[theirs] for theirs in self.axes)


VECTOR = Arrangement((0,))
VECTOR_ON_A_MAP = Arrangement((0,), ones=(0, 2, 3))
VALUES_OF_POSITIONS = Arrangement((1, 2, 0), dense="rows")
MATRIX = Arrangement((0, 1))
MATRIX_OI = Arrangement((1, 0))
MATRIX_OI_ON_A_MAP = Arrangement((1, 0), ones=(2, 3))
OIHW = Arrangement((2, 3, 1, 0))
HWIO = Arrangement((0, 1, 2, 3))
UP_IOHW = Arrangement((2, 3, 0, 1), flip=(0, 1), form="fused")
UP_HWIO = Arrangement((0, 1, 2, 3), flip=(0, 1), form="fused")
UP_HWOI = Arrangement((0, 1, 3, 2), flip=(0, 1), form="fused")
DOWN_HWIO = Arrangement((0, 1, 2, 3), form="fused")
DOWN_OIHW = Arrangement((2, 3, 1, 0), form="fused")
FIRST_OIHW = Arrangement((1, 2, 3, 0), flip=(1, 2))
FIRST_IOHW = Arrangement((0, 2, 3, 1))
FIRST_COLUMNS = Arrangement((0, 2, 3, 1), dense="columns")
FIRST_ROWS = Arrangement((3, 1, 2, 0), dense="rows")
LAST_ROWS = Arrangement((1, 2, 0, 3), dense="rows")
LAST_COLUMNS = Arrangement((2, 3, 1, 0), dense="columns")
