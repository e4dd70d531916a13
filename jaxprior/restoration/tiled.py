"""Restorers over photographs of any size, in tiles: bounded memory, and one compiled program for large photographs.

    photograph --cut--> equal tiles that overlap --network, a batch at a time--> tiles --blended--> restored photograph

A pixel of the result depends on no more of the photograph than lies within the `reach` of the network. So a tile is
right wherever it is that far from its own edges, or where its edge is the photograph's. The right parts of neighbours
overlap by `BLEND` more pixels, over which one goes over into the other. The result is that of the whole photograph in
one piece, to rounding. Where the stated reach is smaller than the true one, the blending hides the seams.

Tiles are squares of one size. Only a photograph that is smaller than a tile, in height or width, has tiles that are as
small as itself, because what a network does at an edge is not what it does elsewhere. All that depends on a whole
photograph are the colours that lie in its holes, which are computed before. What is held in memory, beside the
photograph and its result, is a batch of tiles and a strip as high as a tile.
"""

import collections
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import jax
import numpy as np

from jaxprior.checks import kind_of, whole_number
from jaxprior.data.pixels import is_grey, with_channels
from jaxprior.errors import ArgumentError, ImageError, WeightsError
from jaxprior.nn.filling import filled_squares
from jaxprior.restoration.arguments import refuse_tracing
from jaxprior.restoration.full_size import as_float, as_type
from jaxprior.restoration.given_photos import as_photo, in_range, masks_of
from jaxprior.system.activity import doing
from jaxprior.system.devices import CPU, default_platform
from jaxprior.weights.restorers import Restorer, load_restorer


Array = jax.Array

SIDE = 256
"""Of a tile, in pixels of the photograph, where the network does not look far."""

REACHES = 6
"""A tile is at least so many times as large as the network's reach: at most half of what is computed is overlap."""

BLEND = 8
"""Pixels over which neighbouring tiles go over into each other."""

ROWS = 64
"""Of a result that are converted at once to the photograph's own type."""

BATCH = 8
"""Tiles at once on an accelerator. A CPU does them one by one, which is as fast and takes less memory."""


def apply_restorer(
    restorer: Restorer | str | Path,
    photo: Any,
    mask: Any = None,
    *,
    tile: int | None = None,
    batch_size: int | None = None,
    value_range: tuple[float, float] | None = None,
) -> Any:
    """Restore photographs of any size with a network that answers at once, in tiles of bounded memory.

    Arguments:
        restorer: the network, or the name, file or training run that `load_restorer` takes.
        photo: one photograph [h, w, c], uint8 or floats in [-1, 1], c being 1 or 3, or the path of a picture file; or a
            list of them, whose sizes may differ. What they show at missing pixels is ignored and may be NaN.
        mask: what is missing, [h, w] of the photograph's size, 1 (or true) = missing, or a list of masks, one for each
            photograph; only for a restorer that fills holes.
        tile: side of the tiles in pixels; by default 256, or more for a network that looks far.
        batch_size: tiles at once; by default 1 on a CPU and 8 on an accelerator.
        value_range: what black and white are in photographs of floats, as for `restore`; results have that range too.

    Returns:
        The restored photograph [h factor, w factor, c] in the type in which it was given, or a list of them if a list
        was given. Known pixels of a photograph with holes are there to the bit.

    Raises:
        ImageError: a photograph of another kind, range or size. MaskError: a mask of another size or with other values.
        ArgumentError: a mask that is not needed, or one is missing; or tiles so small that nothing of them is right.

    Example:
        >>> large = jp.apply_restorer("runs/srgan", "holiday.jpg")  # needs a trained restorer # doctest: +SKIP
        >>> jp.images.save_png("large.png", large)  # needs a trained restorer # doctest: +SKIP
    """
    refuse_tracing("apply_restorer", restorer, photo, mask)
    restorer = load_restorer(restorer) if isinstance(restorer, str | Path) else restorer
    kind_of("restorer", restorer, Restorer, "a restorer or the name of one", "`jp.load_restorer` loads one")
    restorer.check_mask_given(mask is not None)
    one = isinstance(photo, str | Path) or (not isinstance(photo, list | tuple) and np.ndim(photo) < 4)
    given = [photo] if one else list(cast(Sequence[Any], photo))
    if not given:
        raise ImageError("`photo` holds no photographs; give at least one.")
    names = ["photo"] if one else [f"photo[{i}]" for i in range(len(given))]
    photos = [as_photo(each, name) for each, name in zip(given, names, strict=True)]
    for each, name in zip(photos, names, strict=True):
        if 0 in each.shape:
            raise ImageError(f"`{name}` must be a photograph with pixels, got {list(each.shape)}.")
    masks = [None] * len(photos) if mask is None else masks_of(mask, photos, names, jax.random.key(0))
    in_floats = [in_range(*each, value_range) for each in zip(photos, masks, names, strict=True)]
    pairs = list(zip(in_floats, masks, strict=True))
    found = list(restored_in_tiles(restorer, pairs, tile=tile, batch_size=batch_size))
    if value_range is not None:
        black, white = value_range
        for i, (each, missing) in enumerate(zip(photos, masks, strict=True)):
            if each.dtype != np.uint8:
                found[i] = ((found[i] + 1) * ((white - black) / 2) + black).astype(each.dtype)
                found[i] = found[i] if missing is None else np.where(missing[..., None], found[i], each)
    return found[0] if one else found


