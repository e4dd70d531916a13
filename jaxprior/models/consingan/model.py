"""A trained ConSinGAN: one growing generator of a picture's whole pyramid (Hinz et al., WACV 2021), and its drawing.

`draw` and `reconstruct` of `models.singan.drawing` serve it as they do a `SinGan`: the noises of the stages below a
start scale are those of the reconstruction; `animate` lets the others walk. Stages pass on features and not images, so
pictures cannot enter there. They enter the coarsest stage of a model that was trained on changed pictures
(`starts_from`), which `harmonize` and `edit` of `models.singan.manipulating` use.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import jax
import jax.numpy as jnp

from jaxprior.models.consingan.augmenting import SHUFFLED_NOISE
from jaxprior.models.consingan.config import StartsFrom
from jaxprior.models.consingan.networks import GrowingGenerator
from jaxprior.models.singan.noise import draw_normals
from jaxprior.models.singan.resizing import resize
from jaxprior.pytrees import shape_text, static, summary
from jaxprior.weights.card import Card


Array = jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True, repr=False)
class ConSinGan:
    """A trained growing generator; a pytree, which compiled functions take as an argument. `load_singan` makes it.

    Fields:
        generator: its network. variables: the generator's {"params": ...}.
        critic, critic_variables: the same of the finest scale's critic, or None.
        amplitudes: what the noises of all stages are multiplied by, [stages]; the first is 1 and not used.
        noises: the noises from which the picture is reconstructed, one [h, w, c] a stage, of the shapes that
            `GrowingGenerator.noise_shape` gives; the first is mostly the picture itself.
        sizes: (height, width) of the features of every stage, coarsest first.
        image: the picture at the finest scale, [h, w, c] in [-1, 1].
        starts_from: what the coarsest stage was trained on, see `config.StartsFrom`.
        card: where the weights come from.
    """

    architecture: ClassVar[str] = "consingan"
    title: ClassVar[str] = "ConSinGAN"

    generator: GrowingGenerator = static()
    variables: Any
    critic: Any = static(default=None)
    critic_variables: Any = None
    amplitudes: Array
    noises: tuple[Array, ...]
    sizes: tuple[tuple[int, int], ...] = static()
    image: Array
    starts_from: StartsFrom = static(default="noise")
    card: Card = static(default=Card({}))

    def __repr__(self) -> str:
        shape = shape_text((*self.sizes[-1], self.image_channels))
        what = f"{self.card.get('name', 'no name')}: {len(self.sizes)} scales up to {shape}"
        return summary(self, what, self.params())

    @property
    def factor(self) -> None:
        """None: the picture shrank from scale to scale by the ratio of the sizes, see `SinGan`."""
        return None

    @property
    def resize(self) -> str:
        """How the picture was shrunk to the scales of the training, see `SinGan`."""
        return "bicubic_u8"

    @property
    def image_channels(self) -> int:
        """Number of channels of an image."""
        return self.generator.image_channels

    @property
    def kept_noises(self) -> list[Array]:
        """The noises from which the picture is reconstructed, one [h, w, c] a stage."""
        return list(self.noises)

    def networks(self) -> list[tuple[int, float]]:
        """(channels, amplitude of the noise) of every stage, for a report page."""
        return [(self.generator.width, float(amplitude)) for amplitude in self.amplitudes]

    def draw_noises(self, key: Array, sizes: Sequence[tuple[int, int]], *, count: int) -> list[Array]:
        """Noises N(0, 1) of the coarsest stages, [count, *noise_shape(n, size)] each.

        The first of a model that starts from pictures is its own picture, resized where another size is wanted.

        Arguments:
            key: image i takes its i-th share.
            sizes: (height, width) of the stages' features, coarsest first.
            count: number of images.
        """
        shapes = [self.generator.noise_shape(n, size) for n, size in enumerate(sizes)]
        noises = draw_normals(key, shapes, count=count)
        if self.starts_from == "noise":
            return noises
        own = self.noises[0]
        if own.shape[:2] != tuple(sizes[0]):
            own = resize(own, sizes[0], method="bicubic")
        return [jnp.broadcast_to(own, noises[0].shape), *noises[1:]]

    def entering(self, start: int) -> Any:
        """The features [1, h, w, width] below stage `start` of the reconstruction; None for the first."""
        if not start:
            return None
        fixed = [noise[None] for noise in self.noises[:start]]
        return self.generator.apply(self.variables, fixed, self.amplitudes, method="features")

    def start_from(self, picture: Array, key: Array, *, count: int) -> Array:
        """What a model that starts from pictures makes of one, [count, h, w, c] in [-1, 1].

        The noises of all other stages are those of the reconstruction, as in the official evaluation. Chance is only in
        the weak noise that a "shuffled" model gets with its picture.

        Arguments:
            picture: at the coarsest scale, [*sizes[0], c] in [-1, 1].
            key: of that noise.
            count: number of images.
        """
        first = jnp.broadcast_to(picture, (count, *picture.shape))
        if self.starts_from == "shuffled":
            first += SHUFFLED_NOISE * draw_normals(key, [picture.shape], count=count)[0]
        kept = [jnp.broadcast_to(noise, (count, *noise.shape)) for noise in self.noises[1:]]
        return cast(Array, self.generator.apply(self.variables, [first, *kept], self.amplitudes))

    def synthesize(self, noises: Sequence[Array], *, below: Any = None, start: int = 0) -> list[Array]:
        """Images of given noises, [b, h_n, w_n, c] in [-1, 1] of every stage that has one, coarsest first.

        The images of coarser stages come from the one tail, which is trained for the finest: they are for looking at.

        Arguments:
            noises: [b, *noise_shape(n, size)] of the stages from `start` on.
            below: features after the stages below `start`; None if that is 0.
            start: the first stage.
        """
        images = []
        for n, noise in enumerate(noises, start):
            below = self.generator.apply(
                self.variables, [noise], self.amplitudes, below=below, start=n, method="features"
            )
            images.append(self.generator.apply(self.variables, below, method="image"))
        return images

    def draw_scales(self, key: Array, sizes: Sequence[tuple[int, int]], *, count: int, start: int) -> list[Array]:
        """Random images [count, h_n, w_n, c] of every stage; see `singan.draw_scales`, which checks its arguments.

        Arguments:
            key: image i takes its i-th share.
            sizes: (height, width) of all stages' features.
            count: number of images.
            start: the noises of the stages below it are those of the reconstruction.
        """
        kept = [jnp.broadcast_to(noise, (count, *noise.shape)) for noise in self.noises[:start]]
        return self.synthesize([*kept, *self.draw_noises(key, sizes, count=count)[start:]])

    def params(self) -> dict:
        """The tensors as the model's file names them."""
        critic = {} if self.critic is None else {"critic": self.critic_variables}
        noises = {f"stage{n}": noise for n, noise in enumerate(self.noises)}
        return {
            "generator": self.variables, **critic, "noise": noises, "amplitudes": self.amplitudes, "image": self.image,
        }  # fmt: skip

    def config(self) -> dict:
        """What the card of the model's file says: its networks and its sizes."""
        described = ("width", "layers", "image_channels", "norm", "slope", "edges")
        return {
            "sizes": [list(size) for size in self.sizes],
            **{name: getattr(self.generator, name) for name in described},
            "critic_layers": self.critic.layers if self.critic else None,
            **({} if self.starts_from == "noise" else {"starts_from": self.starts_from}),
        }
