"""`jaxprior train autoencoder`."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from jaxprior.cli.console import say
from jaxprior.cli.signature import spelled_out
from jaxprior.cli.train.shared import (
    TrainingOptions,
    changed,
    network_option,
    numbers,
    recipe_option,
    train,
    train_on_pictures,
)
from jaxprior.errors import JaxpriorError


class AutoencoderPreset(enum.StrEnum):
    """Named recipes of `jaxprior.models.autoencoder.train`."""

    narrow = "narrow"
    seed001 = "seed001"


@spelled_out
def autoencoder(
    *,
    pairs: Annotated[
        list[Path] | None,
        typer.Option(
            help="Restoration runs with originals, one or more --pairs: what was restored in, the original out.",
            metavar="RUN",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Or pictures, whose hole (--mask) is filled with the mean colour.", metavar="DIR|ZIP"),
    ] = None,
    mask: Annotated[
        str | None, typer.Option(help="What is missing from --data.", metavar="center:F|block:F|pixels:F|FILE")
    ] = None,
    preset: Annotated[
        AutoencoderPreset,
        typer.Option(help="Recipe to start from: narrow, for minutes of two CPU cores; or the seed's own widths."),
    ] = AutoencoderPreset.narrow,
    steps: Annotated[int | None, recipe_option("Steps altogether.", metavar="K", least=1)] = None,
    noise: Annotated[
        float | None, recipe_option("Standard deviation of noise on the inputs, in [-1, 1].", metavar="X", least=0.0)
    ] = None,
    adversarial: Annotated[
        float | None,
        recipe_option("Weight of a critic beside the error, below 1; context encoders: 0.001.", metavar="X", least=0.0),
    ] = None,
    held_out: Annotated[int | None, recipe_option("Pictures at the end that only judge.", metavar="N", least=1)] = None,
    resolution: Annotated[int | None, network_option("Pixels of a side.", metavar="R")] = None,
    widths: Annotated[str | None, network_option("Feature maps after every halving.", metavar="N,N,...")] = None,
    kernel: Annotated[int | None, network_option("Side of the kernels, 2 to 7.", metavar="N", least=2)] = None,
    training: TrainingOptions,
) -> None:
    """Train an autoencoder that repairs pictures, whose RUN then serves as `--refine RUN`.

    With `--pairs` it learns to make originals of what a prior completed. With `--data` and `--mask` it fills holes by
    itself: a context encoder. The same command resumes. RUN holds curves, pictures (given, repaired, original) and an
    always current `model.safetensors`.

    ```
    jaxprior inpaint cats.zip --limit 512 --mask center:0.25 --clean --prior runs/lsgan --preset lsgan -o runs/completed
    jaxprior train autoencoder --pairs runs/completed -o runs/refiner
    jaxprior train autoencoder --data cats.zip --mask center:0.25 --adversarial 0.001 -o runs/context-encoder
    ```
    """
    from jaxprior.models.autoencoder import train as recipes
    from jaxprior.models.autoencoder.pairs import load_pairs

    if (data is None) == (not pairs) or (data is None) != (mask is None):
        raise JaxpriorError("Give --pairs, runs to learn from; or --data, pictures, with --mask, what is missing.")
    changes = {
        **training.changes(), "steps": steps, "mask": mask, "noise": noise, "adversarial": adversarial,
        "held_out": held_out, "resolution": resolution, "widths": numbers("--widths", widths), "kernel": kernel,
    }  # fmt: skip
    recipe = changed(recipes.PRESETS[preset.value], changes)
    if data is not None:
        train_on_pictures(recipes.plan, recipe, training, data, use="jaxprior.load_refiner, from Python, of")
        return
    source = ", ".join(map(str, pairs))
    triples = load_pairs(pairs, resolution=recipe.resolution, limit=training.limit)
    say(f"{len(triples)} pairs of {recipe.resolution}x{recipe.resolution} pixels from {source}")
    train(recipes.plan(recipe, triples), training, source, use="jaxprior inpaint IMAGES --mask MASK -o RUN --refine")
