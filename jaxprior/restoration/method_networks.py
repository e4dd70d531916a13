"""The networks that the plain table of a method names: those of the objective, the encoder, and an autoencoder.

No JAX is imported here until a network is loaded; see `jaxprior.restoration.networks`.
"""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jaxprior.errors import SettingsError, WeightsError
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.restoration.encoder_settings import Given
from jaxprior.restoration.named_settings import CODE_SPACE
from jaxprior.restoration.networks import Networks
from jaxprior.restoration.restored_tasks import check_restores
from jaxprior.settings import Names, check_names, fields_of, is_none, spelled, typed
from jaxprior.system.amounts import with_article
from jaxprior.weights import registry
from jaxprior.weights.known.networks import NETWORKS


def objective_of(stated: Mapping, given: Mapping, prior: Any, names: Names, networks: Networks) -> Objective:
    """The objective of a method, with its networks.

    Arguments:
        stated, given: tables of the preset and of what is changed of it.
        prior: a `Prior`, or what is known of one.
        names: how settings are spelled in sentences.
        networks: where those come from that the tables name.

    Raises:
        SettingsError: a setting that does not exist, or whose network is not there. WeightsError: no such file.
    """
    check_names(given, Objective.__dataclass_fields__, prefix="objective.", names=names)
    table = {**stated, **given}
    with _saying_how_to_do_without(table.get("features"), spelled("objective.features", names)):
        features = _network(table.pop("features", None), prior, names, networks)
    if features is None and "feature_weight" in given:
        weight, network = spelled("objective.feature_weight", names), spelled("objective.features", names)
        raise SettingsError(f"{weight}: there is no feature distance to weigh; give {network} with it.")
    beside = {}
    for field, network in BESIDE.items():
        beside[field] = _beside_the_prior(table.pop(field, None), prior, spelled(f"objective.{field}", names), network)
        for about in (name for name in (f"{field}_weight", f"{field}_on") if name in given and beside[field] is None):
            setting, source = spelled(f"objective.{about}", names), spelled(f"objective.{field}", names)
            raise SettingsError(f"{setting}: there is no {network} to weigh; give {source} with it.")
    values = fields_of(Objective, table, prefix="objective.", names=names)
    return Objective(features=features, **beside, **values)


BESIDE = {"critic": "critic", "in_domain": "encoder"}
"""A field of the objective that takes a network which was trained beside the prior -> what the prior calls it."""


def _beside_the_prior(source: Any, prior: Any, setting: str, network: str) -> Any:
    """What a field of `BESIDE` takes."""
    if is_none(source):
        return None
    if isinstance(source, str) and source == "prior":
        found = getattr(prior, network, None)
        if found is None:
            how = "take none" if network == "critic" else "`jaxprior train encoder` trains one, or take none"
            raise SettingsError(f"{setting} prior: this prior has no {network}; {how}.")
        return found
    if callable(source):
        return source
    raise SettingsError(f'{setting}: expected "none", "prior" or {with_article(network)}, got {source!r}.')


def in_code_space(given: Mapping, encoder: Any, prior: Any, names: Names, networks: Networks) -> dict:
    """What is given of an objective, with the encoder in whose code the preset `CODE_SPACE` compares pictures.

    Raises:
        SettingsError: there is no encoder, or two networks; an encoder to begin with, or one of other pictures.
        WeightsError: there is no such file, or it holds something else.
    """
    called, other = spelled("encoder", names), spelled("objective.features", names)
    wanted = f"the RUN of `jaxprior train convae`, in whose code the preset {CODE_SPACE} compares pictures"
    if is_none(encoder):
        if is_none(given.get("features")):
            raise SettingsError(f"The preset {CODE_SPACE} needs an encoder: give {called}, {wanted}.")
        return dict(given)
    if "features" in given:
        raise SettingsError(f"{called} and {other} both name the network in which pictures are compared: give one.")
    if isinstance(encoder, str | Path):
        try:
            encoder = networks.features(str(encoder))
        except WeightsError as error:
            here = f"With the preset {CODE_SPACE}, {called} takes the RUN of `jaxprior train convae`"
            raise WeightsError(f"{error}. {here}, in whose code it compares pictures.") from None
    elif hasattr(encoder, "prior_sha256") or not (callable(encoder) or hasattr(encoder, "features")):
        raise SettingsError(f"{called}: expected a network of images, or {wanted}, got {encoder!r}.")
    refuses = getattr(encoder, "refuses", None)
    if refuses is not None and (why := refuses(prior.image_shape)) is not None:
        raise SettingsError(f"{called}: this encoder does not take pictures of the prior's size: {why}.")
    return {**given, "features": encoder}


