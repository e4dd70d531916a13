"""What a training saves beside its weights does not keep a checkpoint from being read, and cannot do anything.

The files are pickled by Python itself, with tensors in place of arrays, so that they hold what trainings save.
"""

import argparse
import collections
import datetime
import decimal
import enum
import functools
import io
import pathlib
import pickle
import random
import tracemalloc
import uuid

import numpy as np
import pytest
from foreign_files import (
    integer,
    ints,
    pggan_state,
    pggan_tree,
    refused,
    tensorflow_pickle,
    tensorflow_state,
    tensorflow_variables,
    text,
    torch_pickled,
    torch_zip,
)

from jaxprior.errors import WeightsError
from jaxprior.weights.storage import load_weights
from jaxprior.weights.tree import flatten
from weights_convert import convert, pytorch
from weights_convert.safe_unpickler import Machine
from weights_convert.stand_ins import StandIn


STATE = pggan_state(8)


class Config:
    """Settings as a training keeps them, of a class that no reader knows; making one again would show."""

    def __init__(self):
        self.learning_rate, self.weights = 0.1, np.ones(3, np.float32)

    def __setstate__(self, state):
        raise RuntimeError("an object of a checkpoint was made")


class Colour(enum.Enum):
    RED = 1


def _defaults() -> collections.defaultdict:
    made = collections.defaultdict(list)
    made["losses"].append(0.5)
    return made


NEIGHBOURS = {
    "Counter": collections.Counter("abca"),
    "Namespace": argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath("/runs/1"), sizes={4, 8}),
    "defaultdict": _defaults(),
    "set": {1, 2},
    "frozenset": frozenset((1, 2)),
    "datetime": datetime.datetime(2020, 1, 1),
    "timedelta": datetime.timedelta(3),
    "path": pathlib.PurePosixPath("/runs/1"),
    "windows path": pathlib.PureWindowsPath("C:/runs"),
    "deque": collections.deque([1, 2]),
    "decimal": decimal.Decimal("0.1"),
    "uuid": uuid.UUID(int=7),
    "complex": 1 + 2j,
    "bytearray": bytearray(b"abc"),
    "slice": slice(1, 3),
    "enum": Colour.RED,
    "class": Config,
    "object": Config(),
    "function": functools.partial(print, 1),
    "method of a class": Config.__setstate__,
    "numpy number": np.float64(0.25),
    "numpy integer": np.int64(3),
    "numpy flag": np.bool_(True),
    "numpy dtype": np.dtype("float32"),
    "array of objects": np.array(["a", None], object),
    "array of texts": np.array(["a", "b"]),
    "array of dates": np.array(["2020-01-01"], "datetime64[D]"),
    "array of records": np.zeros(2, [("a", "f4")]),
    "random state": np.random.RandomState(0),
    "generator": np.random.default_rng(0),
    "Python's random state": random.Random(0).getstate(),
    "tuples as keys": {(1, 2): 3, Colour.RED: 4, "a": 5},
    "None": None,
    "optimizer": {"state": {0: {"exp_avg": np.ones(3, np.float32), "step": 7}}, "param_groups": [{"lr": 0.1}]},
}


