"""Pictures of a run that a restorer restores, each at its own size: how they are read, restored and measured.

    picture --decode--> job --tiles, network--> restored photograph --> one `Found`

Originals (`clean`) are degraded at their own size: holes are blanked, and for super-resolution they are cropped to a
multiple of the factor, shrunk, and rounded to 8 bits as a file would be. Figures compare whole photographs.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jaxprior.data import images
from jaxprior.errors import ImageError
from jaxprior.evaluation.cells import row_key
from jaxprior.evaluation.reading import Job, PictureReader, of_size
from jaxprior.evaluation.restorer_cells import RestorerCell
from jaxprior.evaluation.scores import score_photo
from jaxprior.evaluation.solving import Found
from jaxprior.restoration.cut_photos import as_pixels
from jaxprior.restoration.memory import FULL_SPEED
from jaxprior.restoration.restored_tasks import factor_of, is_enlarged
from jaxprior.restoration.save_points import SavePoint
from jaxprior.restoration.tiled import default_batch, restored_in_tiles
from jaxprior.runs.observer import Observer
from jaxprior.runs.row import OK
from jaxprior.system.activity import doing
from jaxprior.weights.restorers import Restorer


MOST_AT_ONCE = 4
"""Photographs whose tiles share batches on an accelerator, and whose results are in memory together."""


class RestorerReader(PictureReader):
    """Turns sources into jobs for a restorer.

    Arguments:
        cell, settings, pictures: see `PictureReader`.
    """

    def __init__(self, cell: RestorerCell, settings: dict, pictures: Sequence[images.ImageSource]):
        super().__init__(cell, settings, 0, pictures)
        self.enlarges = is_enlarged(cell.task)
        self.merges = not self.enlarges

    def read(self, source: images.ImageSource) -> Job:
        """Read one picture; see `PictureReader.read`."""
        picture = images.read_picture(source)
        pixels, notes = picture.pixels, list(picture.notes)
        shape, id = pixels.shape[:2], images.pixels_id(pixels)
        mask, said = self.masks.of(source, id, shape)
        missing = None if mask is None else mask > 0
        if missing is not None and missing.all():
            raise ImageError("its mask leaves nothing known; leave some pixels known.")
        reference = self._reference(source, shape)
        original = None if reference is None else reference.pixels
        notes += [f"original: {note}" for note in (() if reference is None else reference.notes)] + said
        photo, truth = pixels, pixels if self.cell.clean else original
        if self.enlarges:
            photo, truth, cropped = self._enlarged(pixels, original)
            notes += cropped
        elif original is not None and not self.cell.clean:
            truth = of_size(original, shape)
        return Job(
            image=source.name,
            file=images.content_name(source.stem, pixels),
            id=id,
            key=row_key(self.settings, pixels, missing, original),
            photo=photo,
            truth=truth,
            mask=missing,
            complete=missing is not None and not missing.any(),
            size=shape,
            notes=tuple(notes),
        )

    def tell_of_size(self, job: Job, observer: Observer) -> None:
        """Nothing is fitted or cut."""

    def _enlarged(
        self, pixels: np.ndarray, original: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None, list[str]]:
        """The small picture of a super-resolution, its original at the size of the result, and notes.

        Raises:
            ImageError: an original that is smaller than the factor.
        """
        factor = factor_of(self.cell.task)
        height, width = pixels.shape[:2]
        if self.cell.clean:
            if min(height, width) < factor:
                raise ImageError(f"it is {width}x{height}, and shrunk by {factor} nothing of it is left.")
            cropped = pixels[: height - height % factor, : width - width % factor]
            notes = [] if cropped.shape == pixels.shape else [f"cropped to {cropped.shape[1]}x{cropped.shape[0]}"]
            small = np.asarray(self.cell.task.apply(images.to_float(cropped)))
            return images.to_uint8(small), cropped, notes
        if original is None:
            return pixels, None, []
        return pixels, original[: height * factor, : width * factor], []

    def _check_reference(self, name: str, original: tuple[int, int], shape: tuple[int, int]) -> None:
        """Refuse an original of another size than the result; up to a factor's pixels more are cut off."""
        if not self.enlarges:
            super()._check_reference(name, original, shape)
            return
        factor, (height, width) = factor_of(self.cell.task), shape
        if not self.cell.clean and (original[0] // factor, original[1] // factor) != shape:
            raise ImageError(
                f"it is {width}x{height} and its original, {name}, {original[1]}x{original[0]}: expected an original "
                f"of {width * factor}x{height * factor} pixels, {factor} times as large."
            )


class RestorerSolver:
    """A cell and a restorer, made ready for pictures of any size.

    Arguments:
        cell, restorer: what to do, and with what.
        wanted: tiles at once; None for what the device gains by.
        network: the feature network in which results are compared with their originals, or None.
    """

    memory_plan = FULL_SPEED

    def __init__(self, cell: RestorerCell, restorer: Restorer, *, wanted: int | None, network: Any = None):
        self.cell, self.restorer, self.network = cell, restorer, network
        self.batch = default_batch() if wanted is None else wanted
        self.at_once = min(self.batch, MOST_AT_ONCE)

    def fit(self, memory: float | None) -> None:
        """A tile is small: nothing is foreseen."""

    def shrink(self) -> bool:
        """Take fewer tiles at once; False if it is one already."""
        self.batch, before = max(self.batch // 2, 1), self.batch
        self.at_once = min(self.batch, MOST_AT_ONCE)
        return self.batch < before

    def solve(
        self, jobs: Sequence[Job], *, save_point: SavePoint, progress: Callable[[int, int, float | None], None]
    ) -> list[Found]:
        """Restore some pictures.

        Arguments:
            jobs: at least one.
            save_point: not used, because a picture takes seconds.
            progress: called with (tiles done, tiles, None) between batches; it may raise to stop.

        Returns:
            One `Found` a job, in their order. What a job gets does not depend on the others.
        """
        pairs = [(job.photo, job.mask) for job in jobs]
        made = restored_in_tiles(
            self.restorer, pairs, batch_size=self.batch, progress=lambda done, total: progress(done, total, None)
        )
        return [self._found(job, picture) for job, picture in zip(jobs, made, strict=True)]

    def _found(self, job: Job, picture: np.ndarray) -> Found:
        figures: dict[str, float] = {}
        if job.truth is not None:
            with doing("measuring what was found"):
                raw = None if job.mask is None else (picture, job.mask)
                figures = score_photo(
                    picture, job.truth, raw, task=self.cell.task, network=self.network, measures=self.cell.measures
                )
        nothing: Any = np.zeros(0, np.float32)
        return Found(
            raw=nothing,
            merged=picture,
            observed=as_pixels(job.photo, job.mask),
            latents={},
            trace=nothing,
            loss=np.nan,
            status=OK,
            reason=None,
            figures=figures,
            squares=(),
        )
