"""Checkpoints that try to run code or to use up the machine: each is refused, and a canary file is never touched.

An attack is a pickle program; it is tried in PyTorch's two containers and bare, as a TensorFlow pickle. Those marked
live are run through the standard library first: they do touch the canary there, so that the test proves something.
"""

import io
import pickle
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from foreign_files import integer, ints, tensor_program, tensorflow_pickle, text, torch_legacy, torch_zip

from jaxprior.errors import WeightsError
from weights_convert import convert, pytorch, safe_unpickler, tf_pickle
from weights_convert.checkpoint import read_checkpoint


HEAD = b"\x80\x04"


@dataclass(frozen=True)
class Attack:
    name: str
    program: Callable[[str], bytes]  # of the shell command that touches the canary
    live: bool = False


def call(name: str, *arguments: bytes) -> bytes:
    """GLOBAL "module name", called with arguments that are given as instructions."""
    module, attribute = name.split(" ")
    return f"c{module}\n{attribute}\n".encode() + b"(" + b"".join(arguments) + b"tR"


def stack_call(module: str, attribute: str, *arguments: bytes) -> bytes:
    return text(module) + text(attribute) + b"\x93(" + b"".join(arguments) + b"tR"


def python(command: str) -> str:
    return f"__import__('os').system({command!r})"


def system(command: str) -> bytes:
    return HEAD + call("os system", text(command)) + b"."


def raw(data: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(data)) + data


class Reduce:
    """Pickles to a call, by way of the standard library."""

    def __init__(self, function, *arguments):
        self.made = (function, arguments)

    def __reduce__(self):
        return self.made


# A call through each instruction that can make one.
CALLS = [
    Attack("global-reduce", system, True),
    Attack("posix", lambda c: HEAD + call("posix system", text(c)) + b".", True),
    Attack("stack-global", lambda c: HEAD + stack_call("os", "system", text(c)) + b".", True),
    Attack("inst", lambda c: HEAD + b"(" + text(c) + b"ios\nsystem\n.", True),
    Attack("obj", lambda c: HEAD + b"(cos\nsystem\n" + text(c) + b"o.", True),
    Attack("newobj", lambda c: HEAD + b"csubprocess\nPopen\n(" + text(c) + b"t\x81."),
    Attack("newobj-ex", lambda c: HEAD + b"csubprocess\nPopen\n(" + text(c) + b"t}\x92."),
    Attack("reduce-in-dict", lambda c: HEAD + b"}" + text("w") + call("os system", text(c)) + b"s.", True),
    Attack("dropped", lambda c: HEAD + call("os system", text(c)) + b"0}.", True),
    Attack("frame-lies", lambda c: HEAD + b"\x95" + struct.pack("<Q", 2**60) + system(c)[2:]),
    Attack("protocol-0", lambda c: b"\x80\x00cos\nsystem\n(S" + repr(c).encode() + b"\ntR.", True),
    Attack("second-pickle", lambda c: HEAD + b"}." + system(c)),
]

