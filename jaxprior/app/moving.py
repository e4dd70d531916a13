"""The tab that moves a photograph along a direction in latent space: found once, then moved as often as one likes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxprior.app.choices import PRIOR, Choice
from jaxprior.app.photos import Photo, as_picture
from jaxprior.app.tasks import SEARCH, Answers, loaded_prior, telling_steps
from jaxprior.data import images
from jaxprior.errors import ImageError, JaxpriorError


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """A photograph as a prior makes it.

    Fields:
        choice: the prior; codes, latents: what its inversion found, of a batch of one.
        picture: the prior's picture, uint8 [r, r, 3].
    """

    choice: Choice
    codes: Any
    latents: Any
    picture: np.ndarray


def find(photo: Photo, choice: Choice, *, seed: int) -> Answers:
    """Find the codes of which a prior makes the centre square of a photograph.

    Arguments:
        photo: of any size; choice: a prior; seed: of all chance.

    Returns:
        the square and what the prior makes of it, with a `Found` for `move`.

    Raises:
        JaxpriorError: no prior was chosen, or the photograph is too small.
    """
    import jax

    from jaxprior.restoration.drivers import restore
    from jaxprior.restoration.presets import make_method

    if choice.kind != PRIOR:
        raise JaxpriorError(f"{choice.source} is no prior: choose one.")
    prior = loaded_prior(choice.source)
    square = images.fit(photo.pixels, prior.resolution)
    grey = prior.image_shape[-1] == 1
    seen = images.to_float(images.to_grey(square) if grey else square)[None]
    method = make_method(SEARCH, None, prior=prior)
    with telling_steps("finding the photograph") as tell:
        result = restore(
            prior, jax.numpy.asarray(seen), None, key=jax.random.key(seed), codes=method.codes,
            objective=method.objective, solve=method.solve, progress=tell,
        )  # fmt: skip
    picture = as_picture(result.images[0])
    found = Found(choice=choice, codes=method.codes, latents=result.latents, picture=picture)
    return Answers(before=square, pictures=(picture,), captions=("found",), suffix="found", found=found)


def move(found: Found | None, direction: str | Path | None, amount: float) -> Answers:
    """Move a photograph that was found along a direction.

    Arguments:
        found: from `find`; direction: a .npy file [d], as `jaxprior directions` writes it.
        amount: how far, in units of the direction.

    Raises:
        JaxpriorError: nothing was found yet, or the direction is missing, damaged, or of another prior.
    """
    import jax

    from jaxprior.data.arrays import load_direction
    from jaxprior.restoration.editing import edit, render

    if found is None:
        raise JaxpriorError("Find the photograph first: press the button above.")
    if direction is None:
        raise JaxpriorError("There is no direction yet: drop a .npy file, as `jaxprior directions` writes it.")
    path = Path(direction)
    prior = loaded_prior(found.choice.source)
    try:
        vector = load_direction(path, prior.latent_dim)
    except JaxpriorError as error:
        raise ImageError(str(error).replace(str(path), path.name)) from None
    moved = render(prior, edit(found.latents, jax.numpy.asarray(vector), float(amount)), codes=found.codes)
    return Answers(
        before=found.picture, pictures=(as_picture(moved[0]),), captions=(f"amount {amount:g}",),
        suffix=f"{path.stem}{amount:+g}", found=found,
    )  # fmt: skip
