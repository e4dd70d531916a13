"""What the buttons of the page ask of the library. Each function is one job; nothing here knows of the page."""

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxprior.app.choices import PRIOR, Choice, hole_of
from jaxprior.app.limits import Limits
from jaxprior.app.photos import Photo
from jaxprior.errors import JaxpriorError
from jaxprior.operators import Colorize, Operator
from jaxprior.restoration.photos import RestoredPhoto, restore_photo
from jaxprior.restoration.placement import Progress
from jaxprior.restoration.presets import make_method
from jaxprior.restoration.tiled import apply_restorer
from jaxprior.system.activity import doing
from jaxprior.weights.priors import Prior, load_prior
from jaxprior.weights.restorers import load_restorer


MOST_ANSWERS = 8
SEARCH: dict[str, Any] = {"encoder": "none"}
"""Settings of a search: the prior's own, without the encoder that would answer in its place."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """What was made of a photograph.

    Fields:
        before: the photograph, uint8 [h, w, 3]; of an enlargement the small one.
        pictures: one or several answers, uint8 [h', w', 3] each.
        captions: a few words for each of them.
        suffix: of the file's name: "filled", "enlarged".
        notes: what a user should know.
        found: of a photograph that a prior found, what is needed to move it (`jaxprior.app.moving.Found`), or None.
    """

    before: np.ndarray
    pictures: tuple[np.ndarray, ...]
    captions: tuple[str, ...]
    suffix: str
    notes: tuple[str, ...] = ()
    found: Any = None


@functools.lru_cache(maxsize=2)
def loaded_prior(source: str) -> Prior:
    """A prior, which is kept for the next job."""
    with doing(f"loading {source}"):
        return load_prior(source)


@functools.lru_cache(maxsize=2)
def _restorer(source: str) -> Any:
    with doing(f"loading {source}"):
        return load_restorer(source)


def fill(photo: Photo, missing: np.ndarray, choice: Choice, *, thorough: bool, answers: int, seed: int) -> Answers:
    """Fill the holes of a photograph.

    Arguments:
        photo: in its full size; missing: bool [h, w].
        choice: a prior or a restorer that fills holes.
        thorough: search from many starts, where the prior's own settings take an encoder's answer.
        answers: so many different ones, 1 to 8; a restorer has one.
        seed: of all chance.

    Raises:
        JaxpriorError: more answers than there are, or whatever the library refuses.
    """
    if choice.kind != PRIOR:
        if answers > 1:
            raise JaxpriorError(f"{choice.source} has one answer only: ask for 1, or choose a prior.")
        picture = apply_restorer(_restorer(choice.source), photo.pixels, missing)
        return Answers(before=photo.pixels, pictures=(picture,), captions=("answer",), suffix="filled")
    found = _restored(photo, choice, None, missing, thorough=thorough, answers=answers, seed=seed)
    draws = () if found.draws is None else tuple(found.draws)
    captions = ("least error", *(f"answer {number + 2}" for number in range(len(draws))))
    return Answers(
        before=photo.pixels, pictures=(found.picture, *draws), captions=captions, suffix="filled", notes=found.notes
    )


def colour(photo: Photo, choice: Choice, *, thorough: bool, seed: int) -> Answers:
    """Give a photograph colours by what a prior knows; its brightness stays.

    Arguments:
        photo, thorough, seed: as for `fill`; choice: a prior.
    """
    found = _restored(photo, choice, Colorize(), None, thorough=thorough, answers=1, seed=seed)
    return Answers(
        before=grey(photo.pixels), pictures=(found.picture,), captions=("answer",), suffix="coloured",
        notes=found.notes,
    )  # fmt: skip


def enlarge(photo: Photo, choice: Choice, limits: Limits) -> Answers:
    """Enlarge a photograph.

    Arguments:
        photo: of any size; choice: a restorer that enlarges; limits: what is refused.

    Raises:
        ImageError: the result would be too large.
    """
    limits.check_enlarged(photo.shape, choice.factor)
    picture = apply_restorer(_restorer(choice.source), photo.pixels)
    return Answers(before=photo.pixels, pictures=(picture,), captions=("answer",), suffix="enlarged")


@contextlib.contextmanager
def telling_steps(text: str) -> Iterator[Progress]:
    """An activity that an inversion tells of its steps, as its `progress`.

    Arguments:
        text: what is being done, for people.
    """
    with doing(text, unit="steps") as work:

        def tell(_done: int, _of: int, steps: int, total: int, _loss: float) -> None:
            work.total = total or None
            work.moved(steps, detail=f"step {steps} of {total}" if total else "")

        yield tell


def grey(pixels: np.ndarray) -> np.ndarray:
    """A picture without its colours, uint8 [h, w, 3]."""
    from jaxprior.data import images

    return images.to_rgb(images.to_grey(pixels))


def _restored(
    photo: Photo, choice: Choice, task: Operator | None, missing: np.ndarray | None, *, thorough: bool, answers: int,
    seed: int,
) -> RestoredPhoto:  # fmt: skip
    """What a prior makes of a photograph."""
    import jax

    if choice.kind != PRIOR or choice.outline is None:
        raise JaxpriorError(f"{choice.source} is no prior: choose one.")
    if not 1 <= answers <= MOST_ANSWERS:
        raise JaxpriorError(f"Ask for 1 to {MOST_ANSWERS} answers, got {answers}.")
    prior, settings = loaded_prior(choice.source), {}
    if thorough:
        operator = hole_of(choice.outline) if task is None else task
        method = make_method(SEARCH, operator, prior=prior)
        settings = {"codes": method.codes, "objective": method.objective, "solve": method.solve}
    draws = None if answers == 1 else answers - 1
    with telling_steps("restoring") as tell:
        found = restore_photo(
            prior, photo.pixels, missing, key=jax.random.key(seed), task=task, draws=draws, progress=tell, **settings
        )
    assert isinstance(found, RestoredPhoto)
    return found