# Names that lead to code.
NAMES = [
    Attack("eval", lambda c: HEAD + call("builtins eval", text(python(c))) + b".", True),
    Attack("exec", lambda c: HEAD + call("builtins exec", text(python(c))) + b".", True),
    Attack("python2-eval", lambda c: b"\x80\x02" + call("__builtin__ eval", text(python(c))) + b".", True),
    Attack(
        "import-getattr",
        lambda c: (
            HEAD
            + call("builtins getattr", call("builtins __import__", text("os")), text("system"))
            + b"("
            + text(c)
            + b"tR."
        ),
        True,
    ),
    Attack("nested", lambda c: HEAD + call("_pickle loads", raw(system(c))) + b".", True),
    Attack("nested-pure", lambda c: HEAD + call("pickle _loads", raw(system(c))) + b".", True),
    Attack(
        "popen",
        lambda c: (
            HEAD + call("subprocess check_output", b"(" + text("sh") + text("-c") + text(c) + b"l") + b"."
        ),
        True,
    ),
    Attack(
        "timeit",
        lambda c: (
            HEAD
            + call("timeit timeit", text(python(c)), text("pass"), b"cbuiltins\nint\n)R", b"K\x01")
            + b"."
        ),
    ),
    Attack("partial", lambda c: HEAD + call("functools partial", b"cos\nsystem\n", text(c)) + b")R.", True),
    Attack("attrgetter", lambda c: HEAD + call("operator attrgetter", text("system")) + b"."),
    Attack(
        "reconstructor",
        lambda c: HEAD + call("copyreg _reconstructor", b"cbuiltins\nobject\ncbuiltins\nobject\nN") + b".",
    ),
    Attack("defaultdict", lambda c: HEAD + call("collections defaultdict", b"cos\nsystem\n") + b"."),
    Attack("ctypes", lambda c: HEAD + call("ctypes CDLL", text("libc.so.6")) + b"."),
    Attack("runpy", lambda c: HEAD + call("runpy run_path", text("/tmp/evil.py")) + b"."),
    Attack("code-type", lambda c: HEAD + b"ctypes\nCodeType\n."),
    Attack("numpy-load", lambda c: HEAD + call("numpy load", text("evil.npy"), b"N\x88") + b"."),
    Attack(
        "numpy-runstring",
        lambda c: HEAD + call("numpy.testing runstring", text(python(c)), b"}") + b".",
        True,
    ),
    Attack("numpy-f2py", lambda c: HEAD + call("numpy.f2py compile", text("x")) + b"."),
    Attack(
        "numpy-subprocess",
        lambda c: HEAD + call("numpy.distutils.exec_command _exec_command", text(c)) + b".",
    ),
    Attack("torch-load", lambda c: HEAD + call("torch.serialization load", text("evil.pth")) + b"."),
    Attack("torch-hub", lambda c: HEAD + call("torch.hub load", text("evil/evil"), text("m")) + b"."),
    Attack(
        "torch-dotted", lambda c: HEAD + call("torch._utils _import_dotted_name", text("os.system")) + b"."
    ),
    Attack(
        "torch-lookalike", lambda c: HEAD + stack_call("torch._utils ", "_rebuild_tensor_v2", text(c)) + b"."
    ),
    Attack(
        "attribute-path", lambda c: HEAD + stack_call("collections", "OrderedDict.fromkeys", text(c)) + b"."
    ),
    Attack(
        "globals-path", lambda c: HEAD + stack_call("torch._utils", "_rebuild_tensor_v2.__globals__") + b"."
    ),
    Attack("network-module", lambda c: HEAD + stack_call("tfutil", "Network.__init__.__globals__") + b"."),
    Attack("name-not-text", lambda c: HEAD + b"K\x01K\x02\x93."),
    Attack("codecs-lookup", lambda c: HEAD + call("_codecs lookup", text("rot13")) + b"."),
    Attack("codecs-other", lambda c: HEAD + call("_codecs encode", text(c), text("unicode_escape")) + b"."),
    Attack("codecs-object", lambda c: HEAD + call("_codecs encode", b"N", text("latin1")) + b"."),
    Attack("extension-1", lambda c: HEAD + b"\x82\x01."),
    Attack("extension-2", lambda c: HEAD + b"\x83\x01\x01."),
    Attack("extension-4", lambda c: HEAD + b"\x84\x01\x01\x01\x00."),
    Attack("buffers", lambda c: b"\x80\x05\x97\x98."),
]

