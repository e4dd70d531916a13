"""Begin on latents that the caller has: of an earlier run, of an encoder, of another picture."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from jaxprior.checks import as_array, described, is_array, is_float
from jaxprior.errors import ArgumentError
from jaxprior.lazy_jax import jax, register_dataclass


@register_dataclass
@dataclass(frozen=True)
class GivenStart:
    """These latents, for each picture its own.

    Arguments:
        given: latents as `Result.latents` holds them, a dictionary of arrays with a leading axis b, one entry for each
            picture; after it a second axis if every start of a picture has its own. "z" must be there; what else the
            codes want begins as always where it is missing.

    Example:
        >>> again = jp.restore(  # needs a result # doctest: +SKIP
        ...     prior, photos, key=key, start=jp.GivenStart(result.latents)
        ... )
    """

    given: Any
    name: ClassVar[str] = "given"

    def __post_init__(self):
        object.__setattr__(self, "given", jax.tree.map(partial(as_array, "given"), self.given))

    def ready(self, prior: Any, *, samples: Callable[[int], Any]) -> "GivenStart":
        """Nothing has to be prepared."""
        return self

    def of_entries(self, rows: Any, nth: Any, *, per_start: bool) -> dict[str, Any]:
        """The latents of some starts of some pictures.

        Arguments:
            rows: pictures, integers [n]; nth: which of the picture's starts, integers [n].
            per_start: whether every start of a picture has its own.

        Returns:
            Latents with a leading axis n.
        """
        place = (rows, nth) if per_start else rows
        return jax.tree.map(lambda leaf: jax.numpy.asarray(leaf)[place], self.given)


def check_given(given: Any, wanted: dict[str, Any], *, pictures: int, starts: int) -> None:
    """Refuse latents that an inversion cannot begin with. Only shapes are looked at, and nothing is computed.

    Arguments:
        given: what the caller has.
        wanted: shapes of the latents of ONE image, as the codes begin with them.
        pictures, starts: how many pictures there are, and independent inversions of each.

    Raises:
        ArgumentError: it is no dictionary of arrays with "z", has a field that the codes do not have, or does not fit
            the pictures and starts, or the codes.
    """
    where = "`start` gives latents"
    if not isinstance(given, dict) or not all(is_array(leaf) for leaf in jax.tree.leaves(given)):
        raise ArgumentError(f"{where} that are no dictionary of arrays, but {described(given)}; use `Result.latents`.")
    if "z" not in given:
        raise ArgumentError(f'{where} without the codes "z", only {_names(given)}; `Result.latents` has them.')
    if unknown := set(given) - set(wanted):
        raise ArgumentError(f"{where} with {_names(unknown)}, but these codes have {_names(wanted)} only.")
    lead = (pictures, starts) if np.ndim(given["z"]) == len(wanted["z"].shape) + 2 else (pictures,)
    expected = {name: jax.tree.map(lambda leaf: (*lead, *leaf.shape), wanted[name]) for name in given}
    shapes = jax.tree.map(lambda leaf: tuple(np.shape(leaf)), given)
    if shapes != expected:
        raise ArgumentError(
            f"{where} of the shapes {shapes}, these codes have {expected} for this number of pictures, {pictures}"
            f"{f' with {starts} starts each' if len(lead) == 2 else ''}; give `Result.latents` of as many pictures and "
            "of the same codes."
        )
    if not all(is_float(leaf) and np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves(given)):
        raise ArgumentError(f"{where} that are not all finite floats; leave out the pictures that diverged.")


def _names(fields: Any) -> str:
    return ", ".join(f'"{name}"' for name in sorted(fields)) or "none"
