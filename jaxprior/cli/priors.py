"""`jaxprior priors`: the networks that are at hand, and installing those that are published elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from jaxprior.cli.completing import every_name, here_names, known_names
from jaxprior.cli.console import load_jax, say, say_error
from jaxprior.cli.prior_tables import print_networks, print_others, print_priors, print_restorers
from jaxprior.errors import JaxpriorError, WeightsError


_OF_A_NETWORK = "Of a network, as `jaxprior priors` lists it."
Name = Annotated[str, typer.Argument(help=_OF_A_NETWORK, metavar="NAME", autocompletion=every_name)]
Here = Annotated[str, typer.Argument(help=_OF_A_NETWORK, metavar="NAME", autocompletion=here_names)]


def priors(context: typer.Context) -> None:
    """List the networks that are bundled, installed, or published by others: priors, restorers, feature networks.

    Nothing is downloaded unless you ask for it with `get`.

    ```
    jaxprior priors
    jaxprior priors get bedroom256
    jaxprior priors get tower256 --from karras2018iclr-lsun-tower-256x256.pkl
    jaxprior priors get vgg16
    ```

    Read more in docs/priors.md.
    """
    if context.invoked_subcommand is not None:
        return
    print_priors()
    say("")
    for print_some in (print_restorers, print_others):
        if print_some():
            say("")
    print_networks()


def get(
    name: Annotated[
        str,
        typer.Argument(
            help="Of a known network, or any name for your own --from FILE.",
            metavar="NAME",
            autocompletion=known_names,
        ),
    ],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Install this file, which you carried here by hand, instead of downloading; or the folder of a "
            "training run; or the folder with all files of a network that has several.",
            metavar="FILE",
        ),
    ] = None,
    licence: Annotated[str | None, typer.Option(help="Of the weights, for the card of a file of your own.")] = None,
    shows: Annotated[
        str | None, typer.Option(help="What the pictures of a prior of your own show, for its card.", metavar="TEXT")
    ] = None,
    output: Annotated[
        str | None, typer.Option(help="What images go through at the end: none, clip or tanh; see `jaxprior convert`.")
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Label to fix in a network that was trained with labels; see `jaxprior convert`.")
    ] = None,
) -> None:
    """Install a prior, a restorer or a feature network: download it, check its sha256, and convert it.

    Files come from their publishers; restorers from a file or a training run of yours (--from).
    A download that was stopped goes on by the same command. Proxies are those of the environment (`https_proxy`), and
    `JAXPRIOR_MIRROR` names an address under which the same files lie. An installed prior is taken by its name:
    `--prior NAME`. SqueezeNet's file needs `pip install 'jaxprior[convert]'`.

    ```
    jaxprior priors get bedroom256
    jaxprior priors get kitchen256 --from downloads/proggan_kitchen-67f1e16c.pth
    jaxprior priors get my-rooms --from checkpoint.pth --shows "living rooms" --licence "CC BY 4.0"
    jaxprior priors get my-inpainter --from runs/patchgan
    jaxprior priors get vgg16
    ```

    Read more in docs/priors.md.
    """
    from jaxprior.nn.latent import WEIGHTS
    from jaxprior.weights import installing, registry
    from jaxprior.weights.known.files import shown_size
    from jaxprior.weights.storage import read_card

    known = registry.known(name)
    installing.check_options(name, source=source, output=output, label=label)
    here = installing.present(name) if source is output is label is None else None
    if known is not None and here is None:
        for line in registry.announced(known, fetched=source is None):
            say(line)
    if here is None:
        path = installing.install(name, source=source, licence=licence, subject=shows, output=output, label=label)
    else:
        path = installing.restate(here, name, licence=licence, subject=shows)
    card = read_card(path)
    if here is None:
        if "layout" in card:
            say(f"layout: {card['layout']}")
        for note in card.get("notes", ()):
            say(f"note: {note}")
    if known is not None and any(file.sha256 is None for file in known.files):
        say(f"sha256 of {card['source']}: {card['sha256_source']}")
    say(f"{'installed' if here is None else 'is installed already:'} {path} ({shown_size(path.stat().st_size)})")
    if path in registry.installed_restorers().values():
        say(f"take it with --restorer {name}, or load_restorer({name!r})")
        return
    if path not in registry.installed_priors().values():
        say(f"take it with --features {name}, or load_features({name!r})")
        return
    say(f"take it with --prior {name}, or load_prior({name!r})")
    if card.get("codes") != WEIGHTS:  # an untrained network has no samples
        _describe(path.parent)


def _describe(folder: Path) -> None:
    """Show what an installed prior's own samples say. The prior is of use without, so a failure is only told."""
    load_jax()
    from jaxprior.restoration.which_prior.own_samples import FILE, SHEET, describe_prior
    from jaxprior.system import runtime

    if not all((folder / made).is_file() for made in (FILE, SHEET)):
        say("Its samples are drawn and measured now; it can be used already, and the same command goes on with that.")
    runtime.enable_compilation_cache()
    try:
        describe_prior(folder)
    except JaxpriorError as error:
        if not folder.is_dir():
            raise _gone(folder) from None
        say_error(f"note: its samples could not be measured: {error}")
        return
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        if not folder.is_dir():
            raise _gone(folder) from None
        say_error(f"note: its samples could not be measured: {error.filename2 or error.filename}: {error.strerror}")
        return
    say(f"its samples: {folder / SHEET}")


def _gone(folder: Path) -> WeightsError:
    return WeightsError(f"{folder} was removed while the prior's samples were measured: it is not installed any more.")


def show(name: Name) -> None:
    """Show what is known of a network: size, licence, where it comes from, and a prior's default settings.

    The file of one that is here is checked. Of one that is not installed, this says how to get it.

    ```
    jaxprior priors show cats64
    jaxprior priors show bedroom256
    ```

    Read more in docs/priors.md.
    """
    from jaxprior.cli.prior_details import print_details

    print_details(name)


def remove(name: Here) -> None:
    """Remove an installed prior, restorer or feature network from this machine; those that are bundled stay.

    ```
    jaxprior priors remove bedroom256
    ```

    Read more in docs/priors.md.
    """
    from jaxprior.weights.installing import uninstall

    say(f"removed {uninstall(name)}")
