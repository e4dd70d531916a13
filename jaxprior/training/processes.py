"""Several processes of one training, mostly one on each machine: how they begin, agree, and end together.

JAX joins them (`jax.distributed`): a step is one program over the devices of all of them, so all take every step at
the same time. The first process alone writes the run folder. With one process everything here does nothing.
"""

import collections
import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxprior.errors import JaxpriorError, RunError, SettingsError
from jaxprior.system.devices import Device


Result = TypeVar("Result")

BEHIND = 2
"""Steps after which what a process asked for is known to all: as many as are given to the devices ahead of time, so
that nobody waits for an answer."""

_LOST = re.compile("gloo|nccl|peer|connection|coordination|distributed", re.IGNORECASE)
"""What JAX's errors say where another process does not answer any more."""


class ProcessLost(Exception):
    """Another process of this training has ended, without which no step can be taken."""


def count() -> int:
    """How many processes there are."""
    return jax.process_count()


def is_first() -> bool:
    """Whether this is the process that writes the run folder."""
    return jax.process_index() == 0


def from_first(tree: Any) -> Any:
    """The first process's arrays, for all processes; they have the same shapes and types in each."""
    return tree if count() == 1 else multihost_utils.broadcast_one_to_all(tree)


def devices_of_all(own: Sequence[Device]) -> list[Device]:
    """As many devices of every process as this one uses, in the order of the processes.

    Arguments:
        own: devices of this process that are used, the first ones of those that it has.

    Raises:
        SettingsError: another process uses another number of devices.
    """
    if count() == 1:
        return list(own)
    numbers = np.ravel(multihost_utils.process_allgather(np.array([len(own)])))
    if len(set(numbers.tolist())) > 1:
        raise SettingsError(
            f"the processes of a training must use as many devices each, got {numbers.tolist()}: give all the same "
            "number (--devices)"
        )
    return [d for n in range(count()) for d in jax.local_devices(process_index=n)[: len(own)]]


def check_same(configuration: dict) -> None:
    """Refuse to train together where the processes were given other settings or pictures.

    Arguments:
        configuration: of this process, as plain JSON values.

    Raises:
        SettingsError: another process has another one.
    """
    if count() == 1:
        return
    digest = hashlib.sha256(json.dumps(configuration, sort_keys=True).encode()).digest()
    found = multihost_utils.process_allgather(np.frombuffer(digest, np.uint8))
    if other := [number for number, own in enumerate(found) if not np.array_equal(own, found[0])]:
        raise SettingsError(
            f"process {other[0]} of this training has other settings or pictures than process 0: give all processes "
            "the same command and the same pictures"
        )


def by_first(work: Callable[[], Result]) -> Result | None:
    """Let the first process alone do something before the training begins; if it fails, all end.

    Arguments:
        work: what is done.

    Returns:
        What it returned; None in the other processes.

    Raises:
        Exception: of the first process, whatever `work` raised.
        RunError: of the others, that the first process could not begin.
    """
    result, failure = None, None
    if is_first():
        try:
            result = work()
        except Exception as error:  # it is raised below, when the others know of it
            failure = error
    if Agreement().at_once(failure is not None, False)[0]:
        leave()
        raise failure or RunError("process 0 could not begin this training and says why.")
    return result


class Agreement:
    """What any process asked for, known to all of them at the same step.

    After every step each process says what it asks for, and a small sum over the processes follows the step. It is
    looked at `BEHIND` steps later, when it has long been computed.

    Example:
        >>> Agreement().after_step(False, True)
        (False, True)
    """

    def __init__(self):
        self._sums: collections.deque[jax.Array] = collections.deque()
        self._several = count() > 1
        if self._several:
            devices = [jax.local_devices(process_index=n)[0] for n in range(count())]
            mesh = Mesh(np.array(devices), ("process",))
            self._spread = NamedSharding(mesh, PartitionSpec("process"))
            everywhere = NamedSharding(mesh, PartitionSpec())
            self._sum = jax.jit(lambda asked: jnp.sum(asked, axis=0), out_shardings=everywhere)

    def after_step(self, stop: bool, over: bool) -> tuple[bool, bool]:
        """Say what this process asks for, and learn what any of them asked for `BEHIND` steps ago.

        Arguments:
            stop: whether it was asked to stop.
            over: whether its planned time is over.

        Returns:
            The same of all processes.
        """
        if not self._several:
            return stop, over
        self._say(stop, over)
        return self._learn() if len(self._sums) > BEHIND else (False, False)

    def at_once(self, stop: bool, over: bool) -> tuple[bool, bool]:
        """As `after_step`, with an answer that is of now."""
        if not self._several:
            return stop, over
        self._say(stop, over)
        found = [self._learn() for _ in range(len(self._sums))]
        return any(one[0] for one in found), any(one[1] for one in found)

    def _say(self, stop: bool, over: bool) -> None:
        own = np.array([[stop, over]], np.int32)
        self._sums.append(self._sum(jax.make_array_from_process_local_data(self._spread, own, (count(), 2))))

    def _learn(self) -> tuple[bool, bool]:
        stop, over = np.asarray(self._sums.popleft())
        return bool(stop), bool(over)


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Around work with several processes: the end of another one becomes an error of its own.

    Raises:
        ProcessLost: another process has ended.
    """
    try:
        yield
    except JaxpriorError:
        raise
    except (RuntimeError, ValueError) as error:
        if count() == 1 or not _LOST.search(str(error)):
            raise
        raise ProcessLost("another process of this training has ended") from None


def leave() -> None:
    """End what joins the processes, when all have done their work; each waits until all are here."""
    if count() > 1:
        Agreement().at_once(False, False)  # waits as long as it takes, which JAX's own end does not
        jax.distributed.shutdown()
