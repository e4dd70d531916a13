"""The operations of a compiled program: what each belongs to, its multiplications and additions, and its bytes.

    for operation in operations_of(compiled.as_text()):
        print(operation.name, operation.scope, operation.flops, operation.bytes)

They are read from the text of XLA's optimised program, which `jax.stages.Compiled` gives; `compiled_step` gives that of
an inversion.
"""

import math
import re
from dataclasses import dataclass

import jax

from jaxprior.inversion import engine
from jaxprior.restoration.benchmarking import Runner


BYTES = {"pred": 1, "s8": 1, "u8": 1, "bf16": 2, "f16": 2, "s32": 4, "u32": 4, "f32": 4, "s64": 8, "u64": 8, "f64": 8}
"""Of one number, by XLA's name of its type."""

_COMPUTATION = re.compile(r"^(?P<entry>ENTRY )?%(?P<name>[\w.\-]+) \(")
_INSTRUCTION = re.compile(
    r"^ +(?:ROOT )?%(?P<name>[\w.\-]+) = (?P<type>\(.*?\)|\S+) (?P<opcode>[\w\-]+)\((?P<operands>.*?)\)"
)
_SHAPE = re.compile(r"(?P<kind>[a-z]\w*)\[(?P<sides>[\d,]*)\]")
_FREE = {"parameter", "constant", "tuple", "get-tuple-element", "bitcast"}
"""Operations that move nothing."""


@dataclass(frozen=True)
class Operation:
    """One operation of a program's main computation.

    Fields:
        name: in the program, and in a trace of it.
        scope: where in the source it comes from, "jit(_step)/.../layer1/...", or "".
        shape: of the largest array that it reads or writes, parameters of the program apart.
        multiplies: "dot", "convolution" or "", what it holds of these.
        flops: multiplications and additions of dots and convolutions.
        bytes: of all arrays that it reads or writes.
    """

    name: str
    scope: str
    shape: tuple[int, ...]
    multiplies: str
    flops: float
    bytes: float


def compiled_step(runner: Runner) -> jax.stages.Compiled:
    """The program that a runner spends its time in: a step on CPUs, a chunk of steps elsewhere."""
    state, operator, target = runner.groups[0]
    placement = runner.placement
    arguments = (state, placement.generator, placement.objective, operator, target)
    with jax.default_matmul_precision(runner.solve.matmul_precision):
        options = {"codes": runner.codes, "solve": runner.solve.of_one_step()}
        if jax.default_backend() == "cpu":
            return engine._one_step.lower(*arguments, **options).compile()
        return engine._scan_steps.lower(*arguments, **options, steps=engine.CHUNK).compile()


def bytes_of_type(text: str) -> int:
    """Bytes of all arrays that a type names.

    Example:
        >>> bytes_of_type("(bf16[4,8]{1,0}, u8[3]{0})")
        67
    """
    return sum(BYTES.get(kind, 0) * math.prod(_array(kind, sides)[1]) for kind, sides in _SHAPE.findall(text))


def operations_of(text: str) -> list[Operation]:
    """The operations of a program's main computation, but for those that move nothing."""
    computations, main = _computations(text)
    lines = computations[main]
    return [
        _operation(name, line, lines, computations.get(line["calls"], {}))
        for name, line in lines.items()
        if line["opcode"] not in _FREE
    ]


def _operation(name: str, line: dict, others: dict[str, dict], inner: dict[str, dict]) -> Operation:
    """An instruction among `others` that calls the computation `inner`, which is empty for one that calls none."""
    parts = [line, *(others[operand] for operand in line["operands"] if operand in others)]
    arrays = [shape for part in parts for shape in part["shapes"]]
    moved = [sides for part in parts if part["opcode"] != "parameter" for _, sides in part["shapes"]]
    products = [(part, inner or others) for part in (line, *inner.values()) if part["opcode"] in ("dot", "convolution")]
    scopes = [part["scope"] for part in inner.values()]
    return Operation(
        name=name,
        scope=products[0][0]["scope"] if products else line["scope"] or max(scopes, key=len, default=""),
        shape=max(moved, key=math.prod, default=()),
        multiplies=products[0][0]["opcode"] if products else "",
        flops=sum(_flops(part, around) for part, around in products),
        bytes=sum(BYTES.get(kind, 0) * math.prod(sides) for kind, sides in arrays),
    )


def _computations(text: str) -> tuple[dict[str, dict[str, dict]], str]:
    """Every computation's instructions by name, and the name of the main computation."""
    found: dict[str, dict[str, dict]] = {}
    current = main = ""
    for line in text.splitlines():
        if head := _COMPUTATION.match(line):
            current = head["name"]
            main = current if head["entry"] else main
            found[current] = {}
        elif part := _INSTRUCTION.match(line):
            scope = re.search(r'op_name="([^"]*)"', line)
            calls = re.search(r"calls=%([\w.\-]+)", line)
            found[current][part["name"]] = {
                "opcode": part["opcode"],
                "shapes": [_array(*shape) for shape in _SHAPE.findall(part["type"])],
                "operands": re.findall(r"%([\w.\-]+)", part["operands"]),
                "scope": scope[1] if scope else "",
                "calls": calls[1] if calls else "",
                "line": line,
            }
    return found, main


def _array(kind: str, sides: str) -> tuple[str, tuple[int, ...]]:
    """ "f32", "36,8" -> ("f32", (36, 8))."""
    return kind, tuple(int(side) for side in sides.split(",") if side)


def _flops(part: dict, others: dict[str, dict]) -> float:
    """Two for every multiplication of a dot or convolution."""
    outputs = math.prod(part["shapes"][0][1])
    left, right = (others[name]["shapes"][0][1] for name in part["operands"][:2])
    if part["opcode"] == "convolution":
        return 2.0 * outputs * math.prod(right[:-1])
    contracted = re.search(r"lhs_contracting_dims=\{([\d,]*)\}", part["line"])
    axes = [int(axis) for axis in contracted[1].split(",") if axis] if contracted else []
    return 2.0 * outputs * math.prod(left[axis] for axis in axes)
