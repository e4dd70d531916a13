"""Data sets of an evaluation: which pictures, what they are called, and the ones that every installation has.

A picture is called "<data set>/<path inside>", wherever the data or the run lies, so that the tables of two machines
compare line by line.
"""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from jaxprior.data import images
from jaxprior.data.listing import list_images
from jaxprior.data.sources import ImageSource, file_source


CHELSEA = "chelsea"
BUILTIN = (CHELSEA,)
PLACES = ((0, 120, 300), (0, 95, 300), (20, 115, 280), (15, 130, 285), (0, 140, 270), (30, 120, 265))
"""Top, left and side of squares of the photograph that hold the cat's face."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataSet:
    """Pictures of an evaluation.

    Fields:
        name: in reports, and before every picture's own.
        path: folder, zip archive or picture; None for a built-in one.
        builtin: "chelsea": twelve squares of the face in scikit-image's photograph of a cat.
        limit: at most so many pictures.
        seed: of a random choice of them; without one, the first ones.
    """

    name: str
    path: Path | None = None
    builtin: str | None = None
    limit: int | None = None
    seed: int | None = None

    def sources(self, run: Path) -> list[ImageSource]:
        """List the pictures, without reading them.

        Arguments:
            run: folder of the evaluation, where built-in pictures lie once `write_builtin` has written them.

        Raises:
            ImageError: there is no such path, or no picture in it.

        Example:
            >>> [source.name for source in DataSet(name="cats", path=Path("cats.zip"), limit=1).sources(Path("run"))]
            ['cats/1.png']
        """
        return self.all_sources(run)[: self.limit]

    def all_sources(self, run: Path) -> list[ImageSource]:
        """List the pictures as `sources` does, those too that the limit leaves out, at the end."""
        found = list(map(file_source, self._files(run))) if self.path is None else list_images(self.path)
        place = None if self.path is None else self.path.as_posix()
        inside = [(_inside(source, place), source) for source in found]
        if self.seed is not None:  # by hash, so that a larger limit, or one more picture in the folder, only adds
            inside.sort(key=lambda pair: hashlib.sha256(f"{self.seed} {pair[0]}".encode()).digest())
        return [source.renamed(f"{self.name}/{name}") for name, source in inside]

    def write_builtin(self, run: Path) -> None:
        """Write built-in pictures that are not there yet into `run`/data; others are the user's and lie elsewhere."""
        if self.builtin is None:
            return
        missing = [(file, i) for i, file in enumerate(self._files(run)) if not file.is_file()]
        squares = chelsea_squares() if missing else []
        for file, i in missing:
            file.parent.mkdir(parents=True, exist_ok=True)
            images.save_png(file, squares[i])

    def _files(self, run: Path) -> list[Path]:
        return [run / "data" / (self.builtin or "") / f"{i:02d}.png" for i in range(1, 2 * len(PLACES) + 1)]


def chelsea_squares() -> list[np.ndarray]:
    """Twelve squares of a cat's face, uint8 [side, side, 3]: six places and sizes, each followed by its mirror image.

    The photograph is scikit-image's (chelsea by Stefan van der Walt, CC0).
    """
    import skimage.data

    photograph = skimage.data.chelsea()
    squares = [photograph[top : top + side, left : left + side] for top, left, side in PLACES]
    return [picture for square in squares for picture in (square, square[:, ::-1])]


def _inside(source: ImageSource, place: str | None) -> str:
    """A picture's path inside its folder or archive; its file's name if it was given itself, or is built in."""
    if place is None or source.name == place:
        return source.path.name
    return source.name.removeprefix(f"{place}/")
