"""The layouts that are known, and which of them a file has."""

import functools
from collections.abc import Mapping

import numpy as np

from jaxprior import discovery
from jaxprior.errors import WeightsError
from weights_convert.pggan.layout import Layout


_GROUP = "weights_convert.pggan.layouts"


@functools.cache
def layouts() -> dict[str, Layout]:
    """All layouts by their names."""
    found = (layout for name in discovery.names(_GROUP) for layout in discovery.load(_GROUP, name).LAYOUTS)
    return {layout.name: layout for layout in found}


def layout_of(names: Mapping[str, np.ndarray]) -> tuple[Layout, str] | None:
    """The layout of a generator, and the name of the tensor that decides; None if it has none of the known ones.

    Arguments:
        names: its tensors by the names that the file gives them.
    Raises:
        WeightsError: it fits several alike.
    """
    fitting = {key: layout for layout in layouts().values() if (key := layout.recognise(names)) is not None}
    if len(fitting) > 1:
        raise WeightsError(
            f"its tensors fit the layouts {' and '.join(layout.name for layout in fitting.values())} alike "
            f"({', '.join(fitting)})"
        )
    return next(((layout, key) for key, layout in fitting.items()), None)
