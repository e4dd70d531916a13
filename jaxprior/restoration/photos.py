"""`restore_photo`: repair or colour photographs of any size, which keep their size.

Squares around the holes of all photographs (or squares that cover them, for colours) go through `invert` as one batch,
and are put together by `jaxprior.restoration.cut_photos`.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.checks import one_of, random_key
from jaxprior.errors import ArgumentError, ImageError
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.operators import Inpaint, Operator
from jaxprior.protocols import Codes
from jaxprior.restoration.arguments import as_prior, as_task, check_method, refuse_tracing
from jaxprior.restoration.cut_photos import CutPhoto, cut_photo
from jaxprior.restoration.draws import Draws, as_draws
from jaxprior.restoration.drivers import Result, invert
from jaxprior.restoration.encoder_settings import merge_card
from jaxprior.restoration.given_photos import as_photo, in_range, masks_of
from jaxprior.restoration.merge_rule import MERGES, Merge, fills_holes
from jaxprior.restoration.placement import Progress
from jaxprior.restoration.presets import completed
from jaxprior.restoration.sizes import keeps_size
from jaxprior.restoration.squares import Square
from jaxprior.system.activity import steps_of
from jaxprior.system.devices import Device
from jaxprior.weights.priors import Prior


@dataclasses.dataclass(frozen=True, kw_only=True)
class RestoredPhoto:
    """A photograph that was restored in its own size.

    Fields:
        picture: the photograph [h, w, c], in the type in which it was given. What was known of it is there to the bit.
        squares: where the prior looked, in pixels of the photograph, beyond whose edges a square may reach.
        found: what the prior found in each square, a `Result` whose arrays have as many entries as there are squares;
            None where no square was needed.
        notes: what a user should know, a short phrase each; for example how many thin holes were filled without the
            prior.
        draws: K different answers like `picture`, [K, h, w, c]; None unless they were asked for. Where no square was
            needed, because all holes are thin, the prior has no part in them, and all of them are equal to `picture`.
    """

    picture: np.ndarray
    squares: tuple[Square, ...]
    found: Result | None
    notes: tuple[str, ...] = ()
    draws: np.ndarray | None = None


def restore_photo(
    prior: Prior | str | Path,
    photo: Any,
    mask: Any = None,
    *,
    key: jax.Array,
    task: Operator | None = None,
    codes: Codes | None = None,
    objective: Objective | None = None,
    solve: Solve | None = None,
    refine: Any = None,
    start: Any = None,
    merge: Merge = "harmonic",
    draws: Draws | int | None = None,
    batch_size: int | None = None,
    memory: float | None = None,
    devices: Sequence[Device] | None = None,
    progress: Progress | bool | None = None,
    value_range: tuple[float, float] | None = None,
) -> RestoredPhoto | list[RestoredPhoto]:
    """Fill the holes of photographs of any size, or give them colours; they keep their size.

    Around the holes, squares are cut out, scaled to the prior's size, restored all together, and put back into the
    photograph without a seam. Thin holes, such as scratches, are filled smoothly from the pixels around them, without
    the prior. For colours, squares cover the photograph, and its brightness stays. docs/pictures.md says more.

    Arguments:
        prior: the trained generator of square pictures, or the name, file or training run that `load_prior` takes.
        photo: one photograph [h, w, c], uint8 or floats in [-1, 1], c being 1 or 3, or the path of a picture file; or a
            list of them, whose sizes may differ. What they show at missing pixels is ignored and may be NaN.
        mask: what is missing, [h, w] of the photograph's size, 1 (or true) = missing; a list of masks, one for each
            photograph; or what `parse_mask` returns, which is made in the size of each photograph. Only a
            `task` that brings its own mask, and `Colorize()`, need none.
        key: a random key. Equal squares get equal random numbers, whatever else is in the list.
        task: None fills what the mask marks; `Colorize()` gives colours.
        codes, objective, solve, refine, start, merge, draws, batch_size, memory, devices, progress: as for `restore`;
            where these count pictures, squares are meant.
        value_range: what black and white are in photographs of floats, as for `restore`; results have that range too.

    Returns:
        A `RestoredPhoto`, or a list of them if a list was given.

    Raises:
        ImageError: a photograph of another kind, range or size.
        MaskError: a mask of another size or with other values; or nothing of a photograph, or around one of its holes,
            is known.
        ArgumentError, ValueError, MemoryLimitError: as for `restore`.

    Example:
        >>> photo = jp.images.load_image("holiday.jpg")  # inverts for seconds # doctest: +SKIP
        >>> hole = np.zeros(photo.shape[:2])  # inverts for seconds # doctest: +SKIP
        >>> hole[200:280, 300:400] = 1  # inverts for seconds # doctest: +SKIP
        >>> restored = jp.restore_photo(  # inverts for seconds # doctest: +SKIP
        ...     "cats64", photo, hole, key=jax.random.key(0)
        ... )
        >>> jp.images.save_png("repaired.png", restored.picture)  # inverts for seconds # doctest: +SKIP
    """
    refuse_tracing("restore_photo", prior, photo, mask, key, start)
    prior, key = as_prior(prior), random_key("key", key)
    one_of("merge", merge, MERGES)
    draws = as_draws(draws)
    task, mask = _task_and_mask(task, mask)
    if len(prior.image_shape) != 3 or prior.image_shape[0] != prior.image_shape[1]:
        raise ArgumentError(
            f"`prior` must generate square pictures, and this one's images are {list(prior.image_shape)}; "
            "use `jp.restore` or `jp.invert`."
        )
    one = isinstance(photo, str | Path) or (not isinstance(photo, list | tuple) and np.ndim(photo) < 4)
    given = [photo] if one else list(cast(Sequence[Any], photo))
    if not given:
        raise ImageError("`photo` holds no photographs; give at least one.")
    names = ["photo"] if one else [f"photo[{i}]" for i in range(len(given))]
    photos = [as_photo(each, name) for each, name in zip(given, names, strict=True)]
    masks = masks_of(mask, photos, names, key) if fills_holes(task) else [None] * len(photos)
    check_method(prior, codes=codes, objective=objective, solve=solve, refine=refine, start=start, merge=merge)
    method = completed(prior, task, codes=codes, objective=objective, solve=solve, start=start)
    card, cuts = merge_card(prior.card, method.start), []
    for each, missing, name in zip(photos, masks, names, strict=True):
        each = in_range(each, missing, name, value_range)
        cuts.append(cut_photo(task, each, missing, prior.image_shape, card=card, merge=merge))
    counts, found = [len(cut.squares) for cut in cuts], None
    if sum(counts):
        observed = jnp.concatenate([cut.observed for cut in cuts])
        if fills_holes(task):
            task = Inpaint(np.concatenate([cut.masks for cut in cuts if cut.masks is not None]))
        found = invert(
            prior, observed, task, key=key, codes=codes, objective=objective, solve=solve, refine=refine,
            start=start, merge=merge, draws=draws, ids=jnp.concatenate([cut.ids for cut in cuts]),
            batch_size=batch_size, memory=memory, devices=devices, progress=progress, value_range=(-1, 1),
        )  # fmt: skip
    ends = np.cumsum(counts)
    results = []
    for i in steps_of("putting the photographs together", len(cuts), unit="photographs"):
        part = None if found is None or not counts[i] else _part(found, slice(ends[i] - counts[i], ends[i]))
        results.append(_restored(cuts[i], part, photos[i], value_range, draws=draws))
    return results[0] if one else results


def _task_and_mask(task: Any, mask: Any) -> tuple[Operator, Any]:
    """The task, and what is missing, of which an `Inpaint` may bring its own.

    Raises:
        ArgumentError: a task that does not keep a photograph's size, or one without the mask that it needs, or with one
            that it does not need.
    """
    if task is None:
        if mask is None:
            raise ArgumentError("Give `mask`, what is missing of the photograph, or `task=jp.Colorize()` for colours.")
        return Inpaint(np.zeros((1, 1), np.float32)), mask
    task = as_task(task)
    if not keeps_size(task):
        raise ArgumentError(
            f"`task` must fill holes or give colours, got {task.label}, which answers in the prior's size; use "
            "`jp.restore` or `jp.invert`."
        )
    own = getattr(task, "mask", None) if fills_holes(task) else None
    if (mask is None) == (own is None and fills_holes(task)):
        raise ArgumentError(
            f"`mask` must be {'given' if mask is None else 'left out'} with `task` {task.label}"
            f"{'' if mask is None or own is None else ', which has one already'}."
        )
    return task, own if mask is None else mask


def _part(found: Result, some: slice) -> Result:
    """A few pictures of a result."""
    fields = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    return Result(**{name: jax.tree.map(lambda leaf: leaf[some], value) for name, value in fields.items()})


def _restored(
    cut: CutPhoto, found: Result | None, photo: np.ndarray, value_range: Any, *, draws: Draws | None
) -> RestoredPhoto:
    """A photograph put together, and its draws, in the range in which it was given."""
    nothing = np.zeros((0, *cut.image_shape), np.float32)
    picture = _put_together(cut, nothing if found is None else np.asarray(found.merged), photo, value_range)
    answers = None
    if found is not None and found.draws is not None:
        every = np.moveaxis(np.asarray(found.draws), 1, 0)
        answers = np.stack([_put_together(cut, draw, photo, value_range) for draw in every])
    elif draws is not None:
        answers = np.stack([picture] * draws.count)
    return RestoredPhoto(picture=picture, squares=cut.squares, found=found, notes=cut.notes, draws=answers)


def _put_together(cut: CutPhoto, merged: np.ndarray, photo: np.ndarray, value_range: Any) -> np.ndarray:
    """The photograph with squares [n, r, r, c] that were restored."""
    picture = cut.restored(merged)
    if value_range is not None and photo.dtype != np.uint8:
        black, white = value_range
        picture = ((picture + 1) * ((white - black) / 2) + black).astype(photo.dtype)
        if cut.missing is not None:
            picture = np.where(cut.missing[..., None], picture, photo)
    return picture
