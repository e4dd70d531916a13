"""Begin on latents that the caller has: of an earlier run, of an encoder, of another picture."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import jax


@partial(jax.tree_util.register_dataclass, data_fields=["given"], meta_fields=[])
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
