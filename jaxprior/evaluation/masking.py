"""The masks of a run: one for all pictures, one drawn for each, or for each the file of its name in a folder."""

import functools
from collections.abc import Sequence

import jax
import numpy as np

from jaxprior.data.listing import list_images
from jaxprior.data.mask_files import MaskReading
from jaxprior.data.masks import MASK_STREAM, MaskSpec
from jaxprior.data.matching import Counterparts
from jaxprior.data.sources import ImageSource
from jaxprior.data.volume_masks import VolumeMask
from jaxprior.errors import ImageError, MaskError
from jaxprior.evaluation.cells import Cell


class CellMasks:
    """Gives every picture of a cell its mask.

    Arguments:
        cell: what is done; its `mask` says where masks come from, and its `size` whether they have the size of the
            prior's images or each that of its picture.
        size: the side of the prior's images in pixels.
        pictures: all pictures that the run's command names, which decide what belongs to what.

    Attributes:
        statement: how the one file that serves all pictures was read; None if there is no such file.
        folder: the folder or archive of masks; None if the mask is none. files: which of its files belongs to which
            picture.

    Raises:
        MaskError: the one mask of all pictures cannot be used.
        ImageError: a folder holds no pictures.
    """

    def __init__(self, cell: Cell, size: int, pictures: Sequence[ImageSource]):
        assert not isinstance(cell.mask, VolumeMask)  # volumes have a reader of their own
        self.spec: MaskSpec | None = cell.mask
        self.size = size
        self._keep_size = cell.keeps_size
        self._clean = cell.clean  # then pictures are damaged after they have been fitted
        self._key = jax.random.fold_in(jax.random.key(cell.seed), MASK_STREAM)
        self.statement: str | None = None
        self.folder = self.spec.path if self.spec is not None and self.spec.kind == "folder" else None
        self.files: Counterparts | None = None
        self._shared: np.ndarray | None = None
        self._reading: MaskReading | None = None
        if self.spec is None:
            return
        if self.folder is not None:
            given = {picture.location for picture in pictures}  # a folder may hold the pictures too: none is a mask
            masks = [mask for mask in list_images([self.folder]) if mask.location not in given]
            self.files = Counterparts(pictures, masks, place=str(self.folder), kind="mask")
        elif self.spec.kind == "file":
            self._reading = reading = self.spec.read()
            self._fitted = functools.lru_cache(maxsize=8)(lambda side: reading.fitted(size, picture=side))
            self._shared = None if cell.keeps_size else self._fitted(None)
            self.statement = self._reading.statement(self._shared)
        elif not self.spec.per_image and not cell.keeps_size:
            self._shared = self.spec.draw(size)

    def of(self, picture: ImageSource, id: int, shape: tuple[int, int]) -> tuple[np.ndarray | None, list[str]]:
        """Return the mask of a picture, and what a user should know of how it was read.

        The mask is float32 [size, size], or of the picture's own size if pictures keep theirs.

        Arguments:
            picture: where it lies; id: of its content; shape: its height and width.

        Raises:
            ImageError: its mask is missing, ambiguous, cannot be read or has another shape than the picture.
        """
        if self.spec is None:
            return None, []
        if self._reading is None and self.files is None:
            return (self._drawn(id, shape) if self._shared is None else self._shared), []
        side = None if self._clean else min(shape)
        try:
            reading = self._reading if self.files is None else self.spec.read(self.files.of(picture))
            assert reading is not None
            reading.check_shape(shape)
            if self._keep_size:
                mask = reading.laid_on(shape)
            else:
                mask = self._fitted(side) if self.files is None else reading.fitted(self.size, picture=side)
        except MaskError as error:
            raise ImageError(str(error)) from None
        said = self.statement if self._keep_size and self.statement else reading.statement(mask)
        return mask, [said, *_square_note(shape, reading)]

    def _drawn(self, id: int, shape: tuple[int, int]) -> np.ndarray:
        """The mask of a picture that has no file."""
        assert self.spec is not None
        try:
            return self.spec.draw(shape if self._keep_size else self.size, jax.random.fold_in(self._key, np.uint32(id)))
        except MaskError as error:
            raise ImageError(str(error)) from None


def _square_note(shape: tuple[int, int], mask: MaskReading) -> list[str]:
    """A note on a square mask of a picture of another shape, which could also have been made for the whole picture."""
    mask_height, mask_width = mask.missing.shape
    if mask_height != mask_width or shape[0] == shape[1]:
        return []
    return ["the mask is square and was laid on the picture's centre square"]
