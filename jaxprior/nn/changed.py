"""Layers whose weights are changed for one picture, without kernels of its own for every picture.

Under `vmap`, convolutions whose kernels differ between pictures would become one grouped convolution, which is slow,
and kernels that were prepared for inversion have no gradient. So a layer's kernel W [..., i, o] is changed by a matrix
of low rank that acts on the channels of what comes in, the same for every tap of the kernel, and the layer stays:

    W' = (I + D U) W,    b' = b + c:    layer'(x) = layer(x + (x D) U) + c,    D [i, r], U [r, i], c [o]

These are matrix products with a few columns, for any layer that is linear in what comes in: dense, convolution in every
form, transposed convolution. The layers are the direct parts of a Flax module that have a parameter "kernel", under the
names that they have there.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import flax.linen as nn
import jax

from jaxprior.nn.elementwise import add_bias


Array = jax.Array


@contextlib.contextmanager
def changing(change: Mapping[str, Mapping[str, Array]]) -> Iterator[None]:
    """Within this context, the named layers of the module that is applied have changed weights.

    Arguments:
        change: by the layer's name, {"down": D [i, r], "up": U [r, i], "bias": c [o]}; without "down" and "up" only the
            bias is changed.
    """

    def applied(layer: Callable[..., Array], x: Array, *rest: Any, name: str) -> Array:
        weights = {part: array.astype(x.dtype) for part, array in change[name].items()}
        if "up" in weights:
            x = x + (x @ weights["down"]) @ weights["up"]
        y = layer(x, *rest)
        return add_bias(y, weights["bias"].astype(y.dtype))

    with _through_layers(change, applied):
        yield


@contextlib.contextmanager
def recording(found: dict[str, tuple[int, int]]) -> Iterator[None]:
    """Within this context, the layers that a module applies are written down.

    Arguments:
        found: gets, by the layer's name and in the order in which they are applied, its channels in and out.
    """

    def applied(layer: Callable[..., Array], x: Array, *rest: Any, name: str) -> Array:
        y = layer(x, *rest)
        found[name] = (x.shape[-1], y.shape[-1])
        return y

    with _through_layers(None, applied):
        yield


def _through_layers(
    names: Mapping[str, Any] | None, applied: Callable[..., Array]
) -> contextlib.AbstractContextManager[None]:
    """Let calls of a module's layers, those in `names` or all for None, go through a function."""

    def intercept(call: Callable[..., Any], args: tuple, kwargs: dict, context: Any) -> Any:
        module, name = context.module, context.module.name
        of_module = context.method_name == "__call__" and len(module.path) == 1
        wanted = of_module and (names is None or name in names)
        if not wanted or not module.has_variable("params", "kernel"):
            return call(*args, **kwargs)
        x, *rest = args
        return applied(lambda x, *rest: call(x, *rest, **kwargs), x, *rest, name=name)

    return nn.intercept_methods(intercept)
