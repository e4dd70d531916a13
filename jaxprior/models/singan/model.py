"""A trained SinGAN: generators of all scales and what a drawing needs beside them (Shaham et al., ICCV 2019)."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax

from jaxprior.weights.card import Card


Array = jax.Array
_static = partial(field, metadata={"static": True})


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Scale:
    """One scale of a trained pyramid.

    Fields:
        generator: its network; variables: of it, {"params": ...} and "batch_stats" if its norm has any.
        critic, critic_variables: the same of the critic, or None.
        amplitude: of the noise, a scalar.
        noise: from which the picture is reconstructed, [h, w, c]; with the generator's margin where the model's padding
            is "noise".
        size: (height, width) of its images.
    """

    generator: Any = _static()
    variables: Any
    critic: Any = _static(default=None)
    critic_variables: Any = None
    amplitude: Array
    noise: Array
    size: tuple[int, int] = _static()


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class SinGan:
    """A trained pyramid; a pytree, an argument of compiled functions. Made by `load_singan`.

    Fields:
        scales: coarsest first.
        image: the picture at the finest scale, [h, w, c] in [-1, 1].
        factor: by which a drawing shrinks from one scale to the next coarser; None: the ratio of the sizes.
        resize: between scales, one of `resizing.RESIZES`.
        padding: what is around the noise: "zero", or "noise" (official models for animation). Images get zeros always.
        coarse_noise_channels: of the coarsest scale's noise, 1 (repeated over all channels) or all.
        card: where the weights come from.
    """

    scales: tuple[Scale, ...]
    image: Array
    factor: float | None = _static()
    resize: str = _static(default="bicubic_u8")
    padding: str = _static(default="zero")
    coarse_noise_channels: int = _static(default=1)
    card: Card = _static(default=Card({}))

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """(height, width) of every scale."""
        return tuple(scale.size for scale in self.scales)

    @property
    def image_channels(self) -> int:
        """Channels of its images."""
        return self.scales[0].generator.image_channels
