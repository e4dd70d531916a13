"""What networks that were trained on ImageNet with torchvision expect as their input."""

import jax
import jax.numpy as jnp


Array = jax.Array

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""Of the red, green and blue values of ImageNet's pictures, in [0, 1]."""


def imagenet_scaled(images: Array) -> Array:
    """Images [b, h, w, 3] in [-1, 1], RGB -> (0.5 x + 0.5 - mean) / deviation, with ImageNet's for each channel."""
    mean, deviation = (jnp.asarray(values, images.dtype).reshape(1, 1, 1, 3) for values in (MEAN, DEVIATION))
    return (images * 0.5 + 0.5 - mean) / deviation
