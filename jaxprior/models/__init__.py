"""Families of networks, a folder each: its networks, its settings, its training, and what is special to it."""

import lazy_loader


__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submodules=['singan'])
