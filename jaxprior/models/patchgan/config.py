"""Settings of patch-based inpainting, and named choices of them. No JAX is imported here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from jaxprior import discovery
from jaxprior.protocols import Restores
from jaxprior.settings import check_choices, setting
from jaxprior.training.settings import TrainingSettings, check_widths, network_setting, recipe_setting


PIECE = 2
"""Random crops are taken of pieces of photographs whose sides are so many times longer."""

LEAST_SIDE = 32
"""The smallest pictures that a training takes: the patch head's map of smaller ones would have no place."""


@dataclass(frozen=True, kw_only=True)
class PatchganRecipe(TrainingSettings):
    """What a training depends on, besides its pictures and what all trainings depend on.

    Fields:
        resolution: pixels of a side of the pictures that are trained on; a multiple of 16 from 32 on.
        crops: whether they are random crops of larger photographs, or whole pictures that are fitted to the side.
        choose: of so many random crops the one with the most detail is trained on, as little is learnt of skies.
        width, dilations, norm, up, base, skips: of the generator, see `Generator` in
            `jaxprior.models.patchgan.networks`.
        critic_widths, head_width: of the critic, see `Critic` there.
        masks: specifications of what is missing; every picture of a step draws one of them.
        reconstruction_weight, global_weight, patch_weight: of the mean absolute error, of the global head's and of the
            patch head's cross-entropy. A head whose weight is 0 does not exist.
        held_out: pictures, or photographs, at the end that are not trained on but measured; no more than a quarter of
            all.
        features, features_cut, content_weight: of the content loss, the distance of the filled picture to the original
            in the map of this feature network. Without a name there is none; the paper has none.
        evaluate_features: a feature network in which held-out pictures are compared, by default that of `features`; it
            decides no weight.
        steps: how long.
        learning_rate: of both networks.
    """

    ADDED: ClassVar[Mapping[str, Any]] = {
        "choose": 1, "skips": False, "features": None, "features_cut": None, "content_weight": 0.001
    }  # fmt: skip
    resolution: int = network_setting(64, "Pixels of a side, a multiple of 16.", metavar="R", least=LEAST_SIDE)
    crops: bool = recipe_setting(
        False,
        "Train on random crops of photographs, which have twice the side at least, or on whole pictures.",
        option="--crops/--whole",
    )
    choose: int = recipe_setting(
        1, "With --crops: train on the one with the most detail of so many random crops.", metavar="N", least=1
    )
    width: int = network_setting(32, "The generator's feature maps at full size.", metavar="F", least=1)
    dilations: tuple[int, ...] = network_setting(
        (1, 2, 4, 8, 1, 1), "A dilation for each of the generator's residual blocks.", metavar="N,N,..."
    )
    norm: Literal["batch", "none"] = network_setting("batch", "Norm of both networks.")
    up: Literal["nearest", "transposed"] = "nearest"
    base: Literal["none", "smooth"] = network_setting(
        "none",
        "What the network makes: the picture (none), or what is added to a smooth fill of its holes (smooth); then "
        "sides are multiples of 32.",
    )
    skips: bool = network_setting(
        False,
        "Add the maps of the generator's way down to those on its way up, for the detail around narrow holes.",
        option="--skips/--no-skips",
    )
    critic_widths: tuple[int, ...] = network_setting(
        (64, 128, 256), "Feature maps of the trunk that the critic's heads share.", metavar="N,N,..."
    )
    head_width: int = network_setting(512, "Feature maps of each head of the critic.", metavar="F", least=1)
    masks: tuple[str, ...] = setting(
        ("block:0.25", "block:0.1", "strokes:0.3", "strokes:0.15", "pixels:0.5"),
        "What is missing: center:F, block:F, strokes:F, pixels:F or the file of a mask; repeat it for several, of "
        "which every picture draws one.",
        option="--mask",
        metavar="MASK",
        repeated=True,
    )
    reconstruction_weight: float = recipe_setting(
        0.995, "Weight of the mean absolute error.", option="--l1-weight", metavar="X", least=0.0
    )
    global_weight: float = recipe_setting(
        0.0025, "Weight of the critic's score of whole pictures; 0: it has no such head.", metavar="X", least=0.0
    )
    patch_weight: float = recipe_setting(
        0.0025, "Weight of the critic's scores of patches; 0: it has no such head.", metavar="X", least=0.0
    )
    features: str | None = recipe_setting(
        None,
        "Feature network of a content loss (`jaxprior priors` lists them), which the paper does not have.",
        metavar="NAME|FILE",
    )
    features_cut: int | None = recipe_setting(
        None, "Depth of its map: the output of features[:N]; by default its family's.", metavar="N", least=1
    )
    content_weight: float = recipe_setting(0.001, "Of the content loss.", metavar="X", least=0.0)
    held_out: int = recipe_setting(64, "Pictures at the end that only judge.", metavar="N", least=1)
    evaluate_features: str | None = recipe_setting(
        None, "Feature network in which filled pictures are compared with the originals, for example lpips-alex.",
        metavar="NAME|FILE",
    )  # fmt: skip
    steps: int = recipe_setting(20_000, "Steps altogether.", metavar="K", least=1, rank=-1)
    batch_size: int = 16
    learning_rate: float = 1e-3

    def __post_init__(self):
        super().__post_init__()
        check_choices(self)
        check_widths("critic_widths", self.critic_widths)
        check_widths("dilations", self.dilations)
        if self.resolution < LEAST_SIDE or self.resolution % 16:
            raise ValueError(f"`resolution` must be a multiple of 16 from {LEAST_SIDE} on, got {self.resolution}")
        if self.base == "smooth" and self.resolution % 32:
            raise ValueError(f"`resolution` must be a multiple of 32 with the base smooth, got {self.resolution}")
        if len(self.critic_widths) != 3:
            raise ValueError(f"`critic_widths` must be three numbers, one for each halving, got {self.critic_widths}")
        for name in ("width", "head_width", "held_out", "choose"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be 1 or more, got {getattr(self, name)}")
        if self.choose > 1 and not self.crops:
            raise ValueError("`choose` says of how many random crops the best one is taken: give `crops` too")
        if self.features_cut is not None and self.features is None:
            raise ValueError("`features_cut` is a depth of the network that `features` names: name one")
        for name in ("reconstruction_weight", "global_weight", "patch_weight", "content_weight"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"`{name}` must be a number from 0 on, got {getattr(self, name)}")
        content = self.content_weight if self.features is not None else 0
        if not self.reconstruction_weight + self.global_weight + self.patch_weight + content:
            raise ValueError("`reconstruction_weight`, `global_weight`, `patch_weight`: all are 0, nothing is learned")
        if not self.masks:
            raise ValueError("`masks` must name at least one mask")
        parse_mask = discovery.imported("jaxprior.data.masks:parse_mask")  # by name: that module imports JAX
        for mask in self.masks:
            if parse_mask(mask).kind == "folder":
                raise ValueError(
                    f"mask {mask}: a folder gives each picture the mask of its name, which a training does not know; "
                    "give one file, or block:F for many masks"
                )

    @property
    def adversarial(self) -> bool:
        """Whether there is a critic."""
        return bool(self.global_weight or self.patch_weight)


_NARROW = {"critic_widths": (32, 64, 128), "head_width": 256}

PRESETS = {
    "narrow": PatchganRecipe(steps=3_000, **_NARROW),
    "photos": PatchganRecipe(
        crops=True,
        choose=3,
        resolution=64,
        batch_size=8,
        width=16,
        base="smooth",
        skips=True,
        masks=("strokes:0.3", "strokes:0.15", "strokes:0.05", "block:0.1", "block:0.05"),
        held_out=4,
        steps=20_000,
        **_NARROW,
    ),
    "full": PatchganRecipe(),
}
"""Named recipes: with half of the critic's feature maps for an hour of two CPU cores, on whole pictures or on crops of
photographs, and with all of them."""


def restores(config: Mapping[str, Any]) -> Restores:
    """What a trained network does, from its card's table "config": it fills holes.

    Raises:
        KeyError: the table describes none.

    Example:
        >>> restores({"width": 32}).task
        'inpaint'
    """
    _ = config["width"]
    return Restores("inpaint", 1)
