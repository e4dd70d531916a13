"""Samples of a prior as training pictures.

They are made once, in 8 bits like decoded pictures, so that a training does not pay the generator for them. They lie in
a file of the user's cache folder (`jaxprior.training.decoded_sets`), where the next training of the prior finds them.
Their codes come from a fixed key and are drawn anew each time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import jax
import numpy as np

from jaxprior.data.fitting_many import Account
from jaxprior.data.images import to_uint8
from jaxprior.data.sources import file_source
from jaxprior.nn.latent import draw_codes
from jaxprior.system.activity import doing
from jaxprior.training.decoding import decoded
from jaxprior.training.pictures import Pictures
from jaxprior.weights import loader
from jaxprior.weights.priors import Prior


KEY = 20261130
"""Of the samples' codes."""
AT_ONCE = 64
"""Samples that are made at once."""


@dataclass(frozen=True)
class Samples(Pictures):
    """Samples of a prior.

    Fields:
        pixels, skipped, fitted: see `Pictures`.
        z: their codes, float32 [n, d].
    """

    z: np.ndarray | None = None


def make_samples(source: str | None, count: int, prior: Prior) -> Samples:
    """The samples of a prior that a training wants, made now or read from the cache.

    Arguments:
        source: of the prior, as `load_prior` takes it: its file is part of what the cache remembers.
        count: how many.
        prior: the generator.
    """
    path = loader.prior_file(source)
    z = np.asarray(draw_codes(jax.random.key(KEY), (count, prior.latent_dim), distribution=prior.code_distribution))

    def pixels(_account: Account) -> Iterator[np.ndarray]:
        cut = prior.split(1)
        draw = jax.jit(lambda cut, z: cut(z))
        with doing("making samples of the prior", total=count, unit="samples") as work:
            for start in range(0, count, AT_ONCE):
                codes = z[start : start + AT_ONCE]
                missing = AT_ONCE - len(codes)
                yield from to_uint8(np.asarray(draw(cut, np.pad(codes, ((0, missing), (0, 0)))))[: len(codes)])
                work.moved(start + len(codes))

    height, width, channels = prior.image_shape
    made, _ = decoded(
        [file_source(path)],
        pixels,
        shape=(count, height, width, channels),
        asked=["samples", str(path.resolve()), KEY, count],
        in_memory=0,
    )
    return Samples(made, z=z)
