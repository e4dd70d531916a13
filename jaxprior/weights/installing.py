"""Installing networks by their names: from their publishers or from a file at hand, checked and converted.

    install("bedroom256")                                   # downloads: nothing else in this package does
    install("tower256", source="karras2018iclr-lsun-tower-256x256.pkl")

What is installed lies in the user's data folder (`registry`) and is found by its name wherever a prior or a feature
network is named. A file gets there in one step, so that there is all of it or none.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path, PurePath
from typing import Any

from jaxprior.errors import WeightsError
from jaxprior.runs.kinds import WEIGHTS
from jaxprior.system.activity import doing
from jaxprior.system.files import sync_folder
from jaxprior.weights import loader, originals, registry, storage
from jaxprior.weights.fetching.address import address_of
from jaxprior.weights.fetching.place import make_place, only_process
from jaxprior.weights.known.belonging import made_of
from jaxprior.weights.known.files import KnownNetwork
from jaxprior.weights.known.networks import NETWORKS
from jaxprior.weights.known.priors import PRIORS, KnownPrior


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def install(
    name: str,
    *,
    source: str | os.PathLike | None = None,
    licence: str | None = None,
    subject: str | None = None,
    output: str | None = None,
    label: str | None = None,
) -> Path:
    """Install a network: fetch its files, or take those that are given, check their hashes, and convert them.

    Arguments:
        name: of a known network (`jaxprior.weights.known`), or any name for the network in `source`.
        source: the file, if it was carried here by hand; a folder with the files of a network that has several; also
            the folder of a training run. Nothing is fetched then. None fetches the files of a known network; the
            weights of what is installed already and undamaged stay, unless `output` or `label` is given.
        licence, subject: of the weights, and what the pictures show, for the card; None takes what is known.
        output, label: of a PGGAN, see `weights_convert.convert`.

    Returns:
        The installed file. The folder of a prior is its own, and holds nothing of an earlier prior of that name.

    Raises:
        WeightsError: an unknown name (the sentence proposes the nearest), no connection (it says how to carry the file
            by hand), another content than expected, or no network that can be converted. What was installed stays.
        OSError: the disk is full. What was fetched is kept for the next call.

    Example:
        >>> install("lpips-squeeze").name  # downloads # doctest: +SKIP
        'lpips-squeeze.safetensors'
    """
    known, stated = registry.known(name), _stated(licence, subject)
    _check_name(name, known, source is not None)
    if source is None and output is None and label is None and (here := present(name)) is not None:
        return restate(here, name, licence=licence, subject=subject)
    check_options(name, source=source, output=output, label=label)
    with _alone(name), contextlib.ExitStack() as resources:
        files = _originals(name, known, source)
        fresh = registry.downloads_folder() / f"{name}.converting"
        shutil.rmtree(fresh, ignore_errors=True)  # of a call that was killed
        fresh.mkdir()
        resources.callback(shutil.rmtree, fresh, ignore_errors=True)
        try:
            converted = _converted(name, known, files, fresh, output=output, label=label)
            made = _described(converted, fresh, known, {"name": name, **stated}, fetched=source is None)
            path = _put(name, known, made)
        except WeightsError:
            if known is None or any(file.sha256 is None for file in known.files):
                originals.forget(files)  # whatever they are; files with the right hash are kept for another try
            raise
        originals.forget(files)
        return path


def check_options(name: str, *, source: str | os.PathLike | None, output: str | None, label: str | None) -> None:
    """Refuse options of the conversion where there is nothing to convert, or no PGGAN. Nothing is fetched or read.

    Arguments:
        name, source, output, label: as of `install`.

    Raises:
        WeightsError: naming the options.
    """
    known = registry.known(name)
    asked = {"--output": output, "--label": label}
    words = " ".join(f"{option} '{value}'" for option, value in asked.items() if value is not None)
    if not words:
        return
    if known is not None and not isinstance(known, KnownPrior):
        raise WeightsError(f"{name} is a feature network; {words} is for a PGGAN")
    if source is None and name in _installed() and (known is None or not known.files):
        raise WeightsError(
            f"{name} was installed from a file that you had: give it once more to convert it anew, "
            f"`jaxprior priors get {name} --from FILE {words}`"
        )


def present(name: str) -> Path | None:
    """The file of an installed network.

    Arguments:
        name: of the network.

    Returns:
        None if it is not installed, if its file is damaged, or if it was made of other files than those that are known
        of the network of this name.
    """
    known = registry.known(name)
    path = _place(name, _role_here(name, known))
    try:
        _, card = storage.load_weights(path)
    except WeightsError:
        return None
    return path if known is None or made_of(card, known) else None


def restate(path: Path, name: str, *, licence: str | None, subject: str | None) -> Path:
    """Write what a user says of an installed network into its card; the weights stay.

    Arguments:
        path: of the network, as `present` returns it; name: of the network.
        licence, subject: see `install`; None leaves what the card says.

    Returns:
        The path.
    """
    stated = _stated(licence, subject)
    if {**(card := storage.read_card(path)), **stated} != card:
        with _alone(name):
            params, card = storage.load_weights(path)
            storage.save_weights(path, params, {**card, **stated})
    return path


def uninstall(name: str) -> Path:
    """Remove an installed network, and what has been fetched of it so far.

    Returns:
        What was removed: the folder of a prior or a restorer, or the file of a feature network.

    Raises:
        WeightsError: it is not installed, it is being installed, or it is one of those that come with the package.
    """
    if name in loader.bundled_names():
        raise WeightsError(f"{name} comes with the package and cannot be removed")
    known, network = registry.known(name), registry.installed().get(name)
    prior = registry.installed_priors().get(name)
    own = prior if prior is not None else registry.installed_restorers().get(name)  # in a folder of its own
    if own is None and network is None and not originals.parts(known):
        here = _installed()
        raise WeightsError(
            f"{name!r} is not installed; installed are {', '.join(here) or 'none'}{registry.did_you_mean(name, here)}"
        )
    with _alone(name), originals.only_fetching_of(known):
        parts = originals.parts(known)
        for part in parts:
            part.unlink()
        if own is not None and own.parent.is_symlink():
            own.parent.unlink()  # what it leads to is the user's
        elif own is not None:
            shutil.rmtree(own.parent)
        elif network is not None:
            network.unlink()
    return own.parent if own is not None else network or parts[0]


def _check_name(name: str, known: KnownNetwork | None, given: bool) -> None:
    """Refuse a name that is none, that belongs to a bundled network, or of which nothing is known."""
    if name in loader.bundled_names():
        raise WeightsError(f"{name} comes with the package and need not be installed; choose another name for a file")
    if _NAME.fullmatch(name) is None:
        raise WeightsError(
            f"{name!r} cannot be a name: expected at most 64 letters, digits, dots, dashes and underscores, a letter "
            "or digit first"
        )
    if given or (known is not None and known.files) or present(name) is not None:
        return
    here = _installed().get(name)
    if known is None and here is not None:
        raise WeightsError(registry.damaged(name, here))
    if known is None:
        raise WeightsError(
            f"{name!r} is no network that is known: {', '.join(NETWORKS)} and {len(PRIORS)} priors are, which "
            "`jaxprior priors` lists; a file of your own is installed under any name with `--from FILE`"
            f"{registry.did_you_mean(name, [*PRIORS, *NETWORKS, *loader.bundled_names()])}"
        )
    raise WeightsError(f"{name} is not installed: {registry.how_to_get(name)}")


def _place(name: str, role: str) -> Path:
    """Where a network of a name and a role is installed."""
    folders = {"prior": registry.priors_folder(), "restorer": registry.restorers_folder()}
    return folders[role] / name / WEIGHTS if role in folders else registry.folder() / f"{name}.safetensors"


def _installed() -> dict[str, Path]:
    """All networks that are installed, by their names; of one name, the prior, then the feature network."""
    return {**registry.installed_restorers(), **registry.installed(), **registry.installed_priors()}


def _alone(name: str) -> AbstractContextManager[None]:
    """Keep other processes from installing or removing under the same name while a block runs."""
    return only_process(
        registry.downloads_folder(), name, busy=f"{name} is being installed by another process: wait for it."
    )


def _originals(name: str, known: KnownNetwork | None, source: str | os.PathLike | None) -> list[Path]:
    """The files that the network is made of."""
    if source is not None:
        return originals.given(name, known, Path(source))
    assert known is not None  # a name of which nothing is known was refused without a source
    return originals.fetched(name, known)


def _converted(
    name: str,
    known: KnownNetwork | None,
    files: list[Path],
    fresh: Path,
    *,
    output: str | None,
    label: str | None,
) -> Path:
    """The network as a file of ours: in a fresh folder, or where it lay if it was one already."""
    import weights_convert

    onto: Path | None = None
    for number, original in enumerate(files):
        if storage.card_of_ours(original) is not None:
            if output is not None or label is not None:
                raise WeightsError(
                    f"{original} is converted already; --output and --label are for a conversion: give the file of "
                    "which it was made"
                )
            onto = original
            continue
        out = fresh / f"{number}.safetensors"
        stated = known.stated_licence if known is not None else "unknown"
        with doing(f"converting {original.name}"):
            weights_convert.convert(original, out, name=name, licence=stated, onto=onto, output=output, label=label)
        onto = out
    assert onto is not None  # there is at least one file
    return onto


def _described(
    converted: Path, fresh: Path, known: KnownNetwork | None, stated: Mapping[str, str], *, fetched: bool
) -> Path:
    """The network in a fresh folder, with a card that says what is known of it and what the user says."""
    params, card = storage.load_weights(converted)
    made = fresh / WEIGHTS
    if converted.parent == fresh:
        converted.unlink()  # it is in memory, and the disk may be small
    storage.save_weights(made, params, {**card, **_said_of(known, card, fetched=fetched), **stated})
    return made


def _stated(licence: str | None, subject: str | None) -> dict[str, str]:
    """What a user says of a network, for its card."""
    said = {"licence": licence, "subject": subject}
    return {name: " ".join(text.split()) for name, text in said.items() if text is not None}


def _said_of(known: KnownNetwork | None, card: Mapping[str, Any], *, fetched: bool) -> dict[str, str]:
    """What the card of a known prior says beside what the converter finds."""
    if not isinstance(known, KnownPrior):
        return {}
    said = {"subject": known.subject, "data": known.data, "licence": known.stated_licence}
    if not known.files:
        return {**said, "page": known.page}
    file = known.files[0]
    if file.sha256 and str(card.get("sha256_source", "")).startswith(file.sha256):
        return {**said, "page": known.page, "url": file.url}  # the same content, wherever it came from
    if fetched:
        return {**said, "page": known.page, "url": address_of(file)}
    by_name = PurePath(file.name).stem == PurePath(str(card.get("source", ""))).stem
    return {**said, "page": known.page} if by_name else said  # else from another publisher than the known one


def _put(name: str, known: KnownNetwork | None, made: Path) -> Path:
    """Put a converted network where networks of its kind are found."""
    card = storage.read_card(made)
    role = _role_of(name, known, card)
    if isinstance(known, KnownPrior) and (pixels := card["config"].get("resolution")) != known.resolution:
        raise WeightsError(
            f"{card.get('source')} makes pictures of {pixels} pixels, {name} is known to make {known.resolution}: "
            "another file; install it under a name of its own"
        )
    path = _place(name, role)
    make_place(path.parent)
    if role != "features" and path.is_file() and _identity(path) != _identity(made):
        for other in path.parent.iterdir():  # what was made of another network
            if other != path and other.is_file():
                other.unlink()
    os.replace(made, path)
    sync_folder(path.parent)
    return path


def _identity(path: Path) -> tuple[str, Any] | None:
    """Weights and settings of a network; None if its file is damaged."""
    try:
        card = storage.read_card(path)
    except WeightsError:
        return None
    return card["sha256"], card.get("config")


def _role_here(name: str, known: KnownNetwork | None) -> str:
    """What the network of a name is, as far as that is known or it is installed."""
    if known is not None:
        return "prior" if isinstance(known, KnownPrior) else "features"
    if name in registry.installed_priors():
        return "prior"
    return "restorer" if name in registry.installed_restorers() and name not in registry.installed() else "features"


def _role_of(name: str, known: KnownNetwork | None, card: dict) -> str:
    """What a network is: "prior", "features" or "restorer".

    Raises:
        WeightsError: it is none of them, or not what is known of its name.
    """
    architecture = card.get("architecture")
    for role in ("features", "restorer"):
        if known is None and loader.plays(architecture, role):
            return role
    role = "prior" if known is None or isinstance(known, KnownPrior) else "features"
    loader.check_role(architecture, role, where=str(card.get("source", name)))
    return role
