"""The settings of a ConSinGAN training and named choices of them (Hinz et al., WACV 2021). Nothing here imports JAX."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from jaxprior.models.singan.config import KERNEL, MAX_LAYERS, PyramidRecipe, ScaleRule
from jaxprior.training.settings import network_setting, recipe_setting


CRITIC_LAYERS_MORE = 2
"""So many convolutions more has the critic than a stage of the generator."""

Norm = Literal["none", "instance"]
"""What may follow a convolution. The official `--batch_norm` never leaves training mode, draws one image at a time and
thus normalises each image by itself: "instance"."""

Edges = Literal["enlarged", "zero"]
"""How features get the margin that a stage's convolutions take away: see `networks.GrowingGenerator`."""

StartsFrom = Literal["noise", "augmented", "shuffled"]
"""What the coarsest stage gets in training: noise; or the picture at that scale, changed anew at every step as
`augmenting` does it, in its colors ("augmented") or with parts of it moved ("shuffled", with weak noise)."""


@dataclass(frozen=True, kw_only=True)
class ConsinganRecipe(PyramidRecipe):
    """What a ConSinGAN training depends on, besides its picture.

    Fields:
        width, layers, norm, slope, edges: of the generator, see `networks.GrowingGenerator`. The critic has two layers
            more.
        train_depth: so many of the newest stages are trained together.
        lr_scale: learning rate of a stage, as a multiple of that of the next finer one.
        g_step: the generator's gradient is computed "once" a step, and Adam goes several times with it, as the
            official code does; or again for every update ("recompute").
        z_rec: the coarsest noise of the reconstruction is the "image" at that scale, or "fixed" noise (the official
            code where it animates).
        starts_from: what the coarsest stage gets in training, see `StartsFrom`. A model that starts from a picture
            harmonizes ("augmented") or edits ("shuffled") others; a model that starts from noise draws at random.
    """

    scale_rule: ScaleRule = "consingan"
    num_scales: int | None = 6
    width: int = network_setting(64, "Channels of all features.", metavar="N", least=1)
    layers: int = network_setting(3, "Convolutions of a stage.", metavar="N", least=1)
    norm: Norm = network_setting("none", "What follows the convolutions.")
    slope: float = network_setting(0.05, "consingan: of the LeakyReLU.", metavar="X", least=0.0)
    edges: Edges = network_setting(
        "enlarged", "consingan: around features, themselves enlarged (diverse edges), or zeros."
    )
    train_depth: int = recipe_setting(3, "consingan: stages that are trained together.", metavar="N", least=1)
    lr_scale: float = recipe_setting(
        0.1, "consingan: of a stage's learning rate to the next finer one's.", metavar="X", least=0.0
    )
    g_step: Literal["once", "recompute"] = recipe_setting("once", "What the generator's steps see.")
    z_rec: Literal["image", "fixed"] = recipe_setting("image", "Coarsest noise of the reconstruction.")
    starts_from: StartsFrom = network_setting(
        "noise", "consingan: at the coarsest scale; a changed picture for models that harmonize or edit."
    )

    def __post_init__(self):
        super().__post_init__()
        self.check_counts("width", "train_depth")
        most = MAX_LAYERS - CRITIC_LAYERS_MORE
        if not 1 <= self.layers <= most:
            raise ValueError(f"`layers` must be from 1 to {most}, got {self.layers}")
        if self.starts_from != "noise" and self.z_rec != "image":
            raise ValueError(f"`z_rec` must be image where `starts_from` is {self.starts_from}, got {self.z_rec}")
        if not 0 <= self.slope <= 1 or not 0 <= self.lr_scale <= 1:
            raise ValueError(f"`slope` and `lr_scale` must be from 0 to 1, got {self.slope} and {self.lr_scale}")

    @property
    def critic_layers(self) -> int:
        """Number of convolutions of the critic."""
        return self.layers + CRITIC_LAYERS_MORE

    @property
    def patch(self) -> int:
        """Side of the patches that the critic sees, in pixels."""
        return self.critic_layers * (KERNEL - 1) + 1

    def trained(self, stage: int) -> dict[str, float]:
        """Parts of the generator that are trained while a stage is the newest, with their share of the learning rate.

        They are the newest `train_depth` stages, the head if the first stage is one of them, and the tail.
        """
        first = max(stage - self.train_depth + 1, 0)
        stages = {f"stage{n}": self.lr_scale ** (stage - n) for n in range(first, stage + 1)}
        head = {} if first else {"head": self.lr_scale**stage}
        return {**head, **stages, "tail": 1.0}


_FROM_PICTURES = ConsinganRecipe(steps=1000, norm="instance", edges="zero")
PRESETS = {
    "consingan": ConsinganRecipe(),
    "consingan-retarget": ConsinganRecipe(edges="zero"),
    "consingan-animate": ConsinganRecipe(z_rec="fixed", min_size=20),
    "consingan-harmonize": replace(
        _FROM_PICTURES, starts_from="augmented", scale_rule="consingan_geometric", num_scales=3, min_size=120, slope=0.3
    ),
    "consingan-edit": replace(_FROM_PICTURES, starts_from="shuffled"),
}
"""Named settings: the official code's `--train_mode`s, with the options that its README gives for each."""

_USES = {
    "noise": "jaxprior singan sample -o samples",
    "augmented": "jaxprior singan harmonize RUN REFERENCE --mask MASK -o harmonized, RUN being",
    "shuffled": "jaxprior singan edit RUN REFERENCE --mask MASK -o edited, RUN being",
}


def use_of(settings: Mapping[str, Any]) -> str:
    """The command in which a trained run serves, by the settings of the training; the run follows."""
    return _USES[settings.get("starts_from", "noise")]
