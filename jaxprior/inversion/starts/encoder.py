"""Begin on what an encoder answers: a network that looked at many pictures says at once where the latents should be.

What an encoder has seen of a picture is what the forward operator leaves of it (`Operator.seen`). Codes take of its
answer what they can begin with: one code takes the code; several take it as their first, with the best samples of a
bank beside it; a `FeatureCode` takes the features, too, or those of the code where the answer has none.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, ClassVar

from jaxprior.checks import described, real_number, tree_of_arrays, whole_number
from jaxprior.errors import ArgumentError
from jaxprior.lazy_jax import Array, jnp, register_dataclass


@register_dataclass
@dataclass(frozen=True, kw_only=True)
class EncoderStart:
    """What an encoder answers, see `jaxprior.load_encoder`.

    The first start of a picture begins on the answer itself; further ones begin on the way from it to a random sample,
    so that they differ.

    Fields:
        encoder: the encoder, or any callable pytree like one; the prior's own where None.
        bank_size: samples from which several codes take all but their first.
        further: how far on that way further starts begin, 0 to 1.
        samples: gives a bank of so many samples, once `ready` has been called.

    Example:
        >>> EncoderStart().name
        'encoder'
    """

    encoder: Any = None
    bank_size: int = field(default=4096, metadata={"static": True})
    further: float = field(default=0.5, metadata={"static": True})
    samples: Callable[[int], Any] | None = field(default=None, metadata={"static": True})
    name: ClassVar[str] = "encoder"

    def __post_init__(self):
        whole_number("bank_size", self.bank_size, least=1)
        real_number("further", self.further, least=0, most=1)

    def ready(self, prior: Any, *, samples: Callable[[int], Any]) -> "EncoderStart":
        """Take the prior's own encoder if no other was given.

        Arguments:
            prior: the generator that the encoder belongs to.
            samples: gives a bank of so many samples of it.

        Raises:
            ArgumentError: there is no encoder, or it belongs to another prior.
        """
        encoder = prior.encoder if self.encoder is None else self.encoder
        if encoder is None:
            raise ArgumentError(missing_encoder(prior.card.get("name")))
        if not callable(encoder):
            raise ArgumentError(f"`encoder` must be an encoder, got {described(encoder)}; `load_encoder` loads one.")
        tree_of_arrays("encoder", encoder)
        if (check_fits := getattr(encoder, "check_fits", None)) is not None:
            check_fits(prior)
        return replace(self, encoder=encoder, samples=cache(samples))

    def latents(
        self, generator: Any, operator: Any, targets: Any, keys: Array, nth: Array, *, codes: Any, starts: int
    ) -> dict[str, Array]:
        """Latents with a leading axis b; see `jaxprior.protocols.Start`.

        Raises:
            ArgumentError: codes that begin with features, at another layer than the encoder's.
        """
        from jaxprior.inversion.starts._encoding import answered, begun_on  # these import JAX
        from jaxprior.inversion.starts.bank import choose

        assert self.encoder is not None and self.samples is not None  # `ready` has been called
        check_layer(self.encoder, codes)
        answer = answered(self.encoder, operator, targets.fitted, targets.held, shape=generator.image_shape)
        z, others = answer["z"][:, None], codes.num_codes - 1
        if others:
            bank = self.samples(self.bank_size)
            z = jnp.concatenate([z, choose(bank, operator, targets, nth, count=others, starts=starts)], axis=1)
        features = answer.get("features") if _takes_features(codes) else None
        return begun_on(generator, keys, nth, z, features, codes=codes, further=self.further)


START = EncoderStart


def missing_encoder(name: str | None) -> str:
    """The sentence about a prior without an encoder.

    Arguments:
        name: of the prior.
    """
    return (
        f"{name or 'this prior'} has no encoder to begin with: `jaxprior train encoder --prior {name or 'PRIOR'} "
        "--data PICTURES -o RUN` trains one, and --encoder RUN (or `jp.EncoderStart(encoder=...)`) takes it; or begin "
        "with another start."
    )


def check_layer(encoder: Any, codes: Any) -> None:
    """Refuse codes that begin with the features of another layer than the encoder answers.

    An encoder without a layer, or whose layer is None, fits all of them.

    Raises:
        ArgumentError: naming both layers.
    """
    layer = getattr(encoder, "layer", None)
    if _takes_features(codes) and layer is not None and codes.layer != layer:
        raise ArgumentError(
            f"the encoder answers with the features of layer {layer}, and `layer` is {codes.layer}: take {layer}, or "
            "train an encoder of the other layer."
        )


def _takes_features(codes: Any) -> bool:
    """Whether codes can begin with features."""
    return "features" in inspect.signature(codes.init).parameters
