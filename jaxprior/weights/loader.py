"""Loading trained networks: find the file, read it, ask its card for the architecture, and let the family build it.

    source --find--> file --storage.load_weights--> (params, card) --build--> what plays the role

One path serves every role: priors, feature networks, refiners, restorers, models of one picture. The word
"architecture" in the card chooses the family (see `jaxprior.protocols.Family`), which names a function for each role
that it fills. So a new network is known here as soon as its folder lies in `jaxprior/models/`, or its entry point is
installed.
"""

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from jaxprior import discovery
from jaxprior.checks import described
from jaxprior.data.kinds import EXTENSIONS
from jaxprior.errors import ArgumentError, JaxpriorWarning, WeightsError
from jaxprior.lazy_jax import jax
from jaxprior.runs.kinds import WEIGHTS, is_begun_training, what_it_is
from jaxprior.system.amounts import with_article
from jaxprior.weights import registry, storage
from jaxprior.weights.card import Card, unfinished


RUN_WEIGHTS = WEIGHTS
"""The file that every training run keeps up to date; the name of the run's folder stands for it."""


ENCODER = "encoder.safetensors"
"""The file of an encoder beside the weights of the prior that it belongs to."""


@dataclass(frozen=True)
class Role:
    """What a network can be loaded for.

    Fields:
        noun: what people call such a network. takes: the options or commands, and the function, that take it.
        trained_by: the command that trains one, where there is only one command.
    """

    noun: str
    takes: str
    trained_by: str = ""


ROLES = {
    "prior": Role("prior", "--prior of `jaxprior inpaint` and other commands, or `load_prior`"),
    "features": Role("feature network", "--features of `jaxprior inpaint` and other commands, or `load_features`"),
    "refiner": Role(
        "refiner",
        "--refine of `jaxprior inpaint` and other commands, or `load_refiner`",
        "`jaxprior train autoencoder`",
    ),
    "encoder": Role(
        "encoder", "--encoder of `jaxprior inpaint` and other commands, or `load_encoder`", "`jaxprior train encoder`"
    ),
    "restorer": Role("restorer", "--restorer of `jaxprior inpaint` and other commands, or `load_restorer`"),
    "attributes": Role(
        "model of attributes", "`jaxprior attributes`, or `load_attribute_model`", "`jaxprior train icgan`"
    ),
    "singan": Role(
        "model of one picture", "commands such as `jaxprior singan sample`, or `load_singan`", "`jaxprior singan train`"
    ),
}


SHELVES = {"prior": ".", "restorer": "restorers", "refiner": "refiners", "singan": "singan"}
"""Role -> where in `assets` lie the networks for it that come with the package, in a folder of its name each."""


def bundled(role: str = "prior") -> dict[str, Path]:
    """The networks for a role that come with the package: name -> file.

    Arguments:
        role: one of `ROLES`; there is nothing for those that `SHELVES` leaves out.

    Example:
        >>> list(bundled("restorer"))
        ['patch_photos', 'srgan_x4_photos']
    """
    if role not in SHELVES:
        return {}
    folder = Path(str(resources.files("jaxprior") / "assets")) / SHELVES[role]
    return {path.parent.name: path for path in sorted(folder.glob(f"*/{RUN_WEIGHTS}"))}


def named_priors() -> dict[str, Path]:
    """The priors that are found by name: the bundled ones, then those that are installed; name -> file."""
    own = bundled()
    return {**own, **{name: path for name, path in registry.installed_priors().items() if name not in own}}


def untrained_priors() -> dict[str, Path]:
    """The priors that come with the package and were never trained, whose weights are found for each picture."""
    folder = Path(str(resources.files("jaxprior") / "assets" / "untrained"))
    return {path.stem: path for path in sorted(folder.glob("*.safetensors"))}


def every_prior() -> dict[str, Path]:
    """The priors that are found by name, trained or not: name -> file."""
    return {**untrained_priors(), **named_priors()}


def named_restorers() -> dict[str, Path]:
    """The restorers that are found by name: the bundled ones, then those that are installed; name -> file."""
    return {**registry.installed_restorers(), **bundled("restorer")}


def named(role: str) -> dict[str, Path]:
    """The networks that are found by name for a role: name -> file.

    Arguments:
        role: one of `ROLES`.
    """
    found = {"prior": every_prior, "features": registry.installed, "restorer": named_restorers}
    return found[role]() if role in found else bundled(role)


def bundled_cards() -> list[Card]:
    """Cards of the bundled priors, best first."""
    cards = [Card(storage.read_card(path)) for path in bundled().values()]
    return sorted(cards, key=lambda card: (-card["config"]["resolution"], card["name"]))


