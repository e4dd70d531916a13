"""A pickle machine that can build nothing but plain containers and what an allow-list of constructors makes.

A pickle is a program: the standard unpickler imports what it names and calls it. This machine reads the
same instructions (through `pickletools.genops`, which only parses) and interprets them itself. It imports
nothing, calls nothing but the `Constructor`s handed to it, and knows no other instruction than those that
checkpoints use. A name that is not on the allow-list becomes an inert `StandIn`, and so does whatever the
file makes of it; names of functions that run code, and everything else that a file may ask for, end in one
`WeightsError`. There is no fallback.

Format: PEP 307, PEP 3154, PEP 574 (protocols 0 to 5). Limits below keep a hostile file from using up time
or memory.
"""

import io
import pickletools
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from jaxprior.errors import WeightsError
from weights_convert.stand_ins import StandIn, has_arrays, runs_code, short, unknown


MAX_INSTRUCTIONS = 5_000_000
MAX_MEMO = 1_000_000
MAX_STACK = 100_000
MAX_DEPTH = 100  # containers in containers; real checkpoints stay below ten
MAX_INTEGER_BITS = 128  # PyTorch's magic number has 80

_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = frozenset(
    (
        "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING "
        "UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 "
        "BYTEARRAY8"
    ).split()
)
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
MAX_NAME = 1000  # characters of a key; a long one in dicts that are in many places would fill memory with paths
MAX_KEY_BITS = 60  # Python's hashes of integers are unique up to here


@dataclass(frozen=True)
class Constructor:
    """What the machine may call: `call` gets the tuple of arguments and checks them itself."""

    name: str
    call: Callable[[tuple], object]


class Unfinished:
    """An object whose content comes in a later BUILD instruction (arrays, data types, network stubs)."""

    def finish(self, state: object) -> object:
        """Return the finished value, which takes this object's place everywhere."""
        raise NotImplementedError


