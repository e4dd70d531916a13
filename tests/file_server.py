"""A server of files on this machine that does, one answer after the other, what servers on the net do wrong."""

import contextlib
import dataclasses
import hashlib
import http.server
import threading
import time
from collections.abc import Iterator

from jaxprior.weights.known.files import RemoteFile


@dataclasses.dataclass
class Answer:
    """How one request is answered.

    Fields:
        status: of the answer; 200 becomes 206 where a part is asked for and `ranges` allows it.
        cut: bytes after which the connection ends; None sends all.
        ranges, etag, length: whether the server sends parts, names a version, and says how long the file is.
        location: where a redirection leads. kind: the Content-Type. pause: seconds between blocks of 4096 bytes.
        waits: the answer stops after `cut` bytes and waits until this is set.
    """

    status: int = 200
    cut: int | None = None
    ranges: bool = True
    etag: bool = True
    length: bool = True
    location: str = ""
    kind: str = "application/octet-stream"
    pause: float = 0.0
    waits: threading.Event | None = None


class FileServer:
    """Serves `content` under every path; `answers` are used up one a request, then everything is answered well."""

    def __init__(self, content: bytes = b""):
        self.content = content
        self.files: dict[str, bytes] = {}
        self.answers: list[Answer] = []
        self.usual = Answer()
        self.asked: list[tuple[str, str | None]] = []
        """Path and Range of every request."""
        self.sent: list[int] = []
        """Bytes of every answer's body."""
        self.address = ""

    def file(self, name: str, *, digits: int | None = 8, content: bytes | None = None) -> RemoteFile:
        """The served content as a published file, with so many digits of its hash."""
        content = self.content if content is None else content
        digest = hashlib.sha256(content).hexdigest()
        return RemoteFile(f"{self.address}/{name}", name, digest[:digits] if digits else None, len(content))


@contextlib.contextmanager
def file_server(content: bytes = b"") -> Iterator[FileServer]:
    """Serve a content on 127.0.0.1 while the block runs."""
    served = FileServer(content)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            answer = served.answers.pop(0) if served.answers else served.usual
            sent = served.sent  # a test may begin another list while this answer still ends
            served.asked.append((self.path, self.headers.get("Range")))
            content = served.files.get(self.path.rpartition("/")[2], served.content)
            etag, first, status = f'"{hashlib.sha256(content).hexdigest()[:16]}"', 0, answer.status
            asked = self.headers.get("Range")
            if status == 200 and asked and answer.ranges and self.headers.get("If-Range", etag) == etag:
                first, status = int(asked.removeprefix("bytes=").removesuffix("-")), 206
            body = content[first:] if status in (200, 206) else b"no"
            self.send_response(status)
            self.send_header("Content-Type", answer.kind)
            if answer.etag:
                self.send_header("ETag", etag)
            if status == 206:
                self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
            if answer.location:
                self.send_header("Location", answer.location)
            if answer.length:
                self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            body = body if answer.cut is None else body[: answer.cut]
            sent.append(0)
            with contextlib.suppress(OSError):
                for start in range(0, len(body), 4096):
                    sent[-1] = min(start + 4096, len(body))  # before the client has it and may look
                    self.wfile.write(body[start : start + 4096])
                    if answer.pause:
                        time.sleep(answer.pause)
                self.wfile.flush()
            if answer.waits is not None:
                answer.waits.wait(30)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