def prior_cards() -> list[Card]:
    """Cards of the priors that are found by name: the bundled ones, best first, then those that are installed.

    Warns:
        JaxpriorWarning: an installed file cannot be read; it is left out.
    """
    cards = bundled_cards()
    for name, path in list(named_priors().items())[len(cards) :]:
        try:
            cards.append(Card({**storage.read_card(path), "name": name}))
        except WeightsError as error:
            warnings.warn(f"the installed prior {name} is left out: {error}", JaxpriorWarning, stacklevel=2)
    return cards


def prior_file(source: str | os.PathLike | None) -> Path:
    """The file of a prior: see `find`; of the best bundled one if nothing is named.

    Raises:
        WeightsError: none is bundled. Or see `find`.
    """
    if source is not None:
        return find(source, role="prior")
    cards = bundled_cards()
    if not cards:
        raise WeightsError("no prior is bundled with this installation; name a .safetensors file or a training run")
    return bundled()[cards[0]["name"]]


def encoder_beside(path: Path) -> Path | None:
    """The file of the encoder that lies beside the weights of a bundled or installed prior; None where there is none.

    Arguments:
        path: of the prior's weights.
    """
    beside = path.with_name(ENCODER)
    return beside if path in named_priors().values() and beside.is_file() else None


def find(source: str | os.PathLike, *, role: str) -> Path:
    """The file of a trained network.

    Arguments:
        source: name of a bundled, untrained or installed prior, of a restorer, of an installed feature network, or of a
            bundled refiner or model of one picture; a .safetensors file, or the folder of a training run.
        role: one of `ROLES`.

    Raises:
        WeightsError: there is none, and the sentence says what was looked for; or the name is that of a network that
            does not play the role, or also that of a file or run in the working folder.
        ArgumentError: no name and no path.
    """
    if not isinstance(source, str | os.PathLike) or not str(source):
        wanted = f"the name or the path of {with_article(ROLES[role].noun)}"
        raise ArgumentError(f"`source` must be {wanted}, got {described(source)}.")
    own = named(role)
    path = Path(source)
    path = path / RUN_WEIGHTS if os.path.isdir(path) else path  # a name that is too long for a file is no folder either
    if str(source) in own and os.path.isfile(path):
        ours = bundled_names()
        noun, kind = ROLES[role].noun, "a bundled" if str(source) in ours else "an installed"
        raise WeightsError(
            f"{source} is {kind} {noun}, and {with_article(noun)} {source} also lies in this folder ({path}): give "
            f"./{source} to take what lies here, or run the command in another folder to take the {kind.split()[1]} "
            "one."
        )
    found = own.get(str(source)) or (path if os.path.isfile(path) else None)
    other = roles_by_name().get(str(source)) if found is None else None
    if other is not None:
        found = named(other)[str(source)]
    if found is None:
        raise WeightsError(_missing(source, role))
    if found is not path and str(source) not in bundled_names():
        _check_installed(str(source), found)
    if other is not None:
        check_role(storage.read_card(found).get("architecture"), role, where=str(source))
    if found.suffix.lower() in EXTENSIONS:
        raise WeightsError(f"{source} is a picture; expected {with_article(ROLES[role].noun)}")
    return found


def load(source: str | os.PathLike, *, role: str, **options: Any) -> Any:
    """Load a network for a role; every name and shape is checked.

    Arguments:
        source: see `find`.
        role: one of `ROLES`.
        options: for the family's function, beside parameters and card; of feature networks the `cut`.

    Returns:
        A `Prior`, a `FeatureNetwork`, a `Refiner`, a `Restorer`, or a model of one picture.

    Raises:
        WeightsError: there is none, the file is damaged, or it holds a network that does not play the role.

    Warns:
        JaxpriorWarning: the network's training is not done.
    """
    path = find(source, role=role)
    params, card = storage.load_weights(path)
    if sentence := unfinished(card):
        warnings.warn(f"{source}: {sentence}", JaxpriorWarning, stacklevel=3)
    return build(params, card, role=role, where=str(path), **options)


def outline(path: str | os.PathLike, *, role: str) -> Any:
    """What `load` returns, with shapes instead of weights: only the head of the file is read.

    Arguments:
        path: the file; role: one of `ROLES`.

    Raises:
        WeightsError: as of `load`.
    """
    shapes, card = storage.read_shapes(path)
    return jax.eval_shape(lambda params: build(params, card, role=role, where=str(path)), shapes)


