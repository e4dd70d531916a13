"""Attribute models: a generator that is told the label, with networks that read code and label of a picture.

    model = load_attribute_model("runs/digits")
    z, labels = model.encode(photos)                    # [b, d], and [b, k] of -1 and 1
    model.generate(z, labels)                           # the pictures again
    model.generate(z, model.label("seven"))             # the same hand writes a seven
    model.judge_of(photos)                              # what a network says that has taught none of the others

Like a prior a model is a pytree, an argument of compiled functions. `jaxprior.restoration.attributes` changes pictures.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.checks import float_array
from jaxprior.data.labels import number_of, spelled
from jaxprior.data.ranges import require_pictures
from jaxprior.errors import ArgumentError
from jaxprior.pytrees import shape_text, static, summary
from jaxprior.weights import loader
from jaxprior.weights.priors import Prior


Array = jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True, repr=False)
class Reader:
    """A network with frozen parameters that reads numbers of images.

    Fields:
        module: the network; params: its parameters, float32.
    """

    module: Any = static()
    params: Any

    def __call__(self, images: Array) -> Array:
        """What it says of images [b, h, w, c] in [-1, 1]: numbers [b, n]."""
        return self.module.apply({"params": self.params}, images)

    def __repr__(self) -> str:
        return summary(self, type(self.module).__name__, self.params)


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True, repr=False)
class AttributeModel:
    """A conditional generator and what reads pictures for it. Made by `load_attribute_model`.

    Fields:
        prior: the generator as a prior; the last numbers of its codes stand for the label.
        code_encoder, label_encoder: read code and label of a picture.
        judge: reads labels too, and has taught none of the other networks.
        names: of the labels.
        exclusive: whether they are classes, of which every picture has one; otherwise attributes.
        settle: function (numbers read [b, k], exclusive=) -> labels of -1 and 1.
        condition: function (prior, label) -> prior of one label.
    """

    prior: Prior
    code_encoder: Reader
    label_encoder: Reader
    judge: Reader
    names: tuple[str, ...] = static()
    exclusive: bool = static()
    settle: Callable[..., Array] = static()
    condition: Callable[[Prior, Any], Prior] = static()

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one image, (h, w, c)."""
        return self.prior.image_shape

    @property
    def code_length(self) -> int:
        """Length d of z, without the label."""
        return self.prior.latent_dim - len(self.names)

    def encode(self, images: Array) -> tuple[Array, Array]:
        """Code and label of pictures.

        Arguments:
            images: [b, h, w, c] in [-1, 1], of the model's size.

        Returns:
            (z [b, d], labels [b, k] of -1 and 1).

        Raises:
            ImageError, ArgumentError: pictures of another range or size.
        """
        images = self._images(images)
        return self.code_encoder(images), self.settle(self.label_encoder(images), exclusive=self.exclusive)

    def judge_of(self, images: Array) -> Array:
        """The labels [b, k], of -1 and 1, that the judge reads; `images` as for `encode`."""
        return self.settle(self.judge(self._images(images)), exclusive=self.exclusive)

    def generate(self, z: Array, labels: Array) -> Array:
        """Images [b, h, w, c] in [-1, 1] of codes and labels.

        Arguments:
            z: [b, d], drawn from N(0, 1) or from `encode`.
            labels: [b, k] of -1 and 1, or one label [k] for all.

        Raises:
            ArgumentError: another shape.
        """
        z = float_array("z", z, ("b", self.code_length), meaning="codes without labels", advice="`encode` reads them")
        labels = self._labels(labels, len(z))
        return self.prior.module.apply({"params": self.prior.params}, (z, labels), method="of_labels")

    def codes(self, z: Array, labels: Array) -> Array:
        """The prior's codes [b, latent_dim] of codes and labels, which `generate` describes."""
        labels = self._labels(labels, len(z))
        return jnp.concatenate([z, self.prior.module.numbers_of(labels)], axis=-1)

    def conditioned(self, label: str | Mapping[str, Any] | Array) -> Prior:
        """A prior of one label, whose codes are z alone: every command of the engine then holds the label.

        Arguments:
            label: a class, a value for every attribute, or an array [k] of -1 and 1.

        Raises:
            ArgumentError: an unknown label, or a shape that is none.
        """
        return self.condition(self.prior, self._labels(self.label(label), 1)[0])

    def label(self, wanted: str | Mapping[str, Any] | Array, given: Any = None) -> Array:
        """A label [k] of -1 and 1, or labels [b, k].

        Arguments:
            wanted: a class; a mapping from names of attributes to 0 and 1 (or False and True, -1 and 1); or an array,
                which is returned.
            given: labels [b, k] of which the attributes that are not named are kept.

        Raises:
            ArgumentError: a name that is not there, a value that is neither 0 nor 1, attributes that are not named
                and not given, or a class where there are attributes and the other way round.
        """
        if isinstance(wanted, str):
            wanted = {wanted: 1}
        if not isinstance(wanted, Mapping):
            return wanted
        values = {
            number_of(name, self.names, exclusive=self.exclusive): _sign(name, value) for name, value in wanted.items()
        }
        if self.exclusive:
            on = [number for number, value in values.items() if value > 0]
            if len(values) != 1 or len(on) != 1:
                raise ArgumentError(
                    f"`label` must be one class, one of {spelled(self.names)}, got {_spelled(wanted)}."
                )
            label = -np.ones(len(self.names), np.float32)
            label[on[0]] = 1.0
            return jnp.asarray(label) if given is None else jnp.broadcast_to(label, np.shape(given))
        if given is None:
            if missing := [name for number, name in enumerate(self.names) if number not in values]:
                raise ArgumentError(f"`label` must have a value for every attribute, got none for {missing[0]}.")
            given = np.zeros(len(self.names), np.float32)
        label = np.array(given, np.float32)
        for number, value in values.items():
            label[..., number] = value
        return jnp.asarray(label)

    def words_of(self, labels: Any) -> list[str]:
        """Labels [b, k] for people: the class, or the attributes that a picture has, with commas between them.

        Names of attributes may hold spaces, but no commas (see `jaxprior.data.labels`).

        Example:
            >>> model.words_of(np.array([[-1, 1, 1]]))  # a trained model # doctest: +SKIP
            ['dark hair, glasses']
        """
        there = [[name for name, value in zip(self.names, row, strict=True) if value > 0] for row in np.asarray(labels)]
        return [", ".join(names) or "none" for names in there]  # a class stands alone, whatever it holds

    def _labels(self, labels: Any, count: int) -> Array:
        """Labels [b, k] of one for all, or of one for each."""
        labels = jnp.asarray(labels, jnp.float32)
        labels = jnp.broadcast_to(labels[None], (count, *labels.shape)) if labels.ndim == 1 else labels
        if labels.shape != (count, len(self.names)):
            raise ArgumentError(
                f"`labels` must be [{count}, {len(self.names)}], a value of -1 or 1 for each of "
                f"{spelled(self.names)}; got {list(labels.shape)}."
            )
        return labels

    def _images(self, images: Array) -> Array:
        images = require_pictures(images, "images")
        advice = "`load_images(paths, size=...)` fits photographs"
        return float_array("images", images, ("b", *self.image_shape), meaning="a batch of pictures", advice=advice)

    def __repr__(self) -> str:
        kind = "classes" if self.exclusive else "attributes"
        return f"AttributeModel({shape_text(self.image_shape)}, {len(self.names)} {kind}: {spelled(self.names[:12])})"


def _sign(name: str, value: Any) -> float:
    """1 or -1 of a value that is 1 or 0, True or False, 1 or -1."""
    if value in (0, 1, -1):
        return 1.0 if value == 1 else -1.0
    raise ArgumentError(f"the value of {name} must be 0 or 1, got {value!r}.")


def _spelled(wanted: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in wanted.items()) or "nothing"


def load_attribute_model(source: str | Path) -> AttributeModel:
    """Load a model that changes attributes of pictures; every name and shape is checked.

    Arguments:
        source: the folder of a run of `jaxprior train icgan`, or its .safetensors file.

    Raises:
        WeightsError: there is none, it is damaged, or it holds another kind of network.

    Example:
        >>> load_attribute_model("runs/digits").names  # needs a trained model # doctest: +SKIP
        ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
    """
    return loader.load(source, role="attributes")
