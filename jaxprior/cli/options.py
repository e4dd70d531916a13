"""Options that commands share: one definition, one help text. `signature.spelled_out` puts the groups into commands."""

import dataclasses
import enum
from pathlib import Path
from typing import Annotated

import typer


def _choice(name: str, *values: str) -> type[enum.StrEnum]:
    """Legal values of an option; "held-out" has the member held_out."""
    return enum.StrEnum(name, [(value.replace("-", "_"), value) for value in values])


Optimizer = _choice("Optimizer", "adam", "sgd", "nesterov", "lbfgs")
Schedule = _choice("Schedule", "constant", "cosine", "ramp")
Init = _choice("Init", "random", "bank")
Keep = _choice("Keep", "best", "last", "held-out")
CodeWeights = _choice("CodeWeights", "free", "softmax")
Alpha = _choice("Alpha", "mean", "gaussian", "first")
Attention = _choice("Attention", "none", "dot", "scaled-dot", "cbam")
Where = _choice("Where", "composed", "each")
Preset = _choice("Preset", "default", "mganprior", "thesis", "invertgan", "lsgan")
UseCritic = _choice("UseCritic", "none", "prior")
Shrinking = _choice("Shrinking", "bilinear", "bicubic", "box")


class Precision(enum.StrEnum):
    """Of the network's arithmetic; latents, optimiser and losses are float32 always."""

    fp32 = "fp32"
    tf32 = "tf32"
    bf16 = "bf16"


_TASK, _METHOD, _DATA, _RUN = "Task", "Method (default: the prior's card)", "Pictures", "Run"
_SHARE = "Several processes in one RUN"


def _option(panel: str, *names: str, text: str, metavar: str | None = None, least: float | None = None):
    return typer.Option(*names, help=text, metavar=metavar, min=least, rich_help_panel=panel)


