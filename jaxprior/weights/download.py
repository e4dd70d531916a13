"""Fetching a published file when a user asks for it: the only place of jaxprior that uses the net.

A file comes as NAME.part and gets its name when all of it is there and its hash is right. A download that ended early,
in whatever way, is continued by the next one: the server is asked for the rest of the same file (Range, If-Range), and
one that has another file by now, or cannot send a rest, sends all of it again. Proxies are those of the environment
(`http_proxy`, `https_proxy`, `no_proxy`). `JAXPRIOR_MIRROR` names an address under which the same files lie by their
names; it takes the place of the publishers' addresses.
"""

import contextlib
import errno
import http.client
import json
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import jaxprior
from jaxprior.errors import RunError, WeightsError
from jaxprior.runs.lock import only_writer
from jaxprior.system.activity import Activity, doing
from jaxprior.system.files import make_folder, write_json
from jaxprior.weights.hashes import difference, file_hash
from jaxprior.weights.known.files import RemoteFile


MIRROR = "JAXPRIOR_MIRROR"
"""The environment variable that names a mirror."""

PART = ".part"
"""The end of the name of a file of which not all has come."""

TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as broken."""

TRIES = 4
"""So many connections in a row may break without bringing anything, until the download is given up."""

PAUSE = 1.0
"""Seconds before a broken connection is made again; every further one waits so much longer."""

_BLOCK = 1 << 18
_WORTH_ANOTHER_TRY = (408, 425, 429, 500, 502, 503, 504)
_ROOM = (errno.ENOSPC, errno.EDQUOT)


class NotFetched(WeightsError):
    """A file that did not come: there is no connection, or the server does not give it."""


class _Broken(Exception):
    """A connection that ended before all was there; the message says how. `made` is whether there was one at all."""

    def __init__(self, reason: str, *, made: bool):
        super().__init__(reason)
        self.made = made


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
    url = _address(file)
    with _alone(file, place):
        target, part = place / file.name, _Part(place / f"{file.name}{PART}")
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


def _address(file: RemoteFile) -> str:
    """Where the file is fetched from: the mirror, if there is one, otherwise the publishers' address."""
    mirror = os.environ.get(MIRROR, "").strip()
    url = f"{mirror.rstrip('/')}/{quote(file.name)}" if mirror else file.url
    if urlsplit(url).scheme not in ("http", "https"):
        raise WeightsError(
            f"{MIRROR}={mirror}: expected an address that begins with http:// or https://; files of a folder are "
            "installed with `jaxprior priors get NAME --from FILE`"
        )
    return url


@contextlib.contextmanager
def _alone(file: RemoteFile, place: Path) -> Iterator[None]:
    """Keep other processes from fetching the same file at the same time."""
    try:
        with only_writer(make_folder(place), f"-{file.name}"):
            yield
    except RunError:
        raise WeightsError(f"{file.name} is being fetched into {place} by another process: wait for it.") from None


class _Part:
    """A file of which not all has come, and beside it what the server said of the whole.

    Arguments:
        path: of the part.
    """

    def __init__(self, path: Path):
        self.path, self._notes = path, path.with_name(f"{path.name}.json")

    @property
    def length(self) -> int:
        """Bytes that are there."""
        return self.path.stat().st_size if self.path.exists() else 0

    def said(self) -> dict[str, str]:
        """What the server said of the whole when the part was begun."""
        try:
            return json.loads(self._notes.read_text())
        except (OSError, ValueError):
            return {}

    def begin(self, said: dict[str, str]) -> None:
        """Throw away what is there, and note what the server says of the whole."""
        self.path.write_bytes(b"")
        write_json(self._notes, said)

    def discard(self) -> None:
        """Throw away all of it."""
        self.path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)


def _fetch(url: str, part: _Part, work: Activity) -> None:
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
        except _Broken as error:
            reason, made = str(error), error.made
        barren = barren + 1 if part.length <= before else 1
        if barren >= TRIES or not (made or part.length):
            raise NotFetched(f"{url} cannot be fetched ({reason})")
        time.sleep(PAUSE * barren)


