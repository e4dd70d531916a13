"""Training pictures with labels: of a folder for each class, of a table beside the pictures, or of IDX files.

Pictures are split into those that are trained on and those that are held out by chance, because pictures of a folder
for each class come class by class. A batch is a function of its number, as everywhere.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from jaxprior.data import images
from jaxprior.data.idx import is_idx, labels_beside, read_idx
from jaxprior.data.labels import Labels, folder_labels, of_classes, table_labels
from jaxprior.errors import ImageError
from jaxprior.system.activity import doing
from jaxprior.system.evenly import evenly
from jaxprior.training.pictures import Pictures, TrainingData, count_trained, decode_sources, draw
from jaxprior.training.settings import LabelledInputs


SPLIT, OTHERS = 0x73706C69, 0x6F746865
"""Keep the chance of the split, and of labels that are drawn without their pictures, apart from the pictures' order."""


@dataclass(frozen=True)
class LabelledPictures(Pictures):
    """Training pictures with labels.

    Fields:
        pixels, skipped, fitted: see `Pictures`.
        labels: of every picture.
    """

    labels: Labels = Labels((), np.zeros((0, 0), np.uint8), exclusive=True)

    @cached_property
    def sha256(self) -> str:
        """The sha256 of all pixels and labels, hexadecimal."""
        said = f"{super().sha256} {self.labels.names} {self.labels.exclusive} "
        return hashlib.sha256(said.encode() + np.ascontiguousarray(self.labels.values).tobytes()).hexdigest()


def load_labelled(
    source: str | Path,
    *,
    labels: str | Path | None = None,
    class_names: tuple[str, ...] | None = None,
    resolution: int,
    channels: int = 3,
    limit: int | None = None,
) -> LabelledPictures:
    """Decode pictures with their labels.

    Arguments:
        source, labels, class_names: see `LabelledInputs`.
        resolution, channels: see `jaxprior.training.pictures.load_pictures`.
        limit: use only so many pictures, spread evenly over all.

    Raises:
        ImageError: nothing usable is found, or labels and pictures do not fit; see `jaxprior.data.labels`.

    Example:
        >>> found = load_labelled("photos", labels="smiles.csv", resolution=64)  # your pictures # doctest: +SKIP
    """
    if Path(source).is_file() and is_idx(source):
        return _of_idx(Path(source), labels, class_names, resolution=resolution, channels=channels, limit=limit)
    if class_names is not None:
        raise ImageError(
            f"{source}: names of classes belong to IDX files; here the folders or the table of labels name them."
        )
    sources = images.list_images([source])
    found = folder_labels(sources, where=str(source)) if labels is None else table_labels(labels, sources)
    if limit is not None:
        chosen = evenly(len(sources), limit)
        sources, found = [sources[number] for number in chosen], found.chosen(chosen)
    asked = ["pictures", str(Path(source).resolve()), resolution, channels, ["labelled", limit]]
    pictures, kept = decode_sources(
        sources, asked=asked, where=str(source), resolution=resolution, channels=channels
    )
    return _checked(pictures, found.chosen(kept), where=str(labels or source))


def _of_idx(
    source: Path,
    labels: str | Path | None,
    class_names: tuple[str, ...] | None,
    *,
    resolution: int,
    channels: int,
    limit: int | None,
) -> LabelledPictures:
    beside = labels_beside(source) if labels is None else Path(labels)
    if beside is None:
        raise ImageError(f"{source}: there is no file of labels beside it; name it with --labels.")
    pixels, numbers = read_idx(source, axes=3), read_idx(beside, axes=1)
    if len(pixels) != len(numbers):
        raise ImageError(f"{beside}: it has {len(numbers)} labels, but {source} has {len(pixels)} pictures.")
    if class_names is not None and numbers.max() >= len(class_names):
        raise ImageError(
            f"{beside}: it has labels up to {numbers.max()}, so {numbers.max() + 1} classes, and {len(class_names)} "
            "are named."
        )
    words = [str(number) if class_names is None else class_names[number] for number in numbers]
    found = of_classes(words, where=str(beside), names=class_names)
    chosen = np.arange(len(pixels)) if limit is None else np.asarray(evenly(len(pixels), limit))
    made = np.empty((len(chosen), resolution, resolution, channels), np.uint8)
    with doing("reading pictures", total=len(chosen), unit="pictures") as work:
        for place, number in enumerate(chosen):
            square = images.fit(images.to_rgb(pixels[number][..., None]), resolution)
            made[place] = images.to_grey(square) if channels == 1 else square
            work.moved(place + 1)
    height, width = pixels.shape[1:]
    fitted = () if height == width == resolution else (f"{len(made)} of {len(made)} pictures were resized.",)
    return _checked(Pictures(made, (), fitted), found.chosen(chosen), where=str(source))


