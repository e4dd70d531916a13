"""`jaxprior priors`: the networks that are at hand, and fetching those that are published elsewhere."""

from typing import Annotated

import typer

from jaxprior.cli.console import print_table, say
from jaxprior.errors import JaxpriorError


OFFICIAL_PRIORS = "https://github.com/tkarras/progressive_growing_of_gans"


def priors(context: typer.Context) -> None:
    """List the bundled priors, the installed feature networks, and those that can be fetched.

    Nothing is downloaded unless you ask for it with `get`.

    ```
    jaxprior priors
    jaxprior priors get vgg16
    jaxprior priors get lpips-squeeze
    ```
    """
    if context.invoked_subcommand is not None:
        return
    _list_priors()
    _list_networks()


def get(
    name: Annotated[str, typer.Argument(help="vgg16, vgg19, squeezenet or lpips-squeeze.", metavar="NAME")],
) -> None:
    """Fetch a feature network from its publisher, check its sha256, convert it and install it.

    Needs `pip install 'jaxprior[download]'`, and for SqueezeNet also `'jaxprior[convert]'`.

    ```
    jaxprior priors get vgg16
    ```
    """
    from jaxprior.weights import download
    from jaxprior.weights.known.files import shown_size
    from jaxprior.weights.known.networks import NETWORKS

    if name in NETWORKS:
        for file in NETWORKS[name].files:
            say(f"fetching {file.url} ({shown_size(file.size)})")
    path = download.fetch(name)
    say(f"installed {path} ({path.stat().st_size / 1e6:.3g} MB): load_features({name!r})")


def _list_priors() -> None:
    from jaxprior.settings import flat
    from jaxprior.weights.loader import bundled, outline
    from jaxprior.weights.priors import list_priors

    cards = list_priors()
    if not cards:
        raise JaxpriorError(
            "This installation has no bundled prior: train one with `jaxprior train pggan`, or convert "
            "one with `jaxprior convert`."
        )
    files = bundled()
    priors = [outline(files[card["name"]], role="prior") for card in cards]
    titles = ("prior", "pixels", "latent", "layers", "trained on", "licence", "sha256")
    print_table(
        titles,
        [
            (
                card["name"],
                _pixels(prior.image_shape),
                prior.latent_dim,
                prior.num_layers,
                card.get("source", ""),
                card.get("licence", ""),
                card["sha256"][:12],
            )
            for card, prior in zip(cards, priors, strict=True)
        ],
        words=len(titles),
    )
    for card in cards:
        for task, settings in card.get("defaults", {}).items():
            say(f"{card['name']}, {task}: " + ", ".join(f"{name} {value}" for name, value in flat(settings)))
    say(f"More are described at {OFFICIAL_PRIORS}; `jaxprior convert` reads its files.")


def _pixels(image_shape: tuple[int, ...]) -> str:
    """Pixels of a side, or of every side where they differ."""
    height, *others = image_shape[:-1]
    return str(height) if all(side == height for side in others) else "x".join(str(side) for side in image_shape[:-1])


def _list_networks() -> None:
    from jaxprior.weights import registry
    from jaxprior.weights.known.files import shown_size
    from jaxprior.weights.known.networks import NETWORKS
    from jaxprior.weights.storage import read_card

    rows, installed = [], registry.installed()
    for name, path in installed.items():
        try:
            card = read_card(path)
        except JaxpriorError as error:  # one damaged file must not hide the others
            rows.append((name, "damaged", str(error), ""))
            continue
        architecture = card.get("architecture", "")
        title = NETWORKS[architecture].title if architecture in NETWORKS else architecture
        rows.append((name, "installed", title, card.get("licence", "")))
    for name, known in NETWORKS.items():
        if name not in installed:
            rows.append((name, f"get, {shown_size(known.size)}", known.title, known.licence))
    say("")
    print_table(("feature network", "state", "what it is", "licence"), rows, words=4)
    for name, known in NETWORKS.items():
        say(f"{name} is described at {known.page}")
    say(f"Installed networks are kept in {registry.folder()}.")
