"""Sample banks: many images of a prior, made once, from which inversions choose their start.

A bank belongs to one set of weights. It is kept in the user's cache folder as 8-bit images; its codes are drawn anew
from a fixed key, so that the file holds nothing that the weights do not determine.
"""

import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import safetensors
import safetensors.numpy

from jaxprior.data.images import to_uint8
from jaxprior.inversion.starts.bank import Bank
from jaxprior.nn.latent import draw_codes
from jaxprior.system import runtime
from jaxprior.system.files import write_atomically
from jaxprior.system.programs import remembered
from jaxprior.weights.priors import Prior


Array = jax.Array
MAX_BYTES = 256 << 20
"""A bank of large images holds fewer samples."""
CHUNK = 64
"""Samples generated at once."""
KEY = 20261121


def sample_bank(prior: Prior, size: int) -> Bank:
    """The bank of a prior: from the cache, or made and cached.

    Arguments:
        prior: the generator.
        size: samples wanted; rounded up to a multiple of 64, at most as many as fit 256 MiB.
    """
    most = max(MAX_BYTES // math.prod(prior.image_shape) // CHUNK, 1) * CHUNK
    size = min(-(-size // CHUNK) * CHUNK, most)
    z = draw_codes(jax.random.key(KEY), (size, prior.latent_dim), distribution=prior.code_distribution)
    path = _place(prior, size)
    pixels = None if path is None else _read(path, (size, *prior.image_shape))
    if pixels is None:
        pixels = _generate(prior, z)
        if path is not None:
            _write(path, pixels)
    return Bank(z=z, pixels=jnp.asarray(pixels))


def _generate(prior: Prior, z: Array) -> np.ndarray:
    generate, parts = jax.jit(Prior.generate), []
    text = "making the prior's sample bank, once for all runs"
    with remembered(text, prior.image_shape, len(z), total=len(z), unit="samples") as work:
        for first in range(0, len(z), CHUNK):
            parts.append(to_uint8(np.asarray(generate(prior, z[first : first + CHUNK]))))
            work.moved(first + CHUNK)
    return np.concatenate(parts)


def _place(prior: Prior, size: int) -> Path | None:
    folder = runtime.cache_folder()
    if folder is None:
        return None
    kind = "" if prior.code_distribution == "normal" else f"-{prior.code_distribution}"
    return folder / "banks" / f"{prior.sha256[:32]}-{size}{kind}.safetensors"


def _read(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """The cached images, or None where there are none of this shape: a cache is never trusted further."""
    try:
        pixels = safetensors.numpy.load_file(path)["pixels"]
    except (OSError, KeyError, safetensors.SafetensorError):
        return None
    return pixels if pixels.shape == shape and pixels.dtype == np.uint8 else None


def _write(path: Path, pixels: np.ndarray) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, safetensors.numpy.save({"pixels": np.ascontiguousarray(pixels)}))
    except OSError:
        pass  # a cache that cannot be written is only slower