def _checked(pictures: Pictures, labels: Labels, *, where: str) -> LabelledPictures:
    """Pictures with their labels; each name must still be there, and not be everywhere."""
    for name, column in zip(labels.names, labels.values.T, strict=True):
        if column.min() == column.max():
            says = "is there of" if labels.exclusive else "is the same for"
            which = "no picture" if labels.exclusive and not column[0] else "all pictures"
            raise ImageError(f"{where}: {name!r} {says} {which} that can be used; expected pictures of both kinds.")
    return LabelledPictures(pictures.pixels, pictures.skipped, pictures.fitted, labels=labels)


def read(inputs: LabelledInputs, settings: Any, *, limit: int | None = None) -> TrainingData:
    """Read what a conditional network is trained on, square pictures of the side `settings.resolution`.

    Arguments:
        inputs: where pictures and labels are.
        settings: those of the training; `image_channels` is 3 where they have no such field.
        limit: use only so many pictures, spread evenly over all.

    Raises:
        ImageError: see `load_labelled`.
    """
    pictures = load_labelled(
        inputs.data, labels=inputs.labels, class_names=inputs.class_names, resolution=settings.resolution,
        channels=getattr(settings, "image_channels", 3), limit=limit,
    )  # fmt: skip
    said = f"{pictures.labels.sentence()}."
    return TrainingData(pictures=pictures, kind="labelled pictures", source=str(inputs.data), notes=(said,))


@dataclass(frozen=True)
class Part:
    """Some of the labelled pictures, by their numbers.

    Fields:
        pictures: all of them.
        numbers: of those that belong to this part, [m].
    """

    pictures: LabelledPictures
    numbers: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def labels(self) -> Labels:
        """The labels of the part."""
        return self.pictures.labels.chosen(self.numbers)

    @property
    def pixels(self) -> np.ndarray:
        """The pictures of the part in memory, uint8 [m, r, r, c]."""
        return np.asarray(self.pictures.pixels[self.numbers])

    def split(self, count: int, *, seed: int) -> tuple["Part", "Part"]:
        """Two parts of which the first has so many pictures, chosen at random."""
        order = np.random.default_rng([SPLIT, seed]).permutation(self.numbers)
        return replace(self, numbers=np.sort(order[:count])), replace(self, numbers=np.sort(order[count:]))

    def batches(self, start: int, size: int, seed: int) -> Callable[[int], dict[str, np.ndarray]]:
        """index -> a batch: what `jaxprior.training.pictures.draw` draws, with labels of -1 and 1.

        A batch holds "pictures" uint8 [b, r, r, c], "labels" float32 [b, k], and two rows of labels for each picture
        that were drawn without it: "wrong" is not the picture's own, "drawn" may be.
        """
        values = self.pictures.labels.signed[self.numbers]

        def batch(index: int) -> dict[str, np.ndarray]:
            position = start + index * size
            chosen = draw(self.numbers, position, size, seed=seed)
            own = self.pictures.labels.signed[chosen]
            return {
                "pictures": np.asarray(self.pictures.pixels[chosen]),
                "labels": own,
                "wrong": others(values, own, position, seed=seed),
                "drawn": draw(values, position, size, seed=seed ^ OTHERS),
            }

        return batch


def others(values: np.ndarray, own: np.ndarray, position: int, *, seed: int) -> np.ndarray:
    """For each row of labels another one of those that there are, which differs from it.

    Arguments:
        values: rows to choose from, [n, k], of which two differ.
        own: the rows [b, k].
        position: decides the chance, with the seed.
        seed: of the training.

    Returns:
        [b, k].
    """
    chance = np.random.default_rng([OTHERS, seed, position])
    found = values[chance.integers(len(values), size=len(own))]
    while len(same := np.flatnonzero((found == own).all(axis=1))):
        found[same] = values[chance.integers(len(values), size=len(same))]
    return found


def trained_and_held(pictures: LabelledPictures, held_out: int, *, seed: int) -> tuple[Part, Part]:
    """The pictures that are trained on, and those that are held out, chosen at random.

    Arguments:
        pictures: all.
        held_out: so many are held out, a quarter of all at most.
        seed: of the training.

    Raises:
        ImageError: too few pictures; or all that are left to train on are alike in a label.
    """
    everything = Part(pictures, np.arange(len(pictures)))
    trained, held = everything.split(count_trained(pictures, held_out), seed=seed)
    if (values := trained.labels.values).min(axis=0).any() or not values.max(axis=0).all():
        raise ImageError(
            f"{len(pictures)} pictures are too few: of those that are not held out, all are alike in a label."
        )
    return trained, held
