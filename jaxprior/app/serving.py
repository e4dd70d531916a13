"""The server of the page: where it listens, what it refuses, and how it ends.

It calls nobody: Gradio's own measuring is switched off, and the page may load nothing from elsewhere.
"""

import contextlib
import importlib
import logging
import os
import socket
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jaxprior.app.limits import MILLION, Limits
from jaxprior.errors import JaxpriorError
from jaxprior.system.activity import doing


LOCAL = "127.0.0.1"
PORT = 7860
PRIVATE = (LOCAL, "localhost", "::1")
"""Names of this machine by which nobody else reaches it."""

EVENTS = 16
"""Of all open pages that are answered at once. Of jobs only one is at work, and others wait (`jaxprior.app.jobs`)."""

SILENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_RUN_HISTORY": "False",
    "GRADIO_SSR_MODE": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
}
"""For Gradio and what it imports: no measuring of use, no look for newer versions, no record of what was done."""

PAINTED = 8
"""Megabytes that what was painted may have, whatever photographs may have: the editor sends copies of it."""

POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; frame-ancestors 'none'; form-action 'self'; "
    "base-uri 'self'; object-src 'none'"
)
"""What browsers let the page load: from this server only."""

MISSING = (
    "`jaxprior app` needs Gradio, which is not installed: install it with `pip install \"jaxprior[app]\"` and repeat "
    "the command."
)


def check_installed() -> None:
    """Refuse to go on without Gradio, before anything else is loaded.

    Raises:
        JaxpriorError: saying what to install.
    """
    if find_spec("gradio") is None:
        raise JaxpriorError(MISSING)


def warning_of(host: str) -> str | None:
    """The sentence about an address that others reach as well; None for this machine alone.

    Example:
        >>> warning_of("127.0.0.1") is None
        True
    """
    if host in PRIVATE:
        return None
    return (
        f"the page listens on {host}: everybody who reaches this machine can use it, see its priors and make it "
        "compute; there is no password"
    )


def listen(host: str, port: int) -> socket.socket:
    """Take a port.

    Arguments:
        host: name or address; port: 0 takes any that is free.

    Raises:
        JaxpriorError: it is in use, or there is no such address.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family, socket.SOCK_STREAM)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise JaxpriorError(
            f"The page cannot listen on {host}:{port} ({why}): take another --port, or 0 for any that is free."
        ) from None
    return taken


def serve(
    *,
    host: str = LOCAL,
    port: int = PORT,
    limits: Limits | None = None,
    priors: Sequence[str] = (),
    restorers: Sequence[str] = (),
    singan: str | Path | None = None,
    tell: Callable[[str], None] = print,
) -> None:
    """Serve the page until the process is asked to stop.

    Arguments:
        host, port: where it listens.
        limits: of photographs and jobs.
        priors, restorers: offered beside what is bundled and installed.
        singan: the run, file or name of a model of one picture, for painting; None leaves that out.
        tell: is given the page's address once it can be opened.

    Raises:
        JaxpriorError: Gradio is not installed, the port is in use, or a network that was named cannot be used.
    """
    check_installed()
    from jaxprior.app.choices import find_choices
    from jaxprior.app.painting import Painter

    limits = limits or Limits()
    choices = find_choices(priors, restorers)
    with contextlib.closing(listen(host, port)) as taken, tempfile.TemporaryDirectory(prefix="jaxprior-app-") as folder:
        os.environ.update(SILENT | {"GRADIO_TEMP_DIR": folder})
        painter = None if singan is None else Painter(singan)
        with doing("making the page"):
            application = make_application(choices, limits, Path(folder), hosts=(host,), painter=painter)
        uvicorn: Any = importlib.import_module("uvicorn")
        server: Any = uvicorn.Server(uvicorn.Config(application, log_level="warning", timeout_graceful_shutdown=2))
        # who asks twice for the end cuts connections off, and uvicorn would report each of them with a traceback
        logging.getLogger("uvicorn.error").addFilter(lambda record: not server.should_exit)
        name, number = taken.getsockname()[:2]
        tell(f"http://{f'[{name}]' if ':' in name else name}:{number}")
        server.run(sockets=[taken])


def largest_upload(limits: Limits) -> int:
    """Bytes that a browser may send in one piece: a photograph, or what was painted on the copy of one.

    Example:
        >>> largest_upload(Limits(megabytes=50)), largest_upload(Limits(megabytes=0.5))
        (50000000, 8000000)
    """
    return int(max(limits.megabytes, PAINTED) * MILLION)


def make_application(
    choices: Any, limits: Limits, folder: Path, *, hosts: Sequence[str] = (), painter: Any = None
) -> Any:
    """The page as an application for a server.

    Arguments:
        choices: what it offers; limits: what it refuses.
        folder: where uploads and answers lie.
        hosts: the names under which it is reached; a page of elsewhere cannot pretend to be it.
        painter: a model of one picture to paint on, or None.
    """
    from jaxprior.app import page
    from jaxprior.app.answering import Desk

    gradio, fastapi = (importlib.import_module(name) for name in ("gradio", "fastapi"))
    blocks = page.make_page(choices, Desk(limits, folder), painter)
    blocks.queue(default_concurrency_limit=EVENTS, max_size=2 * EVENTS)
    application = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @application.middleware("http")
    async def guard(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    if hosts and all(host in PRIVATE for host in hosts):
        trusted = importlib.import_module("starlette.middleware.trustedhost").TrustedHostMiddleware
        application.add_middleware(trusted, allowed_hosts=[*PRIVATE, "[::1]"])
    return gradio.mount_gradio_app(
        application, blocks, path="/", footer_links=[], run_history=False, ssr_mode=False, mcp_server=False, pwa=False,
        max_file_size=largest_upload(limits), allowed_paths=[], show_error=False,
        theme=gradio.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        css=page.STYLE.read_text(),
    )  # fmt: skip
