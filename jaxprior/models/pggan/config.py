"""Settings of a PGGAN training (Karras et al., ICLR 2018), and named choices of them. No JAX is imported here."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from jaxprior.protocols import Sizes
from jaxprior.settings import check_choices, setting
from jaxprior.training.settings import GeneratorSettings, check_widths, network_setting, recipe_setting


OPTIONS = (
    "first_bias", "output", "normalize_latents", "norm_before_layer1", "norm_epsilon", "outputs", "label"
)  # fmt: skip
"""Fields of the generator in which published networks differ from the original; a card's "config" has those that do."""


def feature_widths(resolution: int, *, fmap_base: int = 16384, fmap_max: int = 512) -> tuple[int, ...]:
    """Channels of every stage, min(fmap_base / r, fmap_max) for r = 4, 8, ..., resolution.

    Arguments:
        resolution: pixels of the square output, a power of two from 8 to 1024.
        fmap_base: overall width. The official TensorFlow code counts stages from 1 and calls half this value its base.
        fmap_max: upper limit.

    Example:
        >>> feature_widths(64)
        (512, 512, 512, 512, 256)
    """
    stages = resolution.bit_length() - 2
    if not 8 <= resolution <= 1024 or resolution != 2 << stages:
        raise ValueError(f"`resolution` must be a power of two from 8 to 1024, got {resolution}")
    return tuple(min(fmap_base // (4 << b), fmap_max) for b in range(stages))


@dataclass(frozen=True, kw_only=True)
class PgganRecipe(GeneratorSettings):
    """What a PGGAN training run depends on, besides its pictures and what all trainings depend on.

    Fields:
        resolution: final size in pixels; start_resolution: first size, 4 in the paper.
        widths: channels of the stages 4x4, 8x8, ...; None takes min(fmap_base / r, fmap_max).
        latent_dim: length of a latent code; None takes the widest layer.
        image_channels: 3, or 1 for grey pictures, which are the luma of those that are given.
        fused: compute up- and down-sampling and the convolution beside it as one convolution.
        loss: "wgan-gp" as published, or "nonsaturating" with lazy R1.
        train_kimg, fade_kimg: thousands of pictures a stage; final_kimg: of the last stage (None: train_kimg).
        batch_limit: (resolution, batch) pairs that cap the batch from that resolution on.
        epsilon: of Adam. final_learning_rate: reached linearly over the last stage's training (None: constant).
        penalty, drift: weights of WGAN-GP; r1_gamma (at 4 px, growing with resolution / 4 to the power r1_growth),
            r1_every: of lazy R1.
        start_from: weights that the training goes on with at the last resolution, see `.continued`: the name of a
            prior, a .safetensors file or the RUN of a training; None begins with random ones.
        warmup_steps: over so many the learning rate rises linearly whenever Adam begins anew. None: 300 if the
            training goes on from weights, and otherwise no rise.
    """

    resolution: int = setting(
        64, "Pixels of a side, a power of two from 8 to 1024; by default the preset's.", metavar="R"
    )
    start_from: str | None = setting(
        None,
        "Weights to train further, at their own resolution: the name of a prior, a .safetensors file, or the RUN of a "
        "training.",
        option="--from",
        metavar="NAME|FILE|RUN",
    )
    start_resolution: int = network_setting(4, "First resolution, 4 in the paper.", metavar="R")
    widths: tuple[int, ...] | None = network_setting(
        None, "Feature maps at 4x4, 8x8, ..., for example 96,96,64,32.", metavar="N,N,..."
    )
    fmap_base: int = 16384
    fmap_max: int = network_setting(512, "Upper limit of the feature maps.", metavar="N", least=1)
    latent_dim: int | None = network_setting(
        None, "Length of a latent code; by default the widest layer.", metavar="N", least=1
    )
    image_channels: Literal[1, 3] = network_setting(
        3, "Channels of the pictures: 3, or 1 for their brightness alone.", option="--channels"
    )
    fused: bool = network_setting(False, "Fused up- and down-convolutions.", option="--fused/--plain")
    loss: Literal["wgan-gp", "nonsaturating"] = recipe_setting("wgan-gp", "Adversarial loss.")
    train_kimg: float = recipe_setting(600.0, "Thousand pictures shown at each resolution.", metavar="K", least=0)
    fade_kimg: float = recipe_setting(
        600.0, "Thousand pictures while each resolution fades in.", metavar="K", least=0
    )
    final_kimg: float | None = recipe_setting(
        None, "Thousand pictures at the last resolution.", metavar="K", least=0
    )
    batch_size: int = 128
    batch_limit: tuple[tuple[int, int], ...] = ((32, 64), (64, 32), (128, 16), (256, 8), (512, 4))
    learning_rate: float = 1e-3
    final_learning_rate: float | None = recipe_setting(
        None, "Learning rate reached at the end.", option="--final-lr", metavar="X", least=0.0
    )
    warmup_steps: int | None = recipe_setting(
        None,
        "Steps over which the learning rate first rises to --lr; by default 300 with --from, otherwise 0.",
        metavar="K",
        least=0,
    )
    beta1: float = 0.0
    beta2: float = 0.99
    epsilon: float = 1e-8
    penalty: float = 10.0
    drift: float = 1e-3
    r1_gamma: float = 0.1
    r1_growth: float = 0.5
    r1_every: int = 16
    ema_ramp: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        check_widths("widths", self.widths)
        stages = len(feature_widths(self.resolution))
        if self.widths is not None and len(self.widths) != stages:
            raise ValueError(f"`widths` needs {stages} numbers for {self.resolution} pixels, got {self.widths}")
        check_choices(self)
        starts = [4 << b for b in range(stages)]
        if self.start_resolution not in starts:
            raise ValueError(f"`start_resolution` must be one of {starts}, got {self.start_resolution}")

    def changed(self, changes: dict[str, Any]) -> Self:
        """See `Essentials.changed`. A batch size that is given holds at all resolutions."""
        return super().changed({**({"batch_limit": ()} if "batch_size" in changes else {}), **changes})

    def batch_at(self, resolution: int) -> int:
        """Pictures a step at a resolution."""
        return min([self.batch_size] + [limit for above, limit in self.batch_limit if resolution >= above])


_FAST = PgganRecipe(
    start_resolution=8, fused=True, loss="nonsaturating", batch_size=64, batch_limit=(), train_kimg=60.0,
    fade_kimg=60.0, final_kimg=240.0, learning_rate=2e-3, final_learning_rate=4e-4, ema_ramp=10.0,
)  # fmt: skip

PRESETS = {
    "fast": _FAST,
    "paper": PgganRecipe(),
    "cats32": replace(
        _FAST, resolution=32, widths=(96, 96, 64, 32), latent_dim=128, batch_size=32, train_kimg=40.0, fade_kimg=25.0,
        final_kimg=250.0, seed=1,
    ),
    "cats64": replace(
        _FAST, resolution=64, start_resolution=16, widths=(192, 256, 256, 128, 64), latent_dim=256, train_kimg=100.0,
        fade_kimg=80.0, final_kimg=2000.0, precision="bf16", seed=1,
    ),
}  # fmt: skip
"""Named recipes: "paper" is the published schedule, "fast" a short one for small data on one device, "cats32" made the
bundled prior of that name on two CPU cores, and "cats64" that one in nine minutes of a data-centre GPU, stopped after a
third of its 2.4 million pictures."""


def sizes(config: Mapping[str, Any]) -> Sizes:
    """The sizes of a trained generator, from its card's table "config".

    Raises:
        KeyError, TypeError, ValueError: it describes none.

    Example:
        >>> sizes({"latent_dim": 128, "widths": [96, 96, 64, 32], "image_channels": 3}).image_shape
        (32, 32, 3)
    """
    stages = len(config["widths"])
    side = 4 << (stages - 1)
    options = tuple((name, config[name]) for name in OPTIONS if name in config)
    return Sizes((side, side, int(config.get("image_channels", 3))), int(config["latent_dim"]), 2 * stages, options)
