"""Whether a file is the one that its publishers mean: its sha256, compared with the digits that they publish."""

import hashlib
from pathlib import Path

from jaxprior.system.activity import doing
from jaxprior.weights.known.files import RemoteFile


SHORT = 8
"""Digits of a hash that names of files carry, and that sentences show."""


def file_hash(path: Path) -> str:
    """The sha256 of a file's content, 64 hex digits."""
    with doing(f"checking {path.name}"), open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def difference(digest: str, file: RemoteFile) -> str | None:
    """How a content differs from what was published; None if it agrees, or if no hash was published.

    Arguments:
        digest: the content's sha256.
        file: what was expected.

    Example:
        >>> difference("00ff" * 16, RemoteFile("https://example.org/x.pth", "x.pth", "11ff22aa", None))
        'its sha256 begins with 00ff00ff, expected 11ff22aa'
    """
    if file.sha256 is None or digest.startswith(file.sha256):
        return None
    shown = SHORT if digest[:SHORT] != file.sha256[:SHORT] else None
    return f"its sha256 begins with {digest[:shown]}, expected {file.sha256[:shown]}"
