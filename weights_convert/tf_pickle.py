"""Network pickles of the TensorFlow GAN code: PGGAN's `(G, D, Gs)`, written by `tfutil.Network`.

Each network is pickled as a state dict: `version`, `name`, `static_kwargs` (settings), `variables` (list of
name and array) and `build_module_src`, the Python source that the original code runs to rebuild the graph.
Here the class is a stub that keeps name, settings and variables; the source text is dropped unread. Strings
are read as latin-1, as Python 2 files need it. Known from the public code and from files made like it; no
original file was at hand to test with.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.numpy_globals import CONTAINERS, NUMPY
from weights_convert.safe_unpickler import Constructor, Machine, Unfinished
from weights_convert.stand_ins import StandIn, unknown


@dataclass(frozen=True)
class Network:
    """One pickled network: its name, its settings (plain values) and its variables by TensorFlow name."""

    name: str
    settings: dict
    variables: dict[str, np.ndarray]


class _Stub(Unfinished):
    """Stands for `tfutil.Network` until its state comes."""

    def finish(self, state):
        if not isinstance(state, dict):
            raise WeightsError("the pickle holds a network without a state")
        if "variables" not in state:
            raise WeightsError(
                "the pickle holds a network of the older Theano code, whose weights have no names; "
                "load and save it again with the TensorFlow code"
            )
        variables = state["variables"]
        pairs = list(variables.items()) if isinstance(variables, dict) else variables
        if not isinstance(pairs, list) or not all(
            isinstance(pair, tuple) and len(pair) == 2 for pair in pairs
        ):
            raise WeightsError("the pickle holds a network whose variables are not pairs of name and array")
        arrays = {name: np.asarray(value) if type(value) in (int, float) else value for name, value in pairs}
        if not all(isinstance(name, str) and isinstance(value, np.ndarray) for name, value in arrays.items()):
            raise WeightsError("the pickle holds a network whose variables are not named arrays")
        settings = state.get("static_kwargs", {})
        name = state.get("name", "")
        if not isinstance(settings, dict) or not isinstance(name, str):
            raise WeightsError("the pickle holds a network whose name or settings are damaged")
        return Network(name, settings, arrays)


def read(data: bytes) -> list[Network]:
    """Read the networks of a pickle.

    Arguments:
        data: the whole file.
    Returns:
        The networks in their order, e.g. G, D, Gs.
    Raises:
        WeightsError: damaged, truncated or hostile file, or one without networks.
    """
    file = io.BytesIO(data)
    saved = Machine(_ALLOWED).run(file)
    networks = list(_networks(saved))
    if file.tell() != len(data):
        raise WeightsError("the pickle is followed by other data, which network pickles are not")
    if not networks and isinstance(saved, StandIn):
        raise WeightsError(unknown(saved.name))
    if not networks:
        raise WeightsError("a pickle, but neither a PyTorch checkpoint nor TensorFlow GAN networks are in it")
    return networks


def _networks(value: object) -> Iterator[Network]:
    """The file is one network, or a tuple, list or dict of them."""
    if isinstance(value, dict):
        value = list(value.values())
    for item in value if isinstance(value, (list, tuple)) else [value]:
        if isinstance(item, Network):
            yield item


def _without_arguments(make):
    def call(arguments: tuple):
        if arguments:
            raise WeightsError("the pickle makes a network in a way that the TensorFlow code does not")
        return make()

    return call


_NETWORK_CLASSES = ("tfutil Network", "dnnlib.tflib.network Network", "network Network")
_ALLOWED: dict[str, object] = {
    **CONTAINERS,
    **NUMPY,
    **{name: Constructor(name, _without_arguments(_Stub)) for name in _NETWORK_CLASSES},
    "dnnlib.util EasyDict": Constructor("dnnlib.util EasyDict", _without_arguments(dict)),
}
