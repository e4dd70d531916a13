"""What a result was made with: versions of the packages, and the kind of device."""

import importlib.metadata
import platform


PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "pillow", "scikit-image", "safetensors")


def versions() -> dict[str, str]:
    """Versions of Python, jaxprior and the packages that a result depends on."""
    import jaxprior

    found = {"jaxprior": jaxprior.__version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def device_name() -> str:
    """Kind and number of the devices in use, for example "cpu" or "NVIDIA H200 x2"."""
    import jax

    devices = jax.local_devices()
    kind = devices[0].device_kind
    return kind if len(devices) == 1 else f"{kind} x{len(devices)}"
