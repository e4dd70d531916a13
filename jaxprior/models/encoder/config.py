"""Settings of an encoder's training, named choices of them, and what it is trained on. No JAX is imported here."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from jaxprior.settings import setting
from jaxprior.training.settings import TrainingSettings, check_widths, network_setting, recipe_setting


WIDTHS = (160, 160, 128, 64, 32)
"""Feature maps at 4x4 pixels, then after every doubling; larger maps have as many as the last."""


def default_widths(resolution: int) -> tuple[int, ...]:
    """Feature maps at the pictures' own size and after every halving down to 4x4, if a training does not say them.

    Arguments:
        resolution: pixels of a side, 4 times a power of 2.

    Example:
        >>> default_widths(32)
        (64, 128, 160, 160)
    """
    levels = (resolution // 4).bit_length()
    return tuple(reversed((WIDTHS + WIDTHS[-1:] * levels)[:levels]))


@dataclass(frozen=True, kw_only=True)
class EncoderRecipe(TrainingSettings):
    """What a training depends on, besides its pictures and what all trainings depend on.

    Fields:
        prior: the generator that the encoder belongs to, as `load_prior` takes it; the best bundled one where None.
        start_from: an encoder of the prior that the training goes on with, see `.continued`; None begins with random
            weights.
        resolution, image_channels: of the prior's pictures, which a command takes from the prior's card.
        tasks: how pictures are damaged, see `jaxprior.operators.task_table`. Every picture draws one of them; one that
            is named twice is drawn twice as often.
        layer: of whose features it answers.
        widths: feature maps at the pictures' own size and after every halving, the last at 4x4 pixels; None for
            `default_widths`.
        bottleneck: numbers between the dense layers at 4x4.
        samples: of the prior that are made once; own: so many pictures of a step are such samples, if there are others.
        known_weight: weight of the known pixels' error beside that of the missing ones.
        code_weight, map_weight: weights of the errors of the code and of the features of samples, which are known.
        feature_weight: weight of the perceptual distance of the answer, with the known pixels put back, from the
            original, 0: none; features: the network whose features are compared, the prior's own "critic", or a feature
            network as `load_features` takes it.
        realism: weight of the critic's doubt of the answer with the known pixels put back, 0: none.
        held_out: pictures at the end that are not trained on but measured; no more than a quarter of all.
        steps: how long.
        warmup: share of the steps over which the learning rate rises; then it falls along a cosine to 0.
    """

    NO_NETWORKS: ClassVar[tuple[str, ...]] = ("critic",)
    prior: str | None = setting(
        None,
        "The prior that the encoder is trained for: a name, a .safetensors file or a training RUN (default: the best "
        "bundled).",
        metavar="NAME|FILE|RUN",
    )
    start_from: str | None = setting(
        None,
        "Encoder to train further, whose layer and widths are kept: the name of a prior that has one, a .safetensors "
        "file, or the RUN of a training.",
        option="--from",
        metavar="NAME|FILE|RUN",
    )
    resolution: int = 64
    image_channels: int = 3
    tasks: tuple[str, ...] = setting(
        ("inpaint center:0.25", "inpaint block:0.25"),
        'What the encoder shall repair, in the words of a command, e.g. "inpaint block:0.25" or "superres 4". Repeat '
        "it for several tasks: every picture is damaged by one of them, drawn at random.",
        option="--task",
        metavar="TASK",
        repeated=True,
    )
    layer: int = network_setting(
        4, "Layer of the prior at which the encoder's feature map enters the generator.", metavar="L", least=1
    )
    widths: tuple[int, ...] | None = network_setting(
        None,
        "Channels of the encoder at the pictures' size and after every halving, down to 4x4 pixels.",
        metavar="N,N,...",
    )
    bottleneck: int = network_setting(
        128, "Width of the dense bottleneck, through which the whole picture is seen at once.", metavar="N", least=1
    )
    samples: int = recipe_setting(
        4096, "Samples of the prior to learn from, which are made once.", metavar="N", least=4
    )
    own: int = recipe_setting(
        2, "How many pictures of a step are such samples; the others are those of --data.", option="--own-samples",
        metavar="N", least=1,
    )  # fmt: skip
    known_weight: float = recipe_setting(
        0.2, "Weight of the error of known pixels beside that of missing ones.", metavar="X", least=0.0
    )
    code_weight: float = recipe_setting(
        0.1, "Weight of the error of the code, which is known for samples.", metavar="X", least=0.0
    )
    map_weight: float = recipe_setting(
        0.05, "Weight of the error of the feature map, which is known for samples.", metavar="X", least=0.0
    )
    feature_weight: float = recipe_setting(
        0.0,
        "Weight of the perceptual distance of the merged answer (with the known pixels put back) from the original.",
        metavar="X",
        least=0.0,
    )
    features: str = recipe_setting(
        "critic",
        "Network in which that distance is measured: the prior's critic, an installed network (see `jaxprior priors`), "
        "or its .safetensors file.",
        metavar="critic|NAME|FILE",
    )
    realism: float = recipe_setting(
        0.0,
        "Weight of a term that grows the more surely the prior's critic takes the merged answer for a generated "
        "picture.",
        metavar="X",
        least=0.0,
    )
    held_out: int = recipe_setting(
        64, "The last N pictures are not trained on; on them the encoder is measured.", metavar="N", least=1
    )
    steps: int = recipe_setting(20_000, "Length of the training in steps.", metavar="K", least=1, rank=-1)
    warmup: float = 0.02
    batch_size: int = 16
    learning_rate: float = 1e-3
    beta1: float = 0.9

    def __post_init__(self):
        super().__post_init__()
        check_widths("widths", self.widths)
        if not self.tasks:
            raise ValueError("`tasks` must name one task or more, got none")
        for name in ("layer", "bottleneck", "own"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be 1 or more, got {getattr(self, name)}")
        if self.samples < 4:
            raise ValueError(f"`samples` must be 4 or more, got {self.samples}")
        if self.own > self.batch_size:
            raise ValueError(f"`own` must be at most the pictures of a step, {self.batch_size}, got {self.own}")


PRESETS = {"holes": EncoderRecipe(), "whole": EncoderRecipe(tasks=("reconstruct",))}
"""Named recipes: for holes in the middle and anywhere, and for pictures that are not damaged."""


@dataclass(frozen=True, kw_only=True)
class EncoderInputs:
    """What an encoder is trained on besides the prior's own samples.

    Fields:
        data: a folder or zip archive of pictures.
    """

    data: Path | None = setting(
        None,
        "Real pictures to learn from, a folder or zip archive; without it there are only the prior's own samples.",
        metavar="DIR|ZIP",
    )
