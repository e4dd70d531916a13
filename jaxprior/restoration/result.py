"""The `Result` of an inversion: what was found for a batch of pictures, and how to look at it and keep it."""

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from PIL import Image

from jaxprior.checks import file_path
from jaxprior.data import html, images
from jaxprior.data.pixels import to_uint8
from jaxprior.data.showing import show
from jaxprior.errors import ArgumentError
from jaxprior.system.files import write_atomically


Array = jax.Array


@dataclass(frozen=True, kw_only=True)
class Result:
    """What an inversion found; b pictures of h x w pixels.

    Fields:
        images: the generator's output, float32 [b, h, w, c], roughly in [-1, 1]: the lowest finite iterate, unless the
            settings keep the last; with a refiner its output.
        merged: the same with the known pixels of the observation put back, where the task has any, as `merge` says.
        latents: dict of what was optimised, leading axis b, then the starts if there are several.
        loss: of the kept iterate [b]; infinite where no iterate was finite.
        steps: the iteration whose iterate was kept, int [b].
        diverged: bool [b], some iterate was not finite.
        trace: losses [b, steps + 1], before every iteration and at the end.
        seconds: wall time of every picture's group, compilation included, divided by its pictures, [b].
        errors: mean square errors of the iterates to the originals, [b, k], after 0, n, 2 n, ... iterations, where
            `error_every` = n asked for them; in units of [-1, 1], of the generator's own output, a mean over the starts
            of a picture. Nothing is chosen by them. Where `refine=OwnAnswer(...)` answers without the generator, the
            one error [b, 1] of that answer. None where nobody asked.
        draws: K different answers for every picture, merged with the known pixels, [b, K, h, w, c]; None unless they
            were asked for. None of them is an average, so that each of them looks like a picture of the prior; that of
            least error is `merged` (see `jaxprior.restoration.draws`).
        spread: how far the draws lie apart at each pixel, [b, h, w]: their standard deviation, root mean square over
            the channels, in units of [-1, 1]; None without draws.
    """

    images: Array
    merged: Array
    latents: Any
    loss: Array
    steps: Array
    diverged: Array
    trace: Array
    seconds: np.ndarray
    draws: Array | None = None
    spread: Array | None = None
    errors: Array | None = None

    def show(self, observed: Any = None, originals: Any = None, *, columns: int = 8) -> Image.Image:
        """The restored pictures on one sheet, which a notebook shows by itself.

        Arguments:
            observed: what was given, [b, h, w, c], for a row above; originals: alike, for a row below.
            columns: pictures in a row; with several rows, as many pictures are shown.

        Returns:
            an image of Pillow, with a method `save(path)`. Draws have a row each. Of volumes [b, d, h, w, c] the slice
            in the middle of d is shown.

        Raises:
            ImageError: observations or originals that are no pictures, or another number of them.

        Example:
            >>> result.show(observed, photos)  # needs an inversion # doctest: +SKIP
        """
        answers = np.asarray(self.merged if self.draws is None else self.draws, np.float32)
        if self.merged.ndim == 5:
            answers, observed, originals = (_middle(volumes) for volumes in (answers, observed, originals))
        if observed is None and originals is None and self.draws is None:
            return show(answers, columns=columns)
        rows = {} if observed is None else {"observed": observed}
        if self.draws is None:
            rows["restored"] = answers
        else:
            rows |= {f"answer {k + 1}": answers[:, k] for k in range(answers.shape[1])}
        return show(rows | ({} if originals is None else {"original": originals}), columns=columns)

    def save(self, folder: str | os.PathLike, *, names: Sequence[str] | None = None) -> list[Path]:
        """Write the restored pictures as PNG files, and a table results.csv with loss, step and time of each.

        Volumes are written as NumPy arrays (.npy), float32 [d, h, w, c] in [-1, 1].

        A command or `jaxprior.evaluation` keeps more: a journal that survives a stop, latents and a report.

        Arguments:
            folder: is made if it is not there; files of the same names in it are replaced.
            names: of the files, without an ending, one for each picture; 0000, 0001, ... where there are none. Draws
                get -1, -2, ... behind them.

        Returns:
            the files, in the order of the pictures.

        Raises:
            ArgumentError: another number of names, the same name twice, or a name with a slash.

        Example:
            >>> result.save("repaired", names=["cat"])  # needs an inversion # doctest: +SKIP
        """
        place = Path(file_path("folder", folder))
        count = len(self.merged)
        chosen = [f"{i:04d}" for i in range(count)] if names is None else [str(name) for name in names]
        if isinstance(names, str) or len(chosen) != count or len(set(chosen)) != count:
            raise ArgumentError(f"`names` must be {count} different names, one for each picture, got {chosen}.")
        if bad := [name for name in chosen if not name or Path(name).name != name]:
            raise ArgumentError(f"`names`: {bad[0]!r} is no name of a file; leave folders out.")
        place.mkdir(parents=True, exist_ok=True)
        pictures = {name: np.asarray(self.merged[i]) for i, name in enumerate(chosen)}
        if self.draws is not None:
            drawn = np.asarray(self.draws)
            pictures = {f"{name}-{k + 1}": drawn[i, k] for i, name in enumerate(chosen) for k in range(drawn.shape[1])}
        files = []
        for name, picture in pictures.items():
            if picture.ndim == 4:
                files.append(place / f"{name}.npy")
                array = io.BytesIO()
                np.save(array, np.asarray(picture, np.float32))
                write_atomically(files[-1], array.getvalue())
                continue
            pixels = to_uint8(np.asarray(picture, np.float32))
            files.append(place / f"{name}.png")
            images.save_png(files[-1], np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels)
        lines = io.StringIO()
        table = csv.writer(lines, lineterminator="\n")
        table.writerow(["name", "loss", "step", "diverged", "seconds"])
        figures = (np.asarray(values).tolist() for values in (self.loss, self.steps, self.diverged, self.seconds))
        table.writerows(zip(chosen, *figures, strict=True))
        write_atomically(place / "results.csv", lines.getvalue().encode())
        return files

    def _repr_html_(self) -> str:
        """What a notebook shows: a summary, and the restored pictures."""
        loss = np.asarray(self.loss, np.float64)
        noun = "volume" if np.ndim(self.images) == 5 else "picture"
        rows = {f"{noun}s": len(loss), "median loss": f"{np.median(loss):.4g}"}
        rows |= {"diverged": int(np.sum(self.diverged))} if np.any(self.diverged) else {}
        rows |= {f"seconds a {noun}": f"{np.mean(self.seconds):.2f}"}
        return html.table(rows) + html.picture(self.show())


def _middle(volumes: Any) -> Any:
    """The slice [..., h, w, c] in the middle of each volume [..., d, h, w, c]; other things as they are."""
    if volumes is None or np.ndim(volumes) < 5:
        return volumes
    found = np.asarray(volumes)
    return found[..., found.shape[-4] // 2, :, :, :]