# States and items of objects that have none: by these, attributes of our own objects could be replaced.
STATES = [
    Attack(
        "build-on-constructor",
        lambda c: HEAD + b"ctorch._utils\n_rebuild_tensor_v2\n}" + text("call") + b"Nsb.",
    ),
    Attack("build-on-class", lambda c: HEAD + b"ctfutil\nNetwork\n}" + text("finish") + text(c) + b"sb."),
    Attack(
        "build-on-storage", lambda c: HEAD + b"ctorch\nFloatStorage\n}" + text("dtype") + text("O") + b"sb."
    ),
    Attack("build-on-text", lambda c: HEAD + text(c) + b"}b."),
    Attack("build-slots", lambda c: HEAD + b"]N}" + text("__class__") + text(c) + b"s\x86b."),
    Attack("items-of-name", lambda c: HEAD + b"ccollections\nOrderedDict\n" + text("a") + text(c) + b"s."),
    Attack("append-to-name", lambda c: HEAD + b"ctfutil\nNetwork\n" + text(c) + b"a."),
    Attack("call-a-list", lambda c: HEAD + b"](" + text(c) + b"tR."),
    Attack("call-a-text", lambda c: HEAD + text("os.system") + b"(" + text(c) + b"tR."),
    Attack("call-a-storage", lambda c: HEAD + b"ctorch\nFloatStorage\n(" + text(c) + b"tR."),
    Attack("persistent-text", lambda c: HEAD + b"Pevil\n."),
    Attack("persistent-number", lambda c: HEAD + b"K\x07Q."),
    Attack(
        "persistent-module",
        lambda c: HEAD + b"(" + text("module") + b"cos\nsystem\n" + text(c) + text(c) + b"tQ.",
    ),
    Attack("persistent-path", lambda c: tensor_program(key="../../etc/passwd")),
    Attack("persistent-type", lambda c: tensor_program(storage=b"cos\nsystem\n")),
    Attack("persistent-dtype", lambda c: tensor_program(storage=text("float32"))),
    Attack("network-arguments", lambda c: HEAD + call("tfutil Network", text(c)) + b"."),
    Attack("network-no-state", lambda c: HEAD + call("tfutil Network") + text(c) + b"b."),
    Attack(
        "network-objects",
        lambda c: HEAD + call("tfutil Network") + b"}" + text("variables") + b"]" + text(c) + b"asb.",
    ),
]


STRANGER = b"cevil\nShell\n"


def numpy_array(dtype: bytes, shape: tuple[int, ...], data: bytes) -> bytes:
    array = call("numpy._core.multiarray _reconstruct", b"cnumpy\nndarray\n", ints((0,)), raw(b"b"))
    return array + b"(K\x01" + ints(shape) + dtype + b"\x89" + data + b"tb"


def numpy_dtype(code: str, order: str = "<", names: bytes = b"N") -> bytes:
    state = b"(K\x03" + text(order) + b"N" + names + b"NJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    return call("numpy dtype", text(code), b"\x89\x88") + state


