"""How well a prior explains pictures: short inversions, all priors by the same settings, and the PSNR of known pixels.

A few codes that are composed early in the network stay near what the generator makes, so that a picture of another
kind is explained worse than one of the prior's own kind. More codes, or later layers, explain any picture.

A smooth picture is explained more easily than a busy one, whatever it shows. So its smoothness is measured beside: the
PSNR that a thumbnail of 4x4 pixels reaches, enlarged again.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from jaxprior.data.pixels import to_float
from jaxprior.errors import WeightsError
from jaxprior.inversion.codes.multi import MultiCode
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.metrics.signal_to_noise import psnr
from jaxprior.operators import Inpaint
from jaxprior.restoration.drivers import Inverter
from jaxprior.restoration.presets import Method
from jaxprior.system.activity import Activity
from jaxprior.weights.priors import Prior


CODES = MultiCode(num_codes=10, layer=2)
"""What is optimised."""
SOLVE = Solve(steps=10, optimizer="lbfgs", weight_rate=0.3, init="bank", bank_size=64)
SEED = 20261129
"""Of the inversions' chance; a picture's own chance comes from its id."""
GROUP = 8
"""Pictures that are explained before what is known is kept; an accelerator solves them at once."""
THUMBNAIL = 4
"""Pixels a side of the thumbnail that says how smooth a picture is."""
MOST_PSNR = 100.0
"""In dB; stands for the infinity that a picture has which is made again exactly, so that means stay numbers."""
LARGEST = 100.0
"""Pictures have values in [-1, 1], and those of a prior lie a little outside. With values beyond this it is broken."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Explanation:
    """How well a prior explains pictures.

    Fields:
        psnr: of the known pixels, dB [b].
        smoothness: PSNR of the known pixels that a thumbnail of the picture reaches, dB [b].
        images: what the prior makes of the pictures, float32 [b, h, w, c] in [-1, 1].
    """

    psnr: np.ndarray
    smoothness: np.ndarray
    images: np.ndarray


class Explainer:
    """A prior made ready for short inversions of many pictures.

    Arguments:
        prior: of pictures, [h, w, c].

    Example:
        >>> explainer = Explainer(prior)
        >>> with doing("explaining", total=8, unit="pictures") as work:
        ...     explained = explainer.explain(  # inverts for seconds # doctest: +SKIP
        ...         pictures, missing, ids, work=work
        ...     )
    """

    def __init__(self, prior: Prior):
        self.prior = prior
        self.inverter = Inverter(prior, Method(_codes(prior), Objective(), SOLVE))

    def explain(self, pictures: np.ndarray, missing: np.ndarray, ids: np.ndarray, *, work: Activity) -> Explanation:
        """Explain at most `GROUP` pictures.

        Arguments:
            pictures: uint8 [b, h, w, c], of the prior's size.
            missing: bool [b, h, w].
            ids: whole numbers [b] of 32 bits that seed each picture's chance.
            work: is told how far it is; so many pictures are done then.

        Raises:
            WeightsError: the prior makes pictures of values that are no numbers, or far too large.
        """
        count, smoothness = len(pictures), [smoothness_of(*one) for one in zip(pictures, missing, strict=True)]
        known = 1 - missing.astype(np.float32)
        observed = jnp.asarray(to_float(pictures) * known[..., None])
        before = work.done

        def progress(done: int, _pictures: int, step: int, steps: int, _loss: float) -> None:
            work.moved(before + done, partial=step / steps if done < count else 0)

        found = self.inverter.invert(
            observed, Inpaint(1 - known), key=jax.random.key(SEED), ids=jnp.asarray(ids, jnp.uint32),
            progress=progress,
        )  # fmt: skip
        work.moved(before + count)
        require_finite(self.prior, found.images)
        images = np.clip(np.asarray(found.images), -1, 1)
        explained = np.asarray(psnr(jnp.asarray(images), observed, mask=jnp.asarray(known)), float)
        explained = np.minimum(explained, MOST_PSNR)
        return Explanation(psnr=explained.round(3), smoothness=np.array(smoothness), images=images)


def require_finite(prior: Prior, images: Any) -> None:
    """Refuse a prior whose images [b, h, w, c] are no pictures, because their values are not finite or far too large.

    Raises:
        WeightsError: naming it.
    """
    most = float(np.abs(np.asarray(images)).max())
    if not most <= LARGEST:
        name = prior.card.get("name", "the prior")
        got = f"values up to {most:.1e}" if np.isfinite(most) else "values that are no finite numbers"
        raise WeightsError(
            f"{name} makes images with {got}; expected about -1 to 1, so its weights are damaged or badly converted"
        )


def settings_of(prior: Prior) -> dict[str, Any]:
    """The settings as a plain table, which says by what a figure was measured."""
    codes, names = _codes(prior), ("steps", "optimizer", "weight_rate", "init", "bank_size")
    return {
        "codes": {"num_codes": codes.num_codes, "layer": codes.layer},
        "objective": {"pixel": "l2"},
        "solve": {name: getattr(SOLVE, name) for name in names},
        "seed": SEED,
    }


def smoothness_of(picture: np.ndarray, missing: np.ndarray) -> float:
    """The PSNR in dB that a thumbnail of a picture reaches on its known pixels; about 50 for one of a single colour.

    Arguments:
        picture: uint8 [h, w, c]; missing: bool [h, w], not everywhere.

    Example:
        >>> smoothness_of(np.zeros((32, 32, 3), np.uint8), np.zeros((32, 32), bool))
        50.0
    """
    height, width = missing.shape
    known, small = 1 - missing.astype(np.float32), (THUMBNAIL, THUMBNAIL)
    share = np.maximum(_resized(known, small, Image.Resampling.BILINEAR), 1e-6)
    error = 0.0
    for channel in np.moveaxis(picture.astype(np.float32) / 255, -1, 0):
        thumbnail = _resized(channel * known, small, Image.Resampling.BILINEAR) / share
        enlarged = np.clip(_resized(thumbnail, (width, height), Image.Resampling.BICUBIC), 0, 1)
        error += float((known * (enlarged - channel) ** 2).sum() / known.sum() / picture.shape[-1])
    return round(-10 * float(np.log10(error + 1e-5)), 3)


def _resized(channel: np.ndarray, size: tuple[int, int], resample: Image.Resampling) -> np.ndarray:
    return np.asarray(Image.fromarray(channel).resize(size, resample))


def _codes(prior: Prior) -> MultiCode:
    return dataclasses.replace(CODES, layer=min(CODES.layer, prior.num_layers))
