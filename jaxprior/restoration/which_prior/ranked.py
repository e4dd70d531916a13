"""What `rank_priors` found: priors in the order in which they explain pictures, as values, a sheet and a table."""

import csv
import dataclasses
import io
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from jaxprior.data.images import save_png
from jaxprior.data.sheets import captioned_grid
from jaxprior.errors import RunError
from jaxprior.system.files import make_folder, write_atomically


SHEET, TABLE = "ranking.png", "ranking.csv"
"""Files of a ranking that is written."""
FARTHEST = 4.0
"""So many dB behind a prior's own samples a picture of its kind may be: hardly a cat is farther behind the priors for
cats (docs/which-prior.md)."""
SHOWN = 160
"""Pixels a side of the pictures on a sheet."""
COLUMNS = 6
"""The best priors that a sheet shows of each picture."""


def check_place(folder: Path) -> None:
    """Refuse a folder into which a ranking cannot be written; one that is not there is made.

    Raises:
        RunError: it is a file or lies in one, or what has the name of one of the two files is a folder; or nothing can
            be written there.
        OSError: it cannot be made.
    """
    make_folder(folder)
    for name in (SHEET, TABLE):
        if (folder / name).is_dir():
            raise RunError(
                f"{folder / name} is a folder, where a file of the ranking belongs: give another one with -o."
            )
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise RunError(
            f"nothing can be written into {folder} ({error.strerror}): give another folder with -o."
        ) from None


def is_sheet(path: Path) -> bool:
    """Whether a file is the sheet of a ranking that was written: it has its name, and the table lies beside it."""
    return path.name == SHEET and path.with_name(TABLE).is_file()


@dataclasses.dataclass(frozen=True, kw_only=True)
class RankedPrior:
    """How well one prior explains one picture.

    Fields:
        prior: its name, or the file or run that was given.
        subject: what it shows, in words; empty where its card does not say it.
        psnr: of the known pixels after a short inversion, dB.
        expected: what the prior's own samples reach that are as smooth as the picture, dB.
        behind: `expected` less `psnr`: by how much worse the picture is explained than they are, dB.
        share_below: the share of the prior's own samples that are explained worse, each by its own smoothness; 0 to 1.
        picture: what the prior makes of the picture, uint8 [160, 160, 3].
    """

    prior: str
    subject: str
    psnr: float
    expected: float
    behind: float
    share_below: float
    picture: np.ndarray = dataclasses.field(repr=False)

    @property
    def explains(self) -> bool:
        """Whether the picture may be of the kind that the prior knows."""
        return self.behind <= FARTHEST

    @property
    def shown_behind(self) -> str:
        """How far behind the picture is, with as many digits as show on which side of the limit it lies."""
        texts = (f"{self.behind:.{digits}f}" for digits in range(1, 10))
        return next((text for text in texts if (float(text) <= FARTHEST) == self.explains), str(self.behind))


@dataclasses.dataclass(frozen=True, kw_only=True)
class RankedPhoto:
    """The priors for one picture.

    Fields:
        name: of the picture's file, or its place in the list that was given.
        picture: its centre square, which was explained, uint8 [160, 160, 3]; mid-grey where it is missing.
        priors: best first.
    """

    name: str
    picture: np.ndarray = dataclasses.field(repr=False)
    priors: tuple[RankedPrior, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class PriorRanking:
    """What `rank_priors` returns.

    Fields:
        photos: the pictures, in the order in which they were given.
        failed: pictures that could not be used: name -> why, a sentence.
        passed_over: priors that could not be used: name -> why, a sentence.
    """

    photos: tuple[RankedPhoto, ...]
    failed: Mapping[str, str]
    passed_over: Mapping[str, str]

    @property
    def overall(self) -> tuple[tuple[str, float], ...]:
        """The priors for all pictures together, best first: name, and how far behind pictures are on average, dB."""
        behind: dict[str, list[float]] = {}
        for photo in self.photos:
            for one in photo.priors:
                behind.setdefault(one.prior, []).append(one.behind)
        return tuple(sorted(((name, float(np.mean(some))) for name, some in behind.items()), key=lambda pair: pair[1]))

    def sheet(self) -> np.ndarray:
        """The pictures and what the best priors make of each, a row a picture, uint8 [h, w, 3]."""
        columns = 1 + min(COLUMNS, max(len(photo.priors) for photo in self.photos))
        shown = []
        for photo in self.photos:
            shown.append((Path(photo.name).name[-24:], photo.picture))
            best = photo.priors[: columns - 1]
            shown += [(f"{one.prior[-20:]}: {one.shown_behind} dB behind", one.picture) for one in best]
        return captioned_grid(shown, columns=columns)

    def write(self, folder: Path) -> None:
        """Write the sheet, `ranking.png`, and a table of all figures, `ranking.csv`.

        Arguments:
            folder: is made if it is not there.

        Raises:
            RunError, OSError: it cannot be written.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        titles = ("picture", "place", "prior", "subject", "psnr", "expected", "behind", "share_below", "explains")
        writer.writerow(titles)
        for photo in self.photos:
            for place, one in enumerate(photo.priors, 1):
                numbers = (f"{value:.3f}" for value in (one.psnr, one.expected, one.behind, one.share_below))
                says = "yes" if one.explains else "no"
                writer.writerow((photo.name, place, one.prior, one.subject, *numbers, says))
        check_place(folder)
        write_atomically(folder / TABLE, text.getvalue().encode())
        save_png(folder / SHEET, self.sheet())
