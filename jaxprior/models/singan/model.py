"""A trained SinGAN, and what every model of a single picture can do (Shaham et al., ICCV 2019, section 2, figure 4).

    x_0 = G_0(a_0 z_0, 0)                x_n = G_n(a_n z_n + up(x_{n-1}), up(x_{n-1}))

where z_n is noise, a_n its amplitude, and x_n the image at scale n. Generators use their running statistics. Methods
that compute images are pure, so that they can be compiled; nothing leaves the device between the scales.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.checks import described, kind_of
from jaxprior.errors import ArgumentError, JaxpriorError
from jaxprior.models.singan import networks
from jaxprior.models.singan.config import Padding, Resize
from jaxprior.models.singan.noise import draw_normals
from jaxprior.models.singan.resizing import resize
from jaxprior.nn.padding import zero_pad
from jaxprior.pytrees import shape_text, static, summary
from jaxprior.weights.card import Card


Array = jax.Array


@runtime_checkable
class SingleImageModel(Protocol):
    """What a trained model of one picture has, whatever its networks pass from scale to scale.

    Attributes:
        architecture: the word in the card of its file; title: what people call it.
    """

    architecture: ClassVar[str]
    title: ClassVar[str]

    @property
    def image(self) -> Array:
        """The picture at the finest scale, [h, w, c] in [-1, 1]."""
        ...

    @property
    def factor(self) -> float | None:
        """By which the picture shrank from one scale to the next coarser one, see `SinGan`."""
        ...

    @property
    def resize(self) -> str:
        """How the picture was shrunk, one of `resizing.RESIZES`."""
        ...

    @property
    def starts_from(self) -> str:
        """What its coarsest scale was trained on: "noise", or, as some ConSinGANs, the picture changed at random."""
        ...

    @property
    def card(self) -> Card:
        """Where the weights come from."""
        ...

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """(height, width) of every scale, coarsest first."""
        ...

    @property
    def image_channels(self) -> int:
        """Number of channels of an image."""
        ...

    @property
    def kept_noises(self) -> list[Array]:
        """The noises from which the picture is reconstructed, one [h, w, c] a scale."""
        ...

    def networks(self) -> list[tuple[int, float]]:
        """(channels, amplitude of the noise) of every scale, for a report page."""
        ...

    def draw_noises(self, key: Array, sizes: Sequence[tuple[int, int]], *, count: int) -> list[Array]:
        """Random noises [count, h, w, c] of the coarsest scales, as `synthesize` takes them."""
        ...

    def entering(self, start: int) -> Any:
        """What enters scale `start` where the picture is reconstructed; None for the coarsest."""
        ...

    def synthesize(self, noises: Sequence[Array], *, below: Any = None, start: int = 0) -> list[Array]:
        """Images [b, h_n, w_n, c] of the scales from `start` on, from one noise [b, h, w, c] a scale.

        Arguments:
            noises: see above.
            below: what enters scale `start`, as `entering` gives it.
            start: the first scale.
        """
        ...

    def draw_scales(self, key: Array, sizes: Sequence[tuple[int, int]], *, count: int, start: int) -> list[Array]:
        """Random images [count, h_n, w_n, c] of every scale; below scale `start` they are the reconstruction's."""
        ...

    def params(self) -> dict:
        """The tensors as the model's file names them."""
        ...

    def config(self) -> dict:
        """What the card of the model's file says of it, as plain JSON values."""
        ...


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Scale:
    """One scale of a trained pyramid.

    Fields:
        generator: its network. variables: the generator's {"params": ...}, and "batch_stats" if its norm has any.
        critic, critic_variables: the same of the critic, or None.
        amplitude: what the noise is multiplied by, a scalar.
        noise: the noise from which the picture is reconstructed, [h, w, c]; with the generator's margin around it where
            the model's padding is "noise".
        size: (height, width) of the images of this scale.
    """

    generator: Any = static()
    variables: Any
    critic: Any = static(default=None)
    critic_variables: Any = None
    amplitude: Array
    noise: Array
    size: tuple[int, int] = static()


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True, repr=False)
class SinGan:
    """A trained pyramid; a pytree, which compiled functions take as an argument. `load_singan` makes it.

    Fields:
        scales: the scales, coarsest first.
        image: the picture at the finest scale, [h, w, c] in [-1, 1].
        factor: by which an image shrinks from one scale to the next coarser one; None takes the ratio of the sizes.
        resize: how images are resized between the scales, one of `resizing.RESIZES`.
        padding: what is put around the noise: "zero", or "noise" (official models for animation). Around images there
            are always zeros.
        coarse_noise_channels: channels of the coarsest scale's noise: 1, which is repeated over all channels, or all.
        card: where the weights come from.
    """

    architecture: ClassVar[str] = "singan"
    title: ClassVar[str] = "SinGAN"

    scales: tuple[Scale, ...]
    image: Array
    factor: float | None = static()
    resize: Resize = static(default="bicubic_u8")
    padding: Padding = static(default="zero")
    coarse_noise_channels: Literal[1, 3] = static(default=1)
    card: Card = static(default=Card({}))

    @property
    def starts_from(self) -> str:
        """What the coarsest scale was trained on: always noise."""
        return "noise"

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """(height, width) of every scale, coarsest first."""
        return tuple(scale.size for scale in self.scales)

    def __repr__(self) -> str:
        shape = shape_text((*self.sizes[-1], self.image_channels))
        what = f"{self.card.get('name', 'no name')}: {len(self.sizes)} scales up to {shape}"
        return summary(self, what, self.params())

    @property
    def image_channels(self) -> int:
        """Number of channels of an image."""
        return self.scales[0].generator.image_channels

    @property
    def kept_noises(self) -> list[Array]:
        """The noises from which the picture is reconstructed, one [h, w, c] a scale."""
        return [scale.noise for scale in self.scales]

    def networks(self) -> list[tuple[int, float]]:
        """(channels, amplitude of the noise) of every scale, for a report page."""
        return [(scale.generator.width, float(scale.amplitude)) for scale in self.scales]

    def enlarge(self, images: Array, size: tuple[int, int]) -> Array:
        """Images of one scale [b, h, w, c] -> what the next finer one of `size` (height, width) starts from."""
        return resize(images, size, scale=None if self.factor is None else 1 / self.factor, method=self.resize)

    def entering(self, start: int) -> Array | None:
        """The image [1, h, w, c] that enters scale `start` of the reconstruction; None for the coarsest."""
        if not start:
            return None
        fixed = [scale.noise[None] for scale in self.scales[:start]]
        return self.enlarge(self.synthesize(fixed)[-1], self.sizes[start])

    def draw_noises(self, key: Array, sizes: Sequence[tuple[int, int]], *, count: int) -> list[Array]:
        """Noises N(0, 1) of the coarsest scales, [count, h, w, c] each, as `synthesize` takes them.

        Arguments:
            key: image i takes its i-th share.
            sizes: (height, width) of the images, coarsest first.
            count: number of images.
        """
        shapes = []
        for n, (scale, (h, w)) in enumerate(zip(self.scales, sizes, strict=False)):
            around = 2 * scale.generator.margin if self.padding == "noise" else 0
            shapes.append((h + around, w + around, self.image_channels if n else self.coarse_noise_channels))
        noises = draw_normals(key, shapes, count=count)
        return [jnp.broadcast_to(noise, (*noise.shape[:3], self.image_channels)) for noise in noises]

    def synthesize(self, noises: Sequence[Array], *, below: Array | None = None, start: int = 0) -> list[Array]:
        """Images of given noises.

        Arguments:
            noises: one [b, h, w, c] a scale from `start` on, as many as scales are wanted; their sizes are those of the
                images (with the generator's margin around them where the padding is "noise").
            below: what enters scale `start`, [b, h, w, c] in [-1, 1] at that scale's size; None is black of zeros.
            start: the first scale.

        Returns:
            The images of these scales, [b, h_n, w_n, c] each; the sum with the image below is not clipped.

        Raises:
            ValueError: there are more noises than scales.
        """
        if not 0 < len(noises) <= len(self.scales) - start or start < 0:
            raise ValueError(f"{len(noises)} noises from scale {start} on; the model has {len(self.scales)} scales")
        images: list[Array] = []
        for scale, noise in zip(self.scales[start:], noises, strict=False):
            margin = scale.generator.margin
            around = 2 * margin if self.padding == "noise" else 0
            size = (noise.shape[1] - around, noise.shape[2] - around)
            if images:
                below = self.enlarge(images[-1], size)
            elif below is None:
                below = jnp.zeros((noise.shape[0], *size, noise.shape[3]), noise.dtype)
            padded = noise if around else zero_pad(noise, margin)
            entering = scale.amplitude * padded + zero_pad(below, margin)
            images.append(scale.generator.apply(scale.variables, entering, below))
        return images

    def draw_scales(self, key: Array, sizes: Sequence[tuple[int, int]], *, count: int, start: int) -> list[Array]:
        """Random images [count, h_n, w_n, c] of every scale; see `singan.draw_scales`, which checks its arguments.

        Arguments:
            key: image i takes its i-th share.
            sizes: (height, width) of the images of every scale.
            count: number of images.
            start: the noises of the scales below it are those of the reconstruction.
        """
        fixed, below = [], None
        if start:
            fixed = self.synthesize([scale.noise[None] for scale in self.scales[:start]])
            fixed = [jnp.broadcast_to(image, (count, *image.shape[1:])) for image in fixed]
            below = self.enlarge(fixed[-1], self.sizes[start])
        noises = self.draw_noises(key, sizes, count=count)
        return [*fixed, *self.synthesize(noises[start:], below=below, start=start)]

    def params(self) -> dict:
        """The tensors as the model's file names them."""
        tree: dict = {"image": self.image}
        for n, scale in enumerate(self.scales):
            tree[f"scale{n}"] = {"generator": scale.variables, "noise": scale.noise, "amplitude": scale.amplitude}
            if scale.critic is not None:
                tree[f"scale{n}"]["critic"] = scale.critic_variables
        return tree

    def config(self) -> dict:
        """What the card of the model's file says: its networks, its sizes, and how images pass from scale to scale."""
        critics = [scale.critic for scale in self.scales]
        return {
            **networks.to_config([scale.generator for scale in self.scales], critics if all(critics) else None),
            "sizes": [list(size) for size in self.sizes],
            "factor": self.factor,
            "resize": self.resize,
            "padding": self.padding,
            "coarse_noise_channels": self.coarse_noise_channels,
        }


