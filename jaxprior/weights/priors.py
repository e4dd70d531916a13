"""Priors: a generator with frozen parameters, what was trained beside it, and a card that says where it comes from.

A `Prior` is a pytree: parameters are leaves, architecture and card are static. Pass it to your jitted functions as
an argument; a prior that is closed over is baked into the program (slow compilation, twice the memory).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from jaxprior.errors import WeightsError
from jaxprior.models.dcgan import networks as dcgan
from jaxprior.models.pggan import networks as pggan
from jaxprior.nn.pooling import upsample
from jaxprior.system.devices import CPU, default_platform
from jaxprior.weights import storage
from jaxprior.weights.card import Card


Array = jax.Array

RUN_WEIGHTS = "model.safetensors"
"""What every training run keeps up to date, and `load_prior(RUN)` reads."""


_static = partial(field, metadata={"static": True})


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Critic:
    """A trained critic with frozen parameters.

    Fields:
        module: the network; params: its parameters.
    """

    module: Any = _static()
    params: Any

    def __call__(self, images: Array) -> Array:
        """Scores [b] of images [b, r, r, c] in [-1, 1], each image by itself (no minibatch statistics); higher is more
        real."""
        return jax.vmap(lambda image: self.module.apply({"params": self.params}, image[None])[0])(images)

    def features(self, images: Array) -> tuple[Array, ...]:
        """Feature maps of images, finest first, each image by itself: a perceptual embedding.

        Arguments:
            images: [b, r, r, c] in [-1, 1]; smaller ones are enlarged to the nearest pixel first, by a whole factor.

        Raises:
            ValueError: the critic's r is no multiple of the images' side.
        """
        r, side = self.module.resolution, images.shape[1]
        if r % side or images.shape[1] != images.shape[2]:
            raise ValueError(f"this critic compares square images whose side divides {r}, got {images.shape[1:3]}")
        images = upsample(images, r // side)
        return self.module.apply({"params": self.params}, images, method="features")


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class SplitGenerator:
    """A generator cut at one layer, prepared for inversion: what the engine sees. Made by `Prior.split`.

    Fields:
        module, layer: network and cut; params: its prepared parameters (constants multiplied in, phase kernels).
        recompute: for the gradient, compute head and tail again instead of keeping what is inside.
        at_once: codes that go through the head at once; None for all.
        code_distribution: what codes are drawn from, "normal" or "uniform".
    """

    module: Any = _static()
    layer: int = _static()
    params: Any
    recompute: bool = _static(default=False)
    at_once: int | None = _static(default=None)
    code_distribution: str = _static(default="normal")

    @property
    def latent_dim(self) -> int:
        """Length of a latent code."""
        return self.module.latent_dim

    @property
    def channels(self) -> int:
        """Feature maps at the cut."""
        return self.module.channels(self.layer)

    def head(self, z: Array) -> Array:
        """Codes [n, d] -> features [n, h, w, c] at the cut."""
        if self.at_once is None:
            return self._part("head")(z)
        # A loop, so that neither the loop's body nor its gradient has more codes in memory at a time.
        one = jax.checkpoint(lambda code: self._part("head")(code[None])[0], prevent_cse=False)
        return jax.lax.map(one, z, batch_size=self.at_once)

    def tail(self, features: Array) -> Array:
        """Features [b, h, w, c] at the cut -> images [b, r, r, 3], float32."""
        return self._part("tail")(features)

    def _part(self, method: str) -> Callable[[Array], Array]:
        def part(x: Array) -> Array:
            return self.module.apply({"params": self.params}, x, self.layer, method=method)

        return jax.checkpoint(part) if self.recompute else part

    def __call__(self, z: Array) -> Array:
        """Codes [n, d] -> images [n, r, r, 3]."""
        return self.tail(self.head(z))


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Prior:
    """A trained generator.

    Fields:
        module: architecture (a Flax module with `head`, `tail`, `resolution`, `latent_dim`, `num_layers`, `channels`).
        params: its parameters, float32.
        critic: the critic trained beside it, or None; encoder: an encoder trained for it, or None.
        card: where it comes from and its default settings.
    """

    module: Any = _static()
    params: Any
    critic: Critic | None = None
    encoder: Any = None
    card: Card = _static(default=Card({}))

    @property
    def resolution(self) -> int:
        """Pixels of a side."""
        return self.module.resolution

    @property
    def latent_dim(self) -> int:
        """Length of a latent code."""
        return self.module.latent_dim

    @property
    def num_layers(self) -> int:
        """Number of convolution blocks: composing layers go from 1 to this."""
        return self.module.num_layers

    @property
    def code_distribution(self) -> str:
        """What codes were drawn from in its training: "normal", N(0, 1), or "uniform", U(-1, 1); the card says it."""
        return self.card.get("codes", "normal")

    @property
    def sha256(self) -> str:
        """Identity of the weights: the card's, or computed for a prior that never was a file."""
        return self.card.get("sha256") or storage.weights_digest({"generator": jax.device_get(self.params)})

    def channels(self, layer: int) -> int:
        """Feature maps after the first `layer` blocks."""
        return self.module.channels(layer)

    def generate(self, z: Array) -> Array:
        """Codes [b, latent_dim] -> images [b, r, r, 3], roughly in [-1, 1].

        Example:
            >>> prior = load_prior()
            >>> prior.generate(jax.random.normal(jax.random.key(0), (2, prior.latent_dim))).shape[0]
            2
        """
        return self.module.apply({"params": self.params}, z)

    def head(self, z: Array, layer: int) -> Array:
        """Codes [b, latent_dim] -> features [b, h, w, channels(layer)] after the first `layer` blocks."""
        return self.module.apply({"params": self.params}, z, layer, method="head")

    def tail(self, features: Array, layer: int) -> Array:
        """Features after the first `layer` blocks -> images [b, r, r, 3]."""
        return self.module.apply({"params": self.params}, features, layer, method="tail")

    def split(self, layer: int, *, precision: str = "fp32", platform: str | None = None) -> SplitGenerator:
        """Prepare inversion at a layer.

        Arguments:
            layer: composing layer, 1 to `num_layers`.
            precision: "bf16" computes the convolutions in bfloat16; "fp32" and "tf32" in float32.
            platform: kind of device that it is prepared for, "cpu", "gpu" or "tpu"; JAX's default where None.

        Raises:
            ValueError: the layer does not exist.
        """
        self.channels(layer)
        on_cpu = (platform or default_platform()) == CPU
        module, params = self.module.freeze(self.params, winograd=on_cpu and precision != "bf16")
        if precision == "bf16":
            module = module.clone(dtype=jnp.bfloat16)
        return SplitGenerator(
            module=module, layer=layer, params=params, code_distribution=self.code_distribution
        )


