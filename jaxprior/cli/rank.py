"""`jaxprior priors rank`: which prior for my picture?"""

from pathlib import Path
from typing import Annotated, Any

import typer

from jaxprior.cli import options as opt
from jaxprior.cli.console import load_jax, mistakes, print_table, say, say_error
from jaxprior.cli.solving import SOME_FAILED
from jaxprior.errors import JaxpriorError


def rank(
    photos: Annotated[
        list[Path],
        typer.Argument(
            help="Photographs, folders or zip archives; --limit counts the photographs of all of them together.",
            metavar="PHOTO",
        ),
    ],
    prior: Annotated[
        list[str] | None,
        typer.Option(
            help="Compare this prior; give it several times. By default all that are bundled or installed.",
            metavar="NAME|FILE|RUN",
        ),
    ] = None,
    mask: Annotated[
        str | None,
        typer.Option(
            help="What is missing of every photograph: center:F or block:F, F a fraction of the area; or a picture, "
            "white = missing.",
            metavar="SPEC|FILE",
        ),
    ] = None,
    mask_means: Annotated[
        str | None,
        typer.Option(help="What marks it in the mask's file.", metavar="white|black|painted|transparent"),
    ] = None,
    invert_mask: Annotated[bool, typer.Option("--invert-mask", help="The mask's file marks the opposite.")] = False,
    out: Annotated[
        Path | None, opt.out_option("Folder for a sheet of the reconstructions and the table.", metavar="DIR")
    ] = None,
    limit: opt.Limit = None,
) -> None:
    """Say which prior explains a photograph best.

    Every prior searches briefly for the centre square of the photograph, and the result is compared with what the prior
    reaches on its own samples. The first place goes to the prior for which the photograph is least behind them. A prior
    used here for the first time is measured first; that takes minutes. A missing file or name stops the command before
    anything is done; damaged photographs and priors are named, and the others are ranked.

    ```
    jaxprior priors rank bedroom.jpg
    jaxprior priors rank photos/ --mask hole.png -o ranking
    jaxprior priors rank cat.jpg --prior cats64 --prior runs/dogs
    ```

    Read more in docs/which-prior.md.
    """
    from jaxprior.data.listing import list_images
    from jaxprior.restoration.which_prior.ranked import SHEET, TABLE, check_place, is_sheet

    spec = _mask_of(mask, mask_means, invert_mask)
    _check_priors(prior)
    found = [source for source in list_images(photos) if source.path in photos or not is_sheet(source.path)]
    if out is not None:
        opt.check_apart(out, [*photos, *(source.path.parent for source in found if source.member is None)])
        check_place(out)
    load_jax()
    from jaxprior.restoration.which_prior.ranking import rank_priors

    with mistakes():
        ranking = rank_priors(found[:limit], prior, mask=spec)
    _print(ranking)
    if out is not None:
        ranking.write(out)
        say(f"\nsheet: {out / SHEET}\ntable: {out / TABLE}")
    if ranking.failed:
        raise typer.Exit(SOME_FAILED)


def _mask_of(mask: str | None, means: str | None, invert: bool) -> Any:
    """The mask that was asked for; it is parsed before JAX is imported."""
    if mask is None:
        if means is not None or invert:
            raise JaxpriorError("--mask-means and --invert-mask say how the file of --mask is read: give one.")
        return None
    from jaxprior.data.masks import parse_mask

    spec = parse_mask(mask, means=means, invert=invert)
    if spec.kind == "folder":
        raise JaxpriorError(f"--mask {mask} is a folder or an archive; expected one mask for all photographs.")
    return spec


def _check_priors(names: list[str] | None) -> None:
    """Refuse a name that no prior has, unless others have one; nothing is loaded."""
    from jaxprior.weights import loader

    for name in names or ():
        loader.find(name, role="prior")
    if names is None and not loader.named_priors():
        raise JaxpriorError("No prior is bundled or installed: name one with --prior, or see `jaxprior priors`.")


def _print(ranking: Any) -> None:
    """Print a table a photograph, and what is to be known of them."""
    for name, reason in ranking.passed_over.items():
        say_error(f"note: the prior {name} is passed over: {reason}")
    for reason in ranking.failed.values():
        say_error(reason)
    titles = ("", "prior", "what it shows", "PSNR", "own samples", "behind", "better than")
    for photo in ranking.photos:
        say(f"\n{photo.name}")
        print_table(titles, [_row(place, one) for place, one in enumerate(photo.priors, 1)], words=3)
        if not photo.priors[0].explains:
            say("None of these priors explains this photograph well: it may show something that none of them knows.")
    if len(ranking.photos) > 1:
        say("\nall photographs")
        rows = [(place, name, f"{behind:.1f}") for place, (name, behind) in enumerate(ranking.overall, 1)]
        print_table(("", "prior", "behind, mean dB"), rows, words=2)
    say(
        "\nPSNR: of the known pixels after a short inversion, dB; own samples: what the prior reaches on those of its "
        "own samples that are as smooth; behind: by how much less the photograph has; better than: the share of own "
        "samples that are explained worse."
    )


def _row(place: int, one: Any) -> tuple[str, ...]:
    numbers = (f"{one.psnr:.1f}", f"{one.expected:.1f}", one.shown_behind, f"{one.share_below:.0%}")
    return (str(place), one.prior, one.subject, *numbers)