def begun_with(encoder: Any, given: Given, prior: Any, networks: Networks) -> tuple[Given, Any]:
    """The parts of a table and the prior as a table's encoder changes them: latents begin with it, unless they say no.

    Arguments:
        encoder: what the table says, see `make_method`; given: its parts.
        prior: with its own encoder; networks: where the other one comes from.
    """
    if is_none(encoder):
        return given, prior if encoder is None else dataclasses.replace(prior, encoder=None)
    encoder = _loaded(encoder, networks) if isinstance(encoder, str | Path) else encoder
    if (check_fits := getattr(encoder, "check_fits", None)) is not None:
        check_fits(prior)
    given = {**given, "solve": {"init": "encoder", **given["solve"]}}
    return given, dataclasses.replace(prior, encoder=encoder)


def _loaded(source: str | Path, networks: Networks) -> Any:
    """The encoder of a file or run that latents begin with."""
    try:
        return networks.encoder(source)
    except WeightsError as error:
        if not networks.is_features(str(source)):
            raise
        raise WeightsError(f"{error}; or take the preset {CODE_SPACE}, which compares pictures in its code") from None


def refuse_unused(encoder: Any, objective: Objective, solve: Solve, prior: Any, names: Names) -> None:
    """Refuse an encoder that a table names and nothing uses."""
    if not is_none(encoder) and solve.init != "encoder" and objective.in_domain is not prior.encoder:
        begun, source = f"{spelled('solve.init', names)} {solve.init}", spelled("encoder", names)
        raise SettingsError(f"{source}: nothing uses it, because {begun} begins elsewhere; leave one of the two out.")


IDLE = {"codes": {"kind": "single"}, "solve": {"init": "random", "steps": 0}, "tune": {"steps": 0}}
"""Settings with which nothing is inverted, for results that come from another network."""


def repaired_by(
    table: Mapping, given: Given, prior: Any, names: Names, networks: Networks
) -> tuple[Given, Any]:
    """The parts of a table as its autoencoder changes them, and what `restore` takes as `refine`.

    Arguments:
        table, prior, names: see `make_method`; given: the table's parts; networks: where autoencoders come from.

    Raises:
        SettingsError: it both repairs and answers, answers several times, or settings of a search stand beside it.
    """
    refiner, answering = (_refiner(table.get(name), prior, networks) for name in ("refine", "answer"))
    if answering is None:
        return given, refiner
    called = spelled("answer", names)
    if refiner is not None:
        raise SettingsError(f"{called} and {spelled('refine', names)} are two uses of an autoencoder: give one.")
    if table.get("draws"):
        raise SettingsError(f"{called}: an autoencoder has one answer; leave out {spelled('draws.count', names)}.")
    if (idle := _idle_beside_an_answer(table, given, names)) is not None:
        raise SettingsError(f"{called}: an autoencoder answers without a search, so that {idle} does nothing: drop it.")
    given = {part: {**IDLE.get(part, {}), **settings} for part, settings in given.items()}
    return given, networks.own_answer(answering)


