"""Settings of a convolutional autoencoder's training, and named choices of them. No JAX is imported here."""

from dataclasses import dataclass
from typing import Literal

from jaxprior.settings import check_choices, setting
from jaxprior.training.settings import TrainingSettings, network_setting, recipe_setting


SMALLEST = {"table1": 4, "vae2021": 4, "convae2019": 16}
"""The smallest pictures of every layout, in pixels of a side."""


@dataclass(frozen=True, kw_only=True)
class ConvAERecipe(TrainingSettings):
    """What a training depends on, besides its pictures and what all trainings depend on.

    Fields:
        prior: the generator whose samples are trained on beside the pictures, as `load_prior` takes it; None for
            pictures alone.
        resolution, image_channels: of the pictures, which a command takes from the prior's card where there is a prior.
        tasks: how pictures are damaged, see `jaxprior.operators.task_table`. The autoencoder learns to answer with the
            undamaged picture, beside learning to answer undamaged pictures with themselves. Every picture draws one.
        layout: whose layers, see `jaxprior.models.convae.networks`.
        width: feature maps of the first level.
        code: numbers of a code.
        variational: whether codes are drawn from a normal distribution that the encoder says (Kingma, Welling 2013).
        divergence_weight: weight of that distribution's divergence from N(0, I), in nats for each number of the code.
            The authors' code of 2021 divides by the batch as well, which is 1/16 for its 16 pictures.
        tanh: whether answers are bounded by the hyperbolic tangent.
        between: numbers between the two dense layers of "convae2019".
        samples: of the prior that are made once; own: so many pictures of a step are such samples; None for one half.
        held_out: pictures at the end that are not trained on but measured; no more than a quarter of all.
        steps: how long.
    """

    prior: str | None = setting(
        None,
        "The prior whose samples are trained on beside the pictures: a name, a .safetensors file or a training RUN "
        "(default: pictures alone).",
    )
    tasks: tuple[str, ...] = setting(
        (),
        'How pictures are damaged that it learns to see through, in the words of a command, e.g. "inpaint block:0.25" '
        'or "denoise 0.5"; repeat it for several, of which every picture draws one (default: pictures are whole).',
        option="--task",
        metavar="TASK",
        repeated=True,
    )
    variational: bool = setting(
        False, "Whether codes are drawn from a distribution near N(0, 1).", option="--variational/--no-variational"
    )
    resolution: int = network_setting(64, "Pixels of a side, a power of 2 (default: the prior's, or 64).", metavar="R")
    image_channels: Literal[1, 3] = network_setting(
        3, "Channels of the pictures: 3, or 1 for their brightness alone (default: the prior's).", option="--channels"
    )
    layout: Literal["table1", "vae2021", "convae2019"] = "table1"
    width: int = network_setting(32, "Feature maps of the first level.", metavar="F", least=1)
    code: int = network_setting(256, "Numbers of a code.", metavar="H", least=1)
    divergence_weight: float = recipe_setting(
        1 / 16, "Weight of the divergence of a variational code's distribution from N(0, 1), for each of its numbers.",
        metavar="X", least=0.0,
    )  # fmt: skip
    tanh: bool = True
    between: int = 4096
    samples: int = recipe_setting(4096, "Samples of the prior that are made once.", metavar="N", least=1)
    own: int | None = recipe_setting(
        None, "Pictures of a step that are such samples (default: one half if there is a prior).",
        option="--own-samples", metavar="N", least=0,
    )  # fmt: skip
    held_out: int = recipe_setting(64, "Pictures at the end that only judge.", metavar="N", least=1)
    steps: int = recipe_setting(1_500, "Steps altogether.", metavar="K", least=1, rank=-1)
    batch_size: int = 64
    learning_rate: float = 1e-3
    beta1: float = 0.9

    def __post_init__(self):
        super().__post_init__()
        check_choices(self)
        least = SMALLEST[self.layout]
        if self.resolution < least or self.resolution & (self.resolution - 1):
            raise ValueError(f"`resolution` must be a power of 2 from {least} on, got {self.resolution}")
        for name in ("width", "code", "between", "samples", "held_out"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be 1 or more, got {getattr(self, name)}")
        if not 0 <= (self.own or 0) <= self.batch_size:
            raise ValueError(f"`own` must be from 0 to the pictures of a step, {self.batch_size}, got {self.own}")
        if self.own and self.prior is None:
            raise ValueError("`own` samples are those of a prior: give `prior` too")

    @property
    def own_samples(self) -> int:
        """How many pictures of a step are samples of the prior."""
        if self.own is not None:
            return self.own
        return 0 if self.prior is None else self.batch_size // 2


_PUBLIC = {"tanh": False, "learning_rate": 2e-4, "beta1": 0.5}

PRESETS = {
    "table1": ConvAERecipe(),
    "vae2021": ConvAERecipe(layout="vae2021", variational=True, batch_size=16, steps=20_000, **_PUBLIC),
    "convae2019": ConvAERecipe(layout="convae2019", width=64, code=128, steps=20_000, **_PUBLIC),
}
"""Named recipes: of the paper's Table 1, and of its authors' code of 2021 and 2019; numbers of steps are ours."""
