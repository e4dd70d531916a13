"""Decoded training pictures: few of them in memory, many in a file of the user's cache folder."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from jaxprior.data.fitting_many import Account
from jaxprior.data.sources import ImageSource
from jaxprior.errors import ImageError, JaxpriorWarning
from jaxprior.system.amounts import size
from jaxprior.system.host_memory import available_memory
from jaxprior.training.about_sets import agrees
from jaxprior.training.decoded_sets import DecodedSet, find, key_of, sets_folder
from jaxprior.training.making_sets import NoRoom, make
from jaxprior.training.stored_pixels import StoredPixels


IN_MEMORY = 256 << 20
"""Pictures that take at most so many bytes when they are decoded are kept in memory, and no file is written."""

Decoding = Callable[[Account], Iterator[np.ndarray]]
"""Begins to decode: yields pictures, contiguous uint8 [h, w, c], and tells the account of all of them."""


def decoded(
    sources: Sequence[ImageSource],
    decoding: Decoding,
    *,
    shape: tuple[int, int, int, int],
    asked: list[Any],
    in_memory: int | None = None,
    way: str = "",
) -> tuple[np.ndarray | StoredPixels, Account]:
    """Decode pictures, or open the file in which they lie decoded since an earlier command.

    A `JaxpriorWarning` tells where there is no room for the file, or no right to write it, and the pictures are kept in
    memory although they are many.

    Arguments:
        sources: all files that the pixels depend on.
        decoding: decodes them. It is begun only where that is needed.
        shape: (n, h, w, c) if all pictures turn out to be usable.
        asked: the words in which the pictures are asked for, JSON values: what replaces them is asked for in the same.
        in_memory: bytes up to which they are kept in memory; None for `IN_MEMORY`.
        way: names what is made of the pictures, where that is not to fit each to a square.

    Returns:
        (uint8 [n, h, w, c] in memory or in a file, what is said about the pictures).

    Raises:
        ImageError: there is room neither on the disk nor in memory.
    """
    most, account = math.prod(shape), Account()
    if most <= (IN_MEMORY if in_memory is None else in_memory) or sets_folder() is None:
        return _gathered(decoding(account), shape), account
    try:
        kept = _kept(sources, decoding, shape, asked, way)
        return kept.pixels(), Account.of(kept.about, [source.name for source in sources])
    except NoRoom as error:
        reason = str(error)
    except OSError as error:
        reason = (
            f"{sets_folder()}: decoded pictures cannot be kept there ({error.strerror}); let JAXPRIOR_CACHE name a "
            "folder that can be written to."
        )
    available = available_memory()
    if available is None or available < 2 * most:
        raise ImageError(reason)
    warnings.warn(f"{reason} They are kept in memory, {size(most)}.", JaxpriorWarning, stacklevel=3)
    return _gathered(decoding(account), shape), account


def _kept(
    sources: Sequence[ImageSource], decoding: Decoding, shape: tuple[int, int, int, int], asked: list[Any], way: str
) -> DecodedSet:
    """The set of these pictures on disk, made if need be."""
    key, account = key_of(sources, resolution=shape[1], channels=shape[3], way=way), Account()

    def usable(found: DecodedSet) -> bool:
        """It is of these pictures, and files that could not be read then, perhaps of a disk that was away, cannot be
        read now either."""
        return agrees(found.about, shape) and not any(_can_be_read(sources[number]) for number in found.about["unread"])

    found = find(key, usable)
    if found is not None:
        return found
    begin = partial(decoding, account)
    return make(key, begin, account.to_json, usable=usable, shape=shape, asked=asked)


def _can_be_read(source: ImageSource) -> bool:
    try:
        source.read()
    except ImageError:
        return False
    return True


def _gathered(pictures: Iterator[np.ndarray], shape: tuple[int, int, int, int]) -> np.ndarray:
    """Pictures in one array."""
    pixels, count = np.empty(shape, np.uint8), 0
    for picture in pictures:
        pixels[count] = picture
        count += 1
    return pixels[:count]