# Arrays that are not what they say.
ARRAYS = [
    Attack("object-array", lambda c: pickle.dumps(np.array([Reduce(print, c)], object), 4)),
    Attack(
        "object-dtype",
        lambda c: HEAD + numpy_array(numpy_dtype("O8"), (1,), b"(" + system(c)[2:-1] + b"l") + b".",
        True,
    ),
    Attack("record-dtype", lambda c: HEAD + numpy_dtype("V8", names=b"(" + text("a") + b"t") + b"."),
    Attack("dtype-expression", lambda c: HEAD + numpy_dtype(python(c)) + b"."),
    Attack("dtype-order", lambda c: HEAD + numpy_dtype("f4", order=python(c)) + b"."),
    Attack(
        "absurd-shape", lambda c: HEAD + numpy_array(numpy_dtype("f4"), (2**40, 2**40), raw(b"1234")) + b"."
    ),
    Attack("negative-shape", lambda c: HEAD + numpy_array(numpy_dtype("f4"), (-1,), raw(b"1234")) + b"."),
    Attack("short-array", lambda c: HEAD + numpy_array(numpy_dtype("f8"), (2,), raw(b"12345678")) + b"."),
    Attack("no-bytes", lambda c: HEAD + numpy_array(numpy_dtype("f4"), (1,), b"]") + b"."),
    Attack(
        "subclass",
        lambda c: (
            HEAD
            + call("numpy._core.multiarray _reconstruct", b"cnumpy\nmatrix\n", ints((0,)), raw(b"b"))
            + b"."
        ),
    ),
    Attack("oversize-view", lambda c: tensor_program(sizes=(2, 4), strides=(4, 1))),
    Attack("offset-view", lambda c: tensor_program(offset=1)),
    Attack("far-view", lambda c: tensor_program(sizes=(2,), strides=(2**40,))),
    Attack("negative-stride", lambda c: tensor_program(offset=5, sizes=(2, 3), strides=(-3, -1))),
    Attack("negative-offset", lambda c: tensor_program(offset=-1)),
    Attack("negative-size", lambda c: tensor_program(sizes=(-2, -3))),
    Attack("repeating-view", lambda c: tensor_program(sizes=(2**20, 2**20), strides=(0, 0))),
    Attack("huge-empty-view", lambda c: tensor_program(sizes=(0, 2**40, 2**40), strides=(0, 0, 0))),
    Attack("huge-integer", lambda c: tensor_program(sizes=(10**300, 3))),
    Attack("rank", lambda c: tensor_program(sizes=(1,) * 65, strides=(0,) * 65)),
    Attack("ranks-differ", lambda c: tensor_program(sizes=(2, 3), strides=(1,))),
    Attack("huge-storage", lambda c: tensor_program(numel=2**40)),
    Attack("negative-storage", lambda c: tensor_program(numel=-6)),
    Attack("other-storage", lambda c: tensor_program(key="1")),
]


def nested(opening: bytes, closing: bytes, depth: int = 50_000) -> bytes:
    return HEAD + opening * depth + closing * depth + b"."


# Programs that use up time or memory.
BOMBS = [
    Attack("nested-lists", lambda c: nested(b"]", b"a")[:-2] + b"."),
    Attack("nested-tuples", lambda c: HEAD + b")" + b"\x85" * 200_000 + b"."),
    Attack("nested-dicts", lambda c: HEAD + b"}" + (b"K\x00}") * 5_000 + b"s" * 5_000 + b"."),
    Attack("nested-marks", lambda c: nested(b"(", b"t")),
    Attack(
        "billion-laughs",
        lambda c: (
            HEAD
            + b"]\x94"
            + b"".join(b"(" + b"h" + bytes([k]) + (b"h" + bytes([k])) * 9 + b"l\x94" for k in range(200))
            + b"."
        ),
    ),
    Attack("hash-bomb", lambda c: HEAD + b"}(" + b")" + b"2\x86" * 60 + b"K\x00u."),
    Attack(
        "hash-bomb-memo",
        lambda c: (
            HEAD + b"})\x94" + b"".join(b"h" + bytes([k]) + b"\x86\x94" for k in range(60)) + b"K\x00s."
        ),
    ),
    Attack("memo-index", lambda c: HEAD + b"]r\xff\xff\xff\xffl."),
    Attack("memo-many", lambda c: HEAD + b"]" + b"\x94" * 20_000 + b"."),
    Attack("instructions", lambda c: HEAD + b"N0" * 60_000 + b"}."),
    Attack("stack", lambda c: HEAD + b"N" * 150_000 + b"."),
    Attack("bytes-length", lambda c: HEAD + b"\x8e" + struct.pack("<Q", 2**62) + b"x."),
    Attack("text-length", lambda c: HEAD + b"\x8d" + struct.pack("<Q", 2**63 + 5) + b"x."),
    Attack("bytearray-length", lambda c: b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"x."),
    Attack("integer-length", lambda c: HEAD + b"\x8b\xff\xff\xff\x7f1."),
    Attack("integer-negative-length", lambda c: HEAD + b"\x8b\xff\xff\xff\xff1."),
    Attack("integer-digits", lambda c: HEAD + b"L" + b"9" * 10_000 + b"L\n."),
    Attack("empty-stack", lambda c: HEAD + b"0000."),
    Attack("no-mark", lambda c: HEAD + b"t."),
    Attack("unknown-memo", lambda c: HEAD + b"h\x07."),
    Attack("no-stop", lambda c: HEAD + b"}"),
    Attack("nothing", lambda c: HEAD + b"."),
    Attack("unknown-instruction", lambda c: HEAD + b"\xfe."),
    Attack("bad-text", lambda c: HEAD + b"X\x02\x00\x00\x00\xff\xfe."),
]

