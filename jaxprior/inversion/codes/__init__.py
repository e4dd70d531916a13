"""Codes: how the latents of ONE image are laid out, how they start, and how they become an image.

`generator` is a cut generator (`jaxprior.protocols.CutGenerator`). Latents are a dictionary: "z" holds the codes, and
everything else says how they are put together. The engine maps all of it over the batch.
"""

from jaxprior.inversion.codes.multi import MultiCode as MultiCode
from jaxprior.inversion.codes.single import SingleCode as SingleCode
