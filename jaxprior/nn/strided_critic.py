"""What critics of halving convolutions have in common, of pictures and of volumes: their layers one after the other."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.nn.elementwise import widen


Array = jax.Array


class StridedCritic(nn.Module):
    """Image [b, *sides, c] -> score [b]: layers "layer0", "layer1" ..., then "output" of the last map, flattened.

    Subclasses make these in `setup`, and say what follows each layer.

    Fields:
        widths: feature maps of the layers.
    """

    widths: tuple[int, ...] = ()

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one image, (*sides, c)."""
        raise NotImplementedError

    def activated(self, x: Array, *, train: bool) -> Array:
        """What follows a layer."""
        raise NotImplementedError

    def maps(self, x: Array, *, first: int = 0, train: bool = False) -> list[Array]:
        """Feature maps after every activation, finest first.

        Arguments:
            x: images [b, *sides, c]; or what layer `first` takes.
            first: number of the layer to begin with.
            train: whether layers normalise by the batch.
        """
        found = []
        for k in range(first, len(self.widths)):
            x = self.activated(getattr(self, f"layer{k}")(x, train=train), train=train)
            found.append(x)
        return found

    def score(self, last: Array) -> Array:
        """Scores [b], float32, of the last map."""
        return self.output(widen(last).reshape(len(last), -1))[:, 0]

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Scores [b], float32, of images [b, *sides, c] in [-1, 1]; while `train`, normalised by the batch."""
        return self.score(self.maps(x, train=train)[-1])

    def features(self, x: Array) -> tuple[Array, ...]:
        """Feature maps of images [b, *sides, c], finest first: a perceptual embedding."""
        return tuple(self.maps(x))

    @nn.nowrap
    def init_variables(self, key: Array) -> dict:
        """Random parameters, {"params": ...} and "batch_stats" if the norm has any."""
        return dict(self.lazy_init(key, jax.ShapeDtypeStruct((1, *self.image_shape), jnp.float32)))

    @nn.nowrap
    def init_params(self, key: Array) -> dict:
        """Random parameters without statistics, of a critic that has none."""
        return self.init_variables(key)["params"]
