"""Priors: a generator with frozen parameters, what was trained beside it, and a card that says where it comes from.

A `Prior` is a pytree: parameters are leaves, architecture and card are static. Pass it to your jitted functions as
an argument; a prior that is closed over is baked into the program (slow compilation, twice the memory).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax

from jaxprior.checks import float_array, is_array, kind_of, one_of, random_key, whole_number
from jaxprior.data import html
from jaxprior.errors import ArgumentError, WeightsError
from jaxprior.pytrees import count, shape_text, static, summary
from jaxprior.system.devices import default_platform
from jaxprior.system.runtime import MATMUL_PRECISION
from jaxprior.weights import loader, storage
from jaxprior.weights.card import Card
from jaxprior.weights.channels import check_image_channels
from jaxprior.weights.critics import Critic
from jaxprior.weights.cut import CutGenerator
from jaxprior.weights.encoders import Encoder, load_encoder
from jaxprior.weights.identity import identity, sizes_of
from jaxprior.weights.tree import checked, described


Array = jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True, repr=False)
class Prior:
    """A trained generator.

    Fields:
        module: the architecture, a `jaxprior.protocols.Generator`; params: its parameters, float32.
        critic: the critic that was trained beside it, or None.
        encoder: an encoder that belongs to it (`jaxprior.load_encoder`), or None.
        card: where it comes from, and its default settings.
    """

    module: Any = static()
    params: Any
    critic: Critic | None = None
    encoder: Encoder | None = None
    card: Card = static(default=Card({}))

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one image, (h, w, c)."""
        return self.module.image_shape

    @property
    def resolution(self) -> int:
        """Pixels of a side, where the images are square.

        Raises:
            ValueError: they are not; `image_shape` tells both sides.
        """
        if len(set(self.image_shape[:-1])) > 1:
            raise ValueError(f"this prior's images are not square: their shape is {shape_text(self.image_shape)}")
        return self.image_shape[0]

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
        """What codes were drawn from in its training, one of `jaxprior.nn.latent.DISTRIBUTIONS`; the card says it."""
        return self.card.get("codes", "normal")

    @property
    def sha256(self) -> str:
        """Identity of the weights: the card's, or computed for a prior that never was a file.

        Options of the network, which the weights do not show, are part of it where the card states any.
        """
        if not self.card.get("sha256"):
            return storage.weights_digest({"generator": jax.device_get(self.params)})
        sizes = sizes_of(self.card)
        return identity(self.card["sha256"], sizes.options if sizes else ())

    def __repr__(self) -> str:
        name = self.card.get("name", "no name")
        architecture = self.card.get("architecture", type(self.module).__name__)
        return summary(self, f"{name}: {architecture}, {shape_text(self.image_shape)}", self.params)

    def _repr_html_(self) -> str:
        """What a notebook shows: what the prior makes, how large it is, and where it comes from."""
        card = self.card
        rows = {"prior": card.get("name"), "shows": card.get("subject"), "trained on": card.get("source")}
        rows |= {"licence": card.get("licence"), "network": card.get("architecture")}
        rows |= {"images": shape_text(self.image_shape), "numbers in a latent code": self.latent_dim}
        rows |= {"layers": self.num_layers, "parameters": f"{count(self.params):,}"}
        parts = (("critic", self.critic), ("encoder", self.encoder))
        rows["with it"] = ", ".join(name for name, part in parts if part is not None) or None
        return html.table({name: value for name, value in rows.items() if value is not None})

    def channels(self, layer: int) -> int:
        """Feature maps after the first `layer` blocks.

        Raises:
            ArgumentError: no whole number. ValueError: the layer does not exist.
        """
        return self.module.channels(whole_number("layer", layer))

    def generate(self, z: Array) -> Array:
        """Codes [b, latent_dim] -> images [b, *image_shape], roughly in [-1, 1].

        Raises:
            ArgumentError: codes of another shape, for example one code without the axis b.

        Example:
            >>> prior = load_prior()
            >>> prior.generate(jax.random.normal(jax.random.key(0), (2, prior.latent_dim))).shape[0]
            2
        """
        return self.module.apply({"params": self.params}, self._codes(z))

    def head(self, z: Array, layer: int) -> Array:
        """Codes [b, latent_dim] -> features [b, *space, channels(layer)] after the first `layer` blocks.

        Raises:
            ArgumentError: codes of another shape. ValueError: a layer that does not exist.
        """
        self.channels(layer)
        return self.module.apply({"params": self.params}, self._codes(z), layer, method="head")

    def tail(self, features: Array, layer: int) -> Array:
        """Features after the first `layer` blocks -> images [b, *image_shape].

        Raises:
            ArgumentError: features of another shape. ValueError: a layer that does not exist.
        """
        space, channels = "dhw"[-(len(self.image_shape) - 1) :], self.channels(layer)
        meaning = f"features after layer {layer}"
        float_array("features", features, ("b", *space, channels), meaning=meaning, advice="`head` makes them of codes")
        images = self.module.apply({"params": self.params}, features, layer, method="tail")
        if tuple(images.shape[1:]) != tuple(self.image_shape):
            raise ArgumentError(
                f"`features` must have the size of layer {layer}, got {list(features.shape)}, which makes images of "
                f"{shape_text(images.shape[1:])}; `head` makes them of codes."
            )
        return images

    def _codes(self, z: Array) -> Array:
        """Codes, if they are [b, latent_dim]."""
        advice = "`z[None]` makes a batch of one code" if is_array(z) and len(z.shape) == 1 else ""
        return float_array("z", z, ("b", self.latent_dim), meaning="a batch of latent codes", advice=advice)

    def split(self, layer: int, *, precision: str = "fp32", platform: str | None = None) -> CutGenerator:
        """Prepare inversion at a layer.

        Arguments:
            layer: composing layer, 1 to `num_layers`.
            precision: "bf16" computes the convolutions in bfloat16; "fp32" and "tf32" in float32.
            platform: kind of device that it is prepared for, "cpu", "gpu" or "tpu"; JAX's default where None.

        Raises:
            ArgumentError: no whole number as layer, or an unknown precision. ValueError: the layer does not exist.
        """
        self.channels(layer)
        one_of("precision", precision, MATMUL_PRECISION)
        platform = kind_of("platform", platform or default_platform(), str, 'a kind of device, "cpu", "gpu" or "tpu"')
        module, params = self.module.freeze(self.params, platform=platform, precision=precision)
        return CutGenerator(module=module, layer=layer, params=params, code_distribution=self.code_distribution)


