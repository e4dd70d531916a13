"""What `jaxprior priors show` prints of one network: of a prior, of a feature network, or of one that is only known."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxprior.cli.console import say
from jaxprior.cli.prior_tables import TAKEN
from jaxprior.errors import WeightsError
from jaxprior.system.activity import doing


def print_details(name: str) -> None:
    """Print what is known of a network, after its file was checked if it is here.

    Arguments:
        name: as of `loader.find`, or of a known network that is not installed.

    Raises:
        WeightsError: nothing is known of it, or its file is damaged.
    """
    from jaxprior.weights import loader, registry
    from jaxprior.weights.storage import read_card

    try:
        path = loader.find(name, role=loader.roles_by_name().get(name, "prior"))
    except WeightsError:
        if registry.known(name) is None or name in registry.installed_priors():
            raise
        _print_known(name)
        return
    if _plays(read_card(path), "features"):
        _print_network(name, path)
    elif _plays(read_card(path), "restorer"):
        _print_restorer(name, path)
    elif taken := [taken for role, taken in TAKEN.items() if name in loader.bundled(role)]:
        _print_other(name, path, taken[0].format(name=name))
    else:
        _print_prior(name, path)


def _print_prior(name: str, path: Path) -> None:
    from jaxprior.operators import task_names
    from jaxprior.restoration.defaults import BY_SIZE, defaults_of, states_defaults
    from jaxprior.settings import flat
    from jaxprior.weights.outlines import outline_prior

    outline, card = outline_prior(name), _checked(name, path)
    config = card.get("config", {})
    _print_lines(
        {
            "name": card.get("name", name),
            "file": path,
            "shows": card.get("subject"),
            "trained on": card.get("data", card.get("source")),
            "licence": card.get("licence"),
            "pixels": outline and "x".join(map(str, outline.image_shape[:-1])),
            "latent": outline and outline.sizes.latent_dim,
            "layers": outline and outline.num_layers,
            "found": _found(card),
            "layout": card.get("layout"),
            "output": config.get("output"),
            "label": " ".join(f"{number:g}" for number in config.get("label", ())) or None,
            **_origin(card),
        }
    )
    if outline is None:
        return
    for task in task_names():
        settings = defaults_of(card, task, image_shape=outline.image_shape)
        origin = "" if states_defaults(card, task) else f" ({BY_SIZE})"
        say(f"{task + ':':<11} " + ", ".join(f"{key} {value}" for key, value in flat(settings)) + origin)


def _found(card: Mapping[str, Any]) -> list[str]:
    """How an untrained network becomes the prior of a picture, in sentences; none of a trained one."""
    from jaxprior.inversion.codes.network import NetworkCode
    from jaxprior.nn.latent import WEIGHTS

    if card.get("codes") != WEIGHTS:
        return []
    codes = NetworkCode()
    return [
        "its weights are found for each picture, from random ones",
        f"at every step noise of the standard deviation {codes.perturbation:g} is added to its input (--input-noise)",
        "its answer is a moving average of the pictures of all steps, of which a step keeps the share "
        f"{codes.average:g} (--average-pictures)",
    ]


def _print_network(name: str, path: Path) -> None:
    card = _checked(name, path)
    lines = {"name": card.get("name", name), "file": path, "network": card.get("title", card.get("architecture"))}
    _print_lines({**lines, "licence": card.get("licence"), **_origin(card)})


def _print_restorer(name: str, path: Path) -> None:
    from jaxprior.cli.prior_tables import restores_words
    from jaxprior.weights.outlines import outline_restorer

    card = _checked(name, path)
    lines = {"name": card.get("name", name), "file": path, "restorer": restores_words(outline_restorer(path).restores)}
    lines |= {"trained on": card.get("data", card.get("source")), "licence": card.get("licence")}
    _print_lines({**lines, **_origin(card)})


def _print_other(name: str, path: Path, taken: str) -> None:
    """Print what is known of a refiner or a model of one picture; `taken`: how a command takes it."""
    card = _checked(name, path)
    lines = {"name": card.get("name", name), "file": path, "network": card.get("title", card.get("architecture"))}
    lines |= {"trained on": card.get("source"), "author": card.get("author"), "licence": card.get("licence")}
    _print_lines({**lines, "taken by": taken, **_origin(card)})


def _print_known(name: str) -> None:
    """Print what is known of a network that is not installed, and how to get it."""
    from jaxprior.weights import registry
    from jaxprior.weights.known.files import shown_size
    from jaxprior.weights.known.priors import KnownPrior

    network = registry.known(name)
    assert network is not None  # the caller has looked
    own = isinstance(network, KnownPrior)
    lines = {"name": name, "what": network.title}
    if own:
        lines |= {"shows": network.subject, "trained on": network.data, "pixels": network.resolution}
        lines |= {"layout": network.layout}
    _print_lines({**lines, "licence": network.stated_licence, "page": network.page})
    for file in network.files:
        digits = f"sha256 begins with {file.sha256[:8]}" if file.sha256 else "no hash is known"
        say(f"{'file':<11} {file.url} ({shown_size(file.size)}, {digits})")
    fetched = f"`jaxprior priors get {name}` downloads and installs it"
    say(f"{'state':<11} not installed: " + (registry.how_to_get(name) if own else fetched))


def _checked(name: str, path: Path) -> dict:
    """The card of a file whose weights were compared with their sha256."""
    from jaxprior.weights import registry
    from jaxprior.weights.storage import load_weights

    try:
        with doing(f"checking {name}"):
            return load_weights(path)[1]
    except WeightsError as error:
        if path not in (registry.installed_priors().get(name), registry.installed().get(name)):
            raise
        raise WeightsError(registry.damaged(name, path)) from error


def _plays(card: Mapping[str, Any], role: str) -> bool:
    """Whether a network can play a role."""
    from jaxprior.weights.loader import check_role

    try:
        check_role(card.get("architecture"), role)
    except WeightsError:
        return False
    return True


def _origin(card: Mapping[str, Any]) -> dict[str, Any]:
    """Lines about where a network comes from."""
    return {
        "from": card.get("url", card.get("page")),
        "sha256": card["sha256"],
        "of source": card.get("sha256_source"),
        "note": list(card.get("notes", ())),
    }


def _print_lines(lines: Mapping[str, Any]) -> None:
    """Print a line a value, several for a list; None is left out."""
    for title, value in lines.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                say(f"{title:<11} {one}")
