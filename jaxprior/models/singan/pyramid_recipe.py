"""What trainings on the scales of one picture have in common (Shaham et al., ICCV 2019; Hinz et al., WACV 2021).

Every scale is a phase of equally many steps, each some updates of a Wasserstein critic with a gradient penalty and some
of a generator, which also learns to reconstruct the picture.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from jaxprior.models import singan as pyramids
from jaxprior.models.singan.resizing import RESIZES
from jaxprior.training.settings import Essentials


CHOICES = {"scale_rule": pyramids.RULES, "resize": RESIZES}
"""Legal values of the fields."""


@dataclass(frozen=True, kw_only=True)
class PyramidRecipe(Essentials):
    """What such a training depends on, besides its picture, its networks and what all depend on.

    Fields:
        scale_rule, num_scales, min_size, max_size, scale_factor: of the pyramid, see `singan.plan_scales`.
        resize: between scales, one of `jaxprior.models.singan.resizing.RESIZES`.
        noise_amplitude: of a scale, as a multiple of the error of what is reconstructed without its noise.
        reconstruction_weight, penalty: of the losses.
        critic_steps, generator_steps: updates a step. steps: at every scale.
        milestones, gamma: the learning rate is multiplied by gamma after each of these shares of the steps.
    """

    scale_rule: str = "singan"
    num_scales: int | None = None
    min_size: int = 25
    max_size: int = 250
    scale_factor: float = 0.75
    resize: str = "bicubic_u8"
    noise_amplitude: float = 0.1
    reconstruction_weight: float = 10.0
    penalty: float = 0.1
    critic_steps: int = 3
    generator_steps: int = 3
    steps: int = 2000
    milestones: tuple[float, ...] = (0.8,)
    gamma: float = 0.1
    learning_rate: float = 5e-4

    def __post_init__(self):
        self.check_choices(CHOICES)
        self.check_counts("steps", "critic_steps", "generator_steps")
        if not all(0 < share < 1 for share in self.milestones):
            raise ValueError(f"`milestones` must be shares of the steps between 0 and 1, got {self.milestones}")

    def check_choices(self, choices: Mapping[str, tuple]) -> None:
        """Refuse fields that are none of their legal values.

        Raises:
            ValueError: names the field.
        """
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ValueError(f"`{name}` must be one of {known}, got {getattr(self, name)!r}")

    def check_counts(self, *names: str) -> None:
        """Refuse counts below 1.

        Raises:
            ValueError: names the field.
        """
        for name in names:
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1, got {getattr(self, name)}")

    @property
    def patch(self) -> int:
        """Side of the patches that the critic sees, in pixels."""
        raise NotImplementedError

    def share(self, index):
        """Of the learning rate at a step of a scale, which may be traced."""
        passed = sum((index >= milestone * self.steps) * 1.0 for milestone in self.milestones)
        return self.gamma**passed

    def scales(self, height: int, width: int) -> pyramids.Plan:
        """The pyramid of a picture.

        Raises:
            ValueError: it has none (see `singan.plan_scales`), or its coarsest scale is smaller than a patch.
        """
        found = pyramids.plan_scales(
            height, width, rule=self.scale_rule, num_scales=self.num_scales, min_size=self.min_size,
            max_size=self.max_size, scale_factor=self.scale_factor,
        )  # fmt: skip
        if min(found.sizes[0]) < self.patch:
            h, w = found.sizes[0]
            raise ValueError(f"the coarsest scale of {h}x{w} is smaller than a patch of {self.patch}: raise `min_size`")
        return found
