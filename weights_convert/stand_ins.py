"""What stands for the objects of a pickle that no reader knows, so that the tensors beside them can be read.

A training saves its settings, counters and paths beside its weights: objects of classes that are not on the
allow-list. Each becomes a `StandIn`: the class is not imported, nothing is called, and nothing of the object is kept
but the name of its class. Where a stand-in lies in the place of weights, the converter says so.
"""

import re

import numpy as np


class StandIn:
    """Stands for a class, a function or an object. It can neither be called nor iterated over.

    Fields:
        name: what the pickle calls the class or function, "argparse Namespace".
        holds_arrays: whether arrays were put into the object; they are not kept.
    """

    __slots__ = ("holds_arrays", "name")

    def __init__(self, name: str, holds_arrays: bool = False):
        self.name, self.holds_arrays = name, holds_arrays

    def __repr__(self) -> str:
        return f"StandIn({self.name!r})"

    def dotted(self) -> str:
        """The name as it is written in Python, for messages."""
        return _printable(self.name.replace(" ", "."))


class Described(StandIn):
    """Stands for an object of plain settings, whose attributes are kept as plain values.

    Fields:
        attributes: numbers, texts, flags and None, and lists and dicts of them, by name.
    """

    __slots__ = ("attributes",)

    def __init__(self, name: str, attributes: dict):
        super().__init__(name)
        self.attributes = attributes


_RUNS_CODE = re.compile(
    r"(os|posix|nt) (system|popen|startfile|exec\w*|spawn\w*|posix_spawnp?|fork\w*|remove|unlink|rmdir|removedirs)"
    r"|(__builtin__|builtins) (eval|exec|execfile|compile|__import__|open|input|breakpoint)"
    r"|(subprocess|commands|pty|runpy|timeit|pdb|code|marshal|pickle|_pickle|importlib|webbrowser|shutil|socket|ctypes)"
    r"(\.\S+)? .*"
)


def runs_code(name: str) -> bool:
    """Whether a name is that of a function which runs code, opens files or starts programs.

    Nothing depends on this list, since no stand-in is ever called: it is for the user, who should hear of a file that
    asks for such a function, however sound the weights beside it look.
    """
    return _RUNS_CODE.fullmatch(name) is not None


def unknown(name: str) -> str:
    """The sentence about a pickle of which nothing can be read but an unknown object."""
    return (
        f"the pickle names {short(name)!r}, which is not on the allow-list of arrays and plain "
        "containers and may run code; it was not loaded (of a PyTorch module, save its `state_dict()`)"
    )


def has_arrays(value: object) -> bool:
    """Whether a value is an array, or a stand-in that arrays were put into."""
    return isinstance(value, np.ndarray) or (isinstance(value, StandIn) and value.holds_arrays)


def short(text: str) -> str:
    """Text from a file, cut to 80 characters."""
    return text if len(text) <= 80 else text[:77] + "..."


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in short(text))
