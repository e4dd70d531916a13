"""Where and with which versions a result was made: recorded beside results, never part of their key."""

import importlib.metadata
import platform

import jax

import jaxprior


PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "pillow", "scikit-image", "safetensors")


def versions() -> dict[str, str]:
    """Return the versions of jaxprior, Python and the packages that a result depends on."""
    found = {"jaxprior": jaxprior.__version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def device_name() -> str:
    """Return kind and number of the devices in use, for example "cpu" or "NVIDIA H200 x2"."""
    devices = jax.local_devices()
    kind = devices[0].device_kind
    return kind if len(devices) == 1 else f"{kind} x{len(devices)}"
