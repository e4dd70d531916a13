"""Feature networks: trained convolutions in whose space two images are compared.

    network = load_features("vgg16", cut=16, size=256)
    objective = jp.Objective(features=network, feature_weight=0.001)       # mGANprior's perceptual term

A `FeatureNetwork` is a pytree, an argument of compiled functions like a prior. Its weights come from a file or not at
all: a missing network is an error that says how to get it, never a random one.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.checks import as_array, is_array, whole_number
from jaxprior.data.ranges import require_pictures
from jaxprior.errors import ImageError, WeightsError
from jaxprior.nn.pooling import upsample
from jaxprior.pytrees import static, summary
from jaxprior.weights import loader
from jaxprior.weights.card import Card
from jaxprior.weights.known.networks import NETWORKS
from jaxprior.weights.tree import checked


Array = jax.Array
Cut = int | tuple[int, ...]
"""Depth of a map, or of several; see `load_features`."""

EARLY = "early"
"""In place of a cut: the layer whose map is of small patches, as `jaxprior.metrics.patch_frechet` wants it."""

DEEP = "deep"
"""In place of a cut: the deepest layer, whose mean over its map says what a picture shows; for sets of pictures."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True, repr=False)
class FeatureNetwork:
    """A network with frozen parameters that turns images into feature maps. Made by `load_features`.

    Fields:
        module: the network; params: its parameters, float32.
        cut: torchvision's `features[:cut]`; several for several maps; None for maps that the network fixes itself.
        size: images are resized to size x size first (nearest), or None.
        card: where the weights come from.
    """

    module: Any = static()
    params: Any
    cut: Cut | None = static(default=None)
    size: int | None = static(default=None)
    card: Card = static(default=Card({}))

    def __call__(self, images: Array) -> Array | tuple[Array, ...]:
        """Images [b, h, w, 3] in [-1, 1] -> a map [b, h', w', c], or a tuple of maps, shallow ones first.

        Grey images [b, h, w, 1] are repeated on the three channels, unless the network itself is one of grey images.

        Raises:
            ImageError: images of another shape or range.
            ValueError: images that are too small for the layers that were asked for.
        """
        images, channels = as_array("images", images), getattr(self.module, "image_channels", 3)
        if is_array(images) and (len(images.shape) != 4 or images.shape[-1] not in (1, channels)):
            raise ImageError(
                f"`images`: a feature network wants images [b, h, w, {channels}], got {tuple(images.shape)}."
            )
        images = require_pictures(images, "images")
        if images.shape[-1] < channels:
            images = jnp.broadcast_to(images, (*images.shape[:-1], channels))
        if self.size is not None:
            images = resize_nearest(images, self.size)
        maps = self.module.apply({"params": self.params}, images)
        return maps[0] if isinstance(self.cut, int) else maps

    def prepared(self, platform: str) -> "FeatureNetwork":
        """The same network with its weights prepared for inversions on a kind of device; "cpu", "gpu" or "tpu"."""
        if platform != "cpu" or not hasattr(self.module, "freeze"):
            return self
        module, params = self.module.freeze(self.params, platform=platform)
        return replace(self, module=module, params=params)

    @property
    def label(self) -> str:
        """Name for titles: "vgg16[:16] at 256", "LPIPS (AlexNet)", "LPIPS-style (SqueezeNet, Caffe weights)"."""
        name = self.card.get("architecture", type(self.module).__name__)
        if self.cut is not None:
            name += "".join(f"[:{cut}]" for cut in (self.cut if isinstance(self.cut, tuple) else (self.cut,)))
        else:
            known = NETWORKS[name].title if name in NETWORKS else name
            name = self.card.get("title", known)
        return name if self.size is None else f"{name} at {self.size}"

    def refuses(self, image_shape: tuple[int, ...]) -> str | None:
        """Why the network does not take images of a shape, (h, w, c); None if it does. Nothing is computed."""
        try:
            maps = jax.tree.leaves(jax.eval_shape(self, jax.ShapeDtypeStruct((1, *image_shape), jnp.float32)))
        except ValueError as error:  # jaxprior's own errors are some of these
            return " ".join(str(error).split()).removesuffix(".")
        return None if all(0 not in one.shape for one in maps) else "a feature map would have no pixel"

    @property
    def frechet_title(self) -> str:
        """What the Frechet distance in this network is called: "Frechet distance, squeezenet[:13]", or FID."""
        fid = self.card.get("architecture") == "inception" and self.cut is None and self.size is None
        return "Frechet inception distance (FID)" if fid else f"Frechet distance, {self.label}"

    def __repr__(self) -> str:
        return summary(self, self.label, self.params)