ARCHITECTURES = {"pggan": pggan.from_config, "dcgan": dcgan.from_config}
"""Card's architecture -> function of its config that makes (generator, critic)."""


def load_prior(source: str | Path | None = None) -> Prior:
    """Load a trained prior.

    Arguments:
        source: None for the best bundled prior; the name of a bundled one ("cats32"); a .safetensors file; or the
            folder of a training run.

    Raises:
        WeightsError: unknown name, or a file that is damaged or does not fit its architecture.

    Example:
        >>> load_prior("cats32").resolution
        32
    """
    path = _find(source)
    params, card = storage.load_weights(path)
    return build_prior(params, card, where=str(path))


def build_prior(params: Mapping, card: Mapping, *, where: str = "these weights") -> Prior:
    """Make a `Prior` of parameters and a card; every name and shape is checked.

    Arguments:
        params: {"generator": tree, "critic": tree (optional)}, any float type; kept as float32.
        card: see `weights.save_weights`; `architecture` and `config` are used.
        where: named in error messages.

    Raises:
        WeightsError: unknown architecture, or names or shapes that do not match it.
    """
    generator, critic = make_networks(card, where=where)
    check = partial(_check, where=where)
    check(params.get("generator", {}), generator, "generator")
    if "critic" in params:
        check(params["critic"], critic, "critic")
    wide = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), dict(params))
    trained = Critic(module=critic, params=wide["critic"]) if "critic" in params else None
    return Prior(module=generator, params=wide["generator"], critic=trained, card=Card(card))


def make_networks(card: Mapping, *, where: str = "this card") -> tuple[Any, Any]:
    """The untrained (generator, critic) modules that a card describes."""
    name = card.get("architecture")
    if name not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise WeightsError(
            f"{where}: its card names the architecture {name!r}; generators are: {known} (feature networks are for "
            "`load_features` or --features)"
        )
    try:
        return ARCHITECTURES[name](card["config"])
    except (KeyError, TypeError) as error:
        raise WeightsError(f"{where}: its card's `config` does not describe a {name} network: {error}") from None


def untrained(prior: Prior, *, key: Array) -> Prior:
    """The same architecture with random weights: the control that shows what the training is worth.

    Arguments:
        prior: a trained one.
        key: the random weights come from it.

    Returns:
        A `Prior` without a critic, whose card keeps the default settings and says "untrained".
    """
    params = prior.module.init_params(key)
    card = {**prior.card, "name": f"untrained {prior.card.get('name')}", "source": "random weights"}
    card.pop("sha256", None)
    return replace(prior, params=params, critic=None, card=Card(card))


def list_priors() -> list[Card]:
    """Cards of the bundled priors, best first."""
    cards = [Card(storage.read_card(path)) for path in _bundled().values()]
    return sorted(cards, key=lambda card: (-card["config"]["resolution"], card["name"]))


def _bundled() -> dict[str, Path]:
    folder = Path(str(resources.files("jaxprior") / "assets"))
    return {path.parent.name: path for path in sorted(folder.glob(f"*/{RUN_WEIGHTS}"))}


def _find(source: str | Path | None) -> Path:
    bundled = _bundled()
    if source is None:
        if not bundled:
            raise WeightsError("no prior is bundled with this installation; name a .safetensors file or a training run")
        return bundled[list_priors()[0]["name"]]
    if str(source) in bundled:
        return bundled[str(source)]
    path = Path(source)
    if path.is_dir():
        path = path / RUN_WEIGHTS
    if path.is_file():
        return path
    names = ", ".join(bundled) or "none"
    raise WeightsError(f"{source}: neither a bundled prior ({names}), nor a .safetensors file, nor a training run")


def _check(params: Mapping, module: Any, part: str, *, where: str) -> None:
    expected = jax.eval_shape(module.init_params, jax.random.key(0))
    try:
        storage.check_matches(params, expected)
    except WeightsError as error:
        raise WeightsError(f"{where}: {part}: {error}") from None
