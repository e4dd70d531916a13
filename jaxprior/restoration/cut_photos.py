"""Photographs of any size cut into squares for a prior, and put together again of what was restored.

    photograph --cut--> squares of the prior's size --restored, merged--> photograph of its own size

A task whose results are put into the holes of a photograph (`Operator.fills_holes`) gets squares around the holes; one
that gives a photograph colours (`Operator.gives_colours`) gets squares that cover it. Every other task answers in the
prior's size.
"""

import abc
import dataclasses
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from jaxprior.data import images
from jaxprior.data.images import check_sides
from jaxprior.data.pixels import is_grey, with_channels
from jaxprior.errors import MaskError
from jaxprior.restoration.full_size import as_float, as_type, fill_thin, join
from jaxprior.restoration.holes import Holes, find_holes
from jaxprior.restoration.merge_rule import MergeRule, fills_holes
from jaxprior.restoration.recolouring import covering_squares, recolour
from jaxprior.restoration.squares import Square, cut_mask, cut_square


LEAST_WEIGHT = 0.3
"""Of the prior in the rule of merging; where a hole is so thin that it has less, no prior is asked."""

GREY = 128
"""What missing pixels show, as in observations."""

THINNEST, THICKEST = 0.5, 3.0
"""Between which distances to a known pixel, in pixels of the prior, a hole can begin to be thick."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CutPhoto(abc.ABC):
    """A photograph and its squares.

    Fields:
        photo: uint8, or floats in [-1, 1], [h, w, c], c being 1 or 3; what it shows at missing pixels is ignored.
        image_shape: of the prior's images, (r, r, c).
        squares: where the prior looks.
    """

    photo: np.ndarray
    image_shape: tuple[int, ...]
    squares: tuple[Square, ...]

    @property
    @abc.abstractmethod
    def missing(self) -> np.ndarray | None:
        """What is missing of the photograph, bool [h, w], or None for a task without holes."""

    @abc.abstractmethod
    def restored(self, merged: np.ndarray) -> np.ndarray:
        """Put the photograph together.

        Arguments:
            merged: float [n, r, r, c] in [-1, 1], what was restored of the squares, with what is known put back.

        Returns:
            the photograph in the type and size it came; what is known of it stays as it is.
        """

    def pasted(self, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Put the generator's own output into the holes, to be measured.

        Arguments:
            raw: float [n, r, r, c], the generator's output for each square.

        Returns:
            the photograph, and where that output is, bool [h, w]; None where there are no holes or no squares.
        """
        return None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of how it was restored."""
        return ()

    @property
    @abc.abstractmethod
    def _seen(self) -> tuple[np.ndarray, np.ndarray | None]:
        """The photograph that squares are cut out of, uint8 [h, w, 3], and what is missing of it, bool [h, w]."""

    @cached_property
    def _crops(self) -> np.ndarray:
        """The squares at the prior's size, uint8 [n, r, r, 3]."""
        size, (pixels, missing) = self.image_shape[0], self._seen
        crops = np.zeros((len(self.squares), size, size, 3), np.uint8)
        for i, square in enumerate(self.squares):
            crops[i] = cut_square(pixels, square, size, missing=missing)
        return crops

    @property
    def masks(self) -> np.ndarray | None:
        """What is missing of the squares, float32 [n, r, r]; 1 means missing. None for a task without holes."""
        return None

    @property
    def observed(self) -> np.ndarray:
        """The squares as the prior sees them, float32 [n, r, r, c] in [-1, 1]."""
        return self._as_seen(self._crops)

    def square_of(self, photo: np.ndarray, number: int) -> np.ndarray:
        """One of the squares in another photograph, such as the original, at the prior's size.

        Arguments:
            photo: uint8 [h, w, 3]; number: of the square, from 0.

        Returns:
            float32 [r, r, c] in [-1, 1].
        """
        return self._as_seen(cut_square(photo, self.squares[number], self.image_shape[0])[None])[0]

    def _as_seen(self, crops: np.ndarray) -> np.ndarray:
        if self.image_shape[-1] == 1:
            crops = np.stack([images.to_grey(crop) for crop in crops]) if len(crops) else crops[..., :1]
        return images.to_float(crops)

    @property
    def ids(self) -> np.ndarray:
        """A number for each square that seeds its chance, uint32 [n]; squares of equal content have equal ones."""
        return np.array([images.pixels_id(crop) for crop in self._crops], np.uint32)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PhotoWithHoles(CutPhoto):
    """A photograph with squares around its holes; `cut_holes` makes it.

    Fields:
        absent: bool [h, w], what is missing of it.
        thick: bool [h, w], what of that is restored by the prior.
        holes: which square restores which pixels.
        rule: how the prior is weighed against what lies around a hole.
        seamless: whether what was restored is joined by the membrane; otherwise it is pasted.
    """

    absent: np.ndarray
    thick: np.ndarray
    holes: Holes
    rule: MergeRule
    seamless: bool = True

    @property
    def missing(self) -> np.ndarray:
        """What is missing of the photograph, bool [h, w]."""
        return self.absent

    @property
    def masks(self) -> np.ndarray:
        """What is missing of the squares, float32 [n, r, r]; 1 means missing."""
        return self._masks

    @cached_property
    def _masks(self) -> np.ndarray:
        size = self.image_shape[0]
        masks = np.zeros((len(self.squares), size, size), np.float32)
        for i, square in enumerate(self.squares):
            masks[i] = cut_mask(self.thick, square, size)
        return masks

    @property
    def notes(self) -> tuple[str, ...]:
        """How many holes were filled without the prior."""
        if self.holes.thin is None:
            return ()
        count = self.holes.thin.count
        which = "1 thin hole was" if count == 1 else f"{count} thin holes were"
        return (f"{which} filled from around, without the prior",)

    def restored(self, merged: np.ndarray) -> np.ndarray:
        """Fill the holes; see `CutPhoto.restored`."""
        return self._joined(merged, seamless=self.seamless)

    def pasted(self, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """See `CutPhoto.pasted`."""
        return (self._joined(raw, seamless=False), self.thick) if len(raw) else None

    def _joined(self, squares: np.ndarray, *, seamless: bool) -> np.ndarray:
        picture = self._without_thin.copy()
        squares = with_channels(squares, 1) if self._is_grey else squares
        for group, found in zip(self.holes.groups, with_channels(squares, self.photo.shape[-1]), strict=True):
            join(picture, self.thick, group, found, seamless=seamless)
        return picture

    @cached_property
    def _is_grey(self) -> bool:
        return is_grey(self.photo[~self.absent])

    @cached_property
    def _without_thin(self) -> np.ndarray:
        """The photograph with its thin holes filled, which counts as known from then on."""
        filled, thin = self.photo.copy(), self.holes.thin
        if thin is not None:
            fill_thin(filled, self.absent, thin, rule=self.rule, thinnest=thin_limit(self.rule))
        return filled

    @property
    def _seen(self) -> tuple[np.ndarray, np.ndarray]:
        return as_pixels(self._without_thin, self.thick), self.thick


@dataclasses.dataclass(frozen=True, kw_only=True)
class GreyPhoto(CutPhoto):
    """A photograph with squares that cover it, from which it gets colours."""

    @property
    def missing(self) -> None:
        """Nothing is missing but colours."""
        return None

    def restored(self, merged: np.ndarray) -> np.ndarray:
        """Put colours to the photograph's brightness; see `CutPhoto.restored`. The result has three channels."""
        return as_type(recolour(as_float(self.photo), self.squares, merged), self.photo.dtype)

    @property
    def _seen(self) -> tuple[np.ndarray, None]:
        return as_pixels(self.photo, None), None


def cut_photo(
    task: Any,
    photo: np.ndarray,
    missing: np.ndarray | None,
    image_shape: tuple[int, ...],
    *,
    card: Mapping[str, Any],
    merge: str = "harmonic",
) -> CutPhoto:
    """Cut a photograph for a task that keeps its size.

    Arguments:
        task: a forward operator for which `jaxprior.restoration.sizes.keeps_size` holds.
        photo: uint8, or floats in [-1, 1], [h, w, c], c being 1 or 3.
        missing: bool [h, w] for a task that fills holes, else None.
        image_shape: of the prior's images, (r, r, c); card: with the weights of the
            merge, see `encoder_settings.merge_card`.
        merge: "harmonic" or "paste".

    Raises:
        MaskError: nothing of the photograph is known, or nothing of a square at the prior's size.
        ImageError: the photograph is too small.
    """
    shape = (photo.shape[0], photo.shape[1])
    check_sides(shape)
    if not fills_holes(task):
        return GreyPhoto(photo=photo, image_shape=image_shape, squares=covering_squares(shape))
    assert missing is not None
    rule = MergeRule.of_card(card)
    holes = find_holes(missing, image_shape[0], thin=thin_limit(rule))
    thick = missing if holes.thin is None else missing & (holes.thin.labels == 0)
    cut = PhotoWithHoles(
        photo=photo, image_shape=image_shape, squares=tuple(group.square for group in holes.groups), absent=missing,
        thick=thick, holes=holes, rule=rule, seamless=merge != "paste",
    )  # fmt: skip
    for group, mask in zip(holes.groups, cut.masks, strict=True):
        if mask.all():
            top, left, bottom, right = group.box
            raise MaskError(
                f"around the hole of {right - left}x{bottom - top} pixels in row {top} and column {left} nothing is "
                f"known at {image_shape[0]} pixels; leave some pixels known."
            )
    return cut


def thin_limit(rule: MergeRule) -> float:
    """Return the distance to a known pixel, in pixels of the prior, up to which a hole is filled without the prior.

    Example:
        >>> 2 < thin_limit(MergeRule.of_card({})) < 3
        True
    """
    depths = np.linspace(THINNEST, THICKEST, 101)
    _, prior = rule.weights(depths)
    counts = np.flatnonzero(prior >= LEAST_WEIGHT)
    return float(depths[counts[0]]) if len(counts) else THICKEST


def shown(cut: CutPhoto) -> np.ndarray:
    """A cut photograph as it was observed, for reports: uint8 [h, w, 3], missing pixels grey, without its colours."""
    if cut.missing is None:
        return images.to_rgb(images.to_grey(as_pixels(cut.photo, None)))
    return as_pixels(cut.photo, cut.missing)


def as_pixels(photo: np.ndarray, missing: np.ndarray | None) -> np.ndarray:
    """A photograph as uint8 [h, w, 3], mid-grey at missing pixels."""
    pixels = as_type(np.nan_to_num(as_float(photo)), np.dtype(np.uint8)) if photo.dtype != np.uint8 else photo.copy()
    if missing is not None:
        pixels[missing] = GREY
    return images.to_rgb(pixels)
