"""Kinds of devices, for which convolutions and loops have different fast forms.

A kind is JAX's word for it, "cpu", "gpu" or "tpu". What prepares a computation is told the kind of the devices that it
will run on, because they need not be JAX's default: a program may give CPU devices on a machine with a GPU.
"""

from typing import Any, Protocol, runtime_checkable

import jax


@runtime_checkable
class Device(Protocol):
    """What is asked of a `jax.Device`."""

    @property
    def platform(self) -> str:
        """Its kind: "cpu", "gpu" or "tpu"."""
        ...

    def memory_stats(self) -> dict[str, Any] | None:
        """What it tells of its memory; CPUs tell nothing."""
        ...


CPU = "cpu"


def default_platform() -> str:
    """The kind of JAX's default devices: the one place that decides it where the caller did not name a kind."""
    return jax.default_backend()
