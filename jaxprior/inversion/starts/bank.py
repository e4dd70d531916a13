"""Start on the best of many samples: a bank of generated images, compared with what is known of each observation.

The bank costs one forward pass per sample and prior; choosing from it costs one comparison per sample and image, no
gradient. On a small network trained on digits it was worth more than any number of steps. The images are kept as
thumbnails, which are enlarged before they are compared: the best of them are as good a start as the best of the images
themselves (docs/inversion.md).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from jaxprior.checks import whole_number
from jaxprior.operators import image_axes
from jaxprior.system.quick_programs import QUICKLY_COMPILED


Array = jax.Array
CHUNK = 64
"""Samples compared at once, at most."""
CHUNK_PIXELS = 8 * CHUNK * 128**2
"""So many pixels of them are enlarged at once for all entries of a batch: with large images there are fewer samples."""


@partial(jax.tree_util.register_dataclass, data_fields=["z", "pixels"], meta_fields=["factor"])
@dataclass(frozen=True, kw_only=True)
class Bank:
    """Samples of one prior.

    Fields:
        z: codes, float32 [k, latent_dim].
        pixels: their images as thumbnails, uint8 [k, *space, c] for [-1, 1].
        factor: an image is so many times as large as its thumbnail, along each axis of the space.
    """

    z: Array
    pixels: Array
    factor: int = 1


@partial(jax.tree_util.register_dataclass, data_fields=["bank"], meta_fields=["bank_size"])
@dataclass(frozen=True, kw_only=True)
class BankStart:
    """The best of many samples of the prior, compared with what is known of each observation.

    Several starts of a picture choose among disjoint parts of the bank.

    Fields:
        bank_size: samples to choose from.
        bank: these samples, once `ready` has been called.

    Example:
        >>> BankStart(bank_size=256).name
        'bank'
    """

    bank_size: int = 4096
    bank: Bank | None = None
    name: ClassVar[str] = "bank"

    def __post_init__(self):
        whole_number("bank_size", self.bank_size, least=1)

    def ready(self, prior: Any, *, samples: Callable[[int], Bank]) -> "BankStart":
        """Get the samples.

        Arguments:
            prior: the generator whose samples they are.
            samples: gives a bank of so many samples of it, from the cache or made now.
        """
        return replace(self, bank=samples(self.bank_size))

    def latents(
        self, generator: Any, operator: Any, targets: Any, keys: Array, nth: Array, *, codes: Any, starts: int
    ) -> dict[str, Array]:
        """Latents with a leading axis b; see `jaxprior.protocols.Start`."""
        z = choose(self.bank, operator, targets, nth, count=codes.num_codes, starts=starts)
        return _begun_on(generator, keys, z, codes=codes)


START = BankStart


@partial(jax.jit, static_argnames="codes", compiler_options=QUICKLY_COMPILED)
def _begun_on(generator: Any, keys: Array, z: Array, *, codes: Any) -> dict[str, Array]:
    return jax.vmap(lambda key, z: codes.init(generator, key, z=z))(keys, z)


@partial(jax.jit, static_argnames=("count", "starts"), compiler_options=QUICKLY_COMPILED)
def choose(bank: Bank, operator: Any, targets: Any, nth: Array, *, count: int, starts: int) -> Array:
    """Codes of the best samples for every image, best first.

    Arguments:
        bank: the samples.
        operator: forward operator, all arrays with a leading axis b.
        targets: `Target`, leading axis b; samples are compared with `fitted`, held-out pixels are not looked at.
        nth: integers [b]: which of its image's starts each entry of the batch is, from 0.
        count: codes wanted for each; starts: number of starts, which choose among disjoint parts of the bank: start n
            among the samples n, n + starts, n + 2 starts, ...

    Returns:
        [b, count, d].
    """
    k, each = len(bank.pixels), len(bank.pixels) // starts
    if each < count:
        raise ValueError(f"a bank of {k} samples is too small for {count} codes and {starts} starts of each image")
    pixels = len(nth) * math.prod(bank.pixels.shape[1:-1]) * bank.factor ** (bank.pixels.ndim - 2)
    at_most = max(min(CHUNK, each, CHUNK_PIXELS // pixels), 1)
    chunk = next(n for n in range(at_most, 0, -1) if each % n == 0)
    pieces = bank.pixels[: each * starts].reshape(-1, chunk, starts, *bank.pixels.shape[1:])

    def errors(piece: Array) -> Array:
        """Mean square errors [b, chunk] of a piece [chunk, starts, ...] of the bank."""

        def of_one(operator, target, thumbnails) -> Array:
            seen = jax.vmap(operator.apply)(enlarged(thumbnails, bank.factor))
            keep = 1.0 if target.held is None else (1 - target.held)[None]
            errors = jnp.square(seen * keep - target.fitted[None])
            return jnp.mean(errors, axis=tuple(range(1, errors.ndim)))

        return jax.vmap(of_one, (image_axes(operator), 0, 0))(operator, targets, jnp.moveaxis(piece[:, nth], 1, 0))

    found = jnp.moveaxis(jax.lax.map(errors, pieces), 1, 0).reshape(len(nth), each)
    _, best = jax.lax.top_k(-found, count)
    return bank.z[best * starts + nth[:, None]]


def enlarged(thumbnails: Array, factor: int) -> Array:
    """Thumbnails as images, interpolated linearly: uint8 [n, *space, c] -> float32 [n, *space, c] in [-1, 1].

    Arguments:
        thumbnails: of n images.
        factor: how many times larger the images are, along each axis of the space.
    """
    images = thumbnails.astype(jnp.float32) / 127.5 - 1
    n, *space, channels = images.shape
    return jax.image.resize(images, (n, *(factor * side for side in space), channels), "linear")