# Names that nobody knows: the objects are inert, so a file of nothing else holds no network, and no trick wakes one up.
STAND_INS = [
    Attack("unknown-call", lambda c: HEAD + call("evil Shell", text(c)) + b"."),
    Attack("unknown-class", lambda c: HEAD + b"cevil\nShell\n(" + text(c) + b"t\x81."),
    Attack("unknown-class-names", lambda c: HEAD + b"cevil\nShell\n(t}" + text("command") + text(c) + b"s\x92."),
    Attack("unknown-state", lambda c: HEAD + call("evil Shell") + b"}" + text("__call__") + text(c) + b"sb."),
    Attack("unknown-items", lambda c: HEAD + call("evil Shell") + text("__class__") + text(c) + b"s."),
    Attack("unknown-append", lambda c: HEAD + call("evil Shell") + text(c) + b"a."),
    Attack("unknown-twice", lambda c: HEAD + call("evil Shell", text("os")) + b"(" + text(c) + b"tR."),
    Attack("unknown-calls-known", lambda c: HEAD + call("evil Shell", call("os system", text(c))) + b"."),
    Attack("unknown-key", lambda c: HEAD + b"}" + call("evil Shell") + text(c) + b"s."),
    Attack(
        "unknown-key-pairs",
        lambda c: HEAD + call("collections OrderedDict", b"](" + STRANGER + text(c) + b"ta") + b".",
    ),
    Attack("unknown-set", lambda c: HEAD + b"\x8f(" + call("evil Shell", text(c)) + b"\x90."),
    Attack("unknown-frozen-set", lambda c: HEAD + b"(" + call("evil Shell", text(c)) + b"\x91."),
    Attack("unknown-persistent", lambda c: HEAD + STRANGER + b"Q."),
    Attack("unknown-storage", lambda c: tensor_program(storage=STRANGER)),
    Attack("unknown-storage-like", lambda c: tensor_program(storage=b"ctorch\nEvilStorage\n")),
    Attack("unknown-location", lambda c: tensor_program().replace(text("cpu"), STRANGER)),
    Attack("unknown-key-of-storage", lambda c: tensor_program().replace(text("0"), STRANGER)),
    Attack("unknown-numel", lambda c: tensor_program().replace(integer(6), STRANGER)),
    Attack("unknown-shape", lambda c: tensor_program().replace(ints((2, 3)), STRANGER)),
    Attack("unknown-strides", lambda c: tensor_program().replace(ints((3, 1)), STRANGER)),
    Attack("unknown-offset", lambda c: tensor_program().replace(integer(0) + ints((2, 3)), STRANGER + ints((2, 3)))),
    Attack("unknown-maker", lambda c: tensor_program().replace(b"ctorch._utils\n_rebuild_tensor_v2\n", STRANGER)),
    Attack("unknown-type", lambda c: HEAD + call("torch._tensor _rebuild_from_type_v2", STRANGER * 2, b")N") + b"."),
    Attack("unknown-parameter", lambda c: HEAD + call("torch._utils _rebuild_parameter", STRANGER, b"\x88}") + b"."),
    Attack("unknown-factory", lambda c: HEAD + call("collections defaultdict", call("evil Shell", text(c))) + b"."),
    Attack("unknown-dtype", lambda c: HEAD + numpy_array(STRANGER, (1,), raw(b"1234")) + b"."),
    Attack("unknown-data", lambda c: HEAD + numpy_array(numpy_dtype("f4"), (1,), STRANGER) + b"."),
    Attack("unknown-variables", lambda c: HEAD + call("tfutil Network") + b"}" + text("variables") + STRANGER + b"sb."),
    Attack("inst-of-unknown", lambda c: HEAD + b"(" + text(c) + b"ievil\nShell\n."),
    Attack("obj-of-unknown", lambda c: HEAD + b"(" + STRANGER + text(c) + b"o."),
]

