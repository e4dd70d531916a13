"""Reading masks from picture files, and stating what was read. All commands and Python functions read masks here.

In most files white marks what is missing, on black. Other files are made in other ways, and a wrong guess would give
a plausible wrong result. So a file is read without being told only if it is black and white: a few grey values at
the edges and the noise of JPEG files are no obstacle. Everything else needs a word, `means`:

- "white" (what is read without a word): white is missing.
- "black": black is missing.
- "painted": what has been painted is missing. On a transparent layer that is everything that is not transparent; in an
  opaque picture it is everything that differs from the background, which is the most frequent colour at the border.
  Label maps, whose values are 0, 1, 2 and so on, are read in this way too.
- "transparent": what is transparent is missing, as in pictures of which a part has been erased.

Which pixels these are exactly is decided in `jaxprior.data.mask_meanings`.
"""

import dataclasses
from pathlib import Path

import numpy as np

from jaxprior.data.decoding import FIRST_FRAME
from jaxprior.data.layers import read_layers
from jaxprior.data.mask_fitting import fit_mask, lay_mask, same_shape
from jaxprior.data.mask_meanings import choices, doubt, halves, obstacle
from jaxprior.data.mask_words import check_meaning, missing_percent
from jaxprior.data.sources import ImageSource, PathLike, file_source
from jaxprior.errors import ImageError, MaskError


MOST = 0.6
"""The share of a picture above which a mask's reading says that it is much."""

_PHRASES = {"painted": "what is painted", "transparent": "what is transparent"}
_OPPOSITE = {"white": "black", "black": "white"}


@dataclasses.dataclass(frozen=True)
class MaskReading:
    """What a mask file was read as. `read_mask` makes it.

    Arguments:
        name: what messages call the file.
        missing: bool `[h, w]`, upright, of the file's size.
        means: which of `MEANINGS` it was read with.
        invert: whether everything else is missing.
        several: whether the file has other frames or pages after the one that was read.
    """

    name: str
    missing: np.ndarray
    means: str
    invert: bool = False
    several: bool = False

    @property
    def counts(self) -> str:
        """What counted as missing, for example "white" or "all but what is painted"."""
        return ("all but " if self.invert else "") + _PHRASES.get(self.means, self.means)

    def fitted(self, size: int, *, picture: int | None = None) -> np.ndarray:
        """Fit the mask as photographs are fitted; see `jaxprior.data.mask_fitting.fit_mask`.

        Arguments:
            size: the side of the fitted picture in pixels.
            picture: the shorter side that the picture has before it is fitted, if it is damaged already then.

        Returns:
            float32 `[size, size]`; 1 means missing.

        Raises:
            MaskError: the file's picture is too small, nothing would be known, or nothing of what is missing lies in
                the centre square.
        """
        try:
            mask = fit_mask(self.missing, size, picture=picture).astype(np.float32)
        except ImageError as error:
            raise MaskError(f"mask {self.name}: {error}") from None
        if self.missing.any() and not mask.any():
            raise MaskError(
                f"mask {self.name}: what it marks lies outside of the centre square, to which pictures are cut; cut "
                "picture and mask to a square around it first. "
                f"The file was read like this: {self.words()}."
            )
        if mask.all():
            raise MaskError(
                f"mask {self.name}: at {size} pixels nothing is known; leave some pixels known. "
                f"The file was read like this: {self.words()}."
            )
        return mask

    def check_shape(self, shape: tuple[int, int]) -> None:
        """Refuse a picture that the mask was not made for: its shape must be the mask's, at any size, or it is square.

        Arguments:
            shape: height and width of the picture.

        Raises:
            MaskError: the shapes differ, and the mask is not square either.
        """
        (height, width), (mask_height, mask_width) = shape, self.missing.shape
        if mask_height != mask_width and not same_shape((height, width), (mask_height, mask_width)):
            raise MaskError(
                f"it is {width}x{height} and the mask {mask_width}x{mask_height}: "
                "expected a mask of the picture's shape, or a square one."
            )

    def laid_on(self, shape: tuple[int, int]) -> np.ndarray:
        """Lay the mask on a whole picture at its own size; see `jaxprior.data.mask_fitting.lay_mask`.

        Arguments:
            shape: height and width of the picture.

        Returns:
            float32 `[*shape]`; 1 means missing.

        Raises:
            MaskError: the file's picture is too small or has another shape, or nothing would be known.
        """
        self.check_shape(shape)
        try:
            mask = lay_mask(self.missing, shape).astype(np.float32)
        except ImageError as error:
            raise MaskError(f"mask {self.name}: {error}") from None
        if mask.all():
            raise MaskError(
                f"mask {self.name}: at {shape[1]}x{shape[0]} pixels nothing is known; leave some pixels known. "
                f"The file was read like this: {self.words()}."
            )
        return mask

    def statement(self, mask: np.ndarray | None = None, *, called: str = "missing") -> str:
        """`words` with the file's name in front, without its folders: "mask scratch.png: 3.1 % missing, ..."."""
        return f"mask {self.name.rpartition('/')[2]}: {self.words(mask, called=called)}"

    def words(self, mask: np.ndarray | None = None, *, called: str = "missing") -> str:
        """State the reading, for the terminal and for a picture's row.

        Arguments:
            mask: the fitted mask whose share is told; by default that of the file.
            called: what it is called that pixels are under the mask.

        Returns:
            for example "12.3 % missing, white counts". Above 60 % it also says what to do if that is wrong.

        Example:
            >>> MaskReading("m.png", np.eye(4, dtype=bool), "white").words()
            '25.0 % missing, white counts'
        """
        share = self.missing if mask is None else mask
        said = f"{missing_percent(share)} {called}, {self.counts} counts"
        said += f"; {FIRST_FRAME}" if self.several else ""
        if np.mean(share) <= MOST:
            return said
        if self.missing.mean() <= MOST:
            return f"{said}; that is most of the picture, and {missing_percent(self.missing)} at the file's own size"
        if self.invert:
            remedy = "leave --invert-mask out"
        elif self.means in _OPPOSITE:
            remedy = f"say --mask-means {_OPPOSITE[self.means]}"
        else:
            remedy = "say --invert-mask"
        return f"{said}; that is most of the picture: if it should be the other way round, {remedy}"


def read_mask(source: PathLike | ImageSource, *, means: str | None = None, invert: bool = False) -> MaskReading:
    """Read a mask from a picture file.

    Arguments:
        source: a path, or an `ImageSource`.
        means: one of `MEANINGS`; None reads black and white pictures, in which white is missing, and refuses others.
        invert: what would be known is missing, and the other way round.

    Returns:
        the mask at the file's own size, and what it was read as.

    Raises:
        MaskError: the file cannot be read, it is not clear what it marks, or it marks nothing or everything. The
            sentence says what is in the file, and what each possible meaning would mark.

    Example:
        >>> read_mask("scratch.png").words()  # needs the file of a mask # doctest: +SKIP
        '3.1 % missing, white counts'
    """
    check_meaning(means)
    source = source if isinstance(source, ImageSource) else file_source(Path(source))
    name = source.name
    try:
        layers = read_layers(source)
    except ImageError as error:
        raise MaskError(f"mask {error}") from None
    reason = doubt(layers) if means is None else obstacle(layers, means)
    if reason is not None:
        raise MaskError(f"mask {name}: {reason}. {choices(layers)}")
    known, missing = halves(layers, means or "white")
    return MaskReading(name, known if invert else missing, means or "white", invert, layers.several)
