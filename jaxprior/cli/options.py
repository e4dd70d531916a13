"""Options that commands share: one definition, one help text."""

import enum
from pathlib import Path
from typing import Annotated

import typer


class Optimizer(enum.StrEnum):
    """Solvers."""

    adam = "adam"
    sgd = "sgd"


class Precision(enum.StrEnum):
    """Of the network's arithmetic; latents, optimiser and losses are float32 always."""

    fp32 = "fp32"
    tf32 = "tf32"
    bf16 = "bf16"


class CodeWeights(enum.StrEnum):
    """How the codes' channel weights are parametrised."""

    free = "free"
    softmax = "softmax"


class Preset(enum.StrEnum):
    """Named methods."""

    default = "default"
    mganprior = "mganprior"
    thesis = "thesis"


_METHOD, _DATA, _RUN = "Method (default: the prior's card)", "Pictures", "Run"

Images = Annotated[list[Path], typer.Argument(help="Pictures, folders or zip archives.", metavar="IMAGES")]
Out = Annotated[Path, typer.Option("-o", "--out", help="Run folder; the same command goes on in it.", metavar="RUN")]
Prior = Annotated[
    str | None,
    typer.Option(
        help="Bundled name, .safetensors file or training RUN; by default the best bundled one.",
        metavar="NAME|FILE|RUN",
        rich_help_panel=_RUN,
    ),
]
Mask = Annotated[
    str,
    typer.Option(
        help="center:F, block:F (random place) or pixels:F (scattered), F a fraction of the area; "
        "or a picture, white = repair.",
        metavar="SPEC|FILE",
        rich_help_panel=_DATA,
    ),
]
Clean = Annotated[
    bool,
    typer.Option(
        "--clean",
        help="The pictures are originals: degrade them first, compare afterwards.",
        rich_help_panel=_DATA,
    ),
]
Reference = Annotated[
    Path | None,
    typer.Option(
        help="Originals of the observed pictures, matched by file name, to compare with.",
        metavar="DIR",
        rich_help_panel=_DATA,
    ),
]
Limit = Annotated[
    int | None, typer.Option(min=1, help="Only the first N pictures.", metavar="N", rich_help_panel=_DATA)
]
PresetOption = Annotated[
    Preset,
    typer.Option("--preset", help="Method to start from; the options below change it.", rich_help_panel=_METHOD),
]
Codes = Annotated[
    int | None,
    typer.Option(min=1, help="Latent codes for each picture.", metavar="N", rich_help_panel=_METHOD),
]
Layer = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Composing layer: after the first L convolution blocks.",
        metavar="L",
        rich_help_panel=_METHOD,
    ),
]
Weights = Annotated[CodeWeights | None, typer.Option(help="Channel weights of the codes.", rich_help_panel=_METHOD)]
Steps = Annotated[int | None, typer.Option(min=1, help="Gradient steps.", metavar="K", rich_help_panel=_METHOD)]
OptimizerOption = Annotated[Optimizer | None, typer.Option("--optimizer", help="Solver.", rich_help_panel=_METHOD)]
Rate = Annotated[
    float | None, typer.Option("--lr", min=0.0, help="Learning rate.", metavar="X", rich_help_panel=_METHOD)
]
PrecisionOption = Annotated[
    Precision | None, typer.Option("--precision", help="Arithmetic of the network.", rich_help_panel=_METHOD)
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Pictures solved at once; by default what the run began with, else 16 (CPU) or 64 (GPU).",
        metavar="B",
        rich_help_panel=_RUN,
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Of masks and latent codes.", metavar="S", rich_help_panel=_RUN)]
