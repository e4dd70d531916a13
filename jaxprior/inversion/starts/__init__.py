"""Starts: where the latents of every image begin.

    random    codes drawn as the generator's training drew them
    bank      codes of those of the generator's samples that explain an observation best
    encoder   what an encoder of the prior answers to what is known of an observation
    given     latents that the caller has, for example of an earlier run

A start is a frozen dataclass with a `name` and two methods (`jaxprior.protocols.Start`): `ready` is called once, before
the first picture; `latents` is called for every batch. It is a pytree, because its arrays are placed on the devices.
`Solve(init=...)` and `--init` choose one by its name, `restore(..., start=...)` takes one itself. A start in a file of
this folder, or behind an entry point of the group "jaxprior.inversion.starts", can be chosen by name.
"""

import inspect
from typing import Any

from jaxprior import discovery
from jaxprior.inversion.starts.given import GivenStart as GivenStart


GROUP = "jaxprior.inversion.starts"
NOT_BY_NAME = ("given",)
"""Starts that need what only a program can give."""


def start_names() -> tuple[str, ...]:
    """Names that `Solve(init=...)` takes; nothing is imported for them."""
    return tuple(name for name in discovery.names(GROUP) if name not in NOT_BY_NAME)


def make_start(name: str, *, bank_size: int) -> Any:
    """Make the start of a name.

    Arguments:
        name: one of `start_names`.
        bank_size: samples to choose from, for starts that choose.

    Raises:
        SettingsError: there is none of that name.
    """
    found = discovery.load(GROUP, name)
    kind = getattr(found, "START", found)
    takes_size = "bank_size" in inspect.signature(kind).parameters
    return kind(bank_size=bank_size) if takes_size else kind()
