"""Fetching a published file when a user asks for it: the only place of jaxprior that uses the net.

A file comes as NAME.part and gets its name when all of it is there and its hash is right. A download that ended early,
in whatever way, is continued by the next one: the server is asked for the rest of the same file (Range, If-Range), and
one that has another file by now, or cannot send a rest, sends all of it again. Proxies are those of the environment
(`http_proxy`, `https_proxy`, `no_proxy`).
"""

import errno
import http.client
import os
import shutil
import time
from contextlib import AbstractContextManager
from pathlib import Path

from jaxprior.errors import WeightsError
from jaxprior.system.activity import Activity, doing
from jaxprior.weights.fetching.address import address_of
from jaxprior.weights.fetching.answers import Broken, NotFetched, ask, length_of_whole, why
from jaxprior.weights.fetching.hashes import difference, file_hash
from jaxprior.weights.fetching.part_file import PartFile
from jaxprior.weights.fetching.place import only_process
from jaxprior.weights.known.files import RemoteFile


PART = ".part"
"""The end of the name of a file of which not all has come."""

TRIES = 4
"""So many connections in a row may break without bringing anything, until the download is given up."""

PAUSE = 1.0
"""Seconds before a broken connection is made again; every further one waits so much longer."""

_BLOCK = 1 << 18
_ROOM = (errno.ENOSPC, errno.EDQUOT)


def fetch_file(file: RemoteFile, place: Path) -> Path:
    """Fetch a published file into a folder, or the rest of it if a part is there already.

    Arguments:
        file: what to fetch, and the hash that its content must have.
        place: the folder, made if it is missing.

    Returns:
        The file, whole and with the right hash. If it lay there already, nothing is fetched.

    Raises:
        NotFetched: no connection, or the server refuses. What has come is kept for the next call.
        WeightsError: the content has another hash and was thrown away; there is no room for it; another process
            fetches the same file; or the mirror's address is none.
        OSError: the disk became full, or cannot be written. What has come is kept for the next call.

    Example:
        >>> fetch_file(NETWORKS["vgg16"].files[0], Path("downloads"))  # downloads # doctest: +SKIP
        PosixPath('downloads/vgg16-397923af.pth')
    """
    url = address_of(file)
    with only_fetching(file, place):
        target, part = place / file.name, PartFile(place / f"{file.name}{PART}")
        if target.is_file():
            if difference(file_hash(target), file) is None:
                return target
            target.unlink()
        while True:
            continued = part.length > 0
            with doing(f"fetching {file.name}", unit="MB") as work:
                _fetch(url, part, work)
            differing = difference(file_hash(part.path), file)
            if differing is None:
                break
            part.discard()
            if not continued:  # else its halves may be of two files: all of it is fetched once more
                raise WeightsError(
                    f"{url}: its sha256 is not the expected one; nothing was installed ({differing}). The file was "
                    "damaged on its way or is no longer the one that is known."
                )
        os.replace(part.path, target)
        part.discard()
        return target


def only_fetching(file: RemoteFile, place: Path) -> AbstractContextManager[None]:
    """Keep other processes from fetching the same file into the same folder while a block runs."""
    busy = f"{file.name} is being fetched into {place} by another process: wait for it."
    return only_process(place, file.name, busy=busy)


def _fetch(url: str, part: PartFile, work: Activity) -> None:
    """Fetch until all is there. A connection that breaks is made again, and given up if that brings nothing."""
    barren = 0
    if part.length and part.said().get("length") == str(part.length):
        return  # the process ended after the last byte
    while True:
        before = part.length
        try:
            if _receive(url, part, work):
                return
            reason, made = "the connection ended early", True
        except Broken as error:
            reason, made = str(error), error.made
        barren = barren + 1 if part.length <= before else 1
        if barren >= TRIES or not (made or part.length):
            raise NotFetched(f"{url} cannot be fetched ({reason})")
        time.sleep(PAUSE * barren)


def _receive(url: str, part: PartFile, work: Activity) -> bool:
    """Ask for what is missing, and write what comes. Returns whether all is there."""
    with ask(url, part) as answer:
        said = {name: answer.headers[name] for name in ("ETag", "Last-Modified") if answer.headers[name]}
        kind = answer.headers.get_content_type()
        if kind == "text/html":
            raise NotFetched(f"{url} cannot be fetched (a web page comes in its place)")
        total = length_of_whole(answer)
        if answer.status == http.client.PARTIAL_CONTENT:
            work.skip(part.length / 1e6 - work.done)
        else:
            part.begin({**said, **({} if total is None else {"length": str(total)})})
            work.skipped = 0.0
            work.moved(0.0)
        _check_room(part, total)
        work.total = None if total is None else round(total / 1e6, 1)
        _write(answer, part, work)
    return total is None or part.length == total


def _write(answer: http.client.HTTPResponse, part: PartFile, work: Activity) -> None:
    """Write what comes to the end of the part. What has come stays, however this ends."""
    try:
        with open(part.path, "ab") as out:
            while True:
                try:
                    block = answer.read1(_BLOCK)
                except (OSError, http.client.HTTPException) as error:
                    raise Broken(why(error), made=True) from error
                if not block:
                    return
                out.write(block)
                work.moved(work.done + len(block) / 1e6)
    except OSError as error:
        if error.errno in _ROOM:
            raise OSError(error.errno, error.strerror, str(part.path)) from None
        raise


def _check_room(part: PartFile, total: int | None) -> None:
    wanted, free = (total or 0) - part.length, shutil.disk_usage(part.path.parent).free
    if wanted > free:
        raise WeightsError(
            f"{part.path.parent}: {wanted / 1e6:.3g} MB are to be fetched and {free / 1e6:.3g} MB are free there: make "
            "room, or let JAXPRIOR_DATA name a folder on another disk."
        )
