"""Feature networks: trained convolutions in whose space two images are compared.

    network = load_features("vgg16", cut=16, size=256)
    objective = jp.Objective(features=network, feature_weight=0.001)       # mGANprior's perceptual term

A `FeatureNetwork` is a pytree, an argument of compiled functions like a prior. Its weights come from a file or not at
all: a missing network is an error that says how to get it, never a random one.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.errors import WeightsError
from jaxprior.models.squeezenet import networks as squeezenet
from jaxprior.models.vgg import networks as vgg
from jaxprior.nn.pooling import upsample
from jaxprior.weights import registry, storage
from jaxprior.weights.card import Card


Array = jax.Array
Cut = int | tuple[int, ...]

VGG_CUT = 16
"""features[:16], relu3_3: the layer of mGANprior's loss."""

EARLY_CUTS = {"vgg16": 9, "vgg19": 9, "squeezenet": 5}
"""The layer before the second pooling, for `jaxprior.metrics.patch_frechet`: relu2_2 of VGG, fire3 of SqueezeNet."""

ARCHITECTURES = ("vgg16", "vgg19", "squeezenet", "lpips-squeeze")

_static = partial(field, metadata={"static": True})


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class FeatureNetwork:
    """A network with frozen parameters that turns images into feature maps. Made by `load_features`.

    Fields:
        module: the network; params: its parameters, float32.
        cut: torchvision's `features[:cut]`; several for several maps; None for maps that the network fixes itself.
        size: images are resized to size x size first (nearest), or None.
        card: where the weights come from.
    """

    module: Any = _static()
    params: Any
    cut: Cut | None = _static(default=None)
    size: int | None = _static(default=None)
    card: Card = _static(default=Card({}))

    def __call__(self, images: Array) -> Array | tuple[Array, ...]:
        """Images [b, h, w, 3] in [-1, 1] -> a map [b, h', w', c], or a tuple of maps, shallow ones first.

        Grey images [b, h, w, 1] are repeated on the three channels.

        Raises:
            ValueError: images of another shape, or too small for the layers that were asked for.
        """
        if images.ndim != 4 or images.shape[-1] not in (1, 3):
            raise ValueError(f"a feature network wants images [b, h, w, 3], got {tuple(images.shape)}")
        if images.shape[-1] == 1:
            images = jnp.broadcast_to(images, (*images.shape[:-1], 3))
        if self.size is not None:
            images = resize_nearest(images, self.size)
        maps = self.module.apply({"params": self.params}, images)
        return maps[0] if isinstance(self.cut, int) else maps

    def prepared(self, platform: str) -> "FeatureNetwork":
        """The same network with its weights prepared for inversions on a kind of device; "cpu", "gpu" or "tpu"."""
        if platform != "cpu" or not isinstance(self.module, vgg.VGG):
            return self
        module, params = self.module.freeze(self.params, winograd=True)
        return replace(self, module=module, params=params)

    @property
    def label(self) -> str:
        """Name for titles: "vgg16[:16] at 256", "LPIPS-style (SqueezeNet, Caffe weights)"."""
        name = self.card.get("architecture", type(self.module).__name__)
        if self.cut is not None:
            name += "".join(f"[:{cut}]" for cut in (self.cut if isinstance(self.cut, tuple) else (self.cut,)))
        elif name in registry.KNOWN:
            name = registry.KNOWN[name].title
        return name if self.size is None else f"{name} at {self.size}"


def load_features(
    source: str | os.PathLike, *, cut: int | tuple[int, ...] | None = None, size: int | None = None
) -> FeatureNetwork:
    """Load a feature network.

    Arguments:
        source: an installed network ("vgg16", "vgg19", "squeezenet", "lpips-squeeze"; see `jaxprior priors`) or a
            .safetensors file made by `jaxprior convert`.
        cut: depth in torchvision's numbering: k is the output of `features[:k]`, several numbers give several maps.
            None: 16 (relu3_3) for VGG, the seven maps of LPIPS for SqueezeNet. "lpips-squeeze" has no choice.
        size: resize images to size x size first, to the nearest pixel; mGANprior uses 256.

    Returns:
        The network, callable with images [b, h, w, 3] in [-1, 1].

    Raises:
        WeightsError: it is not installed (the sentence says how to get it), damaged, or not as deep as `cut`.

    Example:
        >>> network = load_features("vgg16", cut=16, size=256)          # doctest: +SKIP
        >>> network(jnp.zeros((1, 64, 64, 3))).shape                    # doctest: +SKIP
        (1, 64, 64, 256)
    """
    path = registry.find(source)
    params, card = storage.load_weights(path)
    return build_features(params, card, cut=cut, size=size, where=str(path))


