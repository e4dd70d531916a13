"""Every form in which a convolution can be computed, and which of them a kind of device takes.

An operation, such as a 3x3 convolution after upsampling, is one function with several forms: ways to compute it that
differ in speed and rounding. `FORMS` holds all forms by name, `choose_form` names the one for an operation on a kind of
device. Nothing here asks for JAX's default device: the caller says where its arrays will be.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from jaxprior.nn import trained, winograd, winograd_upsampling
from jaxprior.nn.direct import convolve, downsample_convolve, strided_convolve, upsample_convolve, valid_convolve
from jaxprior.nn.phase import phase_convolve, phase_kernels
from jaxprior.nn.transposed import transposed_convolve
from jaxprior.nn.valid import convolve_by_products
from jaxprior.system.devices import CPU


Array = jax.Array

Operation: TypeAlias = Literal["same", "up", "down", "strided", "transposed", "valid"]
"""What is computed: a convolution that keeps the size; one after nearest x2 upsampling; one followed by 2x2 averaging;
one of stride 2; a transposed one of stride 2; one without padding."""


class Form(NamedTuple):
    """A way to compute an operation: what becomes of the kernel [k, k, i, o] beforehand, and what is done with it."""

    prepare: Callable[[Array], Array]
    apply: Callable[[Array, Array], Array]


def _as_it_is(kernel: Array) -> Array:
    return kernel


FORMS = {
    "same": Form(_as_it_is, convolve),
    "same_winograd": Form(winograd.tile_kernel, winograd.tile_convolve),
    "up": Form(_as_it_is, upsample_convolve),
    "up_phases": Form(phase_kernels, phase_convolve),
    "up_winograd": Form(winograd_upsampling.upsample_kernel, winograd_upsampling.upsample_convolve),
    "down": Form(_as_it_is, downsample_convolve),
    "strided": Form(_as_it_is, strided_convolve),
    "transposed": Form(_as_it_is, transposed_convolve),
    "valid": Form(_as_it_is, valid_convolve),
    "valid_products": Form(_as_it_is, convolve_by_products),
    "same_trained": Form(_as_it_is, trained.same_convolve),
    "up_trained": Form(_as_it_is, trained.upsample_convolve),
    "down_trained": Form(_as_it_is, trained.downsample_convolve),
    "strided_trained": Form(_as_it_is, trained.strided_convolve),
    "transposed_trained": Form(_as_it_is, trained.transposed_convolve),
}
"""All forms by name. A name begins with its operation; "_winograd" and "_phases" are for 3x3 kernels, and Winograd's
forms have no gradient in the kernel; those with "_trained" have fast gradients of every order on CPUs, but none in
forward mode (`jax.jvp`). See `jaxprior.nn.direct`, `phase`, `winograd`, `winograd_upsampling`, `transposed`, `valid`
and `trained`."""


def choose_form(
    operation: Operation,
    *,
    platform: str,
    frozen: bool = False,
    channels: tuple[int, int] = (0, 0),
    dtype: jnp.dtype = jnp.float32,
) -> str:
    """The name in `FORMS` of the fastest form of an operation on a kind of device.

    Arguments:
        operation: what is computed.
        platform: kind of the devices that compute it, "cpu", "gpu" or "tpu".
        frozen: whether the kernel is prepared once and is not trained; only then are other forms than the plain ones
            worth their preparation.
        channels: of the features that go in and come out.
        dtype: in which it is computed; Winograd's sums would lose too much of bfloat16's few digits.
    """
    on_cpu = platform == CPU
    if operation == "valid":
        return "valid_products" if on_cpu else "valid"
    if operation not in ("same", "up") or not frozen:
        return operation
    if on_cpu and dtype != jnp.bfloat16 and winograd.gains(*channels):
        return f"{operation}_winograd"
    return "up_phases" if operation == "up" else "same"


def valid_convolution(*, platform: str, dilation: int = 1) -> Callable[[Array, Array], Array]:
    """The operation "valid" in its fastest form: a function of features and a kernel, see `jaxprior.nn.valid`.

    Arguments:
        platform: kind of the devices that compute it.
        dilation: how far the kernel's taps lie from each other, in pixels.
    """
    forms = {"valid": valid_convolve, "valid_products": convolve_by_products}
    return partial(forms[choose_form("valid", platform=platform)], dilation=dilation)


def training_form(operation: Operation, *, platform: str | None) -> str:
    """The name in `FORMS` of the fastest form of an operation in a network that is trained.

    Arguments:
        operation: what is computed, but not "valid", of which `choose_form` knows.
        platform: kind of the devices that train it; None where it is not trained.
    """
    return f"{operation}_trained" if platform == CPU else operation
