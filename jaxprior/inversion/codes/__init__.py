"""Codes: how the latents of ONE image are laid out, how they start, and how they become an image.

`generator` is a cut generator (`jaxprior.protocols.CutGenerator`). Latents are a dictionary: "z" holds the codes, and
everything else says how they are put together. The engine maps all of it over the batch.
"""

from collections.abc import Callable
from typing import Any, Literal

from jaxprior.inversion.codes.features import FeatureCode as FeatureCode
from jaxprior.inversion.codes.multi import MultiCode as MultiCode
from jaxprior.inversion.codes.network import NetworkCode as NetworkCode
from jaxprior.inversion.codes.single import SingleCode as SingleCode


CodesKind = Literal["multi", "single", "feature", "network"]
KINDS: dict[CodesKind, Any] = {
    "multi": MultiCode,
    "single": SingleCode,
    "feature": FeatureCode,
    "network": NetworkCode,
}
"""The word by which a method's table chooses codes -> their class."""


def shown_by(codes: Any) -> Callable[..., Any]:
    """The function (generator, latents) of codes that makes the image that people get: `answer` where they have one."""
    return getattr(codes, "answer", codes.synthesize)
