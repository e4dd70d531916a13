"""Pictures in, pictures out: finding, decoding, fitting, masks, sheets, animations. No JAX but for random keys."""

import lazy_loader


__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submodules=['images'])
