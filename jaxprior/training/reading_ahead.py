"""Batches that are read while the device trains on the ones before them.

One thread calls the function that makes a batch from its number. Batches come in their order, and what each of them
holds depends on its number alone, so reading ahead changes no result.
"""

import collections
import contextlib
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


AHEAD = 3
"""Batches that may lie ready or be in the making: enough to outlast a slow read, few enough to cost little memory."""


@contextlib.contextmanager
def batches_ahead(batch: Callable[[int], Any], start: int, stop: int) -> Iterator[Callable[[], Any]]:
    """Make the batches number `start` ... `stop - 1` ahead of the time at which they are asked for.

    The first batch is made by the caller's own thread when it is asked for, together with what is prepared once, so
    that this can be shown as work. A thread makes all others. It ends with the block, however the block ends.

    Arguments:
        batch: number -> batch. It is called for one number at a time, but not always by the same thread.
        start: number of the first batch.
        stop: number after that of the last batch.

    Returns:
        a function that returns the next batch at each call, at most `stop - start` times. An error that `batch` raises
        is raised by the call that asks for that batch.

    Example:
        >>> with batches_ahead(lambda index: index**2, 2, 5) as next_batch:
        ...     [next_batch() for _ in range(3)]
        [4, 9, 16]
    """
    numbers = iter(range(start, stop))
    coming: collections.deque[Future] = collections.deque()
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as reader:

        def next_batch() -> Any:
            made = coming.popleft().result() if coming else batch(next(numbers))
            coming.extend(reader.submit(batch, number) for number in itertools.islice(numbers, AHEAD - len(coming)))
            return made

        try:
            yield next_batch
        finally:
            reader.shutdown(wait=False, cancel_futures=True)  # the thread is waited for when the outer block ends
