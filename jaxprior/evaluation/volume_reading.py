"""Volumes of a run become jobs: read, scaled to [-1, 1], with mask, original and key.

Volumes are not resampled or cut: each must have the size of the prior's. What belongs to which volume, a mask in a
folder or an original, is found as for pictures (see `jaxprior.data.matching`).
"""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from jaxprior.data.inputs import list_inputs
from jaxprior.data.masks import MASK_STREAM, MaskSpec
from jaxprior.data.matching import Counterparts
from jaxprior.data.pixels import array_id, named_by_id
from jaxprior.data.volume_masks import VolumeMask
from jaxprior.data.volumes import VolumeSource, units_of
from jaxprior.errors import ImageError, MaskError, RunError
from jaxprior.evaluation.cells import Cell, row_key, with_mask
from jaxprior.evaluation.reading import Job, original_of
from jaxprior.evaluation.scores import merges
from jaxprior.runs.observer import Observer


class VolumeMasks:
    """Gives every volume of a cell its mask, as `CellMasks` gives it to pictures.

    Arguments:
        cell: what is done.
        shape: (d, h, w) of the prior's volumes.
        volumes: all volumes that the run's command names.

    Attributes:
        statement, folder, files: as of `CellMasks`.

    Raises:
        MaskError: the one mask of all volumes cannot be used.
    """

    def __init__(self, cell: Cell, shape: tuple[int, ...], volumes: Sequence[VolumeSource]):
        if isinstance(cell.mask, MaskSpec):
            raise MaskError(f"mask {cell.mask.name}: it is of pictures; `parse_volume_mask` makes one of volumes.")
        self.spec: VolumeMask | None = cell.mask
        self.shape = shape
        self.statement: str | None = None
        self.folder = self.spec.path if self.spec is not None and self.spec.kind == "folder" else None
        self.files: Counterparts | None = None
        self._key = jax.random.fold_in(jax.random.key(cell.seed), MASK_STREAM)
        self._shared: np.ndarray | None = None
        if self.folder is not None:
            given = {volume.location for volume in volumes}
            masks = [mask for mask in list_inputs([self.folder], (*shape, 1)) if mask.location not in given]
            self.files = Counterparts(volumes, masks, place=str(self.folder), kind="mask")
        elif self.spec is not None and not self.spec.per_image:
            self.statement = self.spec.statement(shape)
            self._shared = self.spec.draw(shape)

    def of(self, volume: Any, id: int) -> np.ndarray | None:
        """Return the mask of a volume, float32 [d, h, w], or None.

        Raises:
            ImageError: its mask is missing, ambiguous, or cannot be used.
        """
        if self.spec is None or self._shared is not None:
            return self._shared
        try:
            if self.files is not None:
                return self.spec.read(self.files.of(volume), shape=self.shape)
            return self.spec.draw(self.shape, jax.random.fold_in(self._key, np.uint32(id)))
        except MaskError as error:
            raise ImageError(str(error)) from None


class VolumeReader:
    """Turns sources of volumes into jobs, as `Reader` does it with pictures.

    Arguments:
        cell: what to do; settings: its resolved configuration, for the keys.
        image_shape: of the prior's volumes, (d, h, w, 1).
        volumes: all that the run's command found.

    Attributes:
        merges, masks, originals: as of `PictureReader`.

    Raises:
        RunError: the task does not suit volumes, or several answers are asked for, which are shown of pictures only.
    """

    def __init__(self, cell: Cell, settings: dict, image_shape: tuple[int, ...], volumes: Sequence[VolumeSource] = ()):
        self.cell, self.settings, self.image_shape = cell, settings, image_shape
        sides = "x".join(map(str, image_shape[:-1]))
        if image_shape[-1] != 1:
            raise RunError(f"{cell.title} is done on volumes of one channel, and this prior's have {image_shape[-1]}.")
        if not getattr(cell.task, "takes_volumes", False):
            raise RunError(
                f"{cell.title} works on pictures, and this prior makes volumes of {sides} voxels: take reconstruct, "
                "inpaint or denoise."
            )
        if cell.keeps_size:
            raise RunError(f"Volumes have the size of their prior's, {sides} voxels: leave --size out.")
        if cell.method.draws is not None:
            raise RunError("Several answers for each picture are made of pictures only: leave --draws out.")
        self.masks = VolumeMasks(cell, image_shape[:-1], volumes)
        self.originals: Counterparts | None = None
        if cell.reference is not None:
            found = list_inputs([cell.reference], image_shape)
            self.originals = Counterparts(volumes, found, place=cell.reference, kind="original")
        task = cell.task if cell.mask is None else with_mask(cell.task, np.zeros(image_shape[:-1], np.float32))
        volume = jax.ShapeDtypeStruct(image_shape, np.float32)
        self.merges = merges(task, jax.eval_shape(type(task).apply, task, volume), volume)

    def read(self, source: Any) -> Job:
        """Read one volume.

        Raises:
            ImageError: it cannot be used, or its original or mask is missing, ambiguous or of another shape.
        """
        volume = source.read()
        id = array_id(volume)
        mask = self.masks.of(source, id)
        if mask is None:
            own = getattr(self.cell.task, "mask", None)
            mask = None if own is None or np.shape(own) != volume.shape else np.asarray(own, np.float32)
        found = original_of(source, self.originals, clean=self.cell.clean, noun="volume")
        original = None if found is None else found.read()
        seen, known = volume, volume
        if mask is not None and not self.cell.clean and not mask.all():  # what lies under the mask may be anything
            seen, known = np.where(mask > 0, 0, volume), volume[mask == 0]
        units = units_of(known, source.name)
        photo = units.scaled(seen)[..., None]
        truth = photo if self.cell.clean else None
        if original is not None:
            truth = units_of(original, f"the original of {source.name}").scaled(original)[..., None]
        return Job(
            image=source.name,
            file=named_by_id(source.stem, id),
            id=id,
            key=row_key(self.settings, volume, mask, original),
            photo=photo,
            truth=truth,
            mask=mask,
            complete=self.merges and mask is not None and not mask.any(),
            units=units,
        )

    def tell_of_size(self, job: Job, observer: Observer) -> None:
        """Say nothing: volumes are taken as they are."""