Images = Annotated[list[Path], typer.Argument(help="Pictures, folders or zip archives.", metavar="IMAGES")]
Out = Annotated[Path, typer.Option("-o", "--out", help="Run folder; the same command goes on in it.", metavar="RUN")]
_MASK = (
    "center:F, block:F (random place) or pixels:F (scattered), F a fraction of the area; or a picture, white = {white}."
)
Mask = Annotated[str, _option(_TASK, text=_MASK.format(white="repair"), metavar="SPEC|FILE")]
NoiseMask = Annotated[
    str | None, _option(_TASK, "--mask", text=f"Only there: {_MASK.format(white='noisy')}", metavar="SPEC|FILE")
]
Factor = Annotated[int, _option(_TASK, text="How many times larger, 2 to 16.", metavar="N", least=2)]
ShrinkingKernel = Annotated[
    Shrinking, _option(_TASK, "--kernel", text="How the small picture came about: interpolation, or box averages.")
]
Sigma = Annotated[
    float, _option(_TASK, text="Noise that --clean adds: standard deviation for pictures in [-1, 1].", metavar="X")
]
Blur = Annotated[float | None, _option(_TASK, text="Gaussian blur of so many pixels (sigma).", metavar="X")]
BlurKernel = Annotated[
    Path | None,
    _option(
        _TASK,
        "--kernel",
        text="Blur kernel instead: .npy [k, k], or a picture whose grey is scaled to sum 1; k odd.",
        metavar="FILE",
    ),
]
Prior = Annotated[
    str | None,
    _option(
        _RUN,
        text="Bundled name, .safetensors file or training RUN; by default the best bundled one.",
        metavar="NAME|FILE|RUN",
    ),
]
BatchSize = Annotated[
    int | None,
    _option(
        _RUN,
        text="Pictures solved at once; by default what the run began with, else 64 on each accelerator. A CPU solves "
        "one at a time, which is as fast.",
        metavar="B",
        least=1,
    ),
]
Memory = Annotated[
    float | None,
    _option(
        _RUN,
        text="Memory that a step may need on each device; by default all that an accelerator has. What does not fit is "
        "solved fewer at once, and if need be more slowly.",
        metavar="GIB",
        least=0.0,
    ),
]
Limit = Annotated[int | None, _option(_DATA, text="Only the first N pictures.", metavar="N", least=1)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ObservedOptions:
    """What the pictures given are: observed, or originals."""

    clean: Annotated[
        bool, _option(_DATA, "--clean", text="The pictures are originals: degrade them first, compare afterwards.")
    ] = False
    reference: Annotated[
        Path | None,
        _option(
            _DATA, text="Originals of the observed pictures, matched by file name, to compare with.", metavar="DIR"
        ),
    ] = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShareOptions:
    """Which part of the pictures this process does; `jaxprior.cli.shares` makes a share of it."""

    shard: Annotated[
        str | None,
        _option(_SHARE, text="Only the i-th of n parts of the pictures, for n processes.", metavar="i/n"),
    ] = None
    coordinator: Annotated[
        str | None,
        _option(
            _SHARE,
            text="Address of the first process, where the others meet it and share the pictures; auto: from the batch "
            "system (Slurm, Open MPI).",
            metavar="HOST:PORT|auto",
        ),
    ] = None
    num_processes: Annotated[
        int | None, _option(_SHARE, text="Processes, unless the batch system says it.", metavar="N", least=1)
    ] = None
    process_id: Annotated[
        int | None, _option(_SHARE, text="This one, from 0, unless the batch system says it.", metavar="I", least=0)
    ] = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunOptions(ShareOptions):
    """Which pictures, with what, and how many at once."""

    limit: Limit = None
    prior: Prior = None
    batch_size: BatchSize = None
    memory: Memory = None
    seed: Annotated[int, _option(_RUN, text="Of masks, noise and latent codes.", metavar="S", least=0)] = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class MethodOptions:
    """How to invert: None where the preset decides. `jaxprior.cli.method` makes a table of it."""

    preset: Annotated[Preset, _option(_METHOD, text="Method to start from; the options below change it.")] = (
        Preset.default
    )
    codes: Annotated[int | None, _option(_METHOD, text="Latent codes for each picture.", metavar="N", least=1)] = None
    layer: Annotated[
        int | None,
        _option(_METHOD, text="Composing layer: after the first L convolution blocks.", metavar="L", least=1),
    ] = None
    weights: Annotated[CodeWeights | None, _option(_METHOD, text="Channel weights of the codes.")] = None
    alpha: Annotated[
        Alpha | None, _option(_METHOD, text="Channel weights at the start: equal, N(0, 1), or the first code's alone.")
    ] = None
    attention: Annotated[
        Attention | None, _option(_METHOD, text="Module at the composing layer: self-attention or CBAM.")
    ] = None
    attention_where: Annotated[
        Where | None, _option(_METHOD, text="It acts on the composed features or on each code's.")
    ] = None
    init: Annotated[
        Init | None, _option(_METHOD, text="First codes: random, or the best of a bank of the prior's samples.")
    ] = None
    starts: Annotated[int | None, _option(_METHOD, text="Independent inversions, averaged.", metavar="N", least=1)] = (
        None
    )
    steps: Annotated[int | None, _option(_METHOD, text="Gradient steps.", metavar="K", least=1)] = None
    optimizer: Annotated[Optimizer | None, _option(_METHOD, text="Solver.")] = None
    lr: Annotated[float | None, _option(_METHOD, text="Learning rate.", metavar="X", least=0.0)] = None
    schedule: Annotated[Schedule | None, _option(_METHOD, text="Of the learning rate.")] = None
    keep: Annotated[
        Keep | None,
        _option(_METHOD, text="Iterate to keep: lowest loss, last, or best on known pixels held out of the fit."),
    ] = None
    target_psnr: Annotated[
        float | None, _option(_METHOD, text="A picture is done at so many dB on what is known.", metavar="DB")
    ] = None
    passes: Annotated[
        int | None,
        _option(_METHOD, text="Go on with pictures that miss the target, up to N passes.", metavar="N", least=1),
    ] = None
    window: Annotated[
        int | None,
        _option(
            _METHOD, text="Weigh known pixels by the missing ones in a window of N pixels around.", metavar="N", least=0
        ),
    ] = None
    features: Annotated[
        str | None,
        _option(
            _METHOD,
            text="Perceptual distance beside the pixels': the prior's critic, an installed network (see `jaxprior "
            "priors`), or its .safetensors file.",
            metavar="none|critic|NAME|FILE",
        ),
    ] = None
    feature_weight: Annotated[
        float | None, _option(_METHOD, text="Weight of that distance.", metavar="X", least=0.0)
    ] = None
    critic: Annotated[
        UseCritic | None, _option(_METHOD, text="Doubt of the prior's own critic beside the distance.")
    ] = None
    critic_weight: Annotated[float | None, _option(_METHOD, text="Weight of that doubt.", metavar="X", least=0.0)] = (
        None
    )
    precision: Annotated[Precision | None, _option(_METHOD, text="Arithmetic of the network.")] = None
    refine: Annotated[
        str | None,
        _option(
            _METHOD,
            text="Repair the results by an autoencoder (`jaxprior train autoencoder`) before the known pixels are put "
            "back.",
            metavar="RUN|FILE",
        ),
    ] = None
