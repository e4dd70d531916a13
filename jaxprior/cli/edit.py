"""`jaxprior directions`, `edit` and `interpolate`: what can be made of a run's latents."""

import io
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from jaxprior.cli.console import load_jax, say
from jaxprior.errors import JaxpriorError


FOLDERS = "folders"  # as in `jaxprior.evaluation.directions`, which imports JAX

Run = Annotated[Path, typer.Argument(help="A run folder of reconstruct, inpaint, ...", metavar="RUN")]
Prior = Annotated[
    str | None,
    typer.Option(help="The run's prior, if it is neither bundled nor installed.", metavar="NAME|FILE|RUN"),
]


def directions(
    run: Run,
    labels: Annotated[
        str,
        typer.Option(
            help='CSV file with a header, and for each picture its name and 0 or 1 for every attribute; or "folders": '
            "the folder that a picture lies in is its class.",
            metavar="CSV|folders",
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write, .npy.", metavar="FILE")],
    attribute: Annotated[
        str | None,
        typer.Option(help="Which of several attributes or classes.", metavar="NAME"),
    ] = None,
) -> None:
    """Find a direction in latent space along which an attribute changes, from a run whose pictures are labelled.

    It is the normal of the plane that tells the codes of pictures with the attribute from those without (logistic
    regression). What the plane says of pictures that were held out is printed: only if that is better than always
    saying the larger class does the direction mean something. `jaxprior edit` takes the file.

    ```
    jaxprior reconstruct faces/ -o runs/faces
    jaxprior directions runs/faces --labels faces.csv --attribute smiling -o smiling.npy
    jaxprior edit runs/faces --direction smiling.npy --amount -4 --amount 4
    ```

    Read more in docs/inversion.md.
    """
    import numpy as np

    from jaxprior import evaluation
    from jaxprior.system.files import write_atomically

    folder = evaluation.RunFolder(run)
    _check_has_latents(folder)
    if out.suffix.lower() != ".npy":
        raise JaxpriorError(f"{out}: a direction is written as a .npy file; give a name that ends in .npy with -o.")
    if labels != FOLDERS and not Path(labels).is_file():
        raise JaxpriorError(f'{labels}: there is no such file; give a CSV file with --labels, or "{FOLDERS}".')
    load_jax()
    found = evaluation.direction_of_run(folder, labels, attribute=attribute)
    one, file = found.direction, io.BytesIO()
    np.save(file, one.vector)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, file.getvalue())
    if found.unlabelled:
        say(f"left out: {found.unlabelled} inversions without a row in {labels}")
    if found.strangers:
        say(f"left out: {found.strangers} rows of {labels} that name no inversion of this run")
    say(f"{found.attribute}: {one.with_it} pictures with it, {one.without} without")
    say(
        f"right for {one.accuracy:.1%} of held-out pictures; always saying the larger class is right for "
        f"{one.larger:.1%}. Of pairs of one with and one without, {one.ranking:.1%} are in the right order."
    )
    say(f"the means of both lie {one.apart:.2f} apart along the direction, a start for --amount")
    say(f"\ndirection: {out}")


def edit(
    run: Run,
    direction: Annotated[
        Path,
        typer.Option(help="Vector as long as a latent code: .npy, or .safetensors with one tensor.", metavar="FILE"),
    ],
    amount: Annotated[
        list[float], typer.Option(help="How far, in units of the direction; give it several times.", metavar="A")
    ],
    limit: Annotated[int | None, typer.Option(help="Only the first N pictures.", metavar="N", min=1)] = None,
    prior: Prior = None,
) -> None:
    """Move a run's inversions along a direction in latent space, for example from one attribute to its opposite.

    RUN/edits gets a strip a picture (its inversion, then every amount, left to right) and a sheet of all.

    ```
    jaxprior edit runs/cats --direction fluffy.npy --amount 2
    jaxprior edit runs/cats --direction boundary.npy --amount -3 --amount -1.5 --amount 1.5 --amount 3
    ```

    Read more in docs/inversion.md.
    """
    from jaxprior import evaluation
    from jaxprior.weights.outlines import outline_prior

    folder = evaluation.RunFolder(run)
    source = _source_of(folder, prior)
    if (outline := outline_prior(source)) is not None:
        evaluation.load_direction(direction, outline.sizes.latent_dim)  # refuses it before JAX is imported
    loaded = _prior_of(source)
    vector = evaluation.load_direction(direction, loaded.latent_dim)
    paths = evaluation.edit_run(folder, loaded, vector, amount, name=direction.stem, limit=limit)
    say(f"{len(paths) - 1} pictures along {direction.stem}: {', '.join(f'{a:g}' for a in amount)}")
    say(f"\nsheet: {paths[-1]}")


def interpolate(
    run: Run,
    first: Annotated[str, typer.Argument(help="A picture of the run, by its name.", metavar="NAME")],
    second: Annotated[str, typer.Argument(help="Another one.", metavar="NAME")],
    frames: Annotated[int, typer.Option(help="Pictures, both ends included.", metavar="N", min=2)] = 9,
    prior: Prior = None,
) -> None:
    """Go from one inversion of a run to another, in equal steps of the latents.

    RUN/interpolations gets the frames, all of them side by side, and an animation there and back.

    ```
    jaxprior interpolate runs/cats tom.png felix.png
    jaxprior interpolate runs/cats tom felix --frames 30
    ```

    Read more in docs/inversion.md.
    """
    from jaxprior import evaluation

    folder = evaluation.RunFolder(run)
    source = _source_of(folder, prior)
    place = evaluation.interpolate_run(folder, _prior_of(source), first, second, frames=frames)
    say(f"{frames} frames\n\nstrip: {place / 'strip.png'}\nanimation: {place / 'animation.webp'}")


def _source_of(folder: Any, source: str | None) -> str:
    """What the prior is loaded from: what was named, or the name that the run states. It is looked for only."""
    from jaxprior.inversion.codes.network import refuse_moving
    from jaxprior.weights import loader
    from jaxprior.weights.outlines import outline_network

    record = _check_has_latents(folder)
    if source is None:
        source = str(record["configuration"]["prior"]["name"])
        if source not in loader.every_prior():
            where = shlex.quote(str(folder.path))
            raise JaxpriorError(
                f"{where} inverted the prior {source}, which is not bundled and not installed: give its "
                "file with --prior."
            )
    if source in loader.untrained_priors():
        refuse_moving(source)
    outline_network(source, role="prior")
    return source


def _check_has_latents(folder: Any) -> dict:
    """Refuse a run without a prior; what run.json says."""
    record = folder.read()
    if "prior" not in record["configuration"]:
        raise JaxpriorError(f"{folder.path} was restored at once by a network, so that it has no latents to move.")
    return record


def _prior_of(source: str) -> Any:
    """Load a prior."""
    load_jax()
    from jaxprior.system import runtime
    from jaxprior.weights import priors

    runtime.enable_compilation_cache()
    return priors.load_prior(source)
