"""Problems of the engine that lie in plain arrays."""

import jax

from jaxprior.inversion.batching import Batch
from jaxprior.operators import take


class AllProblems(Batch):
    """One batch of which any few can be had."""

    def __len__(self) -> int:
        return len(self.observed)

    def take(self, indices) -> Batch:
        """Some of them."""
        rest = jax.tree.map(lambda x: x[indices], (self.observed, self.keys, self.nth, self.latents))
        return Batch(take(self.operator, indices), *rest)
