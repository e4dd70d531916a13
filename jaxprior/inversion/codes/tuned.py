"""Pivotal tuning: a few weights of the generator are changed for one picture, once its codes are found.

Roich et al., "Pivotal Tuning for Latent-based Editing of Real Images" (ACM Transactions on Graphics, 2022): the codes
that an inversion found, the pivot, are kept, and the generator is changed until it makes the picture of them. Codes
near the pivot then make pictures near it, so that edits keep working.

Two things differ here. A change is of low rank instead of a whole copy of the weights, so that it is a part of the
latents of ONE picture like its codes, a few thousand numbers, and all pictures of a batch share the frozen weights (see
`jaxprior.nn.changed`). And what is fitted is what is known of the picture after the forward operator.
"""

from dataclasses import dataclass
from typing import Any

from jaxprior.checks import kind_of, real_number, whole_number
from jaxprior.errors import ArgumentError
from jaxprior.inversion.codes.multi import MultiCode
from jaxprior.lazy_jax import Array, jax, jnp
from jaxprior.protocols import Codes, Latents
from jaxprior.settings import setting


CHANGE = "change"
"""The part of the latents that holds the change of the weights."""
CHANGE_STREAM, NEAR_STREAM = 0x74756E65, 0x6E656172
"""Keep the chance of a change's start, and of the codes near the pivot, apart from that of the codes."""


@dataclass(frozen=True, kw_only=True)
class TunedCode:
    """Codes of any kind, and a change of the generator's weights behind the layer at which they are composed.

        W' = W + D (U W),   b' = b + c     for every layer of the tail, D [i, r] and U [r, i] of the picture

    Fields:
        codes: what is found first: `MultiCode`, `SingleCode`, or other codes.
        steps: gradient evaluations of the tuning, which begins on the codes that were found and leaves them as they
            are.
        rank: r of the change of a layer's kernel; 0 changes the biases alone.
        last: changes the last so many layers only, the output counted; None: all layers behind the composing layer.
        locality: weight of the mean square difference that the change makes to pictures of other codes near those that
            were found (section 3.3 of the paper); 0 leaves the term out. It more than doubles the cost of a step.
        nearness: standard deviation of the noise that makes the codes of these pictures.

    Example:
        >>> TunedCode(codes=MultiCode(num_codes=10, layer=4), steps=20).layer
        4
    """

    codes: Any = MultiCode()
    steps: int = setting(
        20,
        "After the inversion, tune the generator's weights to each picture for so many steps; 0 leaves them alone.",
        option="--tune",
        metavar="STEPS",
        least=0,
        rank=29,
    )
    rank: int = setting(
        1,
        "Rank of the change that --tune makes to a layer's weights; 0 changes the biases alone.",
        option="--tune-rank",
        metavar="R",
        least=0,
        rank=29,
    )
    last: int | None = setting(
        None,
        "--tune changes the last N layers only, not all behind --layer.",
        option="--tune-last",
        metavar="N",
        least=1,
        rank=29,
    )
    locality: float = setting(
        0.0,
        "Weight of a term that lets --tune change the pictures of other, near codes as little as possible.",
        option="--tune-locality",
        metavar="X",
        least=0.0,
        rank=29,
    )
    nearness: float = 0.5

    def __post_init__(self):
        advice = "`jp.MultiCode()` is one"
        kind_of("codes", self.codes, Codes, "what is found before the tuning, for example jp.MultiCode", advice)
        if isinstance(self.codes, TunedCode):
            raise ArgumentError("`codes` are tuned already: give the codes inside of them.")
        for name in ("steps", "rank"):
            whole_number(name, getattr(self, name), least=0)
        if self.last is not None:
            whole_number("last", self.last, least=1)
        real_number("locality", self.locality, least=0)
        real_number("nearness", self.nearness, above=0)

    @property
    def num_codes(self) -> int:
        """N, the number of latent codes."""
        return self.codes.num_codes

    @property
    def layer(self) -> int:
        """Layer at which the generator is cut; the layers behind it are changed."""
        return self.codes.layer

    def init(self, generator: Any, key: Array, *, z: Array | None = None) -> Latents:
        """Latents of one image at the start: those of the codes, and "change", which changes nothing yet.

        Arguments:
            generator, key, z: as of the codes.
        """
        return {**self.codes.init(generator, key, z=z), CHANGE: self.no_change(generator, key)}

    def no_change(self, generator: Any, key: Array) -> dict[str, dict[str, Array]]:
        """A change to begin with, which changes nothing: U and c are zero, D is drawn from N(0, 1/i).

        Arguments:
            generator: cut at the codes' layer, with `tail_layers` and `changed` (`jaxprior.protocols.Tunable`).
            key: of what is drawn.

        Returns:
            By the layer's name, {"down": D [i, r], "up": U [r, i], "bias": c [o]}.

        Raises:
            ArgumentError: the generator cannot be changed.
        """
        if not hasattr(generator, "tail_layers"):
            raise ArgumentError(
                f"This generator, {type(generator).__name__}, cannot be tuned: it has no `tail_layers` and no "
                "`changed` (see `jaxprior.protocols.Tunable`); leave the tuning out."
            )
        layers = list(generator.tail_layers().items())
        layers = layers if self.last is None else layers[-self.last :]
        keys = jax.random.split(jax.random.fold_in(key, CHANGE_STREAM), len(layers))
        return {name: self._of_layer(k, *widths) for k, (name, widths) in zip(keys, layers, strict=True)}

    def _of_layer(self, key: Array, inputs: int, outputs: int) -> dict[str, Array]:
        bias = {"bias": jnp.zeros(outputs)}
        if not self.rank:
            return bias
        down = jax.random.normal(key, (inputs, self.rank)) / inputs**0.5
        return {"down": down, "up": jnp.zeros((self.rank, inputs)), **bias}

    def synthesize(self, generator: Any, latents: Latents) -> Array:
        """The image [*image_shape] of the codes, made by the changed generator. No gradient reaches the codes."""
        return self.codes.synthesize(generator.changed(latents[CHANGE]), self._pivot(latents))

    def penalty(self, generator: Any, latents: Latents) -> Array:
        """The locality term: how far pictures of other codes near those found have moved, times its weight."""
        if not self.locality:
            return jnp.zeros(())
        near = self._pivot(latents)
        noise = jax.random.normal(jax.random.key(NEAR_STREAM), near["z"].shape)
        near["z"] = near["z"] + self.nearness * noise
        before = jax.lax.stop_gradient(self.codes.synthesize(generator, near))
        after = self.codes.synthesize(generator.changed(latents[CHANGE]), near)
        return self.locality * jnp.mean(jnp.square(after - before))

    def constrain(self, latents: Latents, key: Array) -> Latents:
        """Latents after an update; a change of the weights has no constraint."""
        return latents

    def _pivot(self, latents: Latents) -> Latents:
        """The latents of the codes alone, which stay as they were found."""
        found = {name: part for name, part in latents.items() if name != CHANGE}
        return jax.lax.stop_gradient(found)