def _idle_beside_an_answer(table: Mapping, given: Given, names: Names) -> str | None:
    """The first setting of a search that a table with an autoencoder's answer has, as users call it; None for none."""
    if table.get("preset", "default") != "default":
        return spelled("preset", names)
    if not is_none(table.get("encoder")):
        return spelled("encoder", names)
    for part, settings in given.items():
        for name, value in settings.items():
            if value != IDLE.get(part, {}).get(name):
                return spelled(f"{part}.{name}", names)
    return None


def restored_by(
    table: Mapping, given: Given, task: Any, image_shape: tuple[int, ...], names: Names, networks: Networks
) -> tuple[Given, Any]:
    """The parts of a table as its restorer changes them, and what `restore` takes as `refine`.

    Arguments:
        table, task, names: see `make_method`; given: the table's parts; networks: where restorers come from.
        image_shape: of the prior's images, at whose size the restorer answers.

    Raises:
        SettingsError: something else than a restorer makes the result too; pictures of other channels.
        RunError: the restorer does something else than the task.
    """
    called = spelled("restorer", names)
    others = [spelled(name, names) for name in ("refine", "answer", "draws") if not is_none(table.get(name))]
    idle = others[0] if others else _idle_beside_an_answer(table, given, names)
    if idle is not None:
        raise SettingsError(f"{called}: a restorer answers at once, without a search: leave out {idle}.")
    restorer, restores = networks.restorer(table["restorer"])
    if restores is not None:
        if task is None:
            raise SettingsError(f"{called}: restorers do other tasks than to reconstruct.")
        check_restores(task, restores, restorer.card.get("name", str(table["restorer"])))
    channels = getattr(restorer, "channels", image_shape[-1])
    if channels != image_shape[-1]:
        made = f"the prior makes {image_shape[-1]}"
        raise SettingsError(f"{called}: it restores pictures of {channels} channels, {made}.")
    return {part: dict(IDLE.get(part, {})) for part in given}, networks.own_answer(restorer)


def _refiner(source: Any, prior: Any, networks: Networks) -> Any:
    """What `restore` takes as `refine`."""
    if is_none(source):
        return None
    refiner = networks.refiner(source) if isinstance(source, str | Path) else source
    networks.check_refiner(refiner, prior.image_shape)
    return refiner


def _network(source: Any, prior: Any, names: Names, networks: Networks) -> Any:
    """What `Objective.features` takes."""
    setting = spelled("objective.features", names)
    if is_none(source):
        return None
    if isinstance(source, str) and source == "critic":
        if prior.critic is None:
            raise SettingsError(f"{setting} critic: this prior has no critic; take another distance, or none.")
        return prior.critic
    if isinstance(source, str):
        return networks.features(source)
    if isinstance(source, Mapping):
        return _cut_network(source, setting, networks)
    if callable(source) or hasattr(source, "features"):
        return source
    raise SettingsError(f'{setting}: expected "none", "critic", a network or a table of one, got {source!r}.')


@contextlib.contextmanager
def _saying_how_to_do_without(source: Any, setting: str) -> Iterator[None]:
    """Let the sentence about a feature network that is not installed end with how to do without it."""
    try:
        yield
    except WeightsError as error:
        name = source.get("network") if isinstance(source, Mapping) else source
        if name not in NETWORKS or name in registry.installed():
            raise
        evaluated = "" if setting.startswith("--") else ", for `jaxprior evaluate` also --features none"
        raise WeightsError(f"{error}; or do without it: {setting} none{evaluated}") from None


def _cut_network(table: Mapping, setting: str, networks: Networks) -> Any:
    check_names(table, ("network", "cut", "size"), prefix=f"{setting}.")
    if "network" not in table:
        raise SettingsError(f'{setting}: say which network, e.g. network = "vgg16".')
    cut = table.get("cut")
    return networks.features(
        typed(table["network"], str, f"{setting}.network"),
        cut=tuple(cut) if isinstance(cut, list) else cut,
        size=typed(table.get("size"), int | None, f"{setting}.size"),
    )
