"""To which known network a file belongs: by its sha256, or by its name where no hash was published.

Whoever asks for one network and gives the file of another would get pictures under a wrong name, and nothing in the
file would tell. So a known name takes only what is known of it.
"""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from jaxprior.weights.known.files import KnownNetwork, RemoteFile
from jaxprior.weights.known.networks import NETWORKS
from jaxprior.weights.known.priors import PRIORS, KnownPrior


def names_without_hash(known: KnownNetwork) -> tuple[str, ...]:
    """The names of those files of a network whose hashes nobody has published."""
    others = known.others if isinstance(known, KnownPrior) else ()
    return (*(file.name for file in known.files if file.sha256 is None), *others)


def is_file_of(file: RemoteFile | None, known: KnownNetwork, *, name: str, digest: str) -> bool:
    """Whether a file is a certain one of a known network.

    Arguments:
        file: as it was published; None if the network has only files that are carried by hand.
        known: the network.
        name: what the file is called; how it ends does not matter, since people save such files anew.
        digest: its sha256.

    Example:
        >>> tower = "karras2018iclr-lsun-tower-256x256.pkl"
        >>> is_file_of(None, PRIORS["tower256"], name=tower, digest="0" * 64)
        True
        >>> is_file_of(None, PRIORS["bridge256"], name=tower, digest="0" * 64)
        False
    """
    if file is not None and file.sha256 is not None and digest.startswith(file.sha256):
        return True
    return _stem(name) in map(_stem, names_without_hash(known)) and _owner_by_hash(digest) is None


def made_of(card: Mapping[str, Any], known: KnownNetwork) -> bool:
    """Whether a converted network was made of the files of a known one.

    Arguments:
        card: of the converted network, which says of what it was made.
        known: the network.
    """
    sources = [*([card["onto"]] if isinstance(card.get("onto"), Mapping) else []), card]
    files = known.files or (None,)
    return len(sources) == len(files) and all(
        "sha256_source" in one
        and is_file_of(file, known, name=str(one.get("source", "")), digest=str(one["sha256_source"]))
        for one, file in zip(sources, files, strict=True)
    )


def owner(name: str, digest: str) -> str | None:
    """The known network to which a file belongs; None if it is a file of none.

    Arguments:
        name: what the file is called. digest: its sha256.

    Example:
        >>> owner("proggan_kitchen.pth", "67f1e16c" + "0" * 56), owner("mine.pth", "0" * 64)
        ('kitchen256', None)
    """
    if (found := _owner_by_hash(digest)) is not None:
        return found
    for one, known in {**PRIORS, **NETWORKS}.items():
        if _stem(name) in map(_stem, (*(file.name for file in known.files), *names_without_hash(known))):
            return one
    return None


def _owner_by_hash(digest: str) -> str | None:
    for one, known in {**PRIORS, **NETWORKS}.items():
        if any(file.sha256 and digest.startswith(file.sha256) for file in known.files):
            return one
    return None


def _stem(name: str) -> str:
    return PurePath(name).stem
