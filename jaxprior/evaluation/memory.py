"""How much of a device's memory a batch needs, and how the lack of it is recognised."""

import jax

from jaxprior.evaluation.solving import Solver


ROOM = 0.9
"""Share of a device's memory that a batch may need: the sample bank and pictures lie beside it."""


def step_bytes(solver: Solver) -> int:
    """Bytes on each device that one step of a batch needs, weights and latents included, as the compiler plans it."""
    task, observed = solver.shapes()
    return solver.inverter.lanes.step_bytes(task, observed, size=solver.batch)


def exceeds_device(solver: Solver) -> bool:
    """Whether a batch is foreseen not to fit. False for devices that do not tell their memory, such as CPUs."""
    limits = [(device.memory_stats() or {}).get("bytes_limit") for device in jax.local_devices()]
    return None not in limits and step_bytes(solver) > ROOM * min(limits)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of a computation says that a device's memory did not suffice."""
    return isinstance(error, MemoryError) or (
        isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in str(error)
    )