def load_early_features(source: str | os.PathLike) -> FeatureNetwork:
    """Load the early layers of a feature network, whose map is of small patches: see `EARLY_CUTS`.

    Arguments:
        source: see `load_features`; "lpips-squeeze" has no such single map.

    Raises:
        WeightsError: as of `load_features`, or a network without such a map.

    Example:
        >>> load_early_features("squeezenet").cut                       # doctest: +SKIP
        5
    """
    path = registry.find(source)
    params, card = storage.load_weights(path)
    name = card.get("architecture")
    if name in ARCHITECTURES and name not in EARLY_CUTS:
        raise WeightsError(f"{path}: {name} has several maps; expected a network of {', '.join(EARLY_CUTS)}")
    return build_features(params, card, cut=EARLY_CUTS.get(name), where=str(path))


def build_features(
    params: Mapping, card: Mapping, *, cut: Cut | None = None, size: int | None = None, where: str = "these weights"
) -> FeatureNetwork:
    """Make a `FeatureNetwork` of parameters and a card; every name and shape is checked.

    Arguments:
        params: {"network": tree}, any float type; kept as float32, and only as much of it as the cut needs.
        card: see `weights.save_weights`; `architecture` is used.
        cut, size: see `load_features`.
        where: named in error messages.

    Raises:
        WeightsError: unknown architecture, names or shapes that do not match it, a cut that the file does not reach.
    """
    name, tree = card.get("architecture"), params.get("network", {})
    if name not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise WeightsError(f"{where}: its card names {name!r}, which is not a feature network; known are {known}")
    if size is not None and size < 1:
        raise WeightsError(f"`size` must be 1 or more, got {size}")
    if name in vgg.STAGES:
        build = partial(vgg.VGG, vgg.STAGES[name])
        deepest = _vgg_depth(tree, vgg.STAGES[name])
        cut = VGG_CUT if cut is None else cut
    else:
        build, deepest = squeezenet.SqueezeNet, len(squeezenet.LAYERS)
    cut, cuts = _cuts(cut, name, deepest, where)
    whole = squeezenet.WeightedSqueezeNet() if name == "lpips-squeeze" else build(cuts=(deepest,))
    try:
        storage.check_matches(tree, _shapes(whole))
    except WeightsError as error:
        raise WeightsError(f"{where}: {error}") from None
    module = whole if name == "lpips-squeeze" else build(cuts=cuts)
    needed = {group: tree[group] for group in _shapes(module)}
    wide = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), needed)
    return FeatureNetwork(module=module, params=wide, cut=cut, size=size, card=Card(card))


def resize_nearest(images: Array, size: int) -> Array:
    """Resize to size x size, every pixel the nearest one as torch's `interpolate(mode="nearest")` chooses it.

    Arguments:
        images: [b, h, w, c].
        size: side of the result; source row of row i is floor(i h / size), in float32 as in torch.

    Returns:
        [b, size, size, c]. Whole factors upwards are a broadcast, whole factors downwards a strided slice; the rest
        gathers, whose gradient is slow on CPUs.
    """
    h, w = images.shape[1:3]
    rows, columns = _nearest_indices(h, size), _nearest_indices(w, size)
    if h == w and size % h == 0 and np.array_equal(rows, np.arange(size) // (size // h)):
        return upsample(images, size // h)
    if h == w and h % size == 0 and np.array_equal(rows, np.arange(size) * (h // size)):
        return images[:, :: h // size, :: w // size]
    return images[:, rows][:, :, columns]


def _nearest_indices(length: int, size: int) -> np.ndarray:
    step = np.float32(length) / np.float32(size)
    return np.minimum((np.arange(size, dtype=np.float32) * step).astype(np.int32), length - 1)


def _cuts(cut: Cut | None, name: str, deepest: int, where: str) -> tuple[Cut | None, tuple[int, ...]]:
    """What was asked for, and the module's cuts."""
    if cut is None:
        return None, squeezenet.TAPS
    if name == "lpips-squeeze":
        raise WeightsError(f"{where}: the maps of {name} are fixed; leave `cut` out, or load squeezenet")
    cuts = tuple(cut) if isinstance(cut, (tuple, list)) else (cut,)
    if not cuts or not all(isinstance(k, (int, np.integer)) and k >= 1 for k in cuts):
        raise WeightsError(f"`cut` must be one or several whole numbers from 1, got {cut!r}")
    if max(cuts) > deepest:
        raise WeightsError(
            f"{where}: it holds {name} as deep as features[:{deepest}], cut = {max(cuts)} goes deeper; "
            f"choose a cut up to {deepest}"
        )
    cuts = tuple(int(k) for k in cuts)
    return (cuts if isinstance(cut, (tuple, list)) else cuts[0]), cuts


def _vgg_depth(tree: Mapping, stages: tuple[int, ...]) -> int:
    """Layers of `features` that can be computed with the convolutions that are there."""
    for i in vgg.convolution_shapes(stages):
        if f"conv{i}" not in tree:
            return max(i, 1)
    return len(vgg.layer_kinds(stages))


def _shapes(module: Any) -> dict:
    """Names and shapes of a network's parameters, without computing any."""
    images = jax.ShapeDtypeStruct((1, 32, 32, 3), jnp.float32)
    return jax.eval_shape(module.init, jax.random.key(0), images)["params"]
