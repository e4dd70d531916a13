"""Gradients of convolutions whose kernels are constants."""

from collections.abc import Callable
from typing import Any

import jax


Array = jax.Array


def define_gradient(
    convolve: Any, forward: Callable[[Array, Array], Array], gradient: Callable[[Array, Array], Array]
) -> None:
    """Define the gradient of a convolution (x, kernel) -> y in x; one in the kernel is refused.

    Arguments:
        convolve: a function that `jax.custom_vjp` made.
        forward: (x, kernel) -> y, as `convolve` itself.
        gradient: (kernel, cotangent of y) -> cotangent of x.
    """

    def keep(x, kernel):
        if kernel.perturbed:
            raise TypeError("a frozen kernel has no gradient: differentiate the network with raw parameters instead")
        return forward(x.value, kernel.value), kernel.value

    def back(kernel, g):
        if isinstance(g, jax.custom_derivatives.SymbolicZero):
            return None, None
        return gradient(kernel, g), None

    convolve.defvjp(keep, back, symbolic_zeros=True)
