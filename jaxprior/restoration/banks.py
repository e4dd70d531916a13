"""Sample banks: many images of a prior, made once, from which inversions choose their start.

A bank belongs to one set of weights. It is one safetensors file with the images as 8-bit thumbnails; its codes are
drawn anew from a fixed key, so that the file holds nothing that the weights do not determine. Bundled priors bring
their bank along; the bank of any other prior is made when it is first needed, and kept in the user's cache folder.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import jax
import numpy as np
import safetensors.numpy

from jaxprior.data.images import to_uint8
from jaxprior.errors import WeightsError
from jaxprior.inversion.starts.bank import Bank
from jaxprior.nn.latent import draw_codes
from jaxprior.system import runtime
from jaxprior.system.files import write_atomically
from jaxprior.system.programs import remembered
from jaxprior.weights import loader, storage
from jaxprior.weights.priors import Prior


Array = jax.Array
MAX_BYTES = 256 << 20
"""A bank of large images holds fewer samples."""
CHUNK = 64
"""Samples generated at once of images up to 128x128 pixels, and what the size of a bank is a multiple of."""
CHUNK_PIXELS = CHUNK * 128**2
"""Of larger images, so many pixels are generated at once."""
KEEP_EVERY = 30.0
"""Seconds after which a bank that is being made is kept as far as it is, so that a stopped one is gone on with."""
KEY = 20261121
"""Of the codes."""
SMALLEST, LARGEST_FACTOR = 8, 8
"""A thumbnail has an eighth of the image's sides, or as little of them as leaves it 8 pixels."""
FILE = "bank.safetensors"
"""The bank beside the weights of a bundled prior."""
ABOUT = "jaxprior_bank"
"""Name of the metadata: a JSON object that says whose samples these are, and how they were made."""


