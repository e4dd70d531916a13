"""What is minimised: the distance between the degraded generated image and the observation.

    loss(x) = pixel(A(x), y) + feature_weight * sum_k distance(phi_k(A(x)), phi_k(y)) + critic_weight * realism(D(x))

A is the forward operator, y the observation, phi the maps of any network, D a critic that keeps x realistic. Each of
the summands is a term (`jaxprior.inversion.terms`). The loss is that of one image; the engine sums over the batch, so
that no image touches another. Part of y may be held out: the loss does not see it, and how well it is explained says
when to stop.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from jaxprior.checks import described, is_array, one_of, real_number, whole_number
from jaxprior.errors import ArgumentError
from jaxprior.inversion.terms import CRITIC_LOSSES, FEATURE_LOSSES, PIXEL_LOSSES, CriticTerm, FeatureTerm, PixelTerm
from jaxprior.lazy_jax import Array, jnp, register_dataclass
from jaxprior.settings import setting


class Target(NamedTuple):
    """What a generated image is compared with, computed once.

    Fields:
        image: the observation, as the operator compares it.
        fitted: the same without what is held out.
        held: 1 where a pixel is held out, [*space, 1], or None.
        known: share of the observation's values that are compared, for the PSNR of what is known.
        terms: the target of every term, in their order.
    """

    image: Array
    fitted: Array
    held: Array | None
    known: Array
    terms: tuple[Any, ...]


class Evaluation(NamedTuple):
    """One image against its target.

    Fields:
        loss: what is minimised.
        held: mean square error on what was held out, or the loss where nothing was.
        psnr: in dB, on everything that was observed.
    """

    loss: Array
    held: Array
    psnr: Array


@register_dataclass
@dataclass(frozen=True, kw_only=True)
class Objective:
    """The loss of an inversion. A pytree: networks inside are leaves, so that they are arguments of compiled code.

    Fields:
        pixel: "l2" (mean of squares), "l1" (mean), "l1_sum" or None. Means are over ALL pixels, blanked ones included,
            as in mGANprior: the scale falls with the hole's size.
        window: known pixels count by the share of missing ones in a window of so many pixels around them, those far
            from every hole not at all (weighted context loss of Yeh et al., CVPR 2017, where it is 7); 0: all alike.
        features: None, or a network: any pytree that is called with images [b, h, w, c] in [-1, 1] and returns a map or
            several; if it has a method `features` (a prior's critic has), that is called instead.
        feature_weight: weight of the feature distance. mGANprior's is 0.001 on VGG-16's relu3_3.
        feature_loss: "l1" or "l2", the mean absolute or square difference of a map; summed over the maps.
        critic: None, or a callable from images [b, r, r, c] to scores [b], higher for what is more real: a prior's has
            been trained beside it. It sees the generated image itself.
        critic_weight: weight of the critic's term; 10 in seed 001, beside "l1_sum".
        critic_loss: "least_squares", "nonsaturating" or "saturating".

    Example:
        >>> Objective(pixel="l1").feature_weight
        0.1
    """

    pixel: Literal["l2", "l1", "l1_sum"] | None = field(default="l2", metadata={"static": True})
    window: int = setting(
        0,
        "Weigh known pixels by the missing ones in a window of N pixels around.",
        metavar="N",
        least=0,
        rank=30,
        static=True,
    )
    features: Any = setting(
        None,
        "Perceptual distance beside the pixels': the prior's critic, an installed network (see `jaxprior priors`), or "
        "its .safetensors file.",
        metavar="none|critic|NAME|FILE",
        rank=30,
    )
    feature_weight: float = setting(
        0.1, "Weight of that distance.", metavar="X", least=0.0, rank=30, static=True
    )
    feature_loss: Literal["l1", "l2"] = field(default="l1", metadata={"static": True})
    critic: Any = setting(
        None, "Doubt of the prior's own critic beside the distance.", words=("none", "prior"), rank=30
    )
    critic_weight: float = setting(10.0, "Weight of that doubt.", metavar="X", least=0.0, rank=30, static=True)
    critic_loss: Literal["least_squares", "nonsaturating", "saturating"] = field(
        default="least_squares", metadata={"static": True}
    )

    def __post_init__(self):
        if self.pixel is not None:
            one_of("pixel", self.pixel, PIXEL_LOSSES)
        one_of("feature_loss", self.feature_loss, FEATURE_LOSSES)
        one_of("critic_loss", self.critic_loss, CRITIC_LOSSES)
        if whole_number("window", self.window, least=0) and self.window % 2 == 0:
            raise ArgumentError(f"`window` must be an odd number of pixels, or 0, got {self.window}.")
        for name in ("feature_weight", "critic_weight"):
            real_number(name, getattr(self, name), least=0)
        for name, advice in (("features", "`jp.load_features` loads one"), ("critic", "`prior.critic` may be one")):
            network = getattr(self, name)  # inside JAX, which takes trees apart, a placeholder may stand for it
            if isinstance(network, str | int | float | type | tuple | list | dict) or is_array(network):
                given = described(network)
                raise ArgumentError(f"`{name}` must be a network of images or None, got {given}; {advice}.")
        if self.pixel is None and self.features is None:
            raise ArgumentError("An objective needs `pixel`, `features` or both, got neither.")

    def prepared(self, platform: str) -> "Objective":
        """The same loss, its network prepared for a kind of device if it can be: it may have a method `prepared`."""
        prepare = getattr(self.features, "prepared", None)
        return self if prepare is None else replace(self, features=prepare(platform))

    @property
    def terms(self) -> tuple[Any, ...]:
        """The terms that are summed, in this order."""
        found: list[Any] = []
        if self.pixel is not None:
            found.append(PixelTerm(self.pixel, self.window))
        if self.features is not None:
            found.append(FeatureTerm(network=self.features, weight=self.feature_weight, loss=self.feature_loss))
        if self.critic is not None:
            found.append(CriticTerm(critic=self.critic, weight=self.critic_weight, loss=self.critic_loss))
        return tuple(found)

    def target(self, operator: Any, observed: Array, held: Array | None = None) -> Target:
        """What the generated image of one observation is compared with.

        Arguments:
            operator: forward operator of one image.
            observed: its observation.
            held: 1 where a pixel of it is held out of the fit, [*space, 1], or None.
        """
        y = operator.compared(observed)
        fitted = y if held is None else y * (1 - held)
        known = jnp.mean(operator.compared(jnp.ones_like(observed)))
        terms = tuple(term.target(operator, fitted) for term in self.terms)
        return Target(image=y, fitted=fitted, held=held, known=known, terms=terms)

    def evaluate(self, image: Array, operator: Any, target: Target) -> Evaluation:
        """Compare one generated image [*image_shape] with its target."""
        x = operator.apply(image)
        error = jnp.square(x - target.image)
        known = jnp.maximum(target.known, 1e-6)
        psnr = 10 * jnp.log10(4.0 * known / jnp.maximum(jnp.mean(error), 1e-12))
        if target.held is None:
            loss = self._loss(image, x, target)
            return Evaluation(loss, loss, psnr)
        held = jnp.sum(error * target.held) / jnp.maximum(known * x.shape[-1] * jnp.sum(target.held), 1.0)
        return Evaluation(self._loss(image, x * (1 - target.held), target), held, psnr)

    def _loss(self, image: Array, degraded: Array, target: Target) -> Array:
        total = jnp.zeros(())
        for term, wanted in zip(self.terms, target.terms, strict=True):
            total += term.value(image, degraded, wanted)
        return total
