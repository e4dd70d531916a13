"""Changing attributes of pictures (Perarnau et al., 2016): read code and label, change the label, generate again.

    encoder     a picture's code z and label y are what encoders read of it
    steps       then, if asked for, gradient steps of the engine improve z while the label stays as it is
    change      the label is changed and the generator makes the picture of it, with the same z

So a result is generated as a whole: what the generator cannot show is lost, with the label changed or not. `rebuilt`
is the picture before the change, and tells what was lost.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from jaxprior.checks import is_array, kind_of, random_key, whole_number
from jaxprior.errors import ArgumentError
from jaxprior.inversion.codes.held import HeldCode
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.inversion.starts.given import GivenStart
from jaxprior.operators import Operator
from jaxprior.restoration.drivers import invert
from jaxprior.weights.attributes import AttributeModel


Array = jax.Array

LEARNING_RATE = 0.05
"""Of the steps that improve codes."""


@dataclass(frozen=True, kw_only=True)
class ChangedPictures:
    """Pictures with other labels.

    Fields:
        images: the changed pictures, [b, h, w, c] in [-1, 1].
        rebuilt: the same without the change: what the generator makes of each picture's own code and label.
        z: their codes, [b, d].
        own: the labels that were read of the pictures, [b, k] of -1 and 1; wanted: those that they were given.
        before: what the judge reads in the pictures; after: what it reads in the changed ones, [b, k].
    """

    images: Array
    rebuilt: Array
    z: Array
    own: Array
    wanted: Array
    before: Array
    after: Array


def codes_with_labels(
    model: AttributeModel,
    photos: Array,
    *,
    labels: Any = None,
    steps: int = 0,
    task: Operator | None = None,
    key: Array | None = None,
) -> tuple[Array, Array]:
    """Codes of pictures whose labels are held: what the encoders read, then steps of the engine.

    Arguments:
        model: from `load_attribute_model`.
        photos: [b, h, w, c] in [-1, 1], of the model's size; with a task, what was observed, of the same shape.
        labels: [b, k] or [k] of -1 and 1, or a class, where they are known; those that the encoder reads if None.
        steps: gradient steps that bring the image of the code nearer to the picture; 0 takes the encoder's code.
        task: a forward operator, where the pictures are damaged; it decides what the steps compare. The encoder sees
            what was observed as it is.
        key: one random key, for operators with chance; one of a fixed seed if None.

    Returns:
        (z [b, d], labels [b, k]).

    Raises:
        ImageError, ArgumentError, ValueError: arguments of another kind, range or shape.

    Example:
        >>> z, labels = codes_with_labels(model, photos, labels="seven", steps=50)  # your pictures # doctest: +SKIP
    """
    kind_of("model", model, AttributeModel, "a model of attributes", "`load_attribute_model` loads one")
    whole_number("steps", steps, least=0)
    z, own = model.encode(photos)
    labels = own if labels is None else jnp.broadcast_to(jnp.asarray(model.label(labels), jnp.float32), own.shape)
    if not steps:
        return z, labels
    result = invert(
        model.prior,
        photos,
        task,
        key=jax.random.key(0) if key is None else random_key("key", key),
        codes=HeldCode(held=len(model.names)),
        objective=Objective(pixel="l2"),
        solve=Solve(steps=steps, optimizer="adam", learning_rate=LEARNING_RATE),
        start=GivenStart({"z": model.codes(z, labels)}),
    )
    return result.latents["z"][:, : model.code_length], labels


def change_attributes(model: AttributeModel, photos: Array, wanted: Any, *, steps: int = 0) -> ChangedPictures:
    """Give pictures other labels and keep the rest.

    Arguments:
        model: from `load_attribute_model`.
        photos: [b, h, w, c] in [-1, 1], of the model's size.
        wanted: a class ("seven"); attributes to be changed ({"smiling": 1, "hat": 0}), all others staying as they are
            read; or labels [b, k] or [k] of -1 and 1.
        steps: gradient steps for each code before the change, see `codes_with_labels`.

    Raises:
        ImageError, ArgumentError, ValueError: pictures of another size, an unknown label, or a value that is none.

    Example:
        >>> changed = change_attributes(model, photos, {"smiling": 1})  # your pictures # doctest: +SKIP
    """
    z, own = codes_with_labels(model, photos, steps=steps)
    labels = model.label(wanted, given=own)
    labels = jnp.asarray(labels, jnp.float32)
    labels = jnp.broadcast_to(labels[None], own.shape) if labels.ndim == 1 else labels
    images = model.generate(z, labels)
    return ChangedPictures(
        images=images, rebuilt=model.generate(z, own), z=z, own=own, wanted=labels,
        before=model.judge_of(photos), after=model.judge_of(images),
    )  # fmt: skip


def swap_attributes(model: AttributeModel, first: Array, second: Array, *, steps: int = 0) -> ChangedPictures:
    """Exchange the labels of two pictures.

    Arguments:
        model: from `load_attribute_model`.
        first, second: pictures [h, w, c] in [-1, 1].
        steps: see `codes_with_labels`.

    Returns:
        The two pictures, the first with the label that was read of the second, and the other way round.

    Raises:
        ImageError, ArgumentError: pictures of another size.

    Example:
        >>> swapped = swap_attributes(model, photos[0], photos[1])  # your pictures # doctest: +SKIP
    """
    both = _pair(first, second)
    _, own = model.encode(both)
    return change_attributes(model, both, own[::-1], steps=steps)


def interpolate_attributes(
    model: AttributeModel, first: Array, second: Array, *, frames: int = 8, steps: int = 0
) -> Array:
    """Go from one picture to another, codes and labels together, in equal steps.

    Arguments:
        model: from `load_attribute_model`.
        first, second: pictures [h, w, c] in [-1, 1].
        frames: how many pictures, both ends included.
        steps: see `codes_with_labels`.

    Returns:
        Images [frames, h, w, c] in [-1, 1]. The ends are the two pictures as the generator makes them.

    Raises:
        ImageError, ArgumentError: pictures of another size, or fewer than two frames.

    Example:
        >>> frames = interpolate_attributes(model, photos[0], photos[1])  # your pictures # doctest: +SKIP
    """
    whole_number("frames", frames, least=2)
    z, labels = codes_with_labels(model, _pair(first, second), steps=steps)
    share = jnp.linspace(0.0, 1.0, frames)[:, None]
    return model.generate((1 - share) * z[:1] + share * z[1:], (1 - share) * labels[:1] + share * labels[1:])


def _pair(first: Array, second: Array) -> Array:
    for name, one in (("first", first), ("second", second)):
        if not is_array(one) or one.ndim != 3:
            raise ArgumentError(f"`{name}` must be one picture [h, w, c], got {getattr(one, 'shape', one)!r}.")
    if first.shape != second.shape:
        raise ArgumentError(f"`second` must be a picture of the size of `first`, {first.shape}, got {second.shape}.")
    return jnp.stack([jnp.asarray(first), jnp.asarray(second)])
