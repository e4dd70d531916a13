"""What becomes of a generator's images: a network may repair them or answer in their place, and known pixels come back.

    images --[refiner, or a network's own answer to the observation]--> images --known pixels put back--> merged
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxprior.operators import Operator, image_axes
from jaxprior.restoration.grouping import in_groups
from jaxprior.restoration.merge_rule import MergeRule
from jaxprior.restoration.merging import merge_pictures
from jaxprior.restoration.placement import Placement
from jaxprior.weights.refiners import OwnAnswer
from jaxprior.weights.restorers import Restorer


Array = jax.Array


class Completion(NamedTuple):
    """How images are completed and merged.

    Fields:
        refine: a network that repairs merged pictures, an `OwnAnswer`, or None.
        placement: where the inversion was made.
    """

    refine: Any
    placement: Placement

    def completed(
        self, operator: Operator, observed: Array, images: Array, together: int, rule: MergeRule | None
    ) -> tuple[Array, Array]:
        """Images as they are, as the refiner repairs them, or as a network answers; and with what is known put back.

        Arguments:
            operator: forward operator, all arrays with a leading axis b.
            observed: its observations [b, ...].
            images: of the generator [b, h, w, c].
            together: pictures that a network looks at at once.
            rule: how known pixels and others are joined; None pastes them.
        """
        if self.refine is None:
            return images, self.merged(operator, observed, images, together, rule)
        if isinstance(self.refine, OwnAnswer) and isinstance(self.refine.network, Restorer):
            shown = [_compared(operator, observed)]
            if self.refine.network.fills_holes:
                shown.append(getattr(operator, "mask"))  # noqa: B009  of `Inpaint`, which alone is answered
            images = in_groups(partial(_answered, self.refine.network), *shown, size=together)
        elif isinstance(self.refine, OwnAnswer):
            shown = _pictured(operator, observed, shape=images.shape[1:])
            images = in_groups(partial(_apply, self.refine), shown, size=together)
        else:
            shown = self.merged(operator, observed, images, together, rule)
            images = in_groups(partial(_apply, self.refine), shown, size=together)
        return images, self.merged(operator, observed, images, together, rule)

    def merged(
        self, operator: Operator, observed: Array, images: Array, together: int, rule: MergeRule | None
    ) -> Array:
        """Images with what is known put back: on a CPU one by one, so that no number of devices matters."""
        size = 1 if self.placement.fixed else together
        return merge_pictures(operator, observed, images, rule=rule, size=size, device=self.placement.devices[0])


@jax.jit
def _apply(refine, images):
    return refine(images)


@jax.jit
def _answered(restorer, images, masks=None):
    return jnp.clip(restorer.answer(images, masks), -1.0, 1.0)


@jax.jit
def _compared(operator, observed):
    return jax.vmap(lambda one, y: one.compared(y), (image_axes(operator), 0))(operator, observed)


@partial(jax.jit, static_argnames="shape")
def _pictured(operator, observed, *, shape):
    look = jax.vmap(lambda one, y: one.pictured(one.compared(y), shape), (image_axes(operator), 0))
    return look(operator, observed)
