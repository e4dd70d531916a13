"""Settings of a deep image prior, and named choices of them. No JAX is imported here."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from jaxprior.checks import one_of, whole_number
from jaxprior.errors import ArgumentError
from jaxprior.protocols import Sizes


UPSAMPLING = ("bilinear", "nearest")
"""How a map is doubled on its way up."""

LEAST_SIDE = 2
"""Pixels of a side of the smallest map: a map of one pixel has no variance to be normalised by."""


class Layer(NamedTuple):
    """One layer of the network.

    Fields:
        name: of the layer.
        size: side of the kernel; 0 of a norm alone.
        inputs, outputs: channels.
        is_normed: whether a norm and LeakyReLU follow.
    """

    name: str
    size: int
    inputs: int
    outputs: int
    is_normed: bool = True

    @property
    def weights(self) -> int:
        """Numbers in its kernel, its biases and its norm."""
        kernel = self.size**2 * self.inputs * self.outputs + (self.outputs if self.size else 0)
        return kernel + (2 * self.outputs if self.is_normed else 0)


@dataclass(frozen=True, kw_only=True)
class HourglassSettings:
    """The encoder-decoder of the paper's supplement, section 1, for pictures of one size.

    Fields:
        height, width: pixels of the pictures; multiples of 2 to the number of widths, and twice that at least.
        image_channels: 3, or 1 for grey pictures.
        widths: channels of every level, the finest first; each halves the map.
        skips: channels of every level that go past the coarser levels; 0 for none.
        upsample: how maps are doubled, "bilinear" or "nearest".
        input_channels: of the noise that the network makes the picture of.

    Raises:
        ArgumentError: sides that cannot be halved so often, or a value of another kind.
    """

    height: int
    width: int
    image_channels: int = 3
    widths: tuple[int, ...] = (128,) * 5
    skips: tuple[int, ...] = (4,) * 5
    upsample: str = "bilinear"
    input_channels: int = 32

    def __post_init__(self):
        if self.image_channels not in (1, 3):
            raise ArgumentError(f"`image_channels` must be 1 or 3, got {self.image_channels!r}.")
        one_of("upsample", self.upsample, UPSAMPLING)
        whole_number("input_channels", self.input_channels, least=1)
        if not self.widths or len(self.widths) != len(self.skips):
            raise ArgumentError(
                f"`widths` and `skips` must have one number for each level, got {len(self.widths)} and "
                f"{len(self.skips)}."
            )
        for name, least in (("widths", 1), ("skips", 0)):
            for number in getattr(self, name):
                whole_number(name, number, least=least)
        factor = 2 ** len(self.widths)
        for name in ("height", "width"):
            side = whole_number(name, getattr(self, name), least=1)
            if side % factor or side < LEAST_SIDE * factor:
                raise ArgumentError(
                    f"`{name}` must be a multiple of {factor} from {LEAST_SIDE * factor} pixels on, because "
                    f"{len(self.widths)} levels halve the picture, got {side}: take another size, or fewer levels."
                )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of one image, (h, w, c)."""
        return self.height, self.width, self.image_channels

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of the noise of one image, (h, w, i)."""
        return self.height, self.width, self.input_channels

    def layers(self) -> Iterator[Layer]:
        """All layers."""
        inputs = self.input_channels
        for k, (wide, skip) in enumerate(zip(self.widths, self.skips, strict=True)):
            below = self.widths[min(k + 1, len(self.widths) - 1)]
            if skip:
                yield Layer(f"skip{k}", 1, inputs, skip)
            yield Layer(f"down{k}", 3, inputs, wide)
            yield Layer(f"inner{k}", 3, wide, wide)
            yield Layer(f"join{k}", 0, below + skip, below + skip)
            yield Layer(f"up{k}", 3, below + skip, wide)
            yield Layer(f"mix{k}", 1, wide, wide)
            inputs = wide
        yield Layer("output", 1, self.widths[0], self.image_channels, is_normed=False)

    def to_config(self) -> dict[str, Any]:
        """What a card says of the network."""
        return {**asdict(self), "widths": list(self.widths), "skips": list(self.skips)}


def from_config(config: Mapping[str, Any]) -> HourglassSettings:
    """The settings that a card's table "config" holds.

    Raises:
        KeyError, TypeError, ValueError: it holds none.
    """
    lists = {name: tuple(config[name]) for name in ("widths", "skips")}
    return HourglassSettings(**{**config, **lists})


def sizes(config: Mapping[str, Any]) -> Sizes:
    """The sizes of a deep image prior, from its card's table "config".

    Raises:
        KeyError, TypeError, ValueError: it describes none.

    Example:
        >>> sizes(HourglassSettings(height=64, width=64, widths=(8, 8), skips=(2, 0)).to_config()).image_shape
        (64, 64, 3)
    """
    settings = from_config(config)
    options = tuple(sorted((name, str(value)) for name, value in settings.to_config().items()))
    return Sizes(settings.image_shape, sum(layer.weights for layer in settings.layers()), 1, options)


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A named choice of a network, and of how its weights are found.

    Fields:
        widths, skips, upsample: see `HourglassSettings`.
        grows: larger pictures get further levels as the last one, until the smallest map has less than 8 pixels a side.
        steps: of Adam, by the task's name; "other" for all others.
        learning_rate: of Adam.
    """

    widths: tuple[int, ...]
    skips: tuple[int, ...]
    upsample: str
    steps: Mapping[str, int]
    grows: bool = False
    learning_rate: float = 0.01

    def network(self, height: int, width: int) -> dict[str, Any]:
        """The fields of `HourglassSettings` for pictures of this size."""
        widths, skips = self.widths, self.skips
        while self.grows and min(height, width) >= 8 << len(widths) and not (height | width) % (2 << len(widths)):
            widths, skips = (*widths, widths[-1]), (*skips, skips[-1])
        return {"widths": widths, "skips": skips, "upsample": self.upsample}


PRESETS = {
    "small": Preset(
        widths=(16, 32, 64, 64),
        skips=(4, 4, 4, 4),
        upsample="bilinear",
        steps={"inpaint": 600, "other": 600},
        grows=True,
    ),
    "paper": Preset(
        widths=(128,) * 5,
        skips=(4,) * 5,
        upsample="bilinear",
        steps={"inpaint": 6000, "superres": 2000, "reconstruct": 3000, "other": 3000},
    ),
}
"""Ours for two CPU cores, and the sizes that the paper takes for noise and for enlargement."""


def defaults(preset: Preset) -> dict[str, dict[str, Any]]:
    """The default settings that a card states: by the task's name, and under "other" for all others."""
    solve = {"optimizer": "adam", "learning_rate": preset.learning_rate, "keep": "last"}
    return {
        task: {"codes": {"kind": "network"}, "objective": {"pixel": "l2"}, "solve": {**solve, "steps": steps}}
        for task, steps in preset.steps.items()
    }
