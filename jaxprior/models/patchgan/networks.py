"""Patch-based inpainting (Demir and Unal, 2018): a residual generator, and a critic with two heads on one trunk.

    generator    picture and mask -> 7x7 -> halved twice -> residual blocks -> doubled twice -> 7x7, tanh -> picture
    critic       picture -> three halvings -> global head: one score of the whole picture
                                           -> patch head: a map with one score for each of its patches

The paper tells what the networks are made of and not their layers. These lists are our choice: the generator is that of
Johnson et al. (2016) and CycleGAN (Zhu et al., 2017), c7s1-32, d64, d128, six residual blocks, u64, u32, c7s1-3, whose
blocks have dilated convolutions, so that what is known on both sides of a wide hole meets in it. The critic's trunk
with its patch head is the patch critic of pix2pix and CycleGAN: C64-C128-C256, then C512 and one channel.

With the base "smooth" the generator does not make the picture but what is to be added to a smooth fill of its holes
(`jaxprior.nn.filling`), which it is shown in place of the mean colour. This is our choice, too: known pixels need not
go through the network, and it begins with what interpolation knows. With `skips` what the halvings saw is added at the
same size on the way up, as in a U-Net (Ronneberger et al., 2015), so that fine detail around a narrow hole need not go
through the quarter-size map.

The generator is fully convolutional: pictures of any size whose sides are multiples of four, or of 32 with the base
"smooth". In training a layer is
normalised by its batch, and a trained network has the running statistics folded into its weights. A norm by each
picture's own statistics ("instance", as in CycleGAN) is there for comparison, but not for restoring: with it the same
place looks different in a tile and in the whole photograph.
"""

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxprior.nn.blocks import Padded, Strided, Transposed, Upsampled
from jaxprior.nn.convolution import training_form
from jaxprior.nn.elementwise import leaky_relu, widen
from jaxprior.nn.filling import reach_of, smooth_fill
from jaxprior.nn.norm import DEVIATION, folded_norm
from jaxprior.system.devices import default_platform


Array = jax.Array

HALVINGS = 2
MULTIPLE = 1 << HALVINGS
"""Sides of the generator's pictures are multiples of it."""

FILL_LEVELS = 5
"""Of the pyramid of the base "smooth", whose pictures have sides that are multiples of 32."""

CHANGE = 0.1
"""What the network makes counts so much on the base "smooth", so that a training begins near the smooth fill."""

WIDE = 7
"""Side of the first and the last kernel."""