def sample_bank(prior: Prior, size: int) -> Bank:
    """The bank of a prior: the bundled one, that of the cache, or made and cached.

    Arguments:
        prior: the generator.
        size: samples wanted; rounded up to a multiple of 64, at most as many as fit 256 MiB.
    """
    shape = thumbnail_shape(prior.image_shape)
    most = max(MAX_BYTES // math.prod(shape) // CHUNK, 1) * CHUNK
    size = min(-(-size // CHUNK) * CHUNK, most)
    pixels = _bundled(prior, (size, *shape))
    if pixels is None:
        pixels = _made(prior, size, _place(prior, size))
    return Bank(z=_codes(prior, size), pixels=jax.device_put(pixels), factor=shrink_factor(prior.image_shape))


def shrink_factor(image_shape: tuple[int, ...]) -> int:
    """How many times as large as its thumbnail an image of this shape is: the largest factor that all sides allow."""
    space = image_shape[:-1]
    fits = [n for n in range(2, LARGEST_FACTOR + 1) if min(space) // n >= SMALLEST and not any(s % n for s in space)]
    return max(fits, default=1)


def thumbnail_shape(image_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of the thumbnail, [*space, c], of an image of this shape."""
    factor = shrink_factor(image_shape)
    return (*(side // factor for side in image_shape[:-1]), image_shape[-1])


def samples_at_once(image_shape: tuple[int, ...]) -> int:
    """How many samples of this shape are generated at once, so that memory does not grow with their size: a power of 2.

    Example:
        >>> [samples_at_once((side, side, 3)) for side in (64, 256, 1024)]
        [64, 16, 1]
    """
    fits = max(min(CHUNK_PIXELS // math.prod(image_shape[:-1]), CHUNK), 1)
    return 1 << (fits.bit_length() - 1)


def make_thumbnails(
    prior: Prior, size: int, *, begun: np.ndarray | None = None, keep: Callable[[np.ndarray], None] | None = None
) -> np.ndarray:
    """Generate the samples of a bank.

    Arguments:
        prior: the generator.
        size: samples wanted, a multiple of 64.
        begun: the thumbnails of its first samples, if some are there already.
        keep: called from time to time with those that are there by then.

    Returns:
        Their thumbnails, the means of small squares, uint8 [size, *space, c].
    """
    generator, generate = prior.split(1), jax.jit(lambda generator, z: generator(z))
    z, factor = _codes(prior, size), shrink_factor(prior.image_shape)
    chunk, parts = samples_at_once(prior.image_shape), [] if begun is None else [begun]
    there = sum(map(len, parts))
    text = "making the prior's sample bank, once for all runs"
    with remembered(text, prior.image_shape, size - there, total=size, unit="samples") as work:
        work.skip(there)
        kept = time.monotonic()
        for first in range(there, size, chunk):
            images = np.asarray(generate(generator, z[first : first + chunk]))
            parts.append(to_uint8(_shrunk(images, factor)))
            work.moved(first + chunk)
            if keep is not None and time.monotonic() - kept > KEEP_EVERY:
                keep(np.concatenate(parts))
                kept = time.monotonic()
    return np.concatenate(parts)


def write_thumbnails(path: Path, prior: Prior, pixels: np.ndarray) -> None:
    """Write a bank's file: the tensor "pixels", and what it is as metadata. The same bank is always the same bytes.

    Arguments:
        path: of the file, whose folder exists.
        prior: whose samples they are.
        pixels: their thumbnails, uint8 [size, *space, c].

    Raises:
        OSError: the file cannot be written.
    """
    about = {
        **_identity(prior, pixels),
        "codes": f"jaxprior.nn.latent.draw_codes(jax.random.key({KEY}), ({len(pixels)}, {prior.latent_dim}), "
        f"distribution={prior.code_distribution!r})",
        "images": f"of these codes, means of squares of {shrink_factor(prior.image_shape)} pixels, 8 bits for [-1, 1]",
    }
    metadata = {ABOUT: json.dumps(about, sort_keys=True)}
    write_atomically(path, safetensors.numpy.save({"pixels": np.ascontiguousarray(pixels)}, metadata))


def read_thumbnails(path: Path, prior: Prior, shape: tuple[int, ...]) -> np.ndarray | None:
    """The first samples of a bank's file.

    Arguments:
        path: of the file, which need not exist.
        prior: whose samples they must be.
        shape: [samples, *space, c] of what is wanted.

    Returns:
        uint8 of that shape; None where there is no file, where it is damaged or has fewer samples, or where it is
        another prior's.
    """
    pixels = _read(path, prior, shape[1:])
    return None if pixels is None or len(pixels) < shape[0] else pixels[: shape[0]]


def _read(path: Path, prior: Prior, thumbnail: tuple[int, ...]) -> np.ndarray | None:
    """All samples in a bank's file."""
    try:
        tensors, metadata = storage.read_tensors(path)
        pixels, about = tensors["pixels"], json.loads(metadata[ABOUT])
    except (WeightsError, KeyError, ValueError):
        return None
    if pixels.dtype != np.uint8 or pixels.shape[1:] != thumbnail:
        return None
    identity = _identity(prior, pixels)
    return pixels if identity == {name: about.get(name) for name in identity} else None


def _made(prior: Prior, size: int, path: Path | None) -> np.ndarray:
    """The thumbnails of a bank in the cache; what is missing there, all of it or the rest, is made and kept."""
    begun = None if path is None else _read(path, prior, thumbnail_shape(prior.image_shape))
    if begun is not None and len(begun) >= size:
        return begun[:size]
    keep = None if path is None else partial(_keep, path, prior)
    pixels = make_thumbnails(prior, size, begun=begun, keep=keep)
    if keep is not None:
        keep(pixels)
    return pixels


def _identity(prior: Prior, pixels: np.ndarray) -> dict[str, str]:
    """What tells a bank from that of other weights, and whole pixels from damaged ones."""
    return {
        "prior_sha256": prior.sha256,
        "distribution": prior.code_distribution,
        "pixels_sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
    }


def _codes(prior: Prior, size: int) -> Array:
    return draw_codes(jax.random.key(KEY), (size, prior.latent_dim), distribution=prior.code_distribution)


def _shrunk(images: np.ndarray, factor: int) -> np.ndarray:
    """Images [n, *space, c] whose pixels are the means of `factor` pixels along each axis of the space."""
    for axis in range(1, images.ndim - 1):
        shape = images.shape
        images = images.reshape(*shape[:axis], -1, factor, *shape[axis + 1 :]).mean(axis=axis + 1)
    return images


def _bundled(prior: Prior, shape: tuple[int, ...]) -> np.ndarray | None:
    """The bank that the package brings along for these weights, or None."""
    found = (read_thumbnails(path.with_name(FILE), prior, shape) for path in loader.bundled().values())
    return next((pixels for pixels in found if pixels is not None), None)


def _place(prior: Prior, size: int) -> Path | None:
    folder = runtime.cache_folder()
    if folder is None:
        return None
    kind = "" if prior.code_distribution == "normal" else f"-{prior.code_distribution}"
    return folder / "banks" / f"{prior.sha256[:32]}-{size}{kind}.safetensors"


def _keep(path: Path, prior: Prior, pixels: np.ndarray) -> None:
    """Keep a bank in the cache; where that is not possible, the next process makes it again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_thumbnails(path, prior, pixels)
    except OSError:
        pass
