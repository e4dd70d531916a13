"""By which statistics the batch norms of a trained SinGAN normalise when it is used.

In training every image is normalized by its own statistics, a batch being one image. Afterwards the official code takes
their running averages, over fakes and reconstructions of networks that still changed. The two can lie far apart: after
short trainings a network then shifts the colors, and all the more where it is applied over and over (`super_resolve`).
"""

import dataclasses

from jaxprior.models.singan.model import Scale, SinGan, SingleImageModel, with_image_scales


def with_own_statistics(model: SingleImageModel) -> SinGan:
    """The same model, normalizing each image by its own statistics, as in training.

    Arguments:
        model: the trained pyramid. Networks without batch norm stay as they are.

    Returns:
        A pyramid that every application takes; its generators have the norm "instance".

    Raises:
        JaxpriorError: the model is no SinGAN.

    Example:
        >>> super_resolve(with_own_statistics(model), jax.random.key(0))  # needs a trained model # doctest: +SKIP
    """
    pyramid = with_image_scales(model)
    return dataclasses.replace(pyramid, scales=tuple(map(_own, pyramid.scales)))


def _own(scale: Scale) -> Scale:
    if scale.generator.norm != "batch":
        return scale
    generator = scale.generator.clone(norm="instance")
    return dataclasses.replace(scale, generator=generator, variables={"params": scale.variables["params"]})