def build(params: Mapping, card: Mapping, *, role: str, where: str = "these weights", **options: Any) -> Any:
    """Make what plays a role of parameters and a card.

    Arguments:
        params, card: as `storage.load_weights` returns them.
        role, options: see `load`.
        where: the file, for errors' sentences.

    Raises:
        WeightsError: no family has the architecture, it does not play the role, or the weights do not fit it.
    """
    return builder(card.get("architecture"), role, where=where)(params, card, where, **options)


def builder(architecture: str | None, role: str, *, where: str = "this card") -> Callable[..., Any]:
    """The function of a family that makes what plays a role.

    Raises:
        WeightsError: see `check_role`.
    """
    return discovery.imported(check_role(architecture, role, where=where))


def check_role(architecture: str | None, role: str, *, where: str = "this card") -> str:
    """Refuse an architecture that does not play a role. No networks are imported.

    Returns:
        the import string of the function of a family that makes what plays it.

    Raises:
        WeightsError: no family has the architecture, or it does not play the role.
    """
    family = discovery.family_of(architecture)
    roles = family.architectures[architecture] if family and architecture else {}
    if role in roles:
        return roles[role]
    for other in roles:
        if other in ROLES:
            raise WeightsError(_another_role(where, other, role, architecture))
    everything = [pair for one in discovery.families().values() for pair in one.architectures.items()]
    known = ", ".join(name for name, fills in everything if role in fills)
    raise WeightsError(
        f"{where}: its card names {architecture!r}, which is not {with_article(ROLES[role].noun)}; known are {known}"
    )


def plays(architecture: str | None, role: str) -> bool:
    """Whether networks of an architecture can be loaded for a role.

    Arguments:
        architecture: as a card names it; role: one of `ROLES`.

    Example:
        >>> plays("pggan", "prior"), plays("pggan", "encoder")
        (True, False)
    """
    family = discovery.family_of(architecture)
    return family is not None and role in family.architectures[str(architecture)]


def bundled_names() -> dict[str, Path]:
    """All networks that come with the package, whatever they are for: name -> file."""
    return {**untrained_priors(), **{name: path for role in SHELVES for name, path in bundled(role).items()}}


def roles_by_name() -> dict[str, str]:
    """All networks that are found by name: name -> role, and the first one of `ROLES` where several have the name."""
    return {name: role for role in reversed(ROLES) for name in named(role)}


def _check_installed(name: str, path: Path) -> None:
    """Refuse an installed network whose file is damaged as far as its head and its length tell."""
    try:
        storage.read_card(path)
    except WeightsError as error:
        if isinstance(error.__cause__, OSError):
            raise
        raise WeightsError(registry.damaged(name, path)) from error


def _another_role(where: str, plays: str, role: str, architecture: str | None = None) -> str:
    """The sentence about a network that plays another role than the wanted one: what it is, and what takes it."""
    network, wanted = ROLES[plays], ROLES[role]
    kind = f" ({architecture})" if architecture else ""
    trained = f" ({wanted.trained_by} trains one)" if wanted.trained_by else ""
    return (
        f"{where}: this is {with_article(network.noun)}{kind}, for {network.takes}; "
        f"expected {with_article(wanted.noun)}{trained}"
    )


def _missing(source: str | os.PathLike, role: str) -> str:
    """The sentence about a source that is nowhere, or no network: what it is, and what was expected."""
    name, wanted, here = str(source), ROLES[role], bundled(role)
    if is_begun_training(source):
        return f"{source} {what_it_is(source)}: they come with its first samples, so go on with the training"
    fetched = registry.known_roles()
    if name in fetched and not os.path.exists(source):
        return registry.missing(name) if fetched[name] == role else _another_role(name, fetched[name], role)
    if role == "features":
        sentence = registry.no_features(name)
    elif role == "prior":
        sentence = registry.nowhere(name, wanted.noun, [*here, *untrained_priors()], registry.installed_priors())
    elif role == "restorer":
        sentence = registry.nowhere(name, wanted.noun, here, registry.installed_restorers())
    else:
        sentence = (
            f"{name}: neither the run of {wanted.trained_by} (a folder with {RUN_WEIGHTS}) nor a .safetensors file"
            + (f", nor the bundled {wanted.noun} {' or '.join(here)}" if here else "")
        )
    roles = {**fetched, **roles_by_name()}
    nearest = registry.nearest(name, roles)
    if nearest is not None:
        sentence += f". Did you mean {nearest}?"
        if roles[nearest] != role:
            network = ROLES[roles[nearest]]
            sentence += f" It is {with_article(network.noun)}, for {network.takes}"
    return sentence.replace(f"{name}:", f"{name} {what_it_is(source)},", 1) if os.path.exists(source) else sentence
