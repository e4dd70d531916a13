"""Attention at the composing layer (Kostakis' thesis, Ioannina 2021, chapter 5): self-attention and CBAM.

The modules are small functions of explicit parameters, because every image has parameters of its own, optimised beside
its codes under `vmap`. A convolution over kernels that differ between images would become a grouped convolution, so
1x1 convolutions are matrix products, and the 7x7 one is shifted slices and a matrix product.

Where they act (`where`):
    "composed": once, on the weighted sum of the codes' features.
    "each": on every code's features before the sum, with one set of parameters for all codes of an image: N times the
        cost. Self-attention keeps a map of (h w)^2 scores a code: on a 32x32 layer with 20 codes, 1024 x 1024 x 20
        floats are 84 MB an image, and the gradient needs several of these. CBAM keeps nothing larger than the features.

`optimise=False` leaves the parameters as `init` draws them. A module that starts neutral then stays neutral.
"""

import functools
import math
import operator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from jaxprior.checks import described, whole_number
from jaxprior.errors import ArgumentError
from jaxprior.lazy_jax import Array, jax, jnp
from jaxprior.settings import setting


Parameters: TypeAlias = dict[str, Any]
"""A dictionary of arrays, or of dictionaries of arrays."""
Where = Literal["composed", "each"]
Norm = Literal["per-image", "none"]
Start = Literal["identity", "random"]
WHERE, NORMS, STARTS = get_args(Where), get_args(Norm), get_args(Start)
WINDOW = 7
"""Side of CBAM's spatial convolution."""
EPSILON = 1e-5
"""Added to the variance, as in the official CBAM's batch normalisation."""
_LATER = {"added_later": True}
"""Of fields that older results do not name, see `jaxprior.settings.setting`."""


