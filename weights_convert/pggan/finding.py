"""The layouts that are known, and which of them a file has."""

import functools
from collections.abc import Mapping

import numpy as np

from jaxprior import discovery
from jaxprior.errors import WeightsError
from weights_convert.pggan.layout import Layout, Refused


_GROUP = "weights_convert.pggan.layouts"


@functools.cache
def known() -> dict[str, Layout | Refused]:
    """All layouts by their names: those that are read, then those that are refused."""
    found = [layout for name in discovery.names(_GROUP) for layout in discovery.load(_GROUP, name).LAYOUTS]
    return {layout.name: layout for layout in sorted(found, key=lambda layout: isinstance(layout, Refused))}


def check_name(name: str) -> None:
    """Refuse a name that is not one of a layout that is read.

    Arguments:
        name: what the user asked for.
    Raises:
        WeightsError: listing those that are read.
    """
    if not isinstance(known().get(name), Layout):
        read = ", ".join(one for one, layout in known().items() if isinstance(layout, Layout))
        raise WeightsError(f"unknown layout {name!r}; expected one of {read}")


def layout_of(names: Mapping[str, np.ndarray]) -> tuple[Layout | Refused, str] | None:
    """The layout of a generator, and the name of the tensor that decides; None if it has none of the known ones.

    Arguments:
        names: its tensors by the names that the file gives them.
    Raises:
        WeightsError: it fits several alike.
    """
    fitting = {layout.name: key for layout in known().values() if (key := layout.recognise(names)) is not None}
    if len(fitting) > 1:
        raise WeightsError(
            f"its tensors fit the layouts {' and '.join(fitting)} alike (they have {' and '.join(fitting.values())}), "
            "so that several networks lie in one dict; save the state dict of each in a file of its own"
        )
    return next(((known()[name], key) for name, key in fitting.items()), None)
