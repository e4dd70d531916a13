"""Restoring pictures: `restore` and `invert`, presets, placement on devices, and the memory that a step may need."""

import lazy_loader


__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submodules=['benchmarking'])
