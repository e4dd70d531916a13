"""Pictures of a run become jobs: decoded, fitted to what the task needs, with mask, reference and key.

Originals are fitted to the prior's size and degraded later; pictures that were observed are cut to the size of the
task's observations: a super-resolution by 4 with a prior of 64 pixels reads pictures of 16. A picture of another size
is refused there, because the result would not be four times as large as the picture.

Where pictures keep their size, a job has the whole photograph, and its parts are the squares of it that the prior sees.
"""

import abc
import dataclasses
import queue
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np
from PIL import Image

from jaxprior import operators
from jaxprior.data import images
from jaxprior.data.mask_fitting import same_shape
from jaxprior.data.matching import Counterparts
from jaxprior.data.volume_units import Units
from jaxprior.errors import ImageError, MaskError, RunError
from jaxprior.evaluation.cells import Cell, row_key, with_mask
from jaxprior.evaluation.masking import CellMasks
from jaxprior.evaluation.scores import merges
from jaxprior.restoration.cut_photos import CutPhoto, cut_photo
from jaxprior.restoration.encoder_settings import merge_card
from jaxprior.runs.observer import Observer


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture ready for the engine, float32 in [-1, 1]: photo (the original, or what was observed, then of the
    observation's size), truth [r, r, c] and mask [r, r]. `complete` says that nothing of it is missing, `size` is the
    picture's height and width before it was fitted, `notes` what a user should know of how picture, original and mask
    were read. Where pictures keep their size, photo, truth (uint8 [h, w, 3]) and mask (bool [h, w]) have it too, and
    `cut` has the squares; a square has no truth of its own, but `original` is what the photograph's truth shows there
    (`of_square`: the cut photograph, its truth and which square this is). A volume has photo and truth [d, h, w, 1],
    mask [d, h, w], and `units`, those of its file."""

    image: str
    file: str
    id: int
    key: str
    photo: np.ndarray
    truth: np.ndarray | None
    mask: np.ndarray | None
    complete: bool = False
    size: tuple[int, int] = (0, 0)
    notes: tuple[str, ...] = ()
    cut: CutPhoto | None = None
    of_square: tuple[CutPhoto, np.ndarray, int] | None = None
    units: Units | None = None

    @property
    def original(self) -> np.ndarray | None:
        """What the generator's pictures are to be like, [r, r, c]; None if it is not known."""
        if self.of_square is None:
            return self.truth
        cut, truth, number = self.of_square
        return cut.square_of(truth, number)

    @property
    def parts(self) -> tuple["Job", ...]:
        """What the engine solves for this picture: the picture itself, or each of its squares."""
        if self.cut is None:
            return (self,)
        masks = [None] * len(self.cut.squares) if self.cut.masks is None else self.cut.masks
        squares = enumerate(zip(self.cut.observed, masks, self.cut.ids, strict=True))
        place = None if self.truth is None else (self.cut, self.truth)
        return tuple(
            Job(
                self.image, self.file, int(id), self.key, photo, None, mask, of_square=place and (*place, number)
            )
            for number, (photo, mask, id) in squares
        )  # fmt: skip


def check_enlargement(title: str, shape: tuple[int, int], *, observed: int, made: int) -> None:
    """Refuse a picture that a task would not enlarge by as much as it says.

    Arguments:
        title: of the task, which says by how much it enlarges.
        shape: height and width of the picture that was observed; its centre square is used.
        observed: side of what the task observes, in pixels.
        made: side of the prior's images. Where it is the side of what is observed too, nothing is enlarged, and
            pictures of all sizes are taken.

    Raises:
        ImageError: the sides of the picture's square and of what the task observes differ.

    Example:
        >>> check_enlargement("superres x4 bilinear", (16, 20), observed=16, made=64)
    """
    (height, width), side = shape, min(shape)
    if made == observed or side == observed:
        return
    said = f"{title} with a prior of {made} pixels expects pictures of {observed}x{observed}"
    if side >= made:
        raise ImageError(
            f"{said}; this one is {width}x{height}, which would be shrunk and not enlarged: cut out a part of "
            f"{observed}x{observed} pixels, or shrink the picture first if its detail does not matter."
        )
    if made % side == 0:
        remedy = f"which is x{made // side}: give the factor {made // side} (--factor {made // side})."
    else:
        remedy = f"which is x{made / side:.3g}, no whole factor: resize the picture first."
    raise ImageError(f"{said}; this one is {width}x{height}, {remedy}")


@runtime_checkable
class JobReader(Protocol):
    """What turns sources into jobs: a `PictureReader`, or a `VolumeReader` of volumes."""

    merges: bool
    masks: Any
    originals: Counterparts | None

    def read(self, source: Any) -> Job:
        """Read one picture or volume."""
        ...

    def tell_of_size(self, job: Job, observer: Observer) -> None:
        """Say how it was fitted or cut."""
        ...


class PictureReader(abc.ABC):
    """Turns sources into jobs: what readers of all kinds have in common.

    Arguments:
        cell: what to do.
        settings: its resolved configuration, for the keys.
        size: side of the prior's images, at which masks are made where pictures do not keep their size.
        pictures: all that the run's command found; they decide which original and which mask belong to which picture.

    Attributes:
        merges: whether the task puts known things back.
    """

    merges: bool

    def __init__(self, cell: Cell, settings: dict, size: int, pictures: Sequence[images.ImageSource]):
        self.cell, self.settings, self.size = cell, settings, size
        self.masks = CellMasks(cell, size, pictures)
        self.originals = None
        if cell.reference is not None:
            found = images.list_images([cell.reference])
            self.originals = Counterparts(pictures, found, place=cell.reference, kind="original")

    @abc.abstractmethod
    def read(self, source: images.ImageSource) -> Job:
        """Read one picture.

        Raises:
            ImageError: it cannot be used, or its original is missing, ambiguous or of another shape.
        """

    @abc.abstractmethod
    def tell_of_size(self, job: Job, observer: Observer) -> None:
        """Say how a picture was fitted or cut."""

    def _reference(self, source: images.ImageSource, shape: tuple[int, int]) -> images.Picture | None:
        """The original of a picture of this shape, which shows the same part of the world if both are cut alike."""
        found = original_of(source, self.originals, clean=self.cell.clean)
        if found is None:
            return None
        original = images.read_picture(found)
        self._check_reference(found.name, (original.pixels.shape[0], original.pixels.shape[1]), shape)
        return original

    def _check_reference(self, name: str, original: tuple[int, int], shape: tuple[int, int]) -> None:
        """Refuse an original of a name, height and width that does not show what a picture of this shape shows.

        Raises:
            ImageError: neither of the two is square, and their shapes differ.
        """
        squares = shape[0] == shape[1] or original[0] == original[1]
        if not squares and not same_shape(shape, original):
            raise ImageError(
                f"it is {shape[1]}x{shape[0]} and its original, {name}, {original[1]}x{original[0]}: "
                "expected an original of the picture's shape, or one of them square."
            )


class Reader(PictureReader):
    """Turns sources into jobs for a prior.

    Arguments:
        cell: what to do.
        settings: its resolved configuration, for the keys.
        image_shape: of the prior's images, (r, r, c): square pictures. Where c is 1, pictures are read as their luma.
        pictures: all that the run's command found; they decide which original and which mask belong to which picture.
        card: of the prior, which says how it is weighed in holes of pictures that keep their size.

    Raises:
        RunError: the task does not suit the prior, or does not observe pictures and none are originals.
    """

    def __init__(
        self,
        cell: Cell,
        settings: dict,
        image_shape: tuple[int, ...],
        pictures: Sequence[images.ImageSource] = (),
        *,
        card: Mapping[str, Any] = MappingProxyType({}),
    ):
        self.card, size = card, image_shape[0]
        self.image_shape, self.channels = image_shape, image_shape[-1]
        if len(image_shape) != 3 or image_shape[1] != size or self.channels not in (1, 3):
            raise RunError(
                f"{cell.title} is done on square pictures, RGB or grey, and this prior's images are "
                f"{'x'.join(map(str, image_shape))}: use `jaxprior.restore` from Python."
            )
        super().__init__(cell, settings, size, pictures)
        task = cell.task if cell.mask is None else with_mask(cell.task, np.zeros((size, size), np.float32))
        photo = jax.ShapeDtypeStruct(image_shape, np.float32)
        try:
            observed = jax.eval_shape(type(task).apply, task, photo)
        except ValueError as error:
            raise RunError(f"{cell.title} does not suit a prior of {size}x{size} pixels: {error}") from None
        self.merges = merges(task, observed, photo)
        self.own_mask = _own_mask(task, size) if cell.mask is None and observed.shape == photo.shape else None
        square = observed.ndim == 3 and observed.shape[0] == observed.shape[1]
        if not cell.clean and not (square and observed.shape[2] == self.channels):
            raise RunError(
                f"What {cell.title} observes, an array {list(observed.shape)}, is no square picture: "
                "give the originals and say so (clean), or use `jaxprior.invert`."
            )
        self.observed_size = observed.shape[0] if observed.ndim else 1

    def read(self, source: images.ImageSource) -> Job:
        """Read one picture; see `PictureReader.read`."""
        picture = images.read_picture(source)
        pixels = picture.pixels
        if not (self.cell.clean or self.cell.keeps_size):
            check_enlargement(self.cell.title, pixels.shape[:2], observed=self.observed_size, made=self.size)
        id = images.pixels_id(pixels)
        mask, said = self.masks.of(source, id, pixels.shape[:2])
        mask = self.own_mask if self.cell.mask is None else mask
        reference = self._reference(source, pixels.shape[:2])
        original = None if reference is None else reference.pixels
        of_original = () if reference is None else reference.notes
        notes = [*picture.notes, *(f"original: {note}" for note in of_original), *said]
        known: dict[str, Any] = {
            "image": source.name,
            "file": images.content_name(source.stem, pixels),
            "id": id,
            "complete": self.merges and mask is not None and not mask.any(),
            "size": pixels.shape[:2],
        }
        if self.cell.keeps_size:
            missing = None if mask is None else mask > 0
            truth = pixels if self.cell.clean else None if original is None else of_size(original, pixels.shape[:2])
            key = row_key(self.settings, pixels, missing, original)
            cut = self._cut(pixels, missing)
            return Job(**known, key=key, photo=pixels, truth=truth, mask=missing, notes=(*notes, *cut.notes), cut=cut)
        photo = self._fitted(pixels, self.size if self.cell.clean else self.observed_size)
        truth = photo if self.cell.clean else None if original is None else self._fitted(original, self.size)
        key = row_key(self.settings, pixels, mask, original)
        return Job(**known, key=key, photo=photo, truth=truth, mask=mask, notes=tuple(notes))

    def tell_of_size(self, job: Job, observer: Observer) -> None:
        """Say how a picture was fitted or cut."""
        if job.cut is None:
            observer.read(job.size, len(job.photo))
        else:
            sides = [square.side for square in job.cut.squares]
            observer.cut(job.size, sides, job.cut.image_shape[0], holes=job.mask is not None)

    def _cut(self, pixels: np.ndarray, missing: np.ndarray | None) -> CutPhoto:
        """A decoded picture that keeps its size, with its squares."""
        merge = self.cell.method.merge
        try:
            card = merge_card(self.card, self.cell.method.start)
            return cut_photo(self.cell.task, pixels, missing, self.image_shape, card=card, merge=merge)
        except MaskError as error:
            raise ImageError(str(error)) from None

    def _fitted(self, pixels: np.ndarray, size: int) -> np.ndarray:
        """A decoded picture as float32 [size, size, c]; what has this size already may be as small as it likes."""
        fitted = pixels if pixels.shape[:2] == (size, size) else images.fit(pixels, size)
        return images.to_float(images.to_grey(fitted) if self.channels == 1 else fitted)


def original_of(source: Any, originals: Counterparts | None, *, clean: bool, noun: str = "picture") -> Any:
    """The source of the original of a picture or volume; None where no originals were given.

    Arguments:
        source: of the picture or volume; originals: those that were given.
        clean: whether the pictures themselves are the originals.
        noun: what the sentence calls them.

    Raises:
        ImageError: there is none, or it is the picture itself, which was observed and may be damaged.
    """
    if originals is None:
        return None
    found = originals.of(source)
    if found.location == source.location and not clean:
        raise ImageError(
            f"its original would be the {noun} itself, found in {originals.place}: give a folder that holds originals "
            f"only; or, if nothing is damaged in the {noun} yet, say --clean instead (in Python clean)"
        )
    return found


def read_ahead(
    reader: JobReader, sources: Iterable[images.ImageSource], count: int
) -> Iterator[tuple[images.ImageSource, Job | ImageError]]:
    """Read pictures in their order while earlier ones are solved, at most `count` of them ahead.

    A picture that cannot be used comes with its error. Anything else that goes wrong while reading is raised here.
    """
    ready: queue.Queue = queue.Queue(count)
    left = threading.Event()

    def put(item) -> None:
        while not left.is_set():
            try:
                return ready.put(item, timeout=0.2)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for source in sources:
                try:
                    put((source, reader.read(source)))
                except ImageError as error:
                    put((source, error))
                if left.is_set():
                    return
            put(None)
        except BaseException as error:  # raised again by whoever waits for pictures
            put(error)

    worker = threading.Thread(target=work, name="jaxprior-reading", daemon=True)
    worker.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        left.set()


def of_size(original: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """An original [h, w, 3] at the size of its picture; for a square picture its centre square.

    Raises:
        ImageError: the original alone is square, so that it shows a part of the picture only.
    """
    if shape[0] == shape[1]:
        original = images.fit(original, shape[0])
    if original.shape[:2] == shape:
        return original
    if original.shape[0] == original.shape[1]:
        raise ImageError(
            f"it is {shape[1]}x{shape[0]} and its original {original.shape[1]}x{original.shape[0]}: expected an "
            "original of the picture's shape where pictures keep their size (--size fit compares centre squares)."
        )
    return np.asarray(Image.fromarray(original).resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


def _own_mask(task: operators.Operator, size: int) -> np.ndarray | None:
    """The mask that an operator brought along, one for all pictures; None if it has none."""
    mask = getattr(task, "mask", None)
    return None if mask is None or np.shape(mask) != (size, size) else np.asarray(mask, np.float32)
