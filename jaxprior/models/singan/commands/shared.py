"""What the commands that use a trained SinGAN share: options, loading the model, and filling the folder."""

import dataclasses
import enum
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from jaxprior.cli.completing import singan_names
from jaxprior.cli.console import mistakes, say
from jaxprior.cli.derived import finite
from jaxprior.data.mask_words import INVERT_TEXT, MEANINGS, MEANS_TEXT
from jaxprior.errors import ImageError
from jaxprior.settings import MOST_SEED
from jaxprior.system.activity import steps_of
from jaxprior.system.files import check_plain_folder, make_folder
from jaxprior.weights.loader import find
from jaxprior.weights.outlines import outline_network


COLUMNS = 4
"""Number of pictures in a row of a labelled sheet."""


def _folder_of_images(path: Path) -> Path:
    """Refuse a name at once that is a file, lies in one or looks like one; for `typer.Option`."""
    check_plain_folder(path)
    return path


Run = Annotated[
    str,
    typer.Argument(
        help="Run of `singan train`, a file of a SinGAN, or the name of one that is bundled.",
        metavar="RUN|FILE|NAME",
        autocompletion=singan_names,
    ),
]
Reference = Annotated[Path, typer.Argument(help="The picture to start from, of any size.", metavar="REFERENCE")]
Out = Annotated[
    Path, typer.Option("-o", "--out", help="Folder of the images.", metavar="DIR", callback=_folder_of_images)
]
OwnStatistics = Annotated[
    bool,
    typer.Option(
        "--own-statistics",
        help="Normalize each image by its own statistics, as in training, instead of running averages of it.",
    ),
]
Seed = Annotated[int, typer.Option(help="Of everything random.", metavar="S", min=0, max=MOST_SEED)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class InjectionOptions:
    """Options of all commands that start from a reference."""

    out: Out
    start_scale: Annotated[
        int | None,
        typer.Option(
            help="Where the reference enters, 1 to the last scale; the lower, the freer. By default all are tried. A "
            "ConSinGAN takes it at 0.",
            metavar="n",
            min=0,
        ),
    ] = None
    count: Annotated[int, typer.Option(help="Variants at every start scale.", metavar="K", min=1)] = 1
    own_statistics: OwnStatistics = False
    seed: Seed = 0

    @property
    def start_scales(self) -> tuple[int, ...] | None:
        """The start scales as the library takes them: one, or None for all."""
        return None if self.start_scale is None else (self.start_scale,)


class MaskMeaning(enum.StrEnum):
    """What a mask's file marks: see `jaxprior.data.mask_files`."""

    WHITE, BLACK, PAINTED, TRANSPARENT = MEANINGS


@dataclasses.dataclass(frozen=True, kw_only=True)
class MaskOptions:
    """Options of the mask, in pixels of the model's finest scale."""

    mask: Annotated[
        Path, typer.Option(help="Picture of the reference's size, white = pasted or edited.", metavar="FILE")
    ]
    mask_means: Annotated[MaskMeaning | None, typer.Option(help=MEANS_TEXT)] = None
    invert_mask: Annotated[bool, typer.Option("--invert-mask", help=INVERT_TEXT)] = False
    mask_radius: Annotated[
        int | None,
        typer.Option(help="Widen it by so many pixels; less for models of small pictures.", metavar="R", min=0),
    ] = None
    mask_blur: Annotated[
        float | None,
        typer.Option(
            help="Soften its edge by so many pixels; officially 5.", metavar="X", min=0.0, callback=finite
        ),
    ] = None

    def read(self) -> Any:
        """Read the mask, state how it was read, and return it: bool [h, w]."""
        from jaxprior.models.singan.blending import read_marks

        means = None if self.mask_means is None else self.mask_means.value
        reading = read_marks(self.mask, means=means, invert=self.invert_mask)
        say(reading.statement(called="marked"))
        return reading.missing

    def changes(self) -> dict:
        """Those arguments of the library's functions that were given."""
        given = {"radius": self.mask_radius, "sigma": self.mask_blur}
        return {name: value for name, value in given.items() if value is not None}


def check_model(run: str | Path) -> Path:
    """Refuse what holds no model of one picture, before JAX is imported.

    Returns:
        The file of the model.

    Raises:
        WeightsError: it is none.
    """
    outline_network(run, role="singan")
    return find(run, role="singan")


def load_model(run: str | Path, *, own_statistics: bool) -> Any:
    """Load the trained model of a run or file."""
    from jaxprior.models.singan import load_singan, with_own_statistics
    from jaxprior.system import runtime

    runtime.enable_compilation_cache()
    model = load_singan(run)
    return with_own_statistics(model) if own_statistics else model


def manipulate(
    run: str | Path, reference: Path, pixels: Any, options: InjectionOptions, function: Callable
) -> None:
    """Make all variants of a reference and write them with a sheet.

    Arguments:
        run, reference, options: what the command was given, of which `check_model` took the first.
        pixels: of the reference.
        function: (model, pixels, key, start scales) -> `jaxprior.models.singan.Manipulated` of one variant.
    """
    import jax  # after what can be refused without it

    from jaxprior.data import images
    from jaxprior.models.singan.injecting import check_variants

    model = load_model(run, own_statistics=options.own_statistics)
    key, made = jax.random.key(options.seed), []
    with mistakes():
        check_variants(model, options.count)
        # One compiled function makes each of them.
        for number in steps_of("making variants", options.count, unit="variants"):
            try:
                made.append(function(model, pixels, jax.random.fold_in(key, number), options.start_scales))
            except ImageError as error:
                raise ImageError(f"{reference}: {error}") from None
    if made[0].fitting.words:
        say(f"{reference}: {made[0].fitting.words}")
    folder = make_folder(options.out)
    written = _write(folder, images.to_uint8(model.image), made)
    scales = ", ".join(map(str, made[0].start_scales))
    say(f"{written} images and a sheet in {folder}, start scale{'s' * (len(made[0].start_scales) > 1)} {scales}")


def _write(folder: Path, picture: Any, made: list) -> int:
    """Write all images and the sheet, and return how many images there are."""
    from jaxprior.data import images, sheets

    cells = [("the model's picture", picture), ("reference", images.to_uint8(made[0].reference))]
    for place, scale in enumerate(made[0].start_scales):
        for number, one in enumerate(made):
            several = len(made) > 1
            name = f"start_scale={scale}" + f"_{number:03d}" * several
            caption = f"start scale {scale}" + f", {number}" * several
            for suffix, results in (("", one.images), ("_masked", one.masked)):
                if results is None:
                    continue
                pixels = images.to_uint8(results[place, 0])
                images.save_png(folder / f"{name}{suffix}.png", pixels)
                cells.append((caption + suffix.replace("_", ", "), pixels))
    images.save_png(folder / "sheet.png", sheets.captioned_grid(cells, columns=COLUMNS))
    return len(cells) - 2
