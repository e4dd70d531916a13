"""SqueezeNet 1.1 (Iandola et al. 2016) as a feature network.

Layers are numbered as in torchvision's `squeezenet1_1().features`: conv1 0, ReLU 1, pool 2, fire2 3, fire3 4, pool 5,
fire4 6, fire5 7, pool 8, fire6 to fire9 9 to 12. The input is that of the original Caffe weights: BGR from 0 to 255
minus (104, 117, 123). The first convolution has no padding, pools are 3x3 with stride 2 and round their size up. The
converter brings torchvision's weights, which expect another input, into this form.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.nn.pooling import max_pool


Array = jax.Array

MEAN_BGR = (104.0, 117.0, 123.0)
LAYERS = ("conv1", "relu", "pool", "fire2", "fire3", "pool", "fire4", "fire5", "pool") + tuple(
    f"fire{n}" for n in (6, 7, 8, 9)
)
FIRES = {f"fire{n}": (16 * (n // 2), 64 * (n // 2)) for n in range(2, 10)}
"""Channels after squeezing, and after each of the two expansions."""

TAPS = (2, 5, 8, 10, 11, 12, 13)
"""The depths whose maps LPIPS compares."""


class Fire(nn.Module):
    """Squeeze to few channels, then expand with 1x1 and 3x3 kernels side by side; ReLU after each."""

    squeezed: int
    expanded: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Features [b, h, w, c] -> [b, h, w, 2 expanded]."""
        x = nn.relu(nn.Conv(self.squeezed, (1, 1), name="squeeze1x1")(x))
        narrow = nn.Conv(self.expanded, (1, 1), name="expand1x1")(x)
        wide = nn.Conv(self.expanded, (3, 3), name="expand3x3")(x)
        return nn.relu(jnp.concatenate([narrow, wide], axis=-1))


class SqueezeNet(nn.Module):
    """The features of SqueezeNet 1.1; images need 17 pixels a side for all of them.

    Fields:
        cuts: the maps to return; k is the output of `features[:k]`. By default the seven maps that LPIPS uses.
    """

    cuts: tuple[int, ...] = TAPS

    @nn.compact
    def __call__(self, images: Array) -> tuple[Array, ...]:
        """Images [b, h, w, 3] in [-1, 1], RGB -> one map [b, h', w', c] a cut, in the order of the cuts."""
        x = (images * 0.5 + 0.5)[..., ::-1] * 255 - jnp.asarray(MEAN_BGR, images.dtype).reshape(1, 1, 1, 3)
        maps = {}
        for i, layer in enumerate(LAYERS[: max(self.cuts)]):
            if layer == "conv1":
                x = nn.Conv(64, (3, 3), strides=2, padding="VALID", name="conv1")(x)
            elif layer == "relu":
                x = nn.relu(x)
            elif layer == "pool":
                x = max_pool(x, 3, ceil=True)
            else:
                x = Fire(*FIRES[layer], name=layer)(x)
            maps[i + 1] = x
        return tuple(maps[cut] for cut in self.cuts)
