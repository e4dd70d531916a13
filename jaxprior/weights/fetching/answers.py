"""Asking a server for a file or the rest of it, and what its answers mean."""

import http.client
import re
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import jaxprior
from jaxprior.errors import WeightsError
from jaxprior.weights.fetching.part_file import PartFile


TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as broken."""

_WORTH_ANOTHER_TRY = (408, 425, 429, 500, 502, 503, 504)


class NotFetched(WeightsError):
    """A file that did not come: there is no connection, or the server does not give it."""


class Broken(Exception):
    """A connection that ended before all was there; the message says how.

    Arguments:
        reason: for people. made: whether there was a connection at all.
    """

    def __init__(self, reason: str, *, made: bool):
        super().__init__(reason)
        self.made = made


def ask(url: str, part: PartFile) -> http.client.HTTPResponse:
    """The server's answer: the rest of the file if a part is there and the server agrees, otherwise all of it.

    Arguments:
        url: of the file. part: what is there of it; thrown away if the server has another file by now.

    Raises:
        NotFetched: the server does not give the file. Broken: it may answer better the next time.
    """
    headers = {"User-Agent": f"jaxprior/{jaxprior.__version__}", "Accept-Encoding": "identity"}
    if length := part.length:
        said = part.said()
        headers["Range"] = f"bytes={length}-"
        etag = said.get("ETag", "W/")
        if mark := said.get("Last-Modified") if etag.startswith("W/") else etag:
            headers["If-Range"] = mark
    opener = urllib.request.build_opener(Redirects)
    try:
        answer = opener.open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and part.length:
                part.discard()
                raise Broken("the file on the server has changed", made=True) from None
            reason = _said_by_server(error)
            if error.code in _WORTH_ANOTHER_TRY:
                raise Broken(reason, made=True) from None
            raise NotFetched(f"{url} cannot be fetched ({reason})") from None
    except (OSError, http.client.HTTPException) as error:
        raise Broken(why(error), made=False) from error
    if answer.status == http.client.PARTIAL_CONTENT and not _is_the_rest(answer, part):
        answer.close()
        part.discard()
        raise Broken("the file on the server has changed", made=True)
    return answer


def _is_the_rest(answer: http.client.HTTPResponse, part: PartFile) -> bool:
    """Whether a partial answer begins where the part ends, and belongs to a file of the same length."""
    match = _content_range(answer)
    expected = part.said().get("length")
    return match is not None and int(match[1]) == part.length and expected in (None, match[2])


def _content_range(answer: http.client.HTTPResponse) -> re.Match | None:
    return re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))


def length_of_whole(answer: http.client.HTTPResponse) -> int | None:
    """Bytes of the whole file, if the server says how many."""
    if match := _content_range(answer):
        return int(match[2])
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


class Redirects(urllib.request.HTTPRedirectHandler):
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


def why(error: Exception) -> str:
    """What broke a connection, in words."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer for {TIMEOUT:.0f} seconds"
    text = " ".join(str(getattr(cause, "strerror", None) or cause).split())[:160]
    return f"no connection: {text}" if text else "no connection"
