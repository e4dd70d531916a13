"""Pictures and other data of users: finding, reading, fitting and writing them, masks, sheets and animations.

JAX is used for nothing but random keys here.
"""

import lazy_loader


__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submodules=["images"])