def require_model(model: Any) -> Any:
    """Refuse what is no trained model of one picture.

    Raises:
        ArgumentError: it is something else, such as the path of one.
    """
    advice = "`jp.singan.load_singan(path)` loads one"
    return kind_of("model", model, SingleImageModel, "a model of one picture", advice)


def require_count(name: str, count: Any, noun: str = "image") -> None:
    """Refuse what is no number of images.

    Arguments:
        name: of the argument; noun: what is counted.

    Raises:
        ArgumentError: no whole number, or less than one.
    """
    if not isinstance(count, int | np.integer) or isinstance(count, bool) or count < 1:
        raise ArgumentError(f"{name}: expected at least one {noun}, got {described(count)}.")


def with_image_scales(model: SingleImageModel) -> SinGan:
    """The same model, if images pass from one of its scales to the next, so that a picture can enter between them.

    Raises:
        JaxpriorError: features pass between its scales, as in a ConSinGAN.
    """
    require_model(model)
    if isinstance(model, SinGan):
        return model
    raise JaxpriorError(
        f"this model is a {model.title}, whose scales pass on features and not images: it draws, reconstructs "
        "and animates its picture, or harmonizes and edits where it was trained for that (`--preset "
        "consingan-harmonize` or `consingan-edit`); take a SinGAN for the rest"
    )
