"""The files of which an installed network is made: fetched, or carried here by hand; their hashes are checked."""

import re
import warnings
from pathlib import Path

from jaxprior.errors import JaxpriorWarning, WeightsError
from jaxprior.runs.kinds import WEIGHTS
from jaxprior.weights import registry
from jaxprior.weights.fetching.answers import NotFetched
from jaxprior.weights.fetching.download import PART, fetch_file
from jaxprior.weights.fetching.hashes import difference, file_hash
from jaxprior.weights.known.files import KnownNetwork, RemoteFile, shown_size
from jaxprior.weights.known.priors import KnownPrior


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


def given(name: str, known: KnownNetwork | None, source: Path) -> list[Path]:
    """The files of a network that a user has, as far as hashes are known with the right ones.

    Arguments:
        name, known: the network; None where nothing is known of it.
        source: the file, the folder of several files, or the folder of a training run.

    Returns:
        One path a file, as of `fetched`.

    Raises:
        WeightsError: a file is missing, or has another hash than was published.

    Warns:
        JaxpriorWarning: the name of a file of which nothing is known ends in digits as of a hash, but of another one.
    """
    if not source.exists():
        raise WeightsError(f"{source}: no such file; `--from` takes the file that you have of {name}")
    if source.is_dir() and (source / WEIGHTS).is_file():
        return [source / WEIGHTS]
    if known is None:
        if source.is_dir():
            raise WeightsError(f"{source} is a folder; `--from` takes a checkpoint's file or the run of a training")
        _note_of_hash_in_name(source)
        return [source]
    files = known.files
    if source.is_dir() or len(files) > 1:
        folder = source if source.is_dir() else source.parent
        found = [_in_folder(folder, file, base=file != files[-1]) for file in files]
        if not files or not all(path.is_file() for path in found):
            names = ", ".join(file.name for file in files) or "one file"
            raise WeightsError(f"{folder}: {name} is made of {names}; give the folder in which all of it lies")
    else:
        found = [source]
    others = known.others if isinstance(known, KnownPrior) else ()
    for path, file in zip(found, files, strict=False):  # none is known of those that are carried by hand
        if path.name not in others and path not in registry.installed().values():
            _check_hash(name, path, file)
    return found


def _in_folder(folder: Path, file: RemoteFile, *, base: bool) -> Path:
    """Where a file should lie; one that others are put onto may be installed instead."""
    path = folder / file.name
    return path if path.is_file() or not base else registry.installed_from(file) or path


def _check_hash(name: str, path: Path, file: RemoteFile) -> None:
    if differing := difference(file_hash(path), file):
        raise WeightsError(
            f"{path}: {differing} of {file.name}: it was cut, or it is another file; nothing was installed. Fetch it "
            f"again; another file is installed under a name of its own: "
            f"`jaxprior priors get my-{name} --from {path}`"
        )


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