class Machine:
    """Interpreter of one pickle.

    Arguments:
        allowed: "module name" -> `Constructor`, or an inert value that stands for it.
        persistent: turns a persistent id (a tuple) into a value; None refuses persistent ids.

    Example:
        Machine({}).run(io.BytesIO(b"]."))            # []
    """

    def __init__(self, allowed: Mapping[str, object], persistent: Callable[[object], object] | None = None):
        self._allowed = allowed
        self._persistent = persistent
        self._stack: list = []
        self._marks: list[int] = []
        self._memo: dict[int, object] = {}
        self._slots: dict[int, list[int]] = {}  # id of an unfinished object -> where the memo holds it
        self._depths: dict[int, int] = {}  # id of a container -> depth of what it holds
        self._holders: set[int] = set()  # ids of the containers that hold arrays
        self._kept: list = []  # keeps those ids from being used again

    def run(self, file: io.BytesIO) -> object:
        """Interpret one pickle from where the file stands, and leave the file behind its end.

        Arguments:
            file: bytes of the pickle, possibly followed by others.
        Returns:
            None, bool, int, float, str, bytes, list, dict, tuple, what a constructor made, or a `StandIn`.
        Raises:
            WeightsError: damaged, truncated or oversized, or it asks for something that is never done.
        """
        try:
            for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
                if count >= MAX_INSTRUCTIONS:
                    raise WeightsError(f"the pickle has more than {MAX_INSTRUCTIONS} instructions")
                if opcode.name == "STOP":
                    return self._pop()
                self._step(opcode.name, argument)
        except WeightsError:
            raise
        except (ValueError, struct.error, EOFError, OverflowError, MemoryError, RecursionError) as error:
            raise WeightsError(f"the pickle is damaged or truncated ({short(str(error))})") from error
        raise WeightsError("the pickle is truncated: it has no end mark")

    def _step(self, name: str, argument) -> None:
        if name in _LITERALS:
            if isinstance(argument, int) and argument.bit_length() > MAX_INTEGER_BITS:
                raise WeightsError(f"the pickle holds an integer of {argument.bit_length()} bits")
            self._push(argument)
        elif name in _CONSTANTS:
            self._push(_CONSTANTS[name])
        elif name in _TUPLES:
            self._push_container(tuple(reversed([self._pop() for _ in range(_TUPLES[name])])))
        else:
            action = _ACTIONS.get(name)
            if action is None:
                raise WeightsError(
                    f"the pickle uses the instruction {name}, which arrays do not need and which may "
                    "run code; it was not loaded"
                )
            action(self, argument)

    # The stack: nothing below the last mark can be popped.

    def _push(self, value: object) -> None:
        if len(self._stack) >= MAX_STACK:
            raise WeightsError(f"the pickle stacks more than {MAX_STACK} values")
        self._stack.append(value)

    def _pop(self) -> object:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise WeightsError("the pickle is damaged: it takes a value that was never put there")
        return self._stack.pop()

    def _top(self) -> object:
        value = self._pop()
        self._stack.append(value)
        return value

    def _pop_mark(self) -> list:
        if not self._marks:
            raise WeightsError("the pickle is damaged: it closes a list that was never opened")
        start = self._marks.pop()
        values = self._stack[start:]
        del self._stack[start:]
        return values

    def _mark(self, _) -> None:
        if len(self._marks) >= MAX_STACK:
            raise WeightsError(f"the pickle sets more than {MAX_STACK} marks")
        self._marks.append(len(self._stack))

    def _drop(self, _) -> None:
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self._pop()

    # Containers, with their depth.

    def _push_container(self, container, children=None) -> None:
        self._kept.append(container)
        self._deepen(container, container if children is None else children)
        self._push(container)

    def _deepen(self, container, children) -> None:
        depth = 1 + max((self._depths.get(id(child), 0) for child in children), default=0)
        if depth > MAX_DEPTH:
            raise WeightsError(f"the pickle nests containers more than {MAX_DEPTH} deep")
        self._depths[id(container)] = max(depth, self._depths.get(id(container), 0))
        if any(self._with_arrays(child) for child in children):
            self._holders.add(id(container))

    def _with_arrays(self, value: object) -> bool:
        return has_arrays(value) or id(value) in self._holders

    def _append(self, values: list) -> None:
        target = self._top()
        if isinstance(target, StandIn):
            self._absorb(target, values)
            return
        if not isinstance(target, list):
            raise WeightsError("the pickle is damaged: it appends to something that is not a list")
        self._deepen(target, values)
        target.extend(values)

    def _set(self, items: list) -> None:
        target = self._top()
        keys, values = items[::2], items[1::2]
        if not isinstance(target, (dict, StandIn)) or len(keys) != len(values):
            raise WeightsError("the pickle is damaged: it sets items of something that is not a dict")
        if isinstance(target, StandIn):
            self._absorb(target, values)
            return
        self._deepen(target, values)
        target.update(named(zip(keys, values, strict=True)))

    def _frozen_set(self, _) -> None:
        self._pop_mark()
        self._push(StandIn("builtins frozenset"))

    def _dict(self, _) -> None:
        items = self._pop_mark()
        self._push_container({})
        self._set(items)

    def _set_one(self, _) -> None:
        value, key = self._pop(), self._pop()
        self._set([key, value])

    # The memo.

    def _put(self, index) -> None:
        if len(self._memo) >= MAX_MEMO:
            raise WeightsError(f"the pickle remembers more than {MAX_MEMO} values")
        value = self._top()
        self._memo[index] = value
        if isinstance(value, Unfinished):
            self._slots.setdefault(id(value), []).append(index)
            self._kept.append(value)

    def _memoize(self, _) -> None:
        self._put(len(self._memo))

    def _get(self, index) -> None:
        if index not in self._memo:
            raise WeightsError("the pickle is damaged: it recalls a value that it never stored")
        self._push(self._memo[index])

    # Names, calls and states: the only places where a file reaches anything, and only what is allowed.

    def _global(self, name) -> None:
        if name in self._allowed:
            self._push(self._allowed[name])
        elif runs_code(name):
            raise WeightsError(unknown(name))
        else:
            self._push(StandIn(name))

    def _stack_global(self, _) -> None:
        name, module = self._pop(), self._pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise WeightsError("the pickle is damaged: it names something by a value that is not a string")
        self._global(f"{module} {name}")

    def _call(self, _) -> None:
        arguments, target = self._pop(), self._pop()
        if isinstance(target, StandIn) and isinstance(arguments, tuple):
            self._push(StandIn(target.name, self._with_arrays(target) or self._with_arrays(arguments)))
            return
        if not isinstance(target, Constructor) or not isinstance(arguments, tuple):
            raise WeightsError("the pickle calls something that cannot be called; it was not loaded")
        try:
            value = target.call(arguments)
        except WeightsError:
            raise
        except (TypeError, ValueError, OverflowError, MemoryError, LookupError) as error:
            raise WeightsError(f"the pickle calls {target.name} with arguments that do not fit") from error
        if isinstance(value, (dict, list, tuple)):
            self._push_container(value, arguments)
        else:
            self._push(value)

    def _call_with_names(self, _) -> None:
        names, arguments, target = self._pop(), self._pop(), self._pop()
        if not isinstance(target, StandIn) or not isinstance(names, dict) or not isinstance(arguments, tuple):
            raise WeightsError("the pickle calls something by named arguments, which arrays do not need")
        self._push(StandIn(target.name, any(self._with_arrays(value) for value in (target, arguments, names))))

    def _absorb(self, target: StandIn, values: list) -> None:
        """Put values into an object that nothing is kept of."""
        target.holds_arrays |= any(self._with_arrays(value) for value in values)

    def _build(self, _) -> None:
        state, target = self._pop(), self._pop()
        if isinstance(target, StandIn):
            self._absorb(target, [state])
            self._push(target)
            return
        if isinstance(target, dict) and isinstance(state, dict):
            self._push(target)  # attributes of an OrderedDict (PyTorch's `_metadata`): dropped
            return
        if not isinstance(target, Unfinished):
            raise WeightsError("the pickle sets the state of an object that has none; it was not loaded")
        try:
            value = target.finish(state)
        except WeightsError:
            raise
        except (TypeError, ValueError, OverflowError, MemoryError) as error:
            raise WeightsError("the pickle gives an object a state that does not fit") from error
        if isinstance(value, StandIn):
            self._absorb(value, [state])
        for index in self._slots.pop(id(target), []):
            if self._memo.get(index) is target:
                self._memo[index] = value
        self._push(value)

    def _persistent_id(self, _) -> None:
        identity = self._pop()
        if self._persistent is None:
            raise WeightsError("the pickle refers to persistent ids, which this format does not have")
        try:
            self._push(self._persistent(identity))
        except WeightsError:
            raise
        except (TypeError, ValueError, OverflowError, LookupError) as error:
            raise WeightsError("the pickle has a persistent id that does not fit") from error


