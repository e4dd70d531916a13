"""Networks that are installed on this machine: where they are kept, and how to get one that is not here.

Nothing is downloaded unless somebody asks for it (`jaxprior priors get NAME`, `jaxprior.weights.installing`). What is
installed was converted as `jaxprior convert` does it, and lies as safetensors in the user's data folder.
"""

import difflib
import os
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path

from jaxprior.errors import JaxpriorWarning, WeightsError
from jaxprior.runs.kinds import WEIGHTS
from jaxprior.weights.fetching.address import address_of
from jaxprior.weights.known.files import KnownNetwork, RemoteFile, shown_size
from jaxprior.weights.known.networks import NETWORKS
from jaxprior.weights.known.priors import PRIORS, KnownPrior
from jaxprior.weights.storage import read_card


def data_folder() -> Path:
    """The user's data folder of this package; `JAXPRIOR_DATA` names another one. It need not exist."""
    if chosen := os.environ.get("JAXPRIOR_DATA"):
        return Path(chosen)
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "jaxprior"


def folder() -> Path:
    """Where installed feature networks lie, one `NAME.safetensors` each. The folder need not exist."""
    return data_folder() / "networks"


def priors_folder() -> Path:
    """Where installed priors lie, one folder each with a `model.safetensors`. The folder need not exist."""
    return data_folder() / "priors"


def restorers_folder() -> Path:
    """Where installed restorers lie, one folder each with a `model.safetensors`. The folder need not exist."""
    return data_folder() / "restorers"


def downloads_folder() -> Path:
    """Where files lie while they are fetched. The folder need not exist."""
    return data_folder() / "downloads"


def installed() -> dict[str, Path]:
    """Installed feature networks: name -> file."""
    return {path.stem: path for path in _files(folder(), "*.safetensors")}


def installed_from(file: RemoteFile) -> Path | None:
    """The installed feature network that was made of a published file alone; None if there is none."""
    for path in installed().values():
        try:
            card = read_card(path)
        except WeightsError:
            continue  # a damaged file must not keep others from being found
        if file.sha256 and "onto" not in card and str(card.get("sha256_source", "")).startswith(file.sha256):
            return path
    return None


def installed_priors() -> dict[str, Path]:
    """Installed priors: name -> file."""
    return {path.parent.name: path for path in _files(priors_folder(), f"[!.]*/{WEIGHTS}")}


def installed_restorers() -> dict[str, Path]:
    """Installed restorers: name -> file."""
    return {path.parent.name: path for path in _files(restorers_folder(), f"[!.]*/{WEIGHTS}")}


def _files(place: Path, pattern: str) -> list[Path]:
    """The files of a folder; none of one that must not be read, which is told: bundled priors are of use without."""
    try:
        return sorted(place.glob(pattern))
    except PermissionError as error:
        warnings.warn(f"{place} is left out: {error.strerror}", JaxpriorWarning, stacklevel=3)
        return []


def known(name: str) -> KnownNetwork | None:
    """What is known of a network that others publish; None if nothing is."""
    return PRIORS.get(name) or NETWORKS.get(name)


def known_roles() -> dict[str, str]:
    """What others publish and `jaxprior priors get` installs: name -> role, "prior" or "features"."""
    return {**dict.fromkeys(NETWORKS, "features"), **dict.fromkeys(PRIORS, "prior")}


def missing(name: str) -> str:
    """The sentence about a known network that is not installed: how to get it."""
    if name in PRIORS:
        return f"the prior {name!r} is not installed: {how_to_get(name)}"
    return (
        f"the network {name!r} is not installed: `jaxprior priors get {name}` fetches it; or convert a file that "
        f"you have ({_conversion(name)}) and name {name}.safetensors instead"
    )


def no_features(name: str) -> str:
    """The sentence about a name that no feature network has."""
    return (
        f"{name}: neither an installed network ({', '.join(installed()) or 'none is'}), nor one that can be fetched "
        f"({', '.join(NETWORKS)}), nor a .safetensors file"
    )


def nowhere(name: str, noun: str, bundled: Iterable[str], own: Iterable[str]) -> str:
    """The sentence about a name that no prior, or no restorer, has.

    Arguments:
        name: what was given. noun: what was looked for.
        bundled, own: names of those that come with the package, and of those that are installed.
    """
    return (
        f"{name}: neither a bundled {noun} ({', '.join(bundled) or 'none is'}), nor an installed one "
        f"({', '.join(own) or 'none is'}), nor a .safetensors file, nor a training run"
    )


def how_to_get(name: str) -> str:
    """How a known prior is installed, as the end of a sentence."""
    prior = PRIORS[name]
    if prior.files:
        return f"`jaxprior priors get {name}` downloads it ({shown_size(prior.size)})"
    return (
        f"it is no file that a program can fetch, so take it from {prior.page} and install it with "
        f"`jaxprior priors get {name} --from {prior.others[0]}`"
    )


def damaged(name: str, path: Path) -> str:
    """The sentence about an installed network whose file is damaged."""
    network = known(name)
    given = "" if network is not None and network.files else " --from FILE"
    return f"{path}: what is installed as {name} is damaged; install it again: `jaxprior priors get {name}{given}`"


def announced(network: KnownNetwork, *, fetched: bool) -> list[str]:
    """What people are told of a known network before it is installed: what it is, its licence, and what is checked.

    Arguments:
        network: what is known. fetched: whether its files are fetched; otherwise they are at hand.
    """
    lines = [network.title, f"licence: {network.stated_licence}"]
    if isinstance(network, KnownPrior):
        lines.insert(1, f"shows {network.subject}, {network.resolution} pixels")
    for file in network.files:
        if fetched and file != network.files[-1] and (trunk := installed_from(file)) is not None:
            lines.append(f"{file.name} is installed already: {trunk}")
        elif fetched:
            lines.append(f"fetching {address_of(file)} ({shown_size(file.size)})")
        if file.sha256 is None:
            lines.append(
                f"no hash of {file.name} was published, so nothing can tell whether it is unchanged; its sha256 goes "
                "into the card"
            )
    if not network.files:
        lines.append("no hash of its file was published, so nothing can tell whether it is unchanged")
    return lines


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of several names that is nearest to a mistyped one, in small or capital letters; None if none is near.

    Example:
        >>> nearest("Bedrom256", ["bedroom256", "kitchen256"])
        'bedroom256'
    """
    lower = {one.lower(): one for one in sorted(names)}
    near = difflib.get_close_matches(name.lower(), lower, n=1)
    return lower[near[0]] if near else None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The end of a sentence that proposes the nearest of several names; empty where none is near.

    Example:
        >>> did_you_mean("bedrom256", ["bedroom256", "kitchen256"])
        '. Did you mean bedroom256?'
    """
    near = nearest(name, names)
    return f". Did you mean {near}?" if near else ""


def _conversion(name: str) -> str:
    first, *heads = NETWORKS[name].files
    if not heads:
        return f"`jaxprior convert {first.name} -o {name}.safetensors`"
    trunk = next(trunk for trunk, network in NETWORKS.items() if network.files == (first,))
    return (
        f"`jaxprior convert {first.name} -o {trunk}.safetensors`, then "
        f"`jaxprior convert {heads[0].name} --onto {trunk}.safetensors -o {name}.safetensors`"
    )