ATTACKS = CALLS + NAMES + STATES + ARRAYS + BOMBS + STAND_INS
VALUES = np.arange(6, dtype=np.float32).tobytes()
CONTAINERS = {
    "zip": lambda program: torch_zip(program, {"0": VALUES}),
    "legacy": lambda program: torch_legacy(program.replace(b"tQ", b"NtQ"), {"0": (6, VALUES)}),
    "bare": lambda program: program,
}


@pytest.fixture
def canary(tmp_path) -> Path:
    return tmp_path / "canary"


def refuse(data: bytes, folder: Path) -> str:
    source, out = folder / "evil.bin", folder / "out.safetensors"
    source.write_bytes(data)
    with pytest.raises(WeightsError) as caught:
        convert(source, out)
    message = str(caught.value)
    assert not out.exists() and message.startswith(str(source)) and "\n" not in message and len(message) < 600
    return message


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attacks_are_refused_and_nothing_runs(attack, container, canary, tmp_path, monkeypatch):
    monkeypatch.setattr(safe_unpickler, "MAX_INSTRUCTIONS", 100_000)  # lower, so that the bombs are quick
    monkeypatch.setattr(safe_unpickler, "MAX_MEMO", 10_000)
    program = attack.program(f"touch {canary}")
    started = time.monotonic()
    refuse(CONTAINERS[container](program), tmp_path)
    assert time.monotonic() - started < 20
    assert not canary.exists()


@pytest.mark.parametrize(
    "attack", [attack for attack in ATTACKS if attack.live], ids=lambda attack: attack.name
)
def test_the_live_attacks_do_work_elsewhere(attack, canary):
    try:
        pickle.loads(attack.program(f"touch {canary}"))
    except Exception:  # after the call, some results do not fit where they are put
        pass
    assert canary.exists()


def test_there_are_enough_kinds_of_attack():
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) > 100
    assert sum(attack.live for attack in ATTACKS) >= 15


def test_the_harmless_form_of_the_attacks_is_accepted():
    """The same builders with sensible numbers read well, so that the attacks fail for the reason they are meant to."""
    expected = np.frombuffer(VALUES, np.float32).reshape(2, 3)
    np.testing.assert_array_equal(pytorch.read_zip(CONTAINERS["zip"](tensor_program()))["w"], expected)
    np.testing.assert_array_equal(pytorch.read_legacy(CONTAINERS["legacy"](tensor_program()))["w"], expected)
    array = numpy_array(numpy_dtype("f4"), (2, 3), raw(VALUES))
    pair = b"(" + text("v") + array + b"t"
    program = HEAD + call("tfutil Network") + b"}" + text("variables") + b"]" + pair + b"asb."
    (network,) = tf_pickle.read(program)
    np.testing.assert_array_equal(network.variables["v"], expected)


