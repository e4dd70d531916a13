"""Merge generated pictures with the known pixels around their holes, so that no seam can be seen.

Pasting what a generator R made into the hole of an observation y leaves a visible edge, because no inversion explains
the known pixels exactly. `merge="harmonic"`, the default, gives in the hole

    merged = H(y) + s (B(y) - H(y)) + w (R - H(R))

where H and B are the harmonic and the biharmonic fill of the known pixels (see `smooth_fill.py`). H(y) + R - H(R) is R
plus the membrane over the differences at the hole's border: seamless cloning (Perez, Gangnet and Blake 2003). The
weights s and w depend on the thickness of the hole (see `merge_rule.py`): a thin scratch is nearly its smooth fill, and
the thicker a hole, the more of what is seen in it comes from the prior. At the border of the hole all terms agree with
the known pixels, whatever the weights. `merge="paste"` is w = 1 without any fill.

The known pixels stay as they were observed, to the bit.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.operators import Operator, image_axes
from jaxprior.restoration.grouping import in_groups
from jaxprior.restoration.merge_rule import MergeRule, fills_holes, thickness
from jaxprior.restoration.smooth_fill import biharmonic_fill, harmonic_fill
from jaxprior.system.quick_programs import QUICKLY_COMPILED


Array = jax.Array


def merge_pictures(
    task: Operator, observed: Array, restored: Array, *, rule: MergeRule | None, size: int, device: Any
) -> Array:
    """Merge a batch of restored pictures with what is known of them.

    Arguments:
        task: forward operator, all arrays with a leading axis b.
        observed: observations [b, ...]; restored: the generator's pictures [b, h, w, c].
        rule: how the prior is weighed; None pastes, as do tasks that fill no holes.
        size: pictures at once.
        device: where they are merged.

    Returns:
        float32 [b, h, w, c].
    """
    if rule is None or not fills_holes(task):
        return jax.vmap(type(task).merge, (image_axes(task), 0, 0))(task, observed, restored)
    masks = np.asarray(task.mask)  # pyright: ignore[reportAttributeAccessIssue]  what fills holes has a mask
    plate, prior = np.stack([rule.weights(thickness(mask)) for mask in masks], axis=1)
    pictures = (np.asarray(observed), np.asarray(restored), masks, plate, prior)
    merged = in_groups(_blend, *(jax.device_put(one, device) for one in pictures), size=size)
    return jnp.asarray(np.asarray(merged))  # tied to no device, so that it can be compared with everything


def blend(
    observed: Array, restored: Array, missing: Array, plate: Array, prior: Array, inside: Array | None = None
) -> Array:
    """Merge one restored picture with the known pixels; can be compiled, and vmapped.

    Arguments:
        observed, restored: float32 [h, w, c]; what is observed at missing pixels is ignored.
        missing: [h, w], 1 (or true) = missing.
        plate, prior: the weights s and w [h, w], from `MergeRule.weights`.
        inside: [h, w], 1 where there is a picture, or None; see `harmonic_fill`.

    Returns:
        float32 [h, w, c]: `observed` at known pixels, to the bit.

    Raises:
        ImageError, MaskError: as of `harmonic_fill`.

    Example:
        >>> hole = jnp.zeros((8, 8)).at[2:6, 2:6].set(1)
        >>> grey, brighter = jnp.zeros((8, 8, 3)), jnp.full((8, 8, 3), 0.3)
        >>> float(jnp.abs(blend(grey, brighter, hole, hole, hole)).max()) < 1e-4
        True
    """
    both = jnp.concatenate([jnp.asarray(observed), jnp.asarray(restored)], axis=-1)  # one iteration for the two
    membrane, of_restored = jnp.split(harmonic_fill(both, missing, inside), 2, axis=-1)
    filled = _with_plate(membrane, missing, plate, inside)
    detail = jnp.asarray(prior)[..., None] * (jnp.asarray(restored) - of_restored)
    return jnp.where(jnp.asarray(missing)[..., None] > 0, filled + detail, filled)


def smooth(observed: Array, missing: Array, plate: Array, inside: Array | None = None) -> Array:
    """Fill the hole of one picture from around, without a prior: H + s (B - H).

    Arguments:
        observed, missing, plate, inside: as for `blend`.

    Returns:
        float32 [h, w, c]: `observed` at known pixels, to the bit.

    Raises:
        ImageError, MaskError: as of `harmonic_fill`.
    """
    return _with_plate(harmonic_fill(observed, missing, inside), missing, plate, inside)


def _with_plate(membrane: Array, missing: Array, plate: Array, inside: Array | None) -> Array:
    """A picture with its harmonic fill -> H + s (B - H)."""
    thin = jnp.where((jnp.asarray(missing) > 0) & (jnp.asarray(plate) > 0), 1.0, 0.0)  # elsewhere nobody needs B
    bent = biharmonic_fill(membrane, thin, inside, start=membrane) - membrane
    return jnp.where(thin[..., None] > 0, membrane + jnp.asarray(plate)[..., None] * bent, membrane)


@partial(jax.jit, compiler_options=QUICKLY_COMPILED)
def _blend(observed, restored, missing, plate, prior):
    return jax.vmap(blend)(observed, restored, missing, plate, prior)