def load_prior(source: str | Path | None = None) -> Prior:
    """Load a trained prior, with the encoder that its file holds or that lies beside a bundled or installed one.

    Arguments:
        source: None for the best bundled prior; the name of a bundled or installed one ("cats32"); a .safetensors
            file; or the folder of a training run.

    Raises:
        WeightsError: the name is unknown, or the file is damaged, does not fit its architecture, or is no prior.

    Example:
        >>> load_prior("cats32").resolution
        32
    """
    source = loader.prior_file(None) if source is None else source
    prior = loader.load(source, role="prior")
    path = loader.encoder_beside(loader.find(source, role="prior"))
    return prior if path is None else replace(prior, encoder=load_encoder(path))


def build_prior(params: Mapping, card: Mapping, *, where: str = "these weights") -> Prior:
    """Make a `Prior` of parameters and a card; every name and shape is checked.

    Arguments:
        params: {"generator": tree, "critic": tree (optional)}, of any float type; kept as float32.
        card: see `weights.save_weights`; `architecture` and `config` are used.
        where: named in errors' sentences.

    Raises:
        WeightsError: the architecture is unknown or no generator, or names or shapes do not match it.
    """
    return loader.build(params, card, role="prior", where=where)


def assemble(params: Mapping, card: Mapping, where: str, *, networks: Callable[[Mapping], tuple[Any, Any]]) -> Prior:
    """What a family's function for the role "prior" does: check the weights of a generator and of its critic.

    Arguments:
        params, card, where: see `build_prior`.
        networks: function from a card's config to the untrained (generator, critic), both with a method `init_params`;
            it raises KeyError, TypeError or ValueError where the config describes none. The critic may be None.

    Raises:
        WeightsError: see `build_prior`.
    """
    generator, critic = described(card, networks, where=where)
    check_image_channels(generator.image_shape[-1], where=where)
    if "generator" not in params and "critic" in params:
        raise WeightsError(
            f"{where}: it holds a critic (discriminator) alone, which tells real pictures from generated ones and "
            "makes none; a prior is a generator"
        )
    key = jax.eval_shape(lambda: jax.random.key(0))
    expected = jax.eval_shape(generator.init_params, key)
    weights = checked(params.get("generator", {}), expected, where=f"{where}: generator")
    trained = None
    if "critic" in params:
        expected = jax.eval_shape(critic.init_params, key) if critic else {}
        trained = Critic(module=critic, params=checked(params["critic"], expected, where=f"{where}: critic"))
    return Prior(module=generator, params=weights, critic=trained, card=Card(card))


def untrained(prior: Prior, *, key: Array) -> Prior:
    """The same architecture with random weights: the control that shows what the training is worth.

    Arguments:
        prior: a trained one.
        key: the random weights come from it.

    Returns:
        A `Prior` without critic and encoder, whose card keeps the default settings and says "untrained".

    Raises:
        ArgumentError: something else than a prior or a random key.
    """
    kind_of("prior", prior, Prior, "a prior", "`load_prior` loads one")
    params = prior.module.init_params(random_key("key", key))
    card = {**prior.card, "name": f"untrained {prior.card.get('name')}", "source": "random weights"}
    card.pop("sha256", None)
    return replace(prior, params=params, critic=None, encoder=None, card=Card(card))


def list_priors() -> list[Card]:
    """Cards of the priors that have names: the bundled ones, best first, then those that are installed.

    Warns:
        JaxpriorWarning: an installed prior cannot be read; it is left out.

    Example:
        >>> [card["name"] for card in list_priors()][:2]
        ['cats64', 'lsgan-cats64']
    """
    return loader.prior_cards()
