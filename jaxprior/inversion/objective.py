"""What is minimised: the distance between the degraded generated image and the observation.

    loss(x) = pixel(A(x), y) + feature_weight * sum_k distance(phi_k(A(x)), phi_k(y)) + critic_weight * realism(D(x))
              + code_penalty * |z|^2 + anchor * |F - F0|^2 / |F0|^2 + in_domain_weight * mean |E(x) - z|^2

A is the forward operator, y the observation, phi the maps of any network, D a critic that keeps x realistic. The second
line is about what x is made of: the codes z, and the feature map F that the generator's tail gets, which was F0 at the
start; E is an encoder. The first two can also compare pictures in place of observations (`Objective.compare`), as the
Generative Encoder does. Each of the summands is a term (`jaxprior.inversion.terms`), and all but the first are left out
unless they are asked for. The loss is that of one image; the engine sums over the batch, so that no image touches
another. Part of y may be held out: the loss does not see it, and how well it is explained says when to stop.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from jaxprior.checks import described, is_array, one_of, real_number, tree_of_arrays, whole_number
from jaxprior.errors import ArgumentError
from jaxprior.inversion.terms import (
    COMPARED,
    CRITIC_LOSSES,
    FEATURE_LOSSES,
    PIXEL_LOSSES,
    SEEN,
    AnchorTerm,
    CodePenaltyTerm,
    CriticTerm,
    FeatureTerm,
    InDomainTerm,
    MergedCriticTerm,
    PixelTerm,
)
from jaxprior.lazy_jax import Array, jnp, register_dataclass
from jaxprior.operators import Operator
from jaxprior.protocols import Generated, LatentTerm
from jaxprior.settings import setting


COMPARISONS = ("observations", "pictures", "generated")
"""What pixels and features compare, see `Objective.compare`."""

COMPARING = (PixelTerm, FeatureTerm)
"""The terms for which that counts."""


class Target(NamedTuple):
    """What a generated image is compared with, computed once.

    Fields:
        image: the observation, as the operator compares it.
        fitted: the same without what is held out.
        held: 1 where a pixel is held out, [*space, 1], or None.
        known: share of the observation's values that are compared, for the PSNR of what is known.
        terms: the target of every term, in their order.
        began: the map [*space, c] that the generator's tail gets at the start, where a term looks at it, or None.
    """

    image: Array
    fitted: Array
    held: Array | None
    known: Array
    terms: tuple[Any, ...]
    began: Array | None = None


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
        pixel: "l2" (mean of squares), "l1" (mean), their sums "l2_sum" and "l1_sum", or None. Means are over ALL
            pixels, blanked ones included, as in mGANprior: the scale falls with the hole's size.
        window: known pixels count by the share of missing ones in a window of so many pixels around them, those far
            from every hole not at all (weighted context loss of Yeh et al., CVPR 2017, where it is 7); 0: all alike.
        features: None, or a network: any pytree that is called with images [b, h, w, c] in [-1, 1] and returns a map or
            several; if it has a method `features` (a prior's critic has), that is called instead.
        feature_weight: weight of the feature distance. mGANprior's is 0.001 on VGG-16's relu3_3.
        feature_loss: "l1" or "l2", the mean absolute or square difference of a map, or "l2_sum", the sum of squares;
            summed over the maps.
        compare: what pixels and features compare. "observations": the degraded generated image A(x) with the
            observation y. "pictures": both as pictures of the photo's size (`Operator.pictured`), and of the image only
            what an encoder does not filter is degraded (`Operator.simulate`): with an encoder as `features` this is
            |E(S(x)) - E(y)|^2, the Generative Encoder (seed 004, equation 3). "generated": the generated image itself
            with the observation as a picture, as if nothing had happened to the photo (its equation 4).
        critic: None, or a callable from images [b, r, r, c] to scores [b], higher for what is more real: a prior's has
            been trained beside it.
        critic_weight: weight of the critic's term; 10 in seed 001, beside "l1_sum".
        critic_loss: "least_squares", "nonsaturating" or "saturating".
        critic_on: what the critic sees: the "generated" image itself, or the "merged" one, in which the task has put
            back what is known for certain, so that the gradient asks generated pixels to go with the known ones.
        code_penalty: weight lambda of lambda |z|^2, summed over all numbers of the codes (Generative Encoder). It does
            nothing to the images of a generator that normalises its codes, as a PGGAN does.
        anchor: weight of mean |F - F0|^2 / mean |F0|^2: the feature map that the tail gets stays near that of the
            start, for example near what an encoder said of the hole.
        in_domain: None, or an encoder of the prior: any pytree that is called with images [b, r, r, c] and what is
            known of them, [b, r, r, 1], and returns {"z": [b, d], "features": [b, *space, c]}. It sees the generated
            image and must answer with the latents that this was made of (idinvert: Zhu et al., ECCV 2020).
        in_domain_weight: weight of the mean square difference; 2 in idinvert's code.
        in_domain_on: what is compared: "codes", of codes with a single one, or "features", the map that the tail gets.
            Both at a root mean square of 1: of the code, and of the vector of every pixel.

    Example:
        >>> Objective(pixel="l1").feature_weight
        0.1
    """

    pixel: Literal["l2", "l1", "l2_sum", "l1_sum"] | None = field(default="l2", metadata={"static": True})
    window: int = setting(
        0,
        "Weigh each known pixel by the share of missing ones in the window of N pixels around it; 0 weighs all alike.",
        metavar="N",
        least=0,
        rank=30,
        static=True,
    )
    features: Any = setting(
        None,
        "Add a perceptual distance to that of the pixels, in the features of the prior's critic, of an installed "
        "network (see `jaxprior priors`), or of its .safetensors file.",
        metavar="none|critic|NAME|FILE",
        rank=30,
    )
    feature_weight: float = setting(
        0.1, "Weight of the distance of --features.", metavar="X", least=0.0, rank=30, static=True
    )
    feature_loss: Literal["l1", "l2", "l2_sum"] = field(default="l1", metadata={"static": True})
    compare: Literal["observations", "pictures", "generated"] = field(
        default="observations", metadata={"static": True, "added_later": True}
    )
    critic: Any = setting(
        None,
        "Add a term that grows the more surely the prior's critic takes the picture for a generated one.",
        words=("none", "prior"),
        rank=30,
    )
    critic_weight: float = setting(
        10.0, "Weight of the term of --critic.", metavar="X", least=0.0, rank=30, static=True
    )
    critic_loss: Literal["least_squares", "nonsaturating", "saturating"] = field(
        default="least_squares", metadata={"static": True}
    )
    critic_on: Literal["generated", "merged"] = setting(
        "generated",
        "What the critic of --critic sees: the generated picture, or the one with the known pixels put back.",
        rank=30,
        static=True,
        added_later=True,
    )
    code_penalty: float = setting(
        0.0,
        "Add X times the squared length of the codes, which keeps them near those that the prior was trained with.",
        metavar="X",
        least=0.0,
        rank=31,
        static=True,
        added_later=True,
    )
    anchor: float = setting(
        0.0,
        "Add X times the relative squared distance of the feature map from the one at the start.",
        metavar="X",
        least=0.0,
        rank=31,
        static=True,
        added_later=True,
    )
    in_domain: Any = setting(
        None,
        "Add the distance of the latents from what the prior's encoder answers to the generated picture.",
        words=("none", "prior"),
        rank=31,
        added_later=True,
    )
    in_domain_weight: float = setting(
        2.0, "Weight of the distance of --in-domain.", metavar="X", least=0.0, rank=31, static=True, added_later=True
    )
    in_domain_on: Literal["codes", "features"] = setting(
        "codes", "What --in-domain compares: the code, or the feature map.", rank=31, static=True, added_later=True
    )

    def __post_init__(self):
        if self.pixel is not None:
            one_of("pixel", self.pixel, PIXEL_LOSSES)
        one_of("feature_loss", self.feature_loss, FEATURE_LOSSES)
        one_of("compare", self.compare, COMPARISONS)
        one_of("critic_loss", self.critic_loss, CRITIC_LOSSES)
        if whole_number("window", self.window, least=0) and self.window % 2 == 0:
            raise ArgumentError(f"`window` must be an odd number of pixels, or 0, got {self.window}.")
        if self.window and self.pixel is None:
            raise ArgumentError("`window` weighs the pixels of `pixel`, and there is none: take 0, or give `pixel`.")
        one_of("critic_on", self.critic_on, SEEN)
        one_of("in_domain_on", self.in_domain_on, COMPARED)
        for name in ("feature_weight", "critic_weight", "code_penalty", "anchor", "in_domain_weight"):
            real_number(name, getattr(self, name), least=0)
        for name, advice in (
            ("features", "`jp.load_features` loads one"),
            ("critic", "`prior.critic` may be one"),
            ("in_domain", "`prior.encoder` may be one"),
        ):
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
    def needs_latents(self) -> bool:
        """Whether a term looks at more than the generated image."""
        return any(isinstance(term, LatentTerm) for term in self.terms)

    @property
    def needs_features(self) -> bool:
        """Whether a term looks at the map that the generator's tail gets."""
        return any(isinstance(term, LatentTerm) and term.needs_features for term in self.terms)

    @property
    def terms(self) -> tuple[Any, ...]:
        """The terms that are summed, in this order."""
        found: list[Any] = []
        if self.pixel is not None:
            found.append(PixelTerm(self.pixel, self.window))
        if self.features is not None:
            found.append(FeatureTerm(network=self.features, weight=self.feature_weight, loss=self.feature_loss))
        if self.critic is not None:
            of_critic = CriticTerm(critic=self.critic, weight=self.critic_weight, loss=self.critic_loss)
            found.append(of_critic if self.critic_on == "generated" else MergedCriticTerm(on_image=of_critic))
        if self.code_penalty:
            found.append(CodePenaltyTerm(weight=self.code_penalty))
        if self.anchor:
            found.append(AnchorTerm(weight=self.anchor))
        if self.in_domain is not None:
            compared = {"weight": self.in_domain_weight, "compared": self.in_domain_on}
            found.append(InDomainTerm(encoder=self.in_domain, **compared))
        return tuple(found)

    def check(self, prior: Any, codes: Any) -> None:
        """Refuse what cannot be minimised over these codes of this prior, before anything is compiled.

        Raises:
            ArgumentError: a network that is no pytree of arrays, an encoder of another prior, or see `check_codes`.
        """
        for name in ("features", "critic", "in_domain"):
            tree_of_arrays(name, getattr(self, name))
        if (check_fits := getattr(self.in_domain, "check_fits", None)) is not None:
            check_fits(prior)
        self.check_codes(codes)

    def check_codes(self, codes: Any) -> None:
        """Refuse codes that do not have what a term looks at.

        Raises:
            ArgumentError: naming the field and what to do.
        """
        kind, inner = type(codes).__name__, getattr(codes, "codes", codes)  # a tuned code holds other codes still
        if self.needs_features and not hasattr(inner, "composed"):
            name = "anchor" if self.anchor else "in_domain_on"
            raise ArgumentError(f"`{name}` looks at a feature map, which {kind} does not tell: leave it out.")
        layer = getattr(self.in_domain, "layer", inner.layer)
        if self.in_domain is not None and self.in_domain_on == "features" and layer is None:
            raise ArgumentError("`in_domain_on` features: this encoder answers codes alone and no map: compare codes.")
        if self.in_domain is not None and self.in_domain_on == "features" and inner.layer != layer:
            raise ArgumentError(
                f"`in_domain_on` features compares the map of a layer with the encoder's, which answers that of layer "
                f"{layer}, and `layer` is {inner.layer}: take {layer}, or compare codes."
            )
        if self.in_domain is not None and self.in_domain_on == "codes" and inner.num_codes > 1:
            raise ArgumentError(
                f"`in_domain_on` codes compares one code with the encoder's, and {kind} has {inner.num_codes}: compare "
                "features, or take codes with a single one."
            )

    def target(
        self, operator: Any, observed: Array, held: Array | None = None, *, shape: tuple[int, ...] | None = None
    ) -> Target:
        """What the generated image of one observation is compared with.

        Arguments:
            operator: forward operator of one image.
            observed: its observation.
            held: 1 where a pixel of it is held out of the fit, [*space, 1], or None.
            shape: of the generated image, where pictures are compared; that of the observation by default.
        """
        y = operator.compared(observed)
        fitted = y if held is None else y * (1 - held)
        known = jnp.mean(operator.compared(jnp.ones_like(observed)))
        picture = fitted
        if self.compare != "observations":
            picture = _of(operator, "pictured")(fitted, fitted.shape if shape is None else shape)
        terms = tuple(
            term.target(operator, picture if isinstance(term, COMPARING) else fitted) for term in self.terms
        )
        return Target(image=y, fitted=fitted, held=held, known=known, terms=terms)

    def evaluate(
        self, image: Array, operator: Any, target: Target, latents: Any = None, features: Array | None = None
    ) -> Evaluation:
        """Compare one generated image with its target.

        Arguments:
            image: [*image_shape].
            operator: forward operator of the image; target: from `target`.
            latents: of the image, where terms look at them.
            features: the map [*space, c] that the tail made the image of, where terms look at it.
        """
        x = operator.apply(image)
        error = jnp.square(x - target.image)
        known = jnp.maximum(target.known, 1e-6)
        psnr = 10 * jnp.log10(4.0 * known / jnp.maximum(jnp.mean(error), 1e-12))
        generated = Generated(image, x, latents, features, target.began, operator, target.held)
        if target.held is None:
            loss = self._loss(generated, target)
            return Evaluation(loss, loss, psnr)
        held = jnp.sum(error * target.held) / jnp.maximum(known * x.shape[-1] * jnp.sum(target.held), 1.0)
        return Evaluation(self._loss(generated._replace(degraded=x * (1 - target.held)), target), held, psnr)

    def _loss(self, generated: Generated, target: Target) -> Array:
        total = jnp.zeros(())
        if self.compare != "observations":
            generated = generated._replace(degraded=self._picture(generated))
        for term, wanted in zip(self.terms, target.terms, strict=True):
            if isinstance(term, LatentTerm):
                total += term.value_of(generated, wanted)
            else:
                total += term.value(generated.image, generated.degraded, wanted)
        return total

    def _picture(self, generated: Generated) -> Array:
        """What of a generated image is compared with the observation as a picture."""
        image, operator, held = generated.image, generated.operator, generated.held
        pictured = _of(operator, "pictured")
        found = image if self.compare == "generated" else pictured(_of(operator, "simulate")(image), image.shape)
        return found if held is None else found * pictured(1 - held, (*image.shape[:-1], 1))


def _of(operator: Any, method: str) -> Any:
    """A method of an operator, or what operators do that have none of that name."""
    return getattr(operator, method, None) or getattr(Operator, method).__get__(operator)