def assert_converts(path, out):
    report = convert(path, out)
    tree, expected = flatten(load_weights(out)[0]["generator"]), pggan_tree(STATE)
    assert sorted(tree) == sorted(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(tree[name], array)
    return report


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("name", NEIGHBOURS)
def test_a_neighbour_does_not_keep_weights_from_being_read(name, protocol, tmp_path):
    path, out = tmp_path / "g.pth", tmp_path / "g.safetensors"
    path.write_bytes(torch_pickled({"state_dict": STATE, "beside": NEIGHBOURS[name]}, protocol=protocol))
    assert any(entry.startswith("beside") for entry in assert_converts(path, out).left_out)
    path.write_bytes(torch_pickled({**STATE, "beside": NEIGHBOURS[name]}, protocol=protocol))
    assert_converts(path, out)


def test_all_neighbours_at_once_and_by_their_classes(tmp_path):
    path = tmp_path / "g.pth"
    path.write_bytes(torch_pickled({**NEIGHBOURS, "netG": STATE}))
    left_out = assert_converts(path, tmp_path / "g.safetensors").left_out
    for words in ("Namespace (an object of argparse.Namespace)", "Counter (an object of collections.Counter)"):
        assert words in left_out
    assert b"runs" not in (tmp_path / "g.safetensors").read_bytes()


@pytest.mark.parametrize("zip_format", [True, False], ids=["zip", "legacy"])
def test_pytorch_s_own_objects_are_neighbours_as_well(zip_format, tmp_path):
    torch = pytest.importorskip("torch")
    tensors = {key: torch.tensor(array) for key, array in STATE.items()}
    parameter = torch.nn.Parameter(tensors["layer1.conv.weight"])
    parameter.is_shared_between_devices = False  # an attribute, which makes PyTorch pickle it in another way
    beside = {
        "device": torch.device("cuda:0"),
        "dtype": torch.float16,
        "loss": torch.nn.MSELoss(),
        "random state": torch.get_rng_state(),
        "optimizer": torch.optim.Adam([parameter]).state_dict(),
        "sparse": torch.eye(3).to_sparse(),
    }
    if zip_format:  # the older format has no way to pass over a storage of unknown length
        beside["complex"] = torch.ones(2, dtype=torch.complex64)
    saved = {"netG": {**tensors, "layer1.conv.weight": parameter}, **beside}
    torch.save(saved, tmp_path / "g.pth", _use_new_zipfile_serialization=zip_format)
    assert_converts(tmp_path / "g.pth", tmp_path / "g.safetensors")


def test_a_dict_with_defaults_can_hold_the_networks(tmp_path):
    networks = collections.defaultdict(dict)
    networks["netG"] = STATE
    (tmp_path / "g.pth").write_bytes(torch_pickled({"nets": networks}))
    assert "nets.netG" in assert_converts(tmp_path / "g.pth", tmp_path / "g.safetensors").used


def test_a_tensorflow_pickle_may_have_neighbours(golden, tmp_path):
    variables = tensorflow_variables(golden("pggan_train")["plain.keys"], "G")
    state = {**tensorflow_state("Gs", variables), "components": argparse.Namespace(a=1)}
    (tmp_path / "n.pkl").write_bytes(tensorflow_pickle([state]))
    assert convert(tmp_path / "n.pkl", tmp_path / "n.safetensors").network == "pggan"


# In the place of weights.


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (argparse.Namespace(a=1), "argparse.Namespace"),
        (Config(), f"{Config.__module__}.Config"),
        ([0.5, 0.5], "list"),
        (None, "NoneType"),
        (0.5, "float"),
        (np.array([None], object), "numpy.ndarray"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "module."])
def test_what_lies_in_the_place_of_a_weight_is_named(prefix, value, kind, tmp_path):
    state = {f"{prefix}{key}": array for key, array in {**STATE, "layer1.conv.weight": value}.items()}
    (tmp_path / "g.pth").write_bytes(torch_pickled(state))
    refused(tmp_path / "g.pth", words=f"{prefix}layer1.conv.weight is an object of type {kind}; expected a tensor")


@pytest.mark.parametrize("which", [lambda key: True, lambda key: key.endswith("conv.weight")], ids=["all", "kernels"])
def test_weights_of_unknown_kinds_are_named_rather_than_suspected(which, tmp_path):
    state = {key: Config() if which(key) else array for key, array in STATE.items()}
    for saved in (state, {"netG": state}):
        (tmp_path / "g.pth").write_bytes(torch_pickled(saved))
        refused(tmp_path / "g.pth", words=f"layer0.conv.weight is an object of type {Config.__module__}.Config")


def test_a_whole_module_is_told_of_by_its_class(tmp_path):
    for value in (Config(), {"netG": Config()}):
        (tmp_path / "g.pth").write_bytes(torch_pickled(value))
        refused(tmp_path / "g.pth", words=f"the pickle names '{Config.__module__} Config', which is not on the allow")
    (tmp_path / "g.pth").write_bytes(torch_pickled({"netG": STATE, "netG_ema": Config()}))
    refused(tmp_path / "g.pth", words="the average over the training seems to be 'netG_ema', which cannot be read")


# Stand-ins are inert.


def call(name: str, *arguments: bytes) -> bytes:
    module, attribute = name.split(" ")
    return f"c{module}\n{attribute}\n".encode() + b"(" + b"".join(arguments) + b"tR"


CANARY = "canary"
HARMLESS = {
    "called with a command": call("evil Shell", text(CANARY)),
    "an attribute of a module": call("builtins getattr", call("evil Shell", text("os")), text(CANARY)),
    "called again": call("evil Shell", text("os")) + b"(" + text(CANARY) + b"tR",
    "a new object": b"cevil\nShell\n(" + text(CANARY) + b"t\x81",
    "a new object by names": b"cevil\nShell\n(t}" + text("command") + text(CANARY) + b"s\x92",
    "a state": call("evil Shell") + b"}" + text("__reduce__") + text(CANARY) + b"sb",
    "items": call("evil Shell") + text("__class__") + text(CANARY) + b"s",
    "a list": call("evil Shell") + text(CANARY) + b"a",
    "a set": b"\x8f(" + text(CANARY) + b"\x90",
    "a key": b"}" + call("evil Shell") + text(CANARY) + b"s",
    "a metaclass": call("copyreg _reconstructor", b"cevil\nShell\n", b"cbuiltins\nobject\n", text(CANARY)),
    "code of a module": b"(" + text("module") + b"cevil\nShell\n" + text(CANARY) + text(CANARY) + b"tQ",
}


