"""Batches that fit a device's memory, and what is given up for that: pictures at once first, then time.

A smaller batch costs little once it keeps the device busy, so it comes first. If one picture is still too much, parts
of a step are computed a second time for the gradient instead of being kept (rematerialisation: Chen et al., 2016), and
at last the codes go through the generator's head a few at a time. All this changes results by rounding only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax

from jaxprior.system.amounts import needed
from jaxprior.system.devices import Device


ROOM = 0.9
"""Share of a device's memory that a batch may need: the sample bank and pictures lie beside it."""


@dataclass(frozen=True)
class MemoryPlan:
    """What a step does to save memory.

    Fields:
        recompute: head, tail and feature network are computed again for the gradient.
        at_once: codes of a picture in the head at once, computed again for the gradient; None: all, and kept.
        alone: every picture by itself where a CPU would solve some together.
    """

    recompute: bool = False
    at_once: int | None = None
    alone: bool = False


FULL_SPEED = MemoryPlan()


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Recomputed:
    """A feature network that is computed again for the gradient instead of being kept.

    Fields:
        network: any pytree that `Objective` takes as `features`.
    """

    network: Any

    def __call__(self, images: jax.Array) -> Any:
        """The network's maps of images."""
        network = getattr(self.network, "features", self.network)
        return jax.checkpoint(lambda x: network(x))(images)  # a network itself need not be hashable


def memory_plans(num_codes: int, platform: str) -> list[MemoryPlan]:
    """Ways to compute a step, from the fastest to the one that needs least memory.

    Arguments:
        num_codes: N of every picture.
        platform: kind of device. XLA's CPU compiler computes nothing twice, unless it stands in a loop.
    """
    again = platform != "cpu"
    found = [FULL_SPEED, *[MemoryPlan(recompute=True)] * again]
    if num_codes == 1 and not again:
        found.append(MemoryPlan(alone=True))
    while num_codes > 1:
        num_codes = -(-num_codes // 2)
        found.append(MemoryPlan(recompute=again, at_once=num_codes))
    return found


def limit_of(devices: Sequence[Device], wanted: float | None = None) -> float | None:
    """Bytes that a step may need on each device; None where there is no limit that one could know.

    Arguments:
        devices: whose memory counts, if they tell it. CPUs do not.
        wanted: a limit in bytes that is set from outside.
    """
    told = [(device.memory_stats() or {}).get("bytes_limit") for device in devices]
    sizes = [size for size in told if size is not None]
    known = [ROOM * min(sizes)] if sizes and len(sizes) == len(told) else []
    return min([*known, *([] if wanted is None else [wanted])], default=None)


def planned_bytes(program: jax.stages.Compiled) -> int:
    """Bytes on each device that one call of a program needs, its arguments included, as the compiler plans it.

    Arguments:
        program: compiled for the devices that it will run on.

    Raises:
        NotImplementedError: the compiler plans no memory.
    """
    needs = program.memory_analysis()
    if needs is None:
        raise NotImplementedError("the compiler for this kind of device plans no memory")
    return (
        needs.argument_size_in_bytes
        + needs.output_size_in_bytes
        - needs.alias_size_in_bytes
        + needs.temp_size_in_bytes
        + needs.generated_code_size_in_bytes
    )


def too_much(needs: float, limit: float, *, starts: int) -> str:
    """The sentence about a step that does not fit, whatever is done.

    Arguments:
        needs, limit: bytes.
        starts: of a picture, which are in memory together.
    """
    fewer = f"take fewer starts than {starts}, or " if starts > 1 else ""
    return (
        f"A step of one picture needs {needed(needs)} with one code at a time, and may take {needed(limit)}: "
        f"{fewer}use a smaller prior or another device."
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of a computation says that a device's memory did not suffice."""
    return isinstance(error, MemoryError) or (
        isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in str(error)
    )
