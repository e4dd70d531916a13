"""What a training is trained on, as the command line is told it. JAX is imported only when pictures are read."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jaxprior.settings import REQUIRED, setting


if TYPE_CHECKING:
    from jaxprior.training.pictures import Pictures
    from jaxprior.training.settings import Recipe


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """Pictures that were read, and what is said of them.

    Fields:
        pictures: what the training's `plan` is given.
        kind: what they are, in the plural, for people.
        source: where they come from, for the card of the trained weights.
        use: the command in which a network trained on them serves; None for that of the `Trainer`.
    """

    pictures: "Pictures"
    kind: str = "pictures"
    source: str
    use: str | None = None


@dataclass(frozen=True, kw_only=True)
class PictureInputs:
    """The inputs of a training on square pictures: a folder or a zip archive of them."""

    data: Path = setting(REQUIRED, "Pictures: a folder or a zip archive.", metavar="DIR|ZIP")

    def read(self, settings: "Recipe", *, limit: int | None = None) -> TrainingData:
        """Read the pictures at the side `settings.resolution`.

        Arguments:
            settings: those of the training, with the field `resolution`.
            limit: use only the first so many files.

        Raises:
            ImageError: nothing usable is found.
        """
        return read_pictures(self.data, resolution=settings.resolution, limit=limit)  # type: ignore[attr-defined]


def read_pictures(source: Path, *, resolution: int, limit: int | None = None, use: str | None = None) -> TrainingData:
    """Read the pictures of a folder or a zip archive as square ones.

    Arguments:
        source: the folder or archive.
        resolution: pixels of a side.
        limit: use only the first so many files.
        use: see `TrainingData`.

    Raises:
        ImageError: nothing usable is found.
    """
    from jaxprior.training.pictures import load_pictures

    pictures = load_pictures(source, resolution=resolution, limit=limit)
    return TrainingData(pictures=pictures, source=str(source), use=use)
