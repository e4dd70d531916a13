"""DCGAN's generator as PyTorch's own example and many after it save it -> our tree, its batch norms folded.

    main.0, main.1                  transposed 4x4 convolution of the code to 4x4 pixels, batch norm
    main.3, main.4, ...             transposed 4x4 convolution of stride 2, batch norm; one for every doubling
    main.{3 n}                      the last one, without a norm; tanh follows

ReLUs stand between them. Convolutions have no bias, or one that only shifts the running mean of the norm behind it.
Codes are drawn from N(0, 1). The critic of such a training lies in a file of its own, and is not read.
"""

import re
from collections.abc import Mapping

import numpy as np

from jaxprior.errors import WeightsError
from jaxprior.models.dcgan.networks import Critic, Generator, to_config
from jaxprior.nn.norm import fold
from weights_convert.choosing import Checkpoint
from weights_convert.normed import NORM_PARTS, checked_arrays, without_counters
from weights_convert.report import Converted
from weights_convert.states import State


EXAMPLE_NAMES = "main.1.running_mean"

SIDE = 4
"""Of the kernels, and of the first map."""
MOST_DOUBLINGS = 8


def recognise(state: Mapping[str, np.ndarray]) -> bool:
    """Whether a state is such a generator: a norm follows its first layer, which a critic's has none of."""
    return {"main.0.weight", "main.1.running_mean", "main.3.weight"} <= set(state)


def convert(checkpoint: Checkpoint) -> Converted:
    """Bring the generator into our form.

    Arguments:
        checkpoint: what a reader found.

    Returns:
        Parameter tree, float32, and configuration.

    Raises:
        WeightsError: missing, unexpected or misshapen tensors, or a negative variance.
    """
    chosen = checkpoint.choose(recognise)
    variables, generator = read_generator(checkpoint.states[chosen])
    critic = Critic(generator.widths[::-1], generator.resolution, generator.image_channels)
    return Converted(
        {"generator": fold(variables)},
        to_config(generator, critic),
        f"the generator from {checkpoint.label(chosen)}",
        tuple(one for name in checkpoint.states if name != chosen for one in checkpoint.rest(name)),
        {},
        f"{generator.resolution} pixels, widths {', '.join(map(str, generator.widths))}, codes of "
        f"{generator.latent_dim} numbers",
        notes=checkpoint.choice(chosen, recognise),
        state=chosen,
    )


def read_generator(state: State) -> tuple[dict, Generator]:
    """The variables {"params": ..., "batch_stats": ...} of a generator of norm "batch", and the generator.

    Raises:
        WeightsError: see `convert`.
    """
    state.check_tensors()
    found = without_counters(state)
    kernels = [key for key, array in found.items() if re.fullmatch(r"main\.\d{1,3}\.weight", key) and array.ndim == 4]
    blocks = len(kernels) - 1
    expected = [f"main.{3 * k}.weight" for k in range(blocks + 1)]
    if not 1 <= blocks <= MOST_DOUBLINGS or set(kernels) != set(expected):
        raise WeightsError(
            f"kernels {', '.join(sorted(kernels)) or 'none'}; expected main.0.weight, main.3.weight and so on, up to "
            f"{MOST_DOUBLINGS} doublings of 4x4 pixels, each with a batch norm behind it but the last"
        )
    widths = tuple(found[key].shape[1] for key in expected)
    generator = Generator(widths[:-1], found[expected[0]].shape[0], widths[-1], kernel=SIDE, slope=0.0)
    if generator.image_channels not in (1, 3):
        raise WeightsError(
            f"tensor {state.in_file(expected[-1])} makes {generator.image_channels} channels; expected 1 or 3"
        )
    shapes = {}
    for k, (key, inner) in enumerate(zip(expected, (generator.latent_dim, *widths), strict=False)):
        shapes[key] = (inner, widths[k], SIDE, SIDE)
        if (bias := f"main.{3 * k}.bias") in found:
            shapes[bias] = (widths[k],)
        if k < blocks:
            shapes |= {f"main.{3 * k + 1}.{part}": (widths[k],) for part in NORM_PARTS}
    arrays = checked_arrays(state, found, shapes)
    params, statistics = {}, {}
    for k, key in enumerate(expected):
        kernel = arrays[key]
        bias = arrays.get(f"main.{3 * k}.bias", np.zeros(widths[k], np.float32))
        if k == blocks:
            params["output"] = {"kernel": kernel.transpose(2, 3, 0, 1), "bias": bias}
            break
        scale, shift, mean, variance = (arrays[f"main.{3 * k + 1}.{part}"] for part in NORM_PARTS)
        axes = (2, 3, 0, 1) if k else (0, 2, 3, 1)  # the projection's kernel is [code, 4, 4, features]
        params[f"layer{k}"] = {"kernel": kernel.transpose(axes), "norm": {"scale": scale, "bias": shift}}
        statistics[f"layer{k}"] = {"norm": {"mean": mean - bias, "var": variance}}
    return {"params": params, "batch_stats": statistics}, generator