_ACTIONS: dict[str, Callable] = {
    "PROTO": lambda machine, _: None,
    "FRAME": lambda machine, _: None,
    "MARK": Machine._mark,
    "POP": Machine._drop,
    "POP_MARK": lambda machine, _: machine._pop_mark() and None,
    "EMPTY_LIST": lambda machine, _: machine._push_container([]),
    "EMPTY_TUPLE": lambda machine, _: machine._push_container(()),
    "EMPTY_DICT": lambda machine, _: machine._push_container({}),
    "LIST": lambda machine, _: machine._push_container(machine._pop_mark()),
    "TUPLE": lambda machine, _: machine._push_container(tuple(machine._pop_mark())),
    "DICT": Machine._dict,
    "APPEND": lambda machine, _: machine._append([machine._pop()]),
    "APPENDS": lambda machine, _: machine._append(machine._pop_mark()),
    "SETITEM": Machine._set_one,
    "SETITEMS": lambda machine, _: machine._set(machine._pop_mark()),
    "PUT": Machine._put,
    "BINPUT": Machine._put,
    "LONG_BINPUT": Machine._put,
    "MEMOIZE": Machine._memoize,
    "GET": Machine._get,
    "BINGET": Machine._get,
    "LONG_BINGET": Machine._get,
    "GLOBAL": Machine._global,
    "STACK_GLOBAL": Machine._stack_global,
    "REDUCE": Machine._call,
    "NEWOBJ": Machine._call,
    "NEWOBJ_EX": Machine._call_with_names,
    "EMPTY_SET": lambda machine, _: machine._push(StandIn("builtins set")),
    "ADDITEMS": lambda machine, _: machine._append(machine._pop_mark()),
    "FROZENSET": Machine._frozen_set,
    "BUILD": Machine._build,
    "BINPERSID": Machine._persistent_id,
}


def named(pairs: Iterable[tuple[object, object]]) -> dict:
    """The items whose keys are strings of usual length or numbers of usual size. Others name no tensors: those items
    are left out, and their keys are never hashed. A tuple could take exponential time, and of large integers any number
    have the same hash, so that each would be compared with all others."""
    return {key: value for key, value in pairs if _is_usual(key)}


def _is_usual(key: object) -> bool:
    if isinstance(key, (str, bytes)):
        return len(key) <= MAX_NAME
    return key.bit_length() <= MAX_KEY_BITS if isinstance(key, int) else isinstance(key, (float, type(None)))
