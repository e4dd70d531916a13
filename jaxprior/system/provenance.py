"""What a result was computed with: the versions of the packages and the kind of device, for records and cards."""

import importlib.metadata
import platform
from collections.abc import Sequence
from typing import Any


PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "pillow", "scikit-image", "safetensors")
"""The packages on which results may depend."""


def versions() -> dict[str, str]:
    """Return the versions of jaxprior, Python and the packages on which results may depend, by name."""
    import jaxprior

    found = {"jaxprior": jaxprior.__version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def device_name(devices: Sequence[Any] | None = None) -> str:
    """Return the kind of the devices in use and their number if there are several, e.g. "cpu" or "NVIDIA H200 x2".

    Arguments:
        devices: JAX's devices in use; by default all of this process.
    """
    import jax

    devices = devices or jax.local_devices()
    kind = devices[0].device_kind
    return kind if len(devices) == 1 else f"{kind} x{len(devices)}"