def _receive(url: str, part: _Part, work: Activity) -> bool:
    """Ask for what is missing, and write what comes. Returns whether all is there."""
    with _answer(url, part) as answer:
        said = {name: answer.headers[name] for name in ("ETag", "Last-Modified") if answer.headers[name]}
        kind = answer.headers.get_content_type()
        if kind == "text/html":
            raise NotFetched(f"{url} cannot be fetched (a web page comes in its place)")
        total = _length_of_whole(answer, part)
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


def _answer(url: str, part: _Part) -> http.client.HTTPResponse:
    """The server's answer: the rest of the file if a part is there and the server agrees, otherwise all of it."""
    headers = {"User-Agent": f"jaxprior/{jaxprior.__version__}", "Accept-Encoding": "identity"}
    if length := part.length:
        said = part.said()
        headers["Range"] = f"bytes={length}-"
        etag = said.get("ETag", "W/")
        if mark := said.get("Last-Modified") if etag.startswith("W/") else etag:
            headers["If-Range"] = mark
    opener = urllib.request.build_opener(_Redirects)
    try:
        answer = opener.open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and part.length:
                part.discard()
                raise _Broken("the file on the server has changed", made=True) from None
            reason = _said_by_server(error)
            if error.code in _WORTH_ANOTHER_TRY:
                raise _Broken(reason, made=True) from None
            raise NotFetched(f"{url} cannot be fetched ({reason})") from None
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(_why(error), made=False) from error
    if answer.status == http.client.PARTIAL_CONTENT and not _is_the_rest(answer, part):
        answer.close()
        part.discard()
        raise _Broken("the file on the server has changed", made=True)
    return answer


def _is_the_rest(answer: http.client.HTTPResponse, part: _Part) -> bool:
    """Whether a partial answer begins where the part ends, and belongs to a file of the same length."""
    match = _content_range(answer)
    expected = part.said().get("length")
    return match is not None and int(match[1]) == part.length and expected in (None, match[2])


def _content_range(answer: http.client.HTTPResponse) -> re.Match | None:
    return re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))


def _length_of_whole(answer: http.client.HTTPResponse, part: _Part) -> int | None:
    """Bytes of the whole file, if the server says how many."""
    if match := _content_range(answer):
        return int(match[2])
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _write(answer: http.client.HTTPResponse, part: _Part, work: Activity) -> None:
    """Write what comes to the end of the part. What has come stays, however this ends."""
    try:
        with open(part.path, "ab") as out:
            while True:
                try:
                    block = answer.read1(_BLOCK)
                except (OSError, http.client.HTTPException) as error:
                    raise _Broken(_why(error), made=True) from error
                if not block:
                    return
                out.write(block)
                work.moved(work.done + len(block) / 1e6)
    except OSError as error:
        if error.errno in _ROOM:
            raise OSError(error.errno, error.strerror, str(part.path)) from None
        raise


def _check_room(part: _Part, total: int | None) -> None:
    wanted, free = (total or 0) - part.length, shutil.disk_usage(part.path.parent).free
    if wanted > free:
        raise WeightsError(
            f"{part.path.parent}: {wanted / 1e6:.3g} MB are to be fetched and {free / 1e6:.3g} MB are free there: make "
            "room, or let JAXPRIOR_DATA name a folder on another disk."
        )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a server that sends on, but not from https to anything less, and to nothing but the web."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        """The request for the new address; an `HTTPError` where it is not followed."""
        old, new = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if new != "https" and (old, new) != ("http", "http"):
            raise urllib.error.HTTPError(req.full_url, code, msg, headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _said_by_server(error: urllib.error.HTTPError) -> str:
    """An answer that is no file, in words."""
    if 300 <= error.code < 400:
        return f"it sends on to {error.headers.get('Location', 'nowhere')}, which is not followed"
    return f"the server answers {error.code} {' '.join(str(error.reason).split())[:80]}".strip()


def _why(error: Exception) -> str:
    """What broke a connection, in words."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer for {TIMEOUT:.0f} seconds"
    text = " ".join(str(getattr(cause, "strerror", None) or cause).split())[:160]
    return f"no connection: {text}" if text else "no connection"