def restored_in_tiles(
    restorer: Restorer,
    photos: Sequence[tuple[np.ndarray, np.ndarray | None]],
    *,
    tile: int | None = None,
    batch_size: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[np.ndarray]:
    """Restore photographs one after the other; the tiles of several ones share batches.

    Arguments:
        restorer: the network.
        photos: (photograph, missing): uint8, or floats in [-1, 1], [h, w, c], c being 1 or 3, and bool [h, w], or None
            for a restorer that enlarges.
        tile, batch_size: see `apply_restorer`.
        progress: called with (tiles done, tiles) before every batch; what it raises stops the work.

    Returns:
        The restored photographs in their order, see `apply_restorer`.
    """
    tile = tile_side(restorer) if tile is None else whole_number("tile", tile, least=1)
    least = 2 * restorer.reach + BLEND + restorer.multiple
    if tile < least:
        raise ArgumentError(
            f"`tile` must be {least} or more, got {tile}: {restorer.name} looks {restorer.reach} pixels far, so that "
            "nothing of a smaller tile would be right."
        )
    tile -= tile % restorer.multiple
    batch_size = default_batch() if batch_size is None else batch_size
    whole_number("batch_size", batch_size, least=1)
    plans = [_plan(restorer, photo.shape[0], photo.shape[1], tile) for photo, _ in photos]
    total = sum(len(rows) * len(columns) for rows, columns in plans)
    at_work: collections.deque[_Photo] = collections.deque()
    with doing("restoring in tiles", total=total, unit="tiles") as work:
        begun = (_Photo(restorer, *pair, *plan) for pair, plan in zip(photos, plans, strict=True))
        for batch in _batches(begun, batch_size, at_work):
            if progress is not None:
                progress(int(work.done), total)
            for one, made in zip(batch, _made(restorer, batch, batch_size), strict=False):
                one.photo.add(one, made)
            work.moved(work.done + len(batch))
            while at_work and at_work[0].done:
                yield at_work.popleft().result


def default_batch() -> int:
    """Tiles at once on the devices of this process; see `BATCH`."""
    return 1 if default_platform() == CPU else BATCH


def tile_side(restorer: Restorer) -> int:
    """Side of the tiles of a restorer, in pixels of the photograph."""
    side = -(-max(SIDE, REACHES * restorer.reach) // 64) * 64
    return -(-side // restorer.multiple) * restorer.multiple


@dataclasses.dataclass(frozen=True, eq=False)
class Stretch:
    """The place of a tile along one axis of a photograph.

    Fields:
        start, length: the pixels that the network is shown. The last ones may lie beyond the photograph, where its last
            row or column is repeated.
        first: the first pixel, in the photograph, that the tile answers for.
        weights: float32 [n], the share of the tile in that pixel and the next ones, in pixels of the result.
    """

    start: int
    length: int
    first: int
    weights: np.ndarray


def stretches(length: int, tile: int, *, reach: int, multiple: int = 1, factor: int = 1) -> tuple[Stretch, ...]:
    """Cover one axis of a photograph with tiles, evenly.

    Arguments:
        length: of the axis in pixels; tile: side of a tile, a multiple of `multiple`.
        reach, multiple, factor: see `Restorer`.

    Returns:
        The tiles in their order. Their weights add up to 1 at every pixel of the result.

    Example:
        >>> [(one.start, one.length, one.first) for one in stretches(100, 64, reach=8)]
        [(0, 64, 0), (36, 64, 44)]
    """
    padded = length + -length % multiple
    if padded <= tile:
        return (Stretch(0, padded, 0, np.ones(length * factor, np.float32)),)
    room, step = padded - tile, (tile - 2 * reach - BLEND) // multiple * multiple
    count = -(-room // step) + 1
    starts = [room * i // (count - 1) // multiple * multiple for i in range(count)]
    ramp = BLEND * factor
    tents = np.zeros((count, length * factor))
    answered = []
    for i, start in enumerate(starts):
        first = 0 if i == 0 else start + reach
        end = length if i == count - 1 else min(start + tile - reach, length)
        answered.append((first, end))
        place = np.arange(first * factor, end * factor)
        rising = ramp if i == 0 else place - first * factor + 0.5
        falling = ramp if i == count - 1 else end * factor - place - 0.5
        tents[i, first * factor : end * factor] = np.minimum(np.minimum(rising, falling), ramp)
    tents /= tents.sum(axis=0)
    shares = (tent[first * factor : end * factor] for tent, (first, end) in zip(tents, answered, strict=True))
    return tuple(
        Stretch(start, tile, first, share.astype(np.float32))
        for start, (first, _), share in zip(starts, answered, shares, strict=True)
    )


def _plan(restorer: Restorer, height: int, width: int, tile: int) -> tuple[tuple[Stretch, ...], tuple[Stretch, ...]]:
    """The tiles of a photograph: rows and columns of them."""
    look = {"reach": restorer.reach, "multiple": restorer.multiple, "factor": restorer.factor}
    return stretches(height, tile, **look), stretches(width, tile, **look)


class _Photo:
    """A photograph that is at work: its tiles are cut out, and what was made of them is put together.

    Of the result only the rows that are not finished are held as floats; the finished ones are in the photograph's own
    type.
    """

    def __init__(
        self,
        restorer: Restorer,
        photo: np.ndarray,
        missing: np.ndarray | None,
        rows: tuple[Stretch, ...],
        columns: tuple[Stretch, ...],
    ):
        self.photo, self.missing, self.rows, self.columns = photo, missing, rows, columns
        self.factor, self.channels = restorer.factor, restorer.channels
        self.squares = restorer.squares
        self.colours = None if missing is None else _hole_colours(photo, missing, self.squares)
        """In the photograph's holes, see `Restorer.shown`: float32 [rows, columns, c] in [-1, 1]."""
        known = photo if missing is None else photo[~missing.astype(bool)]
        self.grey = is_grey(known)
        self.waiting = len(rows) * len(columns)
        height, width, channels = photo.shape
        self.result = np.empty((height * self.factor, width * self.factor, channels), photo.dtype)
        self.strip = np.zeros((len(rows[0].weights), self.result.shape[1], self.channels), np.float32)
        self.top = 0
        """The row of the result with which the strip begins."""

    @property
    def done(self) -> bool:
        """Whether all tiles have been put together."""
        return self.waiting == 0

    def tiles(self) -> Iterator["_Tile"]:
        """The tiles, row by row."""
        for row in self.rows:
            for column in self.columns:
                yield _Tile(self, row, column)

    def cut(self, tile: "_Tile") -> tuple[np.ndarray, np.ndarray | None]:
        """What lies in a tile, float32 [t, t, c] in [-1, 1], and what is missing of it, float32 [t, t]."""
        inside = [
            np.minimum(np.arange(one.start, one.start + one.length), side - 1)
            for one, side in zip((tile.row, tile.column), self.photo.shape[:2], strict=True)
        ]
        pixels = with_channels(as_float(self.photo[np.ix_(*inside)]), self.channels)
        return pixels, None if self.missing is None else self.missing[np.ix_(*inside)].astype(np.float32)

    def colours_in(self, tile: "_Tile") -> np.ndarray | None:
        """The colours that lie in the holes of a tile, float32 [t / squares, t / squares, c], or [1, 1, c]."""
        if self.colours is None:
            return None
        colours = with_channels(self.colours, self.channels)
        if not self.squares:
            return colours
        places = [
            np.minimum(np.arange(one.start // self.squares, (one.start + one.length) // self.squares), count - 1)
            for one, count in zip((tile.row, tile.column), colours.shape[:2], strict=True)
        ]
        return colours[np.ix_(*places)]

    def add(self, tile: "_Tile", made: np.ndarray) -> None:
        """Put together what the network made of a tile, [t factor, t factor, c]."""
        row, column, factor = tile.row, tile.column, self.factor
        if row.first * factor > self.top:
            self._finish(row.first * factor, len(row.weights))
        top, left = ((one.first - one.start) * factor for one in (row, column))
        part = made[top : top + len(row.weights), left : left + len(column.weights)]
        weights = row.weights[:, None, None] * column.weights[None, :, None]
        self.strip[: len(row.weights), column.first * factor :][:, : len(column.weights)] += weights * part
        self.waiting -= 1
        if self.done:
            self._finish(len(self.result), 0)

    def _finish(self, end: int, rows: int) -> None:
        """Finish all rows of the result before `end`; the strip begins there then, and has so many rows."""
        count = end - self.top
        for first in range(0, count, ROWS):  # a few rows at a time: conversions hold several copies
            made = np.clip(self.strip[first : min(first + ROWS, count)], -1, 1)
            made = with_channels(with_channels(made, 1) if self.grey else made, self.photo.shape[-1])
            some = slice(self.top + first, self.top + first + len(made))
            finished = as_type(made, self.photo.dtype)
            if self.missing is not None:
                finished = np.where(self.missing[some, :, None], finished, self.photo[some])
            self.result[some] = finished
        strip = np.zeros((rows, *self.strip.shape[1:]), np.float32)
        strip[: len(self.strip) - count] = self.strip[count:]
        self.strip, self.top = strip, end


@dataclasses.dataclass(frozen=True, eq=False)
class _Tile:
    """A tile of a photograph."""

    photo: _Photo
    row: Stretch
    column: Stretch

    @property
    def shape(self) -> tuple[int, int]:
        """Its height and width."""
        return self.row.length, self.column.length


def _batches(
    photos: Iterable[_Photo], size: int, at_work: collections.deque[_Photo]
) -> Iterator[list[_Tile]]:
    """Tiles of one shape, up to so many together; photographs are noted as they begin."""
    batch: list[_Tile] = []
    for photo in photos:
        at_work.append(photo)
        for tile in photo.tiles():
            if batch and (len(batch) == size or tile.shape != batch[0].shape):
                yield batch
                batch = []
            batch.append(tile)
    if batch:
        yield batch


def _made(restorer: Restorer, batch: list[_Tile], size: int) -> np.ndarray:
    """What the network makes of tiles; a batch that is not full is padded, so that there is one program."""
    padded = [*batch, *[batch[0]] * (size - len(batch))]
    cut = [tile.photo.cut(tile) for tile in padded]
    pixels = np.stack([one for one, _ in cut])
    masks = colours = None
    if restorer.fills_holes:
        masks = np.stack([mask for _, mask in cut if mask is not None])
        colours = np.stack([found for tile in padded if (found := tile.photo.colours_in(tile)) is not None])
    made = np.asarray(_program(restorer, pixels, masks, colours))
    if not np.isfinite(made).all():
        raise WeightsError(f"{restorer.name} makes values that are not finite: its weights are damaged.")
    return made


@jax.jit
def _program(restorer: Restorer, pixels: Array, masks: Array | None, colours: Array | None) -> Array:
    return restorer.network(restorer.shown(pixels, masks, colours))


@jax.jit
def _filled_squares(colours: Array, known: Array) -> Array:
    return filled_squares(colours[None], known[None])[0]


def _hole_colours(photo: np.ndarray, missing: np.ndarray, squares: int) -> np.ndarray:
    """What `Restorer.prepare` lays into holes, without a copy of the photograph: float32 [rows, columns, c].

    Arguments:
        photo: uint8 or floats in [-1, 1], [h, w, c]; missing: bool [h, w]; squares: see `Restorer`.
    """
    height, width, channels = photo.shape
    side = squares or max(height, width)
    columns = np.arange(0, width, side)
    totals = np.zeros((-(-height // side), len(columns), channels))
    counts = np.zeros((*totals.shape[:2], 1))
    for row in range(height):
        known = ~missing[row, :, None]
        totals[row // side] += np.add.reduceat(np.where(known, photo[row], 0), columns, axis=0, dtype=np.float64)
        counts[row // side] += np.add.reduceat(known, columns, axis=0, dtype=np.float64)
    means = totals / np.maximum(counts, 1)
    means = np.where(counts > 0, means / 127.5 - 1 if photo.dtype == np.uint8 else means, 0.0).astype(np.float32)
    return means if counts.all() else np.asarray(_filled_squares(means, counts > 0))
