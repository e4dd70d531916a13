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
import warnings
from collections.abc import Iterator
from pathlib import Path

from jaxprior.errors import JaxpriorWarning, RunError, WeightsError
from jaxprior.runs.kinds import WEIGHTS
from jaxprior.runs.lock import only_writer
from jaxprior.system.activity import doing
from jaxprior.system.files import make_folder, sync_folder
from jaxprior.weights import loader, registry, storage
from jaxprior.weights.download import NotFetched, fetch_file
from jaxprior.weights.hashes import difference, file_hash
from jaxprior.weights.known.files import KnownNetwork, RemoteFile, shown_size
from jaxprior.weights.known.networks import NETWORKS
from jaxprior.weights.known.priors import PRIORS, KnownPrior


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HASH_IN_NAME = re.compile(r"-([0-9a-f]{8})\.[^.]+")


def install(name: str, *, source: str | os.PathLike | None = None, licence: str | None = None) -> Path:
    """Install a network: fetch its files, or take those that are given, check their hashes, and convert them.

    Arguments:
        name: of a known network (`jaxprior.weights.known`), or any name for the network in `source`.
        source: the file, if it was carried here by hand; a folder with the files of a network that has several; also
            the folder of a training run. Nothing is fetched then. None fetches the files of a known network. What is
            installed already and undamaged is left as it is then.
        licence: of the weights, for the card; None takes what is known.

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
    known = registry.known(name)
    _check_name(name, known, source is not None)
    if source is None and (here := present(name)) is not None:
        return here
    with _alone(name), contextlib.ExitStack() as resources:
        originals = _fetched(name, known) if source is None else _given(name, known, Path(source))
        fresh = registry.downloads_folder() / f"{name}.converting"
        shutil.rmtree(fresh, ignore_errors=True)  # of a call that was killed
        fresh.mkdir()
        resources.callback(shutil.rmtree, fresh, ignore_errors=True)
        try:
            made = _converted(name, known, originals, fresh, licence)
            path = _put(name, known, made)
        except WeightsError:
            if source is None:
                _forget(originals)
            raise
        if source is None:
            _forget(originals)
        return path


def present(name: str) -> Path | None:
    """The file of an installed network.

    Arguments:
        name: of the network.

    Returns:
        None if it is not installed, if its file is damaged, or if it was made of other files than those that are known
        of the network of this name.
    """
    known = registry.known(name)
    prior = isinstance(known, KnownPrior) or (known is None and name in registry.installed_priors())
    path = _place(name, prior=prior)
    try:
        _, card = storage.load_weights(path)
    except WeightsError:
        return None
    if known is None or not known.files or (isinstance(known, KnownPrior) and card.get("source") in known.others):
        return path
    return path if str(card.get("sha256_source", "")).startswith(known.files[-1].sha256 or "") else None


def uninstall(name: str) -> Path:
    """Remove an installed network.

    Returns:
        What was removed: the folder of a prior, or the file of a feature network.

    Raises:
        WeightsError: it is not installed, or is one of those that come with the package.
    """
    if (prior := registry.installed_priors().get(name)) is not None:
        shutil.rmtree(prior.parent)
        return prior.parent
    if (network := registry.installed().get(name)) is not None:
        network.unlink()
        return network
    if name in loader.bundled():
        raise WeightsError(f"{name} comes with the package and cannot be removed")
    here = {**registry.installed_priors(), **registry.installed()}
    raise WeightsError(
        f"{name!r} is not installed; installed are {', '.join(here) or 'none'}{registry.did_you_mean(name, here)}"
    )


def _check_name(name: str, known: KnownNetwork | None, given: bool) -> None:
    """Refuse a name that is none, that belongs to a bundled prior, or of which nothing is known."""
    if name in loader.bundled():
        raise WeightsError(f"{name} comes with the package and need not be installed; choose another name for a file")
    if known is None and not given and present(name) is None:
        raise WeightsError(
            f"{name!r} is no network that is known: {', '.join(NETWORKS)} and {len(PRIORS)} priors are, which "
            "`jaxprior priors` lists; a file of your own is installed under any name with `--from FILE`"
            f"{registry.did_you_mean(name, [*PRIORS, *NETWORKS])}"
        )
    if _NAME.fullmatch(name) is None:
        raise WeightsError(f"{name!r} cannot be a name: expected letters, digits, dots, dashes and underscores")
    if isinstance(known, KnownPrior) and not known.files and not given and present(name) is None:
        raise WeightsError(f"{name} is not installed: {registry.how_to_get(name)}")


def _place(name: str, *, prior: bool) -> Path:
    return registry.priors_folder() / name / WEIGHTS if prior else registry.folder() / f"{name}.safetensors"


@contextlib.contextmanager
def _alone(name: str) -> Iterator[None]:
    """Keep other processes from installing under the same name at the same time."""
    try:
        with only_writer(make_folder(registry.downloads_folder()), f"-{name}"):
            yield
    except RunError:
        raise WeightsError(f"{name} is being installed by another process: wait for it.") from None


def _fetched(name: str, known: KnownNetwork | None) -> list[Path]:
    """The files of a known network, fetched."""
    assert known is not None  # checked before
    if any(file.name.endswith((".h5", ".hdf5")) for file in known.files):
        import weights_convert

        weights_convert.hdf5.require_h5py()
    found = []
    for file in known.files:
        try:
            found.append(fetch_file(file, registry.downloads_folder()))
        except NotFetched as error:
            by_hand = f"--from {file.name}" if len(known.files) == 1 else "--from FOLDER, where all its files lie"
            raise WeightsError(
                f"{error}; get {file.name} ({shown_size(file.size)}) by other means (see {known.page}) and install it "
                f"with `jaxprior priors get {name} {by_hand}`"
            ) from error
    return found


def _forget(files: list[Path]) -> None:
    """Remove files that were fetched and are not needed any more."""
    for file in files:
        file.unlink(missing_ok=True)


def _given(name: str, known: KnownNetwork | None, source: Path) -> list[Path]:
    """The files that a user names, with the hashes that are known."""
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
        found = [folder / file.name for file in files]
        if not files or not all(path.is_file() for path in found):
            names = ", ".join(file.name for file in files) or "one file"
            raise WeightsError(f"{folder}: {name} is made of {names}; give the folder in which all of it lies")
    else:
        found = [source]
    others = known.others if isinstance(known, KnownPrior) else ()
    for path, file in zip(found, files, strict=False):  # none is known of those that are carried by hand
        if path.name not in others:
            _check_hash(name, path, file)
    return found


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


def _converted(name: str, known: KnownNetwork | None, originals: list[Path], fresh: Path, licence: str | None) -> Path:
    """The network as a file of ours, whose card says what is known of it."""
    import weights_convert

    onto: Path | None = None
    for number, original in enumerate(originals):
        if _is_ours(original):
            onto = original
            continue
        out = fresh / f"{number}.safetensors"
        stated = known.stated_licence if known is not None else "unknown"
        with doing(f"converting {original.name}"):
            weights_convert.convert(original, out, name=name, licence=stated, onto=onto)
        onto = out
    assert onto is not None  # there is at least one file
    params, card = storage.load_weights(onto)
    made = fresh / WEIGHTS
    storage.save_weights(made, params, {**card, **_said_of(known), "name": name, **_stated(licence)})
    return made


def _is_ours(path: Path) -> bool:
    """Whether a file is one that this package has written."""
    if path.suffix != ".safetensors":
        return False
    try:
        storage.read_card(path)
    except WeightsError:
        return False
    return True


def _stated(licence: str | None) -> dict[str, str]:
    return {} if licence is None else {"licence": licence}


def _said_of(known: KnownNetwork | None) -> dict[str, str]:
    """What the card of a known prior says beside what the converter finds."""
    if not isinstance(known, KnownPrior):
        return {}
    published = {"url": known.files[0].url} if known.files else {}
    said = {"subject": known.subject, "data": known.data, "licence": known.stated_licence, "page": known.page}
    return {**said, **published}


def _put(name: str, known: KnownNetwork | None, made: Path) -> Path:
    """Put a converted network where networks of its kind are found."""
    card = storage.read_card(made)
    prior = _is_prior(name, known, card)
    if isinstance(known, KnownPrior) and (pixels := card["config"].get("resolution")) != known.resolution:
        raise WeightsError(
            f"{card.get('source')} makes pictures of {pixels} pixels, {name} is known to make {known.resolution}: "
            "another file; install it under a name of its own"
        )
    path = _place(name, prior=prior)
    make_folder(path.parent)
    if prior and path.is_file() and _sha256(path) != card["sha256"]:
        for other in path.parent.iterdir():  # what was made of another network's weights
            if other != path and other.is_file():
                other.unlink()
    os.replace(made, path)
    sync_folder(path.parent)
    return path


def _sha256(path: Path) -> str | None:
    try:
        return storage.read_card(path)["sha256"]
    except WeightsError:
        return None


def _is_prior(name: str, known: KnownNetwork | None, card: dict) -> bool:
    """Whether a network is a prior; refused if it is neither that nor a feature network, or not what is known."""
    architecture, where = card.get("architecture"), str(card.get("source", name))
    if isinstance(known, KnownPrior):
        loader.check_role(architecture, "prior", where=where)
        return True
    if known is not None:
        loader.check_role(architecture, "features", where=where)
        return False
    with contextlib.suppress(WeightsError):
        loader.check_role(architecture, "features", where=where)
        return False
    loader.check_role(architecture, "prior", where=where)
    return True
