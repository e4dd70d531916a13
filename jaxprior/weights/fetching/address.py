"""Where a published file is fetched from.

`JAXPRIOR_MIRROR` names an address under which the same files lie by their names; it takes the place of the publishers'
addresses.
"""

import os
from urllib.parse import quote, urlsplit

from jaxprior.errors import WeightsError
from jaxprior.weights.known.files import RemoteFile


MIRROR = "JAXPRIOR_MIRROR"
"""The environment variable that names a mirror."""


def address_of(file: RemoteFile) -> str:
    """Where a file is fetched from: the mirror, if there is one, otherwise the publishers' address.

    Raises:
        WeightsError: the mirror's address is none.
    """
    mirror = os.environ.get(MIRROR, "").strip()
    url = f"{mirror.rstrip('/')}/{quote(file.name)}" if mirror else file.url
    if not _is_an_address(url):
        raise WeightsError(
            f"{MIRROR}={mirror}: expected an address that begins with http:// or https:// and names a server; files of "
            "a folder are installed with `jaxprior priors get NAME --from FILE`"
        )
    return url


def _is_an_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and url.isascii()
    except ValueError:  # a bracket or a port that is none
        return False