def load_features(
    source: str | os.PathLike, *, cut: int | tuple[int, ...] | None = None, size: int | None = None
) -> FeatureNetwork:
    """Load a feature network.

    Arguments:
        source: an installed network ("vgg16", "alexnet", "lpips-alex", ...; see `jaxprior priors`) or a
            .safetensors file made by `jaxprior convert`.
        cut: depth in torchvision's numbering: k is the output of `features[:k]`, several numbers give several maps.
            None is what the network's family takes: 16 (relu3_3) for VGG, the maps of LPIPS for AlexNet and SqueezeNet.
            The maps of "lpips-alex", "lpips-vgg" and "lpips-squeeze" are fixed.
        size: resize images to size x size first, to the nearest pixel; mGANprior uses 256.

    Returns:
        The network, callable with images [b, h, w, 3] in [-1, 1].

    Raises:
        WeightsError: it is not installed (the sentence says how to get it), damaged, or not as deep as `cut`.

    Example:
        >>> network = load_features("vgg16", cut=16, size=256)  # needs a network to download # doctest: +SKIP
        >>> network(jnp.zeros((1, 64, 64, 3))).shape  # needs a network to download # doctest: +SKIP
        (1, 64, 64, 256)
    """
    if size is not None:
        whole_number("size", size, least=1, error=WeightsError)
    return _resizing(loader.load(source, role="features", cut=cut), size)


def load_early_features(source: str | os.PathLike) -> FeatureNetwork:
    """Load the early layers of a feature network, whose map is of small patches; for `jaxprior.metrics.patch_frechet`.

    Arguments:
        source: see `load_features`; the LPIPS distances have no such single map.

    Raises:
        WeightsError: as of `load_features`, or a network without such a map.

    Example:
        >>> load_early_features("squeezenet").cut  # needs a network to download # doctest: +SKIP
        5
    """
    return loader.load(source, role="features", cut=EARLY)


def load_deep_features(source: str | os.PathLike) -> FeatureNetwork:
    """Load a feature network with its deepest map alone; for `jaxprior.metrics.compare_sets` and its parts.

    Arguments:
        source: see `load_features`; the LPIPS distances have no such single map. "inception" is the network of the FID.

    Raises:
        WeightsError: as of `load_features`, or a network without such a map.

    Example:
        >>> load_deep_features("squeezenet").cut  # needs a network to download # doctest: +SKIP
        13
    """
    return loader.load(source, role="features", cut=DEEP)


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
        WeightsError: the architecture is unknown or no feature network, names or shapes do not match it, or the file is
            not as deep as the cut.
    """
    return _resizing(loader.build(params, card, role="features", where=where, cut=cut), size)


def assemble(
    params: Mapping, card: Mapping, where: str, *, whole: Any, part: Any = None, cut: Cut | None = None
) -> FeatureNetwork:
    """What a family's function for the role "features" does: check the weights of the whole network, and keep a part.

    Arguments:
        params: {"network": tree}; card, where: see `build_features`.
        whole: the untrained network that the file must hold.
        part: the network that is made, with some of its layers under the same names; `whole` where None.
        cut: see `FeatureNetwork`.

    Raises:
        WeightsError: names or shapes do not match.
    """
    part = whole if part is None else part
    tree = checked(params.get("network", {}), _shapes(whole), where=where)
    needed = {name: tree[name] for name in _shapes(part)}
    return FeatureNetwork(module=part, params=needed, cut=cut, card=Card(card))


def checked_cuts(cut: Cut | str, *, name: str, deepest: int, where: str) -> tuple[Cut, tuple[int, ...]]:
    """What was asked for as depth, checked.

    Arguments:
        cut: one depth or several; name: of the network, deepest: how deep it is, where: the file, for the sentences.

    Returns:
        The cut as a `FeatureNetwork` keeps it, and the depths of the maps.

    Raises:
        WeightsError: these are no whole numbers from 1 to `deepest`.
    """
    several = isinstance(cut, (tuple, list))
    asked = tuple(cut) if several else (cut,)
    cuts = tuple(int(k) for k in asked if isinstance(k, (int, np.integer)) and k >= 1)
    if not cuts or len(cuts) < len(asked):
        raise WeightsError(f"`cut` must be one or several whole numbers from 1, got {cut!r}")
    if max(cuts) > deepest:
        raise WeightsError(
            f"{where}: it holds {name} as deep as features[:{deepest}], cut = {max(cuts)} goes deeper; "
            f"choose a cut up to {deepest}"
        )
    return (cuts if several else cuts[0]), cuts


def checked_cuts_or_taps(
    cut: Cut | str | None, *, taps: tuple[int, ...], early: int, name: str, deepest: int, where: str
) -> tuple[Cut | None, tuple[int, ...]]:
    """What `checked_cuts` returns, for networks that without a cut have the maps that LPIPS uses.

    Arguments:
        cut, name, deepest, where: see `checked_cuts`; no cut stands for `taps`.
        taps: depths of the maps that LPIPS uses.
        early: the depth that `EARLY` stands for.

    Raises:
        WeightsError: see `checked_cuts`.
    """
    if cut is None:
        return None, taps
    if cut == DEEP:
        return taps[-1], taps[-1:]
    return checked_cuts(early if cut == EARLY else cut, name=name, deepest=deepest, where=where)


def _resizing(network: FeatureNetwork, size: int | None) -> FeatureNetwork:
    """The same network behind a resizing of the images; see `load_features`."""
    if size is not None:
        whole_number("size", size, least=1, error=WeightsError)
    return replace(network, size=size)


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


def _shapes(module: Any) -> dict:
    """Names and shapes of a network's parameters, without computing any."""
    images = jax.ShapeDtypeStruct((1, 128, 128, 3), jnp.float32)  # large enough for every network's layers
    return jax.eval_shape(module.init, jax.random.key(0), images)["params"]
