"""Options that commands share: one definition, one help text. `signature.spelled_out` puts the groups into commands."""

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from jaxprior.cli.completing import feature_names, prior_names, restorer_names
from jaxprior.cli.derived import choice_of
from jaxprior.errors import JaxpriorError
from jaxprior.restoration.sizes import SIZES
from jaxprior.settings import MOST_SEED
from jaxprior.system.files import check_folder


_DATA, _RUN = "Pictures", "Run"
_SHARE = "Several processes in one RUN"


def _option(
    panel: str,
    *names: str,
    text: str,
    metavar: str | None = None,
    least: float | None = None,
    most: float | None = None,
    completing: Callable[[str], list[str]] | None = None,
):
    return typer.Option(
        *names, help=text, metavar=metavar, min=least, max=most, rich_help_panel=panel, autocompletion=completing
    )


def results_folder(path: Path | None) -> Path | None:
    """Refuse at once a name for a folder of results that is a file or lies in one; for `typer.Option`."""
    if path is not None:
        check_folder(path)
    return path


def out_option(text: str, *, metavar: str = "RUN"):
    """The option -o of a command whose results are a folder."""
    return typer.Option("-o", "--out", help=text, metavar=metavar, callback=results_folder)


def check_apart(out: Path, places: Iterable[Path]) -> None:
    """Refuse a run folder that is a folder of the pictures: when the command is repeated, results would be pictures.

    Raises:
        JaxpriorError: naming it.
    """
    if any(place.is_dir() and place.resolve() == out.resolve() for place in places):
        raise JaxpriorError(f"{out} holds the pictures, and results would lie among them: give another folder with -o.")


Images = Annotated[
    list[Path],
    typer.Argument(
        help="Pictures, folders or zip archives; with a prior of volumes these (.npy, .npz, TIFF).", metavar="IMAGES"
    ),
]
Out = Annotated[Path, out_option("Folder for the results; the same command continues a run that was stopped.")]
Prior = Annotated[
    str | None,
    _option(
        _RUN,
        text="Name of a bundled or installed prior (see `jaxprior priors`), .safetensors file, or RUN of a training; "
        "by default the best bundled prior.",
        metavar="NAME|FILE|RUN",
        completing=prior_names,
    ),
]
Restorer = Annotated[
    str | None,
    _option(
        _RUN,
        text="Name of a bundled or installed restorer (see `jaxprior priors`), .safetensors file, or RUN of a "
        "training, in place of a prior: a network that answers at once, for pictures of any size.",
        metavar="NAME|FILE|RUN",
        completing=restorer_names,
    ),
]
BatchSize = Annotated[
    int | None,
    _option(
        _RUN,
        text="How many pictures are solved at once; by default as many as the run began with, and in a new run 64 on "
        "each accelerator. A CPU solves one at a time, which is as fast.",
        metavar="B",
        least=1,
    ),
]
Memory = Annotated[
    float | None,
    _option(
        _RUN,
        text="Memory that a step may need on each device; by default all that an accelerator has. Where it is not "
        "enough, fewer pictures are solved at once, and if need be more slowly.",
        metavar="GIB",
        least=0.0,
    ),
]
Perceptual = Annotated[
    str | None,
    _option(
        _RUN,
        text="Feature network in which results are compared with the originals (perceptual distance, whole and in the "
        "hole), or none. By default what the run began with, and in a new run the first installed of LPIPS on AlexNet, "
        "SqueezeNet and VGG-16, vgg16 and squeezenet.",
        metavar="none|NAME|FILE",
        completing=feature_names,
    ),
]
Measures = Annotated[
    str | None,
    _option(
        _RUN,
        text="Further figures that compare results with the originals, with commas between them: mse, psnr-luma (PSNR "
        "of the brightness, as papers on super-resolution report it), gradient-energy (how sharp), and for pictures of "
        "161 pixels a side or more ms-ssim.",
        metavar="NAME,NAME",
    ),
]
ErrorEvery = Annotated[
    int | None,
    _option(
        _RUN,
        text="Compare the generator's picture with the original every N iterations, which takes about a third of an "
        "iteration each time and changes no result. The report draws how the error falls.",
        metavar="N",
        least=1,
    ),
]
SetFeatures = Annotated[
    str | None,
    _option(
        _RUN,
        text="Feature network in which all restored pictures are compared with all originals, as sets: Frechet "
        "distance (FID with inception), KID, precision and recall.",
        metavar="NAME|FILE",
    ),
]
Limit = Annotated[int | None, _option(_DATA, text="Only the first N pictures.", metavar="N", least=1)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoOptions:
    """Stands where a command has no options."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ObservedOptions:
    """What the pictures given are: observed, or originals."""

    clean: Annotated[
        bool, _option(_DATA, "--clean", text="The pictures are originals: degrade them first, compare afterwards.")
    ] = False
    reference: Annotated[
        Path | None,
        _option(
            _DATA,
            text="Originals of the pictures, to compare with: a folder or zip archive in which each original has the "
            "same path as its picture has in IMAGES, or at least the same file name, if that is there only once.",
            metavar="DIR",
        ),
    ] = None


if TYPE_CHECKING:
    SizeChoice: TypeAlias = Any
else:
    SizeChoice = choice_of("SizeChoice", SIZES)  # the words of --size


@dataclasses.dataclass(frozen=True, kw_only=True)
class SizeOptions(ObservedOptions):
    """The same of a task whose pictures can keep their size."""

    size: Annotated[
        SizeChoice | None,
        _option(
            _DATA,
            text="native: pictures keep their size, and the prior works on squares of them. fit: only their centre "
            "square is restored, at the prior's size. The default is native, and with --clean it is fit.",
        ),
    ] = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeetingOptions:
    """Where the processes of one run meet; `jaxprior.cli.shares` lets them."""

    coordinator: Annotated[
        str | None,
        _option(
            _SHARE,
            text="Address of the first process with a free port, the same for all processes, which then divide the "
            "pictures among them; auto: the batch system (Slurm, Open MPI) tells it.",
            metavar="HOST:PORT|auto",
        ),
    ] = None
    num_processes: Annotated[
        int | None,
        _option(_SHARE, text="How many processes there are; not needed with auto.", metavar="N", least=1),
    ] = None
    process_id: Annotated[
        int | None,
        _option(_SHARE, text="Number of this process, counted from 0; not needed with auto.", metavar="I", least=0),
    ] = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShareOptions(MeetingOptions):
    """Which part of the pictures this process does; `jaxprior.cli.shares` makes a share of it."""

    shard: Annotated[
        str | None,
        _option(
            _SHARE,
            text="Restore only the i-th of n parts of the pictures: start n processes, one for each.",
            metavar="i/n",
        ),
    ] = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunOptions(ShareOptions):
    """Which pictures, with what, and how many at once."""

    limit: Limit = None
    prior: Prior = None
    batch_size: BatchSize = None
    memory: Memory = None
    perceptual: Perceptual = None
    measures: Measures = None
    error_every: ErrorEvery = None
    seed: Annotated[
        int, _option(_RUN, text="Seed of random masks, noise and latent codes.", metavar="S", least=0, most=MOST_SEED)
    ] = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class RestorerRunOptions(RunOptions):
    """The same of a task that restorers do."""

    restorer: Restorer = None


def words(text: str | None) -> tuple[str, ...]:
    """Of an option whose value is words with commas between them; none where it is not given or empty."""
    return tuple(word.strip() for word in text.split(",") if word.strip()) if text else ()


def in_bytes(gib: float | None) -> float | None:
    """Of an option in GiB."""
    return None if gib is None else gib * 2**30
