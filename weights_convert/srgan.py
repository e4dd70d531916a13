"""SRGAN's generator as the public code of leftthomas saves it (PyTorch) -> our tree, its batch norms folded.

    block1.0, block1.1              9x9 convolution, PReLU
    block2 ... block{n + 1}         residual blocks: conv1, bn1, prelu, conv2, bn2
    block{n + 2}.0, .1              convolution before the long skip, and a norm; in early versions a PReLU
    block{n + 3}.0, ...             one for every doubling: conv, prelu; at last the 9x9 convolution

Convolutions have a bias in front of the norm, which only shifts the running mean: it is subtracted from it. Images end
in (tanh + 1) / 2, which in [-1, 1] is tanh.
"""

import re
from collections.abc import Mapping

import numpy as np

from jaxprior.errors import WeightsError
from jaxprior.models.srgan.networks import Generator, at_rest, to_config
from weights_convert.choosing import Checkpoint
from weights_convert.normed import NORM_PARTS, checked_arrays, without_counters
from weights_convert.report import Converted
from weights_convert.states import State


EXAMPLE_NAMES = "block1.1.weight"

MOST_BLOCKS = 128


def recognise(state: Mapping[str, np.ndarray]) -> bool:
    """Whether a state is such a generator, by the names of its first layers."""
    return {"block1.0.weight", "block1.1.weight", "block2.conv1.weight", "block2.prelu.weight"} <= set(state)


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
    return Converted(
        {"generator": at_rest(variables)},
        to_config(generator),
        f"the generator from {checkpoint.label(chosen)}",
        tuple(one for name in checkpoint.states if name != chosen for one in checkpoint.rest(name)),
        {},
        f"{generator.blocks} residual blocks of {generator.width} channels, enlarges by {generator.factor}",
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
    blocks, doublings = _count(found, r"block(\d{1,3})\.conv1\.weight"), _count(found, r".*\.(\d)\.conv\.weight")
    first = found["block1.0.weight"]
    if not 1 <= blocks <= MOST_BLOCKS or doublings not in (1, 2) or first.ndim != 4:
        raise WeightsError(
            f"{blocks} residual blocks and {doublings} convolutions before a pixel shuffle; expected 1 to "
            f"{MOST_BLOCKS} blocks, and 1 or 2 doublings (x2, x4)"
        )
    generator = Generator(
        blocks=blocks, width=len(first), factor=2**doublings, output="tanh", kernel=first.shape[-1],
        image_channels=first.shape[1], before_sum="norm" if f"block{blocks + 2}.1.bias" in found else "prelu",
    )  # fmt: skip
    if generator.kernel % 2 == 0 or generator.image_channels != 3:
        raise WeightsError(
            f"tensor {state.in_file('block1.0.weight')} has shape {first.shape}, expected [o, 3, k, k] with an odd k"
        )
    shapes = _shapes(generator)
    return variables_of(checked_arrays(state, found, shapes), generator), generator


def variables_of(arrays: Mapping[str, np.ndarray], generator: Generator) -> dict:
    """Tensors by their public names -> variables of `generator`, in their own types."""
    params, statistics = {}, {}
    for ours, conv, norm in layers_of(generator):
        bias, kernel = arrays[f"{conv}.bias"], arrays[f"{conv}.weight"].transpose(2, 3, 1, 0)
        if norm is None:
            params[ours] = {"kernel": kernel, "bias": bias}
            continue
        scale, shift, mean, variance = (arrays[f"{norm}.{part}"] for part in NORM_PARTS)
        params[ours] = {"kernel": kernel, "norm": {"scale": scale, "bias": shift}}
        statistics[ours] = {"norm": {"mean": mean - bias, "var": variance}}
    for ours, theirs in slopes_of(generator):
        params[ours] = {"slope": arrays[f"{theirs}.weight"].reshape(())}
    return {"params": params, "batch_stats": statistics}


def layers_of(generator: Generator) -> list[tuple[str, str, str | None]]:
    """(our name, public name of the convolution, that of the norm behind it or None) of every convolution."""
    n, doublings = generator.blocks, generator.factor.bit_length() - 1
    end = f"block{n + 3}"
    layers: list[tuple[str, str, str | None]] = [("first", "block1.0", None)]
    for k in range(n):
        layers += [(f"block{k}_{i}", f"block{k + 2}.conv{i + 1}", f"block{k + 2}.bn{i + 1}") for i in (0, 1)]
    layers.append(("after", f"block{n + 2}.0", f"block{n + 2}.1" if generator.before_sum == "norm" else None))
    layers += [(f"up{k}", f"{end}.{k}.conv", None) for k in range(doublings)]
    return [*layers, ("output", f"{end}.{doublings}", None)]


def slopes_of(generator: Generator) -> list[tuple[str, str]]:
    """(our name, public name) of every PReLU."""
    doublings = generator.factor.bit_length() - 1
    slopes = [("slope_first", "block1.1")]
    slopes += [(f"slope{k}", f"block{k + 2}.prelu") for k in range(generator.blocks)]
    slopes += [("slope_after", f"block{generator.blocks + 2}.1")] if generator.before_sum == "prelu" else []
    return slopes + [(f"slope_up{k}", f"block{generator.blocks + 3}.{k}.prelu") for k in range(doublings)]


def _shapes(generator: Generator) -> dict[str, tuple[int, ...]]:
    """Shapes of all tensors of the public file, by name."""
    width, channels, size = generator.width, generator.image_channels, generator.kernel
    special = {"first": (width, channels, size, size), "output": (channels, width, size, size)}
    shapes: dict[str, tuple[int, ...]] = {}
    for ours, conv, norm in layers_of(generator):
        shape = special.get(ours, ((4 if ours.startswith("up") else 1) * width, width, 3, 3))
        shapes |= {f"{conv}.weight": shape, f"{conv}.bias": shape[:1]}
        shapes |= {} if norm is None else {f"{norm}.{part}": (width,) for part in NORM_PARTS}
    return shapes | {f"{theirs}.weight": (1,) for _, theirs in slopes_of(generator)}


def _count(names: Mapping[str, np.ndarray], pattern: str) -> int:
    return sum(re.fullmatch(pattern, name) is not None for name in names)