@pytest.mark.parametrize("name", HARMLESS)
def test_nothing_of_an_unknown_object_is_made_or_kept(name):
    saved = pytorch.read_zip(torch_zip(b"\x80\x04}" + text("beside") + HARMLESS[name] + b"s."))
    assert isinstance(saved, dict) and CANARY not in repr(saved)
    if name != "a key":
        assert type(saved["beside"]) is StandIn
    else:
        assert saved["beside"] == {}


@pytest.mark.parametrize("function", ["os system", "posix execv", "subprocess Popen", "builtins eval", "pickle loads"])
def test_a_file_that_asks_for_a_function_which_runs_code_is_refused_whatever_is_beside_it(function, tmp_path):
    program = b"\x80\x04}" + text("layer0.conv.weight") + b"K\x01s" + text("beside") + call(function, text("true"))
    (tmp_path / "g.pth").write_bytes(torch_zip(program + b"s."))
    refused(tmp_path / "g.pth", words=f"the pickle names {function!r}, which is not on the allow-list")


def tensor_with(storage: bytes) -> bytes:
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + integer(0) + ints((2,)) + ints((1,))
    return b"\x80\x02}" + text("w") + tensor + b"\x89ccollections\nOrderedDict\n)RtRs."


def storage_of(kind: bytes, key: bytes = text("0"), count: bytes = integer(2)) -> bytes:
    return b"(" + text("storage") + kind + key + text("cpu") + count + b"tQ"


STAND_IN = b"cevil\nShell\n"
MISPLACED = {
    "storage": tensor_with(STAND_IN),
    "kind of storage": tensor_with(storage_of(STAND_IN)),
    "key of a storage": tensor_with(storage_of(b"ctorch\nFloatStorage\n", key=STAND_IN)),
    "length of a storage": tensor_with(storage_of(b"ctorch\nFloatStorage\n", count=STAND_IN)),
    "persistent id": b"\x80\x02" + STAND_IN + b"Q.",
    "class of a tensor": b"\x80\x02" + call("torch._tensor _rebuild_from_type_v2", STAND_IN, b"N", b")", b")") + b".",
    "shape": b"\x80\x02" + call("torch Size", STAND_IN) + b".",
    "text": b"\x80\x02" + call("_codecs encode", STAND_IN, text("latin1")) + b".",
    "items of a dict": b"\x80\x02" + call("collections OrderedDict", STAND_IN) + b".",
    "default of a dict": b"\x80\x02" + call("collections defaultdict", integer(1)) + b".",
    "named call of ours": b"\x80\x04ctorch\nSize\n)}\x92.",
}  # fmt: skip


@pytest.mark.parametrize("place", MISPLACED)
def test_a_stand_in_where_a_reader_wants_a_value_is_refused(place):
    with pytest.raises(WeightsError):
        pytorch.read_zip(torch_zip(MISPLACED[place], {"0": bytes(8)}))


def test_dicts_without_end_are_refused(tmp_path, monkeypatch):
    """A dict that is put into many places of another, and so on: a small file with more paths than can be visited."""
    from weights_convert import states

    monkeypatch.setattr(states, "MAX_ITEMS", 100_000)
    level: dict = {"w": np.ones(2, np.float32)}
    for _ in range(5):
        level = {str(n): level for n in range(100)}
    (tmp_path / "g.pth").write_bytes(torch_pickled(level))
    refused(tmp_path / "g.pth", words="no checkpoint has so many")


def test_names_of_impossible_length_do_not_fill_memory(tmp_path):
    inner = {"n" * 10**6: 1.0, "lod": 0.0}
    saved = {"G": STATE, **{f"settings{number}": {"deep": inner} for number in range(3000)}}
    (tmp_path / "g.pth").write_bytes(torch_pickled(saved))
    tracemalloc.start()
    convert(tmp_path / "g.pth", tmp_path / "g.safetensors")
    assert tracemalloc.get_traced_memory()[1] < 200 * 2**20
    tracemalloc.stop()


def test_keys_of_equal_hashes_are_never_compared(tmp_path):
    same = {number * (2**61 - 1): number for number in range(1, 30)}
    assert len({hash(number) for number in same}) == 1
    program = pickle.dumps({**same, 7: "kept", -(2**60) + 1: "kept", None: "kept"}, protocol=2)
    assert set(Machine({}).run(io.BytesIO(program))) == {7, -(2**60) + 1, None}
