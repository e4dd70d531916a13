"""A function of many things, computed by several threads, whose results come in the order of the things."""

import collections
import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar


Thing = TypeVar("Thing")
Result = TypeVar("Result")

PER_THREAD = 2
"""Results that may wait for each thread. What waits takes memory, so that there is a limit."""


def in_order(function: Callable[[Thing], Result], things: Iterable[Thing], *, threads: int) -> Iterator[Result]:
    """Yield `function(thing)` for each thing, in their order, computed ahead by so many threads.

    It helps where the function waits for a disk, or computes without holding Python's lock, as Pillow mostly does.

    Arguments:
        function: may be called by several threads at once. Its error is raised where its result would have come.
        things: taken only as far as they are needed.
        threads: how many; with 1 the caller's own thread computes everything when it is asked for.

    Example:
        >>> list(in_order(lambda number: 2 * number, range(4), threads=2))
        [0, 2, 4, 6]
    """
    if threads == 1:
        yield from map(function, things)
        return
    waiting, coming = iter(things), collections.deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            coming.extend(pool.submit(function, thing) for thing in itertools.islice(waiting, PER_THREAD * threads))
            while coming:
                result = coming.popleft().result()
                coming.extend(pool.submit(function, thing) for thing in itertools.islice(waiting, 1))
                yield result
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # the threads are waited for when the outer block ends
