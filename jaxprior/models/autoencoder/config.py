"""Settings of an autoencoder's training, named choices of them, and what it is trained on. No JAX is imported here."""

from dataclasses import dataclass
from pathlib import Path

from jaxprior import discovery
from jaxprior.data.mask_words import INVERT_TEXT, MEANS_TEXT, MaskMeans
from jaxprior.settings import check_choices, setting
from jaxprior.training.settings import TrainingSettings, check_widths, network_setting, recipe_setting


@dataclass(frozen=True, kw_only=True)
class AutoencoderRecipe(TrainingSettings):
    """What a training depends on, besides its pictures and what all trainings depend on.

    Fields:
        resolution: pixels of a side, divisible by two to the number of widths.
        widths: channels after every halving. kernel, norm, slope: of the network.
        mask: None where the pictures are triples; else a mask's specification, which makes inputs of plain pictures.
        mask_means, invert_mask: what a mask's file marks, see `jaxprior.data.masks.parse_mask`.
        noise: standard deviation, in [-1, 1], of what is added to the inputs.
        adversarial: weight of a critic's cross-entropy beside the square error; 0: no critic. Context encoders have
            0.001, and 0.999 of the error.
        critic_widths: see `Critic` in `jaxprior.models.dcgan.networks`.
        code: None for an autoencoder of whole pictures; else numbers of the code of a context encoder, which predicts
            the middle alone, see `ContextEncoder` in `jaxprior.models.autoencoder.networks`.
        overlap: known pixels along the edges of that middle, in which the error counts ten times.
        held_out: pictures at the end that are not trained on but measured; no more than a quarter of all.
        steps: how long.
        learning_rate: of the autoencoder; the critic has a tenth of it.
    """

    resolution: int = network_setting(64, "Pixels of a side.", metavar="R")
    widths: tuple[int, ...] = network_setting(
        (64, 128, 256, 512), "Feature maps after every halving.", metavar="N,N,..."
    )
    kernel: int = network_setting(4, "Side of the kernels, 2 to 7.", metavar="N", least=2, most=7)
    norm: str = "batch"
    slope: float = 0.2
    mask: str | None = setting(None, "What is missing from --data.", metavar="center:F|block:F|pixels:F|FILE")
    mask_means: MaskMeans | None = setting(None, MEANS_TEXT)
    invert_mask: bool = setting(False, INVERT_TEXT, option="--invert-mask")
    noise: float = recipe_setting(
        0.0, "Standard deviation of noise on the inputs, in [-1, 1].", metavar="X", least=0.0
    )
    adversarial: float = recipe_setting(
        0.0, "Weight of a critic beside the error, below 1; context encoders: 0.001.", metavar="X", least=0.0
    )
    critic_widths: tuple[int, ...] = (64, 128, 256, 512)
    code: int | None = network_setting(
        None, "Numbers of a context encoder's code; it predicts the middle of pictures alone (default: the whole).",
        metavar="N", least=1,
    )  # fmt: skip
    overlap: int = network_setting(
        0, "Known pixels along the edges of the predicted middle, for --code.", metavar="N", least=0
    )
    held_out: int = recipe_setting(64, "Pictures at the end that only judge.", metavar="N", least=1)
    steps: int = recipe_setting(20_000, "Steps altogether.", metavar="K", least=1, rank=-1)
    learning_rate: float = 1e-3

    def __post_init__(self):
        super().__post_init__()
        check_choices(self)
        check_widths("widths", self.widths)
        check_widths("critic_widths", self.critic_widths)
        if not 2 <= self.kernel <= 7:
            raise ValueError(f"`kernel` must be from 2 to 7, got {self.kernel}")
        if self.resolution < 1:
            raise ValueError(f"`resolution` must be 1 or more, got {self.resolution}")
        if self.resolution % (1 << len(self.widths)):
            raise ValueError(f"{self.resolution} pixels cannot be halved {len(self.widths)} times, once for each width")
        if not 0 <= self.adversarial < 1:
            raise ValueError(f"`adversarial` must be from 0 to below 1, got {self.adversarial}")
        if self.mask is not None:
            parse_mask = discovery.imported("jaxprior.data.masks:parse_mask")  # by name: that module imports JAX
            if parse_mask(self.mask, means=self.mask_means, invert=self.invert_mask).kind == "folder":
                raise ValueError(
                    f"mask {self.mask}: a folder gives each picture the mask of its name, which a training does not "
                    "know; give one file, or block:F for many masks"
                )
        elif self.mask_means is not None or self.invert_mask:
            raise ValueError("`mask_means` and `invert_mask` say how the file of `mask` is read: give `mask` too")
        if self.code is None:
            if self.overlap:
                raise ValueError("`overlap` is of a context encoder: give `code` too, the numbers of its code")
        else:
            self._check_context()

    def _check_context(self) -> None:
        """Refuse settings that describe no context encoder: its sizes, and the hole that it fills."""
        if self.resolution != 4 << len(self.widths) or len(self.widths) < 2:
            raise ValueError(
                f"with `code`, {len(self.widths)} `widths` take pictures of {4 << len(self.widths)} pixels, not "
                f"{self.resolution}: give one for each halving down to 4 pixels, and two at least"
            )
        hole = self.resolution // 2 - 2 * self.overlap
        if hole < 1 or self.overlap < 0:
            raise ValueError(f"`overlap` must be from 0 to {self.resolution // 4 - 1}, got {self.overlap}")
        if self.resolution >> 1 >> len(self.critic_widths) < 1:
            raise ValueError(f"{self.resolution // 2} pixels cannot be halved once for each of the `critic_widths`")
        found = None if self.mask is None else discovery.imported("jaxprior.data.masks:parse_mask")(self.mask)
        if found is None or found.kind != "center" or round(found.fraction**0.5 * self.resolution) != hole:
            raise ValueError(
                f"with `code`, `mask` must be center:{(hole / self.resolution) ** 2:g}: the middle of {hole}x{hole} "
                f"pixels is missing, got {self.mask}"
            )


PRESETS = {
    "narrow": AutoencoderRecipe(widths=(32, 64, 128, 256), critic_widths=(32, 64, 96, 128), steps=3_000),
    "seed001": AutoencoderRecipe(),
    "pathak2016": AutoencoderRecipe(
        resolution=128, widths=(64, 64, 128, 256, 512), code=4000, overlap=4, mask="center:0.191406", adversarial=0.001,
        learning_rate=2e-3, batch_size=64, steps=100_000,
    ),
}  # fmt: skip
"""Named recipes: narrow widths for minutes of two CPU cores; the seed's, for a GPU; and the public context encoder
(Pathak et al., 2016), whose number of steps is ours."""


@dataclass(frozen=True, kw_only=True)
class AutoencoderInputs:
    """What an autoencoder is trained on: restoration runs, or pictures of which a mask hides a part.

    Fields:
        pairs: folders of restoration runs with originals.
        data: a folder or zip archive of pictures.
    """

    pairs: tuple[Path, ...] | None = setting(
        None,
        "Restoration runs with originals, one or more --pairs: what was restored in, the original out.",
        metavar="RUN",
        repeated=True,
    )
    data: Path | None = setting(
        None, "Or pictures, whose hole (--mask) is filled with the mean colour.", metavar="DIR|ZIP"
    )
