"""Where a training's state and batches lie: on one device, or spread by data over several and over several processes.

A `jax.sharding.Mesh` has one axis, "batch". The state lies on every device and each batch is spread along its first
axis. The step stays the one jitted program of the recipe: XLA divides it, so that losses, batch statistics and the
minibatch standard deviation are those of the whole batch, as one device would compute them. Between the devices go
sums: of gradients, of batch statistics, and of the groups of the minibatch standard deviation, which are
[b / group, 4, 4, c]. Random numbers need no words between devices, because JAX computes every element of an array by
itself (`jax_threefry_partitionable`, JAX's default).

Of networks that are trained side by side, one for each picture, the state is spread as the batch is.
"""

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec, Sharding, SingleDeviceSharding

from jaxprior.errors import JaxpriorWarning, SettingsError
from jaxprior.system.devices import Device
from jaxprior.training import processes


AXIS = "batch"
"""The axis of the mesh."""


def first_devices(count: int | None) -> list[Device]:
    """The first devices of this process, or all of them.

    Arguments:
        count: how many; None for all.

    Raises:
        SettingsError: there are not so many.

    Example:
        >>> len(first_devices(1))
        1
    """
    devices = jax.local_devices()
    if count is not None and not 1 <= count <= len(devices):
        raise SettingsError(
            f"{count} devices were asked for, and this process has {len(devices)} ({devices[0].device_kind}): ask for "
            f"at most {len(devices)}, or leave --devices out to use all."
        )
    return list(devices[:count])


class Spread:
    """The devices of one phase, among which its batches are divided.

    Arguments:
        devices: of all processes, as many of each, in the order of the processes.
        by_member: whether the state is spread like the batch, instead of lying on every device.

    Fields:
        devices: as given.
    """

    def __init__(self, devices: Sequence[Device], *, by_member: bool = False):
        self.devices = list(devices)
        self._state: Sharding | None = None  # as JAX does it by itself: everything on the first device
        self._batch: Sharding | None = None
        if len(self.devices) > 1:
            mesh = Mesh(np.array(self.devices), (AXIS,))
            self._batch = NamedSharding(mesh, PartitionSpec(AXIS))
            self._state = self._batch if by_member else NamedSharding(mesh, PartitionSpec())
        elif self.devices != jax.local_devices()[:1]:
            self._batch = self._state = SingleDeviceSharding(self.devices[0])  # pyright: ignore[reportArgumentType]

    def state(self, tree: Any) -> Any:
        """The state of a training, laid on the devices. Several processes all get that of the first one."""
        return tree if self._state is None else _put(processes.from_first(tree), self._state)

    def batch(self, tree: Any) -> Any:
        """A batch, of which each device gets its rows.

        Arguments:
            tree: arrays [b, ...], the same in every process; the number of devices divides b.
        """
        return tree if self._batch is None else _put(tree, self._batch)

    def local(self, tree: Any) -> Any:
        """A state as arrays on JAX's own first device, for what this process does alone: it goes through the host."""
        return tree if self._state is None else jax.tree.map(lambda x: jnp.asarray(np.asarray(x)), tree)

    def state_shapes(self, tree: Any) -> Any:
        """Shapes of a state, with the places that `state` gives it."""
        return tree if self._state is None else _placed(tree, self._state)

    def batch_shapes(self, tree: Any) -> Any:
        """Shapes of a batch, or of its shapes, with the places that `batch` gives it."""
        return tree if self._batch is None else _placed(tree, self._batch)


def _placed(tree: Any, sharding: Sharding) -> Any:
    def shape_of(x: Any) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding, weak_type=getattr(x, "weak_type", False))

    return jax.tree.map(shape_of, tree)


def _put(tree: Any, sharding: Sharding) -> Any:
    """Arrays on devices; each process puts what its own devices hold."""
    if processes.count() == 1:
        return jax.device_put(tree, sharding)
    return jax.tree.map(lambda x: jax.make_array_from_process_local_data(sharding, np.asarray(x), np.shape(x)), tree)


class DataParallel:
    """The devices of a training, for batches of any size.

    Arguments:
        devices: of this process; None for all that it has. Every process of a training gives as many.
        by_member: see `Spread`; not with several processes.

    Fields:
        devices: of all processes, as many of each, in the order of the processes.

    Raises:
        SettingsError: the processes have different numbers of devices.

    Example:
        >>> spread = DataParallel().spread(4)
        >>> spread.batch(np.zeros((4, 8, 8, 3), np.uint8)).shape
        (4, 8, 8, 3)
    """

    def __init__(self, devices: Sequence[Device] | None = None, *, by_member: bool = False):
        own = list(jax.local_devices() if devices is None else devices)
        self.devices = processes.devices_of_all(own)
        self._by_member = by_member

    def spread(self, size: int) -> Spread:
        """The devices over which batches of a size are spread: the largest number of them that divides the batch.

        Arguments:
            size: pictures in a batch.

        Raises:
            SettingsError: several processes cannot share the batch evenly.
        """
        count = processes.count()
        if size % count or (count > 1 and self._by_member):
            raise SettingsError(
                f"a step shows {size} pictures, which {count} processes cannot share evenly: give a batch size that is "
                f"a multiple of {count}, or use fewer processes"
            )
        each = len(self.devices) // count
        used = max(n for n in range(1, each + 1) if size // count % n == 0)
        chosen = [device for place, device in enumerate(self.devices) if place % each < used]
        return Spread(chosen, by_member=self._by_member)

    def most(self, sizes: Iterable[int]) -> list[Device]:
        """The devices that the batches use which can be spread over most of them.

        Arguments:
            sizes: pictures in a batch, phase by phase.

        Raises:
            SettingsError: see `spread`.
        """
        return max((self.spread(size).devices for size in sizes), key=len)

    def spreads(self, sizes: Sequence[int]) -> list[Spread]:
        """The devices for batches of each size; says in one sentence where they are fewer than there are.

        Arguments:
            sizes: pictures in a batch, phase by phase.

        Raises:
            SettingsError: see `spread`.
        """
        found = {size: self.spread(size) for size in sizes}
        there = len(self.devices)
        fewer = {n: len(spread.devices) for n, spread in found.items() if n > 1 and len(spread.devices) < there}
        if fewer:
            which = ", ".join(f"{n} pictures are spread over {used}" for n, used in fewer.items())
            warnings.warn(
                f"Batches cannot be spread evenly over {there} devices: {which}; a batch size that is a multiple of "
                f"{there} uses all of them.",
                JaxpriorWarning,
                stacklevel=3,
            )
        return [found[size] for size in sizes]