def test_declared_sizes_cost_no_memory(tmp_path):
    tracemalloc.start()
    for name in (
        "huge-storage",
        "absurd-shape",
        "repeating-view",
        "bytes-length",
        "memo-index",
        "huge-empty-view",
    ):
        attack = next(attack for attack in ATTACKS if attack.name == name)
        for container in CONTAINERS.values():
            refuse(container(attack.program("")), tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 * 2**20


@pytest.mark.parametrize("container", ["zip", "legacy"])
def test_truncated_checkpoints_are_refused(container, tmp_path):
    data = CONTAINERS[container](tensor_program())
    for cut in range(0, len(data), 3):
        refuse(data[:cut], tmp_path)


def test_a_truncated_network_pickle_is_refused(tmp_path):
    state = {"name": "G", "variables": [("4x4/Dense/weight", np.ones((4, 64), np.float32))]}
    data = tensorflow_pickle([state])
    for cut in range(0, len(data), 11):
        refuse(data[:cut], tmp_path)
    refuse(data + b"}.", tmp_path)


def test_flipped_bits_never_run_anything_nor_crash(tmp_path):
    """Whatever a flip makes of a file, the outcome is a result or a WeightsError; PyTorch's zip has checksums."""
    random = np.random.default_rng(0)
    for container in CONTAINERS:
        data = CONTAINERS[container](tensor_program())
        for _ in range(400):
            flipped = bytearray(data)
            flipped[int(random.integers(len(data)))] ^= 1 << int(random.integers(8))
            try:
                read_checkpoint(tmp_path / "x", bytes(flipped))
            except WeightsError:
                pass


class TestArchives:
    def test_compressed_archives_are_refused(self, tmp_path):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("model/data.pkl", tensor_program(numel=2**24, sizes=(2**24,), strides=(1,)))
            archive.writestr("model/data/0", bytes(2**26))
        assert len(buffer.getvalue()) < 2**18
        assert "compressed" in refuse(buffer.getvalue(), tmp_path)

    @pytest.mark.parametrize("name", ["../evil", "/etc/evil", "model/../../evil", "model\\..\\evil"])
    def test_names_that_leave_the_archive_are_refused(self, name, tmp_path):
        data = torch_zip(tensor_program(), {"0": VALUES}, evil=b"x")
        buffer = io.BytesIO(data)
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.writestr(name, b"x")
        assert "leaves the archive" in refuse(buffer.getvalue(), tmp_path)

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_two_members_of_one_name_are_refused(self, tmp_path):
        buffer = io.BytesIO(torch_zip(tensor_program(), {"0": VALUES}))
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.writestr("model/data.pkl", system("true"))
        assert "two members" in refuse(buffer.getvalue(), tmp_path)

    def test_overlapping_members_are_refused(self, tmp_path):
        data = torch_zip(tensor_program(), {"0": VALUES * 4000, "1": b""})
        directory = data.rindex(b"PK\x01\x02", 0, data.index(b"PK\x05\x06"))
        size = struct.pack("<I", len(VALUES) * 4000)
        changed = (
            data[: directory + 20] + size + size + data[directory + 28 :]
        )  # "1" says it is as long as "0"
        assert "more bytes than the file has" in refuse(changed, tmp_path)

    def test_other_archives_are_refused(self, tmp_path):
        cases = {
            "TorchScript": torch_zip(
                tensor_program(), {"0": VALUES}, constants__x=b"", **{"code____torch__.py": b"x"}
            ),
            "expected one NAME/data.pkl": torch_zip(tensor_program(), root="a/b"),
            "big-endian": torch_zip(tensor_program(), {"0": VALUES}).replace(b"little", b"big   "),
            "holds 12 bytes": torch_zip(tensor_program(), {"0": VALUES[:12]}),
        }
        for words, data in cases.items():
            message = refuse(data, tmp_path)
            assert words in message or "CRC" in message, message

    def test_a_damaged_storage_is_refused_by_its_checksum(self, tmp_path):
        data = bytearray(torch_zip(tensor_program(), {"0": VALUES}))
        data[data.index(VALUES) + 5] ^= 1
        assert "CRC" in refuse(bytes(data), tmp_path)


def test_sizes_must_be_integers():
    for size in (b"\x88", b"G\x40\x00\x00\x00\x00\x00\x00\x00", b"N", text("2")):
        program = tensor_program().replace(ints((2, 3)), b"(" + size + integer(3) + b"t")
        with pytest.raises(WeightsError):
            pytorch.read_zip(torch_zip(program, {"0": VALUES}))
