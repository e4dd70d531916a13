"""Restorers: trained networks that answer at once, for pictures of any size, without an inversion.

    restorer = load_restorer("runs/srgan")
    large = restorer(photos)                        # [b, 4 h, 4 w, 3] of [b, h, w, 3]
    whole = restorer(photos, mask)                  # of one that fills holes; known pixels stay as they are

A restorer is a role beside priors. Its network is fully convolutional, so that a large photograph can go through it in
tiles (`jaxprior.restoration.tiled`). What depends on the whole picture, as the colours that are laid into its holes, is
done before, by `Restorer.prepare`. It is a pytree, an argument of compiled functions like a prior.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.checks import described, float_array, one_of, whole_number
from jaxprior.data.ranges import require_pictures
from jaxprior.errors import ArgumentError, ImageError, MaskError
from jaxprior.nn.filling import square_colours
from jaxprior.operators import Inpaint
from jaxprior.protocols import RESTORER_TASKS
from jaxprior.pytrees import static, summary
from jaxprior.weights import loader
from jaxprior.weights.card import Card


Array = jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True, repr=False, eq=False)  # so that `jax.jit(restorer)` has a hash
class Restorer:
    """A network with frozen parameters that restores pictures of any size. Made by `load_restorer`.

    Fields:
        module: the network, from what `prepare` returns to images, fully convolutional; params: its parameters,
            float32.
        task: "superres": pictures are enlarged; "inpaint": their holes are filled.
        factor: how many times larger the result is; 1 where holes are filled.
        reach: how many pixels of the input around its own place decide a pixel of the result, in each direction. Tiles
            overlap by as many.
        multiple: sides of the network's input are multiples of it; other pictures are padded for it.
        takes_mask: whether the network is shown where the holes are, as one more channel.
        squares: what colour lies in the holes that the network is shown: 0 for one colour, the mean of the whole
            picture's known pixels; otherwise the side of squares whose known pixels have the mean colour that lies in
            them, see `jaxprior.nn.filling.square_colours`. It divides `multiple`.
        channels: of the pictures.
        card: where the weights come from.
    """

    module: Any = static()
    params: Any
    task: str = static()
    factor: int = static(default=1)
    reach: int = static()
    multiple: int = static(default=1)
    takes_mask: bool = static(default=False)
    squares: int = static(default=0)
    channels: int = static(default=3)
    card: Card = static(default=Card({}))

    def __post_init__(self):
        one_of("task", self.task, RESTORER_TASKS)
        whole_number("factor", self.factor, least=1)
        whole_number("reach", self.reach, least=0)
        whole_number("multiple", self.multiple, least=1)
        if self.fills_holes and self.factor != 1:
            raise ArgumentError(f"`factor` must be 1 for a restorer that fills holes, got {self.factor}.")
        if self.takes_mask and not self.fills_holes:
            raise ArgumentError("`takes_mask` must be false for a restorer that enlarges pictures.")
        whole_number("squares", self.squares, least=0)
        if self.squares and self.multiple % self.squares:
            raise ArgumentError(f"`squares` must divide `multiple`, {self.multiple}, got {self.squares}.")

    @property
    def fills_holes(self) -> bool:
        """Whether it fills holes; otherwise it enlarges pictures."""
        return self.task == "inpaint"

    def prepare(self, images: Array, masks: Array | None = None) -> Array:
        """What the network is shown of whole pictures.

        Arguments:
            images: [b, h, w, c] in [-1, 1]; what they show at missing pixels is ignored.
            masks: [b, h, w], 1 = missing; None for a restorer that enlarges.

        Returns:
            [b, h, w, c'] of the same sizes. In the holes lie colours of known pixels, see `squares`, and if
            `takes_mask` the mask follows as one more channel. For enlarging, the images as they are.
        """
        if masks is None:
            return images
        missing = (masks[..., None] > 0.5).astype(images.dtype)
        known = jnp.where(missing > 0, 0.0, images)
        if self.squares:
            return self.shown(images, masks, square_colours(known, missing, self.squares))
        count = jnp.sum(1.0 - missing, axis=(1, 2), keepdims=True)
        return self.shown(images, masks, jnp.sum(known, axis=(1, 2), keepdims=True) / jnp.maximum(count, 1.0))

    def shown(self, images: Array, masks: Array | None, colours: Array | None) -> Array:
        """What the network is shown of pictures, or of parts of them, if the colours in their holes are known.

        Arguments:
            images, masks: as for `prepare`; parts begin at a multiple of `squares`.
            colours: [b, h / squares, w / squares, c], rounded up, of the squares of these pictures or parts; or
                [b, 1, 1, c] of the whole pictures. None for a restorer that enlarges.
        """
        if masks is None or colours is None:
            return images
        missing = masks[..., None] > 0.5
        for axis, size in ((1, images.shape[1]), (2, images.shape[2])) if self.squares else ():
            colours = jax.lax.slice_in_dim(jnp.repeat(colours, self.squares, axis=axis), 0, size, axis=axis)
        filled = jnp.where(missing, colours, images)
        return jnp.concatenate([filled, missing.astype(filled.dtype)], axis=-1) if self.takes_mask else filled

    def network(self, prepared: Array) -> Array:
        """What the network makes of prepared pictures, or of parts of them.

        Arguments:
            prepared: [b, h, w, c'] from `prepare`, cut as one likes; h and w are multiples of `multiple`.

        Returns:
            [b, h factor, w factor, c], not clipped. Pixels that lie nearer than `reach` input pixels to a cut differ
            from those of the whole picture.
        """
        return self.module.apply({"params": self.params}, prepared)

    def answer(self, images: Array, masks: Array | None = None) -> Array:
        """What the network makes of whole pictures, which are padded for it: [b, h factor, w factor, c], not clipped.

        Arguments:
            images, masks: as for `prepare`.
        """
        prepared = pad_to_multiple(self.prepare(images, masks), self.multiple)
        height, width = (side * self.factor for side in images.shape[1:3])
        return self.network(prepared)[:, :height, :width]

    def finish(self, made: Array, images: Array, masks: Array | None = None) -> Array:
        """Clip what the network made to [-1, 1], and put back what was known.

        Arguments:
            made: [b, h factor, w factor, c]; images, masks: as for `prepare`.
        """
        made = jnp.clip(made, -1.0, 1.0)
        return made if masks is None else jnp.where(masks[..., None] > 0.5, made, images)

    def __call__(self, images: Array, mask: Array | None = None) -> Array:
        """Restore pictures, each by itself and whole.

        Arguments:
            images: float [b, h, w, c] in [-1, 1], of any size; what they show at missing pixels is ignored.
            mask: [h, w] for all pictures or [b, h, w], 1 (or true) = missing; only for a restorer that fills holes.

        Returns:
            float32 [b, h factor, w factor, c] in [-1, 1]; known pixels of pictures with holes are there to the bit.

        Raises:
            ArgumentError: a mask for a restorer that enlarges, or none for one that fills holes.
            ImageError: no such pictures. MaskError: a mask of another size or with other values, or nothing is known.
        """
        images, masks = self.checked(images, mask)
        return _restored(self, images, masks)

    def checked(self, images: Any, mask: Any = None) -> tuple[Array, Array | None]:
        """Pictures as float32 [b, h, w, c], with 0 at missing pixels, and masks [b, h, w]; see `__call__`."""
        self.check_mask_given(mask is not None)
        c = self.channels
        advice = f"`jp.load_images` makes pictures of {c} channels, and `photo[None]` makes a batch of one photograph"
        images = float_array("images", images, ("b", "h", "w", c), meaning="a batch of pictures", advice=advice)
        if 0 in np.shape(images):
            raise ImageError(f"`images` must be pictures with pixels, got {described(images)}.")
        masks = None
        if mask is not None:
            masks = Inpaint(mask).mask
            shape = tuple(np.shape(images)[:-1])
            if np.shape(masks) not in (shape, shape[1:]):
                raise MaskError(
                    f"`mask` must have the size {list(shape[1:])} of the pictures, or {list(shape)}, got "
                    f"{described(masks)}."
                )
            masks = jnp.broadcast_to(jnp.asarray(masks, jnp.float32), shape)
            images = jnp.where(masks[..., None] > 0.5, 0.0, images)
        return jnp.asarray(require_pictures(images, "images"), jnp.float32), masks

    def check_mask_given(self, given: bool) -> None:
        """Refuse a mask that serves for nothing, and holes without one.

        Raises:
            ArgumentError: see `__call__`.
        """
        if given == self.fills_holes:
            return
        if given:
            raise ArgumentError(f"{self.name} enlarges pictures by {self.factor} and fills no holes: leave out `mask`.")
        raise ArgumentError(f"{self.name} fills holes: give `mask`, which is 1 where pixels are missing.")

    @property
    def name(self) -> str:
        """What the card calls it."""
        return self.card.get("name", "this restorer")

    @property
    def sha256(self) -> str | None:
        """Identity of its weights; None where the card names none."""
        return self.card.get("sha256")

    def __repr__(self) -> str:
        does = "fills holes" if self.fills_holes else f"enlarges by {self.factor}"
        return summary(self, f"{self.card.get('name', 'no name')}: {does}", self.params)


@jax.jit
def _restored(restorer: Restorer, images: Array, masks: Array | None) -> Array:
    return restorer.finish(restorer.answer(images, masks), images, masks)


def pad_to_multiple(prepared: Array, multiple: int) -> Array:
    """Repeat the last row and column of [b, h, w, c] until both sides are multiples of a number."""
    bottom, right = (-side % multiple for side in prepared.shape[1:3])
    if not bottom and not right:
        return prepared
    return jnp.pad(prepared, ((0, 0), (0, bottom), (0, right), (0, 0)), mode="edge")


def load_restorer(source: str | Path) -> Restorer:
    """Load a restorer; every name and shape is checked.

    Arguments:
        source: the name of a bundled or installed restorer, the folder of a training run, or a .safetensors file.

    Raises:
        WeightsError: there is none, it is damaged, or it holds another kind of network.

    Example:
        >>> load_restorer("runs/srgan").factor  # needs a trained restorer # doctest: +SKIP
        4
    """
    return loader.load(source, role="restorer")


def build_restorer(params: Mapping, card: Mapping, *, where: str = "these weights") -> Restorer:
    """Make a `Restorer` of parameters and a card.

    Arguments:
        params: as the family stores them, any float type; kept as float32.
        card: see `weights.save_weights`; `architecture` and `config` are used.
        where: named in error messages.

    Raises:
        WeightsError: the architecture is unknown or no restorer, or names or shapes do not match it.
    """
    return loader.build(params, card, role="restorer", where=where)