@dataclass(frozen=True, kw_only=True)
class SelfAttention:
    """Self-attention of a feature map with itself (SAGAN: Zhang et al., ICML 2019), y = x + gamma softmax(q k^T) v.

    Queries and keys have max(c/8, 1) channels, values c; the softmax runs over the keys. gamma starts at 0: the module
    is the identity, and inversion starts as if it were not there. The first gradient moves gamma alone.

    The paper's equations look at every pixel. The code that its authors published, as the "non-local block" of Wang et
    al. (CVPR 2018), looks at the largest of every 2x2 keys and values, has values of c/2 channels, an output layer that
    makes c channels of them, and no biases: `pool=2, value_ratio=0.5, biases=False`. A map of h x w pixels then has
    (h w)^2 / 4 scores.

    Fields:
        scaled: divide the scores by sqrt(d_k), d_k the number of key channels (the thesis' eq. 5.1). SAGAN does not.
        pool: side of the squares of which keys and values keep the largest, channel by channel; the map's sides must be
            multiples of it.
        value_ratio: channels of the values, as a share of c; below 1 an output layer follows, without nonlinearity.
        biases: whether the 1x1 convolutions have biases.
        where: "composed" or "each"; see the module's text.
        optimise: whether the parameters move. With False gamma stays 0 and the module does nothing.

    Raises:
        `ValueError` for values that are not listed here.
    """

    scaled: bool = False
    where: Where = setting(
        "composed",
        "The attention module sees the sum of the codes' feature maps, or each of them.",
        option="--attention-where",
        rank=12,
    )
    optimise: bool = True
    pool: int = field(default=1, metadata=_LATER)
    value_ratio: float = field(default=1.0, metadata=_LATER)
    biases: bool = field(default=True, metadata=_LATER)

    def __post_init__(self):
        _check("scaled", self.scaled, (False, True))
        _check("where", self.where, WHERE)
        _check("optimise", self.optimise, (False, True))
        _check("biases", self.biases, (False, True))
        whole_number("pool", self.pool, least=1)
        if isinstance(self.value_ratio, bool | str) or not 0 < self.value_ratio <= 1:
            found = described(self.value_ratio)
            raise ArgumentError(f"`value_ratio` must be a number above 0 and up to 1, got {found}.")

    def init(self, key: Array, channels: int) -> Parameters:
        """Parameters for maps of `channels` channels: kernels N(0, 1 / fan_in), biases and gamma 0."""
        _check_channels(channels)
        inner, values = max(channels // 8, 1), max(int(channels * self.value_ratio), 1)
        shapes = {"query": (channels, inner), "key": (channels, inner), "value": (channels, values)}
        keys = jax.random.split(key, 3)
        if self.value_ratio < 1:
            shapes, keys = {**shapes, "output": (values, channels)}, [*keys, jax.random.fold_in(key, 3)]
        params: Parameters = {
            name: {"kernel": jax.random.normal(k, shape) / math.sqrt(shape[0])}
            | ({"bias": jnp.zeros(shape[1])} if self.biases else {})
            for k, (name, shape) in zip(keys, shapes.items(), strict=True)
        }
        return {**params, "gamma": jnp.zeros(())}

    def attention(self, params: Parameters, features: Array) -> Array:
        """Features [..., h, w, c] -> weights [..., h w, h w / pool^2], queries by keys; every row sums to 1."""
        query = _dense(params["query"], _pixels(features))
        key = _pixels(self._pooled(_dense(params["key"], features)))
        scores = jnp.einsum("...qd,...kd->...qk", query, key)
        if self.scaled:
            scores = scores / math.sqrt(key.shape[-1])
        return jax.nn.softmax(scores, axis=-1)

    def apply(self, params: Parameters, features: Array) -> Array:
        """Features [..., h, w, c] -> the same shape. Leading axes do not mix.

        Raises:
            ArgumentError: the sides of the map are no multiples of `pool`.
        """
        value = _pixels(self._pooled(_dense(params["value"], features)))
        attended = jnp.einsum("...qk,...kc->...qc", self.attention(params, features), value)
        if "output" in params:
            attended = _dense(params["output"], attended)
        return params["gamma"] * attended.reshape(features.shape) + features

    def _pooled(self, features: Array) -> Array:
        """The largest of each `pool` x `pool` square: [..., h, w, c] -> [..., h / pool, w / pool, c]."""
        if self.pool == 1:
            return features
        *lead, h, w, c = features.shape
        if h % self.pool or w % self.pool:
            raise ArgumentError(
                f"`pool`: the feature map has {h}x{w} pixels, and {self.pool} divides not both; take another layer, or "
                "pool=1."
            )
        squares = features.reshape(*lead, h // self.pool, self.pool, w // self.pool, self.pool, c)
        return squares.max(axis=(-4, -2))


@dataclass(frozen=True, kw_only=True)
class CBAM:
    """Convolutional block attention (Woo et al., ECCV 2018): a gate per channel, then a gate per pixel.

        x'  = x  * sigmoid(mlp(mean_hw x) + mlp(max_hw x))                    mlp: c -> max(c / reduction, 1) -> c, ReLU
        x'' = x' * sigmoid(norm(conv7x7([max_c x', mean_c x'])))              zero padding, no bias

    Fields:
        reduction: narrowing of the channel gate's hidden layer, 1 or more.
        norm: "per-image": the 7x7 convolution's map is standardised over its own pixels (batch normalisation as a
            batch of one sees it), so that images never mix; then a scale and a bias. "none": scale and bias only.
        start: "identity": the last layer of the MLP and the norm's scale start at 0, both gates are 1/2 everywhere and
            the features become exactly x/4. The pixel norm with which the next block of the generator starts takes
            such a factor away again, up to its epsilon, so the image is that without attention. "random": as
            PyTorch draws the official module, U(-1, 1) / sqrt(fan_in), norm scale 1: the gates scale features unevenly.
        where: "composed" or "each"; see the module's text.
        optimise: whether the parameters move. With False and "identity" the module changes nothing.

    Raises:
        `ValueError` for values that are not listed here.
    """

    reduction: int = 16
    norm: Norm = "per-image"
    start: Start = "identity"
    where: Where = "composed"
    optimise: bool = True

    def __post_init__(self):
        whole_number("reduction", self.reduction, least=1)
        _check("norm", self.norm, NORMS)
        _check("start", self.start, STARTS)
        _check("where", self.where, WHERE)
        _check("optimise", self.optimise, (False, True))

    def init(self, key: Array, channels: int) -> Parameters:
        """Parameters for maps of `channels` channels; see `start`."""
        _check_channels(channels)
        keys = jax.random.split(key, 5)
        hidden = max(channels // self.reduction, 1)
        params: Parameters = {
            "reduce": {
                "kernel": _uniform(keys[0], (channels, hidden), channels),
                "bias": _uniform(keys[1], (hidden,), channels),
            },
            "expand": {
                "kernel": _uniform(keys[2], (hidden, channels), hidden),
                "bias": _uniform(keys[3], (channels,), hidden),
            },
            "spatial": {"kernel": _uniform(keys[4], (WINDOW, WINDOW, 2, 1), 2 * WINDOW**2)},
            "norm": {"scale": jnp.ones(()), "bias": jnp.zeros(())},
        }
        if self.start == "identity":
            params["expand"] = jax.tree.map(jnp.zeros_like, params["expand"])
            params["norm"] = jax.tree.map(jnp.zeros_like, params["norm"])
        return params

    def apply(self, params: Parameters, features: Array) -> Array:
        """Features [..., h, w, c] -> the same shape. Leading axes do not mix."""
        features = features * channel_gate(params, features)
        return features * spatial_gate(params, features, axes=(-3, -2) if self.norm == "per-image" else None)


def channel_gate(params: Parameters, features: Array) -> Array:
    """CBAM's factor of every channel, in (0, 1): features [..., h, w, c] -> [..., 1, 1, c]."""

    def mlp(pooled: Array) -> Array:
        return _dense(params["expand"], jax.nn.relu(_dense(params["reduce"], pooled)))

    average = jnp.mean(features, axis=(-3, -2), keepdims=True)
    largest = jnp.max(features, axis=(-3, -2), keepdims=True)
    return jax.nn.sigmoid(mlp(average) + mlp(largest))


def spatial_gate(params: Parameters, features: Array, *, axes: tuple[int, ...] | None) -> Array:
    """CBAM's factor of every pixel, in (0, 1): features [..., h, w, c] -> [..., h, w, 1].

    Arguments:
        params: of `CBAM`.
        features: [..., h, w, c].
        axes: of [..., h, w, 1] over which mean and (biased) variance are taken: (-3, -2) for each image alone, all
            of them for the official code's batch normalisation in training. None standardises nothing.
    """
    largest, average = jnp.max(features, axis=-1, keepdims=True), jnp.mean(features, axis=-1, keepdims=True)
    x = _convolve(jnp.concatenate([largest, average], axis=-1), params["spatial"]["kernel"])
    if axes is not None:
        x = x - jnp.mean(x, axis=axes, keepdims=True)
        x = x * jax.lax.rsqrt(jnp.mean(jnp.square(x), axis=axes, keepdims=True) + EPSILON)
    return jax.nn.sigmoid(params["norm"]["scale"] * x + params["norm"]["bias"])


def _convolve(x: Array, kernel: Array) -> Array:
    """Convolution [..., h, w, i] x [k, k, i, o] -> [..., h, w, o] with zeros around, of odd k and few channels.

    The k rows of a window are gathered by k shifts, multiplied with the whole kernel, and the k products, one for each
    column of the window, are added with k shifts: 2k slices in place of k^2.
    """
    h, w = x.shape[-3:-1]
    size = kernel.shape[0]
    margin = (size // 2, size // 2)
    x = jnp.pad(x, [(0, 0)] * (x.ndim - 3) + [margin, margin, (0, 0)])
    rows = jnp.stack([x[..., r : r + h, :, :] for r in range(size)], axis=-2)  # [..., h, w + k - 1, row, i]
    products = jnp.einsum("...ri,rcio->...co", rows, kernel)  # [..., h, w + k - 1, column, o]
    return functools.reduce(operator.add, (products[..., c : c + w, c, :] for c in range(size)))


def _dense(params: dict[str, Array], x: Array) -> Array:
    """A 1x1 convolution, with a bias if there is one: [..., i] -> [..., o]."""
    y = jnp.einsum("...i,io->...o", x, params["kernel"])
    return y if "bias" not in params else y + params["bias"].reshape((1,) * (y.ndim - 1) + (-1,))


def _pixels(features: Array) -> Array:
    """[..., h, w, c] -> [..., h w, c]."""
    *lead, h, w, c = features.shape
    return features.reshape(*lead, h * w, c)


def _uniform(key: Array, shape: tuple[int, ...], fan_in: int) -> Array:
    """PyTorch's default for linear and convolution layers, weights and biases alike: U(-1, 1) / sqrt(fan_in)."""
    return jax.random.uniform(key, shape, minval=-1.0, maxval=1.0) / math.sqrt(fan_in)


def _check(name: str, value: Any, legal: tuple) -> None:
    if not any(value is word or (isinstance(value, str) and value == word) for word in legal):
        raise ArgumentError(f"`{name}` must be one of {legal}, got {described(value)}.")


def _check_channels(channels: int) -> None:
    if channels < 1:
        raise ValueError(f"`channels` must be 1 or more, got {channels}")


ATTENTION = {
    "none": None,
    "dot": SelfAttention(),
    "scaled-dot": SelfAttention(scaled=True),
    "non-local": SelfAttention(pool=2, value_ratio=0.5, biases=False),
    "cbam": CBAM(),
}
"""Words for the modules, in tables of settings and on the command line."""
