"""Begin on random codes, drawn as the generator's training drew them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import jax


Array = jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class RandomStart:
    """Codes from the generator's own distribution, another draw for every picture and every start of it.

    Example:
        >>> RandomStart().name
        'random'
    """

    name: ClassVar[str] = "random"

    def ready(self, prior: Any, *, samples: Callable[[int], Any]) -> "RandomStart":
        """Nothing has to be prepared."""
        return self

    def latents(
        self, generator: Any, operator: Any, targets: Any, keys: Array, nth: Array, *, codes: Any, starts: int
    ) -> dict[str, Array]:
        """Latents with a leading axis b; see `jaxprior.protocols.Start`."""
        return _drawn(generator, keys, codes=codes)


START = RandomStart


@partial(jax.jit, static_argnames="codes")
def _drawn(generator: Any, keys: Array, *, codes: Any) -> dict[str, Array]:
    return jax.vmap(lambda key: codes.init(generator, key))(keys)