class Generator(nn.Module):
    """Picture with a filled hole, and the mask, [b, h, w, 4] -> picture [b, h, w, 3] in [-1, 1].

    Fields:
        width: feature maps at full size; twice as many at half size, four times at a quarter.
        dilations: one for each residual block, of its first convolution; the second one's is 1.
        norm: "batch", "affine" (folded), "instance" or "none", see `jaxprior.nn.norm.normalised`.
        up: "nearest", repeated pixels and a convolution; or "transposed", a transposed convolution, as in CycleGAN.
        image_channels: that come out.
        dtype: of the convolutions; normalisation and pictures stay float32.
        platform: kind of the devices that compute it, "cpu", "gpu" or "tpu"; JAX's default where None.
        base: "none": the network makes the picture. "smooth": it makes what is added to a smooth fill of the holes.
        skips: whether maps of the way down are added to those of their size on the way up.
    """

    width: int = 32
    dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 1)
    norm: str = "batch"
    up: str = "nearest"
    image_channels: int = 3
    dtype: jnp.dtype = jnp.float32
    platform: str | None = None
    base: str = "none"
    skips: bool = False

    def setup(self):
        """Blocks under hand-given names: input, down0, down1, block0_first, block0_second, ..., up0, up1, output."""
        platform = self.platform or default_platform()
        wide = {"size": WIDE, "margin": WIDE // 2, "border": "reflect", "dtype": self.dtype, "platform": platform}
        self.input = Padded(self.width, norm=self.norm, **wide)
        self.output = Padded(self.image_channels, norm="none", **wide)
        down = training_form("strided", platform=platform)
        up, form = {"nearest": (Upsampled, "up"), "transposed": (Transposed, "transposed")}[self.up]
        for k in range(HALVINGS):
            setattr(self, f"down{k}", Strided(self.width << (k + 1), 3, self.norm, self.dtype, down))
            width = self.width << (HALVINGS - 1 - k)
            setattr(self, f"up{k}", up(width, 3, self.norm, self.dtype, training_form(form, platform=platform)))
        for k, dilation in enumerate(self.dilations):
            for name, apart in (("first", dilation), ("second", 1)):
                block = Padded(
                    self.width << HALVINGS, 3, self.norm, self.dtype, apart, "reflect", apart, platform=platform
                )
                setattr(self, f"block{k}_{name}", block)

    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """Pictures; with `train`, a norm "batch" goes by the batch and changes "batch_stats"."""
        filled, missing = None, x[..., -1:]
        if self.base == "smooth":
            filled = smooth_fill(x[..., :-1], missing, levels=FILL_LEVELS)
            x = jnp.concatenate([filled, missing], axis=-1)
        x = nn.relu(self.input(x, train=train))
        seen = []
        for k in range(HALVINGS):
            seen.append(x)
            x = nn.relu(getattr(self, f"down{k}")(x, train=train))
        for k in range(len(self.dilations)):
            change = nn.relu(getattr(self, f"block{k}_first")(x, train=train))
            x = x + getattr(self, f"block{k}_second")(change, train=train)
        for k in range(HALVINGS):
            x = getattr(self, f"up{k}")(x, train=train)
            x = nn.relu(x + seen.pop() if self.skips else x)
        made = widen(self.output(x, train=train))
        return jnp.tanh(made) if filled is None else filled + CHANGE * missing * made

    @property
    def multiple(self) -> int:
        """Sides of its pictures are multiples of it."""
        return 1 << FILL_LEVELS if self.base == "smooth" else MULTIPLE

    @property
    def squares(self) -> int:
        """Sides of the squares whose mean colour lies in holes that it is shown; 0: all have one colour.

        The smooth fill keeps what lies in the middle of a hole that is wider than its pyramid sees.
        """
        return self.multiple if self.base == "smooth" else 0

    @property
    def reach(self) -> int:
        """How many pixels around its own place decide a pixel of the result, in each direction, at most."""
        seen = [self._seen(place) for place in range(MULTIPLE)]
        own = max(max(place - first, last - place) for place, (first, last) in enumerate(seen))
        return own + (reach_of(FILL_LEVELS) if self.base == "smooth" else 0)

    def _seen(self, place: int) -> tuple[int, int]:
        """The first and the last row of the input that decide row `place` of the result, from the last layer back."""
        first, last = place - WIDE // 2, place + WIDE // 2
        for _ in range(HALVINGS):
            if self.up == "nearest":
                first, last = (first - 1) // 2, (last + 1) // 2
            else:
                first, last = first // 2, (last + 1) // 2
        around = sum(dilation + 1 for dilation in self.dilations)
        first, last = first - around, last + around
        for _ in range(HALVINGS):
            first, last = 2 * first - 1, 2 * last + 1
        return first - WIDE // 2, last + WIDE // 2

    @nn.nowrap
    def init_variables(self, key: Array) -> dict:
        """Random parameters, {"params": ...} and "batch_stats" if the norm has any."""
        side = max(16, self.multiple)
        return dict(self.lazy_init(key, jax.ShapeDtypeStruct((1, side, side, self.image_channels + 1), jnp.float32)))


class Critic(nn.Module):
    """Pictures [b, h, w, c] in [-1, 1] -> {"global": scores [b], "patch": scores [b, h', w', 1]}; high is real.

    Fields:
        widths: feature maps after every halving of the shared trunk, whose first convolution has no norm.
        head_width: feature maps of the first layer of each head.
        resolution: side of the pictures that the global head sees, a multiple of two to the number of widths and one
            more; None where there is no global head.
        patch: whether there is a patch head, which sees pictures of any size.
        norm, dtype, platform: as of `Generator`; slope: of the LeakyReLU.
    """

    widths: tuple[int, ...] = (64, 128, 256)
    head_width: int = 512
    resolution: int | None = 64
    patch: bool = True
    norm: str = "batch"
    slope: float = 0.2
    image_channels: int = 3
    dtype: jnp.dtype = jnp.float32
    platform: str | None = None

    def setup(self):
        """Blocks under hand-given names: layer0 ...; global_layer, global_output; patch_layer, patch_output."""
        platform = self.platform or default_platform()
        form = training_form("strided", platform=platform)
        for k, width in enumerate(self.widths):
            setattr(self, f"layer{k}", Strided(width, 4, self.norm if k else "none", self.dtype, form))
        if self.resolution is not None:
            self.global_layer = Strided(self.head_width, 4, self.norm, self.dtype, form)
            self.global_output = nn.Dense(1, kernel_init=nn.initializers.normal(DEVIATION))
        if self.patch:
            self.patch_layer = Padded(self.head_width, 4, self.norm, self.dtype, 1, platform=platform)
            self.patch_output = Padded(1, 4, "none", self.dtype, 1, platform=platform)

    def __call__(self, x: Array, *, train: bool = False) -> dict[str, Array]:
        """Scores of the heads that there are, float32; `train` as of `Generator`."""
        for k in range(len(self.widths)):
            x = leaky_relu(getattr(self, f"layer{k}")(x, train=train), self.slope)
        scores = {}
        if self.resolution is not None:
            whole = widen(leaky_relu(self.global_layer(x, train=train), self.slope))
            scores["global"] = self.global_output(whole.reshape(len(whole), -1))[:, 0]
        if self.patch:
            patches = leaky_relu(self.patch_layer(x, train=train), self.slope)
            scores["patch"] = widen(self.patch_output(patches, train=train))
        return scores

    @nn.nowrap
    def init_variables(self, key: Array) -> dict:
        """Random parameters, {"params": ...} and "batch_stats" if the norm has any."""
        side = self.resolution or 4 << len(self.widths)
        return dict(self.lazy_init(key, jax.ShapeDtypeStruct((1, side, side, self.image_channels), jnp.float32)))


def to_config(generator: Generator) -> dict:
    """What a card says of a trained generator, whose statistics are folded."""
    return {
        "width": generator.width,
        "dilations": list(generator.dilations),
        "norm": folded_norm(generator.norm),
        "up": generator.up,
        "image_channels": generator.image_channels,
        **({} if generator.base == "none" else {"base": generator.base}),
        **({"skips": True} if generator.skips else {}),
    }


def from_config(config: Mapping) -> Generator:
    """The generator that a card's `config` describes.

    Raises:
        KeyError, TypeError: something is missing, or unknown.
    """
    config = dict(config)
    counts = [config["width"], config["image_channels"], *config["dilations"]]
    if not all(type(n) is int and n > 0 for n in counts):
        raise TypeError("width, image_channels and dilations are whole numbers from 1 on")
    if config["norm"] not in ("affine", "none", "instance") or config["up"] not in ("nearest", "transposed"):
        raise TypeError(f"norm {config['norm']!r} and up {config['up']!r}")
    if config.get("base", "none") not in ("none", "smooth"):
        raise TypeError(f"base {config['base']!r}")
    if type(config.get("skips", False)) is not bool:
        raise TypeError(f"skips {config['skips']!r}")
    return Generator(**{**config, "dilations": tuple(config["dilations"])})
