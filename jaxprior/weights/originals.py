"""The files of which an installed network is made: fetched, or carried here by hand; their hashes are checked."""

import contextlib
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jaxprior.errors import JaxpriorWarning, WeightsError
from jaxprior.runs.kinds import WEIGHTS
from jaxprior.weights import registry, storage
from jaxprior.weights.fetching.answers import NotFetched
from jaxprior.weights.fetching.download import PART, fetch_file, only_fetching
from jaxprior.weights.fetching.hashes import SHORT, difference, file_hash
from jaxprior.weights.known.belonging import is_file_of, made_of, names_without_hash, owner
from jaxprior.weights.known.files import KnownNetwork, RemoteFile, shown_size


_HASH_IN_NAME = re.compile(r"-([0-9a-f]{8})\.[^.]+")


def fetched(name: str, known: KnownNetwork) -> list[Path]:
    """The files of a known network, fetched into the folder of downloads.

    Arguments:
        name, known: the network.

    Returns:
        One path a file. In the place of a file that is already installed as a network, which another one is put onto,
        stands that network.

    Raises:
        WeightsError: a file did not come; the sentence says how to carry it by hand. Or see `download.fetch_file`.
    """
    if any(file.name.endswith((".h5", ".hdf5")) for file in known.files):
        import weights_convert

        weights_convert.hdf5.require_h5py()
    found = []
    for file in known.files:
        if file != known.files[-1] and (base := registry.installed_from(file)) is not None:
            found.append(base)
            continue
        try:
            found.append(fetch_file(file, registry.downloads_folder()))
        except NotFetched as error:
            by_hand = f"--from {file.name}" if len(known.files) == 1 else "--from FOLDER, where all its files lie"
            raise WeightsError(
                f"{error}; get {file.name} ({shown_size(file.size)}) by other means (see {known.page}) and install it "
                f"with `jaxprior priors get {name} {by_hand}`"
            ) from error
    return found


def forget(files: list[Path]) -> None:
    """Remove those of the files that lie in the folder of downloads, when they are not needed any more."""
    for file in files:
        if file.parent == registry.downloads_folder():
            file.unlink(missing_ok=True)


def parts(known: KnownNetwork | None) -> list[Path]:
    """What lies in the folder of downloads of the files of a network: whole files, parts, and notes about these."""
    files = () if known is None else known.files
    names = [f"{file.name}{end}" for file in files for end in ("", PART, f"{PART}.json")]
    return [path for path in (registry.downloads_folder() / name for name in names) if path.is_file()]


@contextlib.contextmanager
def only_fetching_of(known: KnownNetwork | None) -> Iterator[None]:
    """Keep other processes from fetching any file of a network while the block runs.

    Raises:
        WeightsError: another process fetches one of them, perhaps for another network.
    """
    with contextlib.ExitStack() as locks:
        for file in () if known is None else known.files:
            locks.enter_context(only_fetching(file, registry.downloads_folder()))
        yield


def given(name: str, known: KnownNetwork | None, source: Path) -> list[Path]:
    """The files of a network that a user has, as far as hashes are known with the right ones.

    Arguments:
        name, known: the network; None where nothing is known of it.
        source: the file, the folder of several files, or the folder of a training run.

    Returns:
        One path a file, as of `fetched`.

    Raises:
        WeightsError: a file is missing, has another hash than was published, or belongs to another known network.

    Warns:
        JaxpriorWarning: the name of a file of which nothing is known ends in digits as of a hash, but of another one.
    """
    if not source.exists():
        raise WeightsError(f"{source}: no such file; `--from` takes the file that you have of {name}")
    if not source.is_dir() and not source.is_file():  # reading a pipe would wait for ever
        raise WeightsError(f"{source} is no ordinary file; `--from` takes a file or a folder")
    own = source / WEIGHTS if source.is_dir() else source
    card = storage.card_of_ours(own)
    if card is not None and (known is None or made_of(card, known)):
        return [own]
    if known is None:
        if source.is_dir() and not own.is_file():
            raise WeightsError(
                f"{source} is a folder without {WEIGHTS}; `--from` takes a checkpoint's file or the run of a training "
                "that has saved its weights"
            )
        _note_of_hash_in_name(own)
        return [own]
    files = known.files
    beside = bool(files) and source.is_dir() and all((source / file.name).is_file() for file in files)
    if card is not None and not beside:
        raise WeightsError(f"{own} {_what_it_was_made_of(card)}, {_wanted(known)}; {_under_another_name(name, source)}")
    if source.is_dir() and not files:
        raise WeightsError(f"{source} is a folder; `--from` takes the file of {name}: {_wanted(known)}")
    if source.is_dir() or len(files) > 1:
        folder = source if source.is_dir() else source.parent
        found = [_in_folder(folder, file, base=file != files[-1]) for file in files]
        if not all(path.is_file() for path in found):
            names = ", ".join(file.name for file in files)
            raise WeightsError(f"{folder}: {name} is made of {names}; give the folder in which all of it lies")
    else:
        found = [source]
    for path, file in zip(found, files or (None,), strict=True):
        if path not in registry.installed().values():
            _check_belongs(name, known, path, file)
    return found


def _in_folder(folder: Path, file: RemoteFile, *, base: bool) -> Path:
    """Where a file should lie; one that others are put onto may be installed instead."""
    path = folder / file.name
    return path if path.is_file() or not base else registry.installed_from(file) or path


def _check_belongs(name: str, known: KnownNetwork, path: Path, file: RemoteFile | None) -> None:
    """Refuse a file that is not the one of the network, as far as its hash or its name tells."""
    digest = file_hash(path)
    if is_file_of(file, known, name=path.name, digest=digest):
        return
    if (other := owner(path.name, digest)) not in (None, name) and (file is None or path.name != file.name):
        raise WeightsError(
            f"{path} is a file of {other}, not of {name}; nothing was installed. "
            f"`jaxprior priors get {other} --from {path}` installs it."
        )
    differing = None if file is None else difference(digest, file)
    if file is not None and differing:
        raise WeightsError(
            f"{path}: {differing} of {file.name}: it was cut, or it is another file; nothing was installed. Fetch it "
            f"again; {_under_another_name(name, path)}"
        )
    raise WeightsError(f"{path}: {_wanted(known)}; nothing was installed; {_under_another_name(name, path)}")


def _wanted(known: KnownNetwork) -> str:
    """What is expected of the files of a network, for a sentence."""
    wanted = [f"{file.sha256[:SHORT]} of {file.name}" for file in known.files if file.sha256]
    if named := " or ".join(names_without_hash(known)):
        wanted.append(f"{'or ' if wanted else ''}a file named {named}, of which no hash is known")
    return f"expected {', '.join(wanted)}"


def _what_it_was_made_of(card: Mapping[str, Any]) -> str:
    if "sha256_source" not in card:
        return "is a network of your own"
    digest = str(card["sha256_source"])[:SHORT]
    return f"was converted from {card.get('source')}, whose sha256 begins with {digest}"


def _under_another_name(name: str, path: Path) -> str:
    return f"another file is installed under a name of its own: `jaxprior priors get my-{name} --from {path}`"


def _note_of_hash_in_name(path: Path) -> None:
    """Warn of a file whose name ends in digits as those of a hash do, but in others than those of its own hash."""
    match = _HASH_IN_NAME.search(path.name)
    if match and not (digest := file_hash(path)).startswith(match[1]):
        warnings.warn(
            f"{path}: its name ends in {match[1]}, its sha256 begins with {digest[:8]}; if the one was meant to be the "
            "other, the file was cut or renamed",
            JaxpriorWarning,
            stacklevel=2,
        )
