"""A generator cut at one layer: its head makes features of codes, and its tail makes images of composed features."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax

from jaxprior.checks import float_array
from jaxprior.errors import ArgumentError
from jaxprior.nn.changed import changing, recording
from jaxprior.pytrees import shape_text, static, summary


Array = jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True, repr=False)
class CutGenerator:
    """A generator cut at one layer, prepared for inversion: what the engine sees. Made by `Prior.split`.

    Fields:
        module, layer: network and cut; params: its prepared parameters (constants multiplied in, phase kernels).
        recompute: for the gradient, compute head and tail again instead of keeping what is inside.
        at_once: codes that go through the head at once; None for all.
        code_distribution: what codes are drawn from, one of `jaxprior.nn.latent.DISTRIBUTIONS`.
        change: of the weights of its layers, as `changed` takes it, or None.
    """

    module: Any = static()
    layer: int = static()
    params: Any
    recompute: bool = static(default=False)
    at_once: int | None = static(default=None)
    code_distribution: str = static(default="normal")
    change: Any = None

    @property
    def latent_dim(self) -> int:
        """Length of a latent code."""
        return self.module.latent_dim

    @property
    def channels(self) -> int:
        """Feature maps at the cut."""
        return self.module.channels(self.layer)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one image, (h, w, c)."""
        return self.module.image_shape

    def head(self, z: Array) -> Array:
        """Codes [n, d] -> features [n, *space, channels] at the cut."""
        float_array("z", z, ("n", self.latent_dim), meaning="a batch of latent codes")
        if self.at_once is None:
            return self._part("head")(z)
        # A loop, so that neither the loop's body nor its gradient has more codes in memory at a time.
        one = jax.checkpoint(lambda code: self._part("head")(code[None])[0], prevent_cse=False)
        return jax.lax.map(one, z, batch_size=self.at_once)

    def tail(self, features: Array) -> Array:
        """Features [b, *space, channels] at the cut -> images [b, *image_shape], float32."""
        return self._part("tail")(features)

    def tail_layers(self) -> dict[str, tuple[int, int]]:
        """The layers of the tail by their names, in order, with their channels in and out. Nothing is computed."""
        found: dict[str, tuple[int, int]] = {}

        def image(generator: CutGenerator, z: Array) -> Array:
            features = generator.head(z)
            with recording(found):
                return generator.tail(features)

        jax.eval_shape(image, self, jax.ShapeDtypeStruct((1, self.latent_dim), jax.numpy.float32))
        return found

    def changed(self, change: Mapping[str, Mapping[str, Array]]) -> "CutGenerator":
        """The same with changed weights of some layers, as `jaxprior.nn.changed.changing` says them."""
        return replace(self, change=change)

    def draw(self, key: Array) -> dict[str, Array]:
        """What one image of an untrained network begins with: {"z": weights [latent_dim], "input": its noise}.

        Raises:
            ArgumentError: the generator is a trained one.
        """
        if not hasattr(self.module, "draw"):
            raise ArgumentError(
                f"This generator, {type(self.module).__name__}, is a trained one: `jp.NetworkCode` (`--codes-kind "
                "network`) finds the weights of an untrained network. Take other codes, or `jp.deep_image_prior`."
            )
        return self.module.apply({"params": self.params}, key, method="draw")

    def made_by(self, weights: Array, given: Array) -> Array:
        """The image [*image_shape] that an untrained network of weights [latent_dim] makes of an input."""

        def made(weights: Array) -> Array:
            return self.module.apply({"params": self.params}, weights, given, method="made_by")

        return (jax.checkpoint(made) if self.recompute else made)(weights)

    def _part(self, method: str) -> Callable[[Array], Array]:
        def part(x: Array) -> Array:
            with contextlib.nullcontext() if self.change is None else changing(self.change):
                return self.module.apply({"params": self.params}, x, self.layer, method=method)

        return jax.checkpoint(part) if self.recompute else part

    def __call__(self, z: Array) -> Array:
        """Codes [n, d] -> images [n, *image_shape]."""
        return self.tail(self.head(z))

    def __repr__(self) -> str:
        what = f"{type(self.module).__name__} cut at layer {self.layer}, {shape_text(self.image_shape)}"
        return summary(self, what, self.params)
