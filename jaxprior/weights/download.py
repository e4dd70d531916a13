"""Fetching known networks, when a user asks for one: the only place of jaxprior that uses the net."""

import os
import tempfile
from pathlib import Path

from jaxprior.errors import WeightsError
from jaxprior.system.activity import Activity, doing
from jaxprior.weights import registry
from jaxprior.weights.known.files import RemoteFile, shown_size
from jaxprior.weights.known.networks import NETWORKS


def fetch(name: str) -> Path:
    """Download a known network, check it, convert it and install it. Nothing else in jaxprior uses the net.

    Arguments:
        name: a key of `known.networks.NETWORKS`.

    Returns:
        The installed file; one that was there is replaced, and only by a whole one.

    Raises:
        WeightsError: unknown name, no connection, another content than expected, or pooch (for SqueezeNet also h5py)
            is not installed.

    Example:
        >>> fetch("lpips-squeeze").name  # downloads # doctest: +SKIP
        'lpips-squeeze.safetensors'
    """
    if name not in NETWORKS:
        raise WeightsError(f"{name!r} is not a network that can be fetched; known are {', '.join(NETWORKS)}")
    import weights_convert

    known, place = NETWORKS[name], registry.folder()
    pooch = _pooch()
    if any(file.name.endswith(".h5") for file in known.files):
        weights_convert.hdf5.require_h5py()
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place, prefix=".fetch-") as temporary:
        onto: Path | None = None
        for file in known.files:
            source = _download(pooch, file, Path(temporary))
            out = Path(temporary) / f"{Path(file.name).stem}.safetensors"
            with doing(f"converting {file.name}"):
                weights_convert.convert(source, out, name=name, licence=known.licence, onto=onto)
            onto = out
        assert onto is not None  # every known network has files
        os.replace(onto, place / f"{name}.safetensors")
    return place / f"{name}.safetensors"


def _download(pooch, file: RemoteFile, place: Path) -> Path:
    try:
        with doing(f"fetching {file.name}", total=round((file.size or 0) / 1e6, 1), unit="MB") as work:
            downloader = pooch.downloaders.choose_downloader(file.url, progressbar=_Download(work))
            return Path(pooch.retrieve(file.url, f"sha256:{file.sha256}", file.name, place, downloader=downloader))
    except ValueError as error:  # how pooch says that the hash differs, or that it does not know the protocol
        reason = "its sha256 is not the expected one" if "does not match" in str(error) else _line(error)
        raise WeightsError(f"{file.url}: {reason}; nothing was installed") from error
    except OSError as error:  # no net, no such file, no room: also every error of requests
        reason = "no connection" if type(error).__name__.endswith(("ConnectionError", "Timeout")) else _line(error)
        raise WeightsError(
            f"{file.url} cannot be fetched ({reason}); get {file.name} ({shown_size(file.size)}) by other means "
            "and use `jaxprior convert`"
        ) from error


class _Download:
    """What pooch takes for a progress bar: it tells an activity how many megabytes have come."""

    def __init__(self, work: Activity):
        self.work = work
        self.total = 0
        self._bytes = 0

    def update(self, count: int) -> None:
        """Take note of so many more bytes; the last block may be counted as if it were a whole one."""
        self._bytes += count
        self.work.moved(min(self._bytes, self.total or self._bytes) / 1e6)

    def reset(self) -> None:
        """Count from the beginning."""
        self._bytes = 0

    def close(self) -> None:
        """Nothing is left open."""


def _pooch():
    try:
        import pooch
    except ImportError as error:
        raise WeightsError("fetching needs pooch: `pip install 'jaxprior[download]'`") from error
    pooch.get_logger().setLevel("ERROR")
    return pooch


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
