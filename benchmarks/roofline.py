"""The floor of one inversion step on a GPU, counted from the traced program: operations and bytes of every layer.

    python benchmarks/roofline.py --out benchmarks/results/NAME.json [--case 256:20:8:16:bf16] [--measured 19.7]

Nothing is run, and no GPU is needed. The program is the one that a GPU gets (phase kernels, plain convolutions). It is
cut at its convolutions, matrix products and poolings, which are kernels of their own. What these read, if it is not the
result of another, is made in one pass, which reads what it is made of once and writes it once; passes that read the
same are one. A kernel takes at least the longer of (operations / peak) and (bytes / bandwidth), and the floor of a step
is the sum. "Second read" is what it costs if sums over channels, as in the norm of a pixel, are passes of their own.

The figures of the device are those of the H200's data sheet, unless others are given; a measured matrix product is
nearer to the truth.
"""

import argparse
import dataclasses
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.extend import core
from measuring import record, save
from throughput import parse

from jaxprior.inversion import engine
from jaxprior.inversion.codes.multi import MultiCode
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.operators import Identity, batched
from jaxprior.restoration.benchmarking import (
    PERCEPTUAL_WEIGHT,
    RATE,
    Case,
    make_problem,
)


PEAKS = {"bfloat16": 989e12, "float32": 494e12}
"""Dense operations a second of an H200 by its data sheet; float32 runs as TF32 in the precisions "bf16" and "tf32"."""
BANDWIDTH = 4.8e12
TILE = 8
"""Channels are padded to multiples of this many on tensor cores."""

KERNELS = {"conv_general_dilated", "dot_general", "reduce_window_max", "select_and_scatter_add", "reduce_window"}
"""Primitives that are kernels of their own; all others can be fused with their neighbours."""
VIEWS = {"reshape", "squeeze", "expand_dims"}
"""Primitives that move nothing."""


@dataclasses.dataclass
class Step:
    """One primitive of the flattened program; values are numbered."""

    name: str
    where: str
    reads: list[int]
    writes: list[int]
    params: dict


@dataclasses.dataclass
class Program:
    """A program without calls, in order.

    Fields:
        steps: its primitives; avals: shape and type of every value.
    """

    steps: list[Step] = dataclasses.field(default_factory=list)
    avals: list[Any] = dataclasses.field(default_factory=list)

    def new(self, aval: Any) -> int:
        """A new value."""
        self.avals.append(aval)
        return len(self.avals) - 1

    def bytes(self, value: int) -> int:
        """Of a value in memory."""
        aval = self.avals[value]
        return math.prod(aval.shape) * getattr(aval.dtype, "itemsize", 8)


def flatten(jaxpr: core.Jaxpr, program: Program, given: list[int | None], outside: str = "") -> list[int | None]:
    """Append a program, and what it calls, to another; returns the numbers of its results (None: a constant)."""
    numbers: dict[Any, int | None] = dict(zip(jaxpr.invars, given, strict=True))
    for constant in jaxpr.constvars:
        numbers[constant] = program.new(constant.aval)

    def number(value: Any) -> int | None:
        return None if isinstance(value, core.Literal) else numbers[value]

    for one in jaxpr.eqns:
        where = f"{outside}/{one.source_info.name_stack}"
        inner = next((one.params[k] for k in ("jaxpr", "call_jaxpr", "fun_jaxpr") if k in one.params), None)
        if inner is not None and one.primitive.name != "scan":
            inner = inner.jaxpr if isinstance(inner, core.ClosedJaxpr) else inner
            found = flatten(inner, program, [number(value) for value in one.invars[-len(inner.invars) :]], where)
            numbers.update(zip(one.outvars, found, strict=True))
            continue
        made = [program.new(value.aval) for value in one.outvars]
        numbers.update(zip(one.outvars, made, strict=True))
        reads = [found for value in one.invars if (found := number(value)) is not None]
        program.steps.append(Step(one.primitive.name, where, reads, made, one.params))
    return [number(value) for value in jaxpr.outvars]


def trace(case: Case) -> Program:
    """The step of a case as a GPU gets it."""
    problem = make_problem(dataclasses.replace(case, batch=1))
    codes, solve = (
        MultiCode(num_codes=case.num_codes, layer=case.layer),
        Solve(learning_rate=RATE, precision=case.precision),
    )
    generator = problem.prior.split(case.layer, precision=case.precision, platform="gpu")
    objective = Objective(features=problem.features, feature_weight=PERCEPTUAL_WEIGHT).prepared("gpu")
    side = case.resolution
    observed = jax.ShapeDtypeStruct((case.batch, side, side, 3), np.float32)
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), case.batch))
    operator = batched(Identity(), case.batch)
    traced = engine.trace_step(generator, objective, operator, observed, keys, codes=codes, solve=solve)
    program = Program()
    jaxpr = traced.jaxpr.jaxpr
    flatten(jaxpr, program, [program.new(value.aval) for value in jaxpr.invars])
    return used(program)


def used(program: Program) -> Program:
    """The program without primitives whose results nobody reads; the step's last results count as read."""
    last = {value for one in program.steps[-40:] for value in one.writes}
    wanted, kept = set(last), []
    for one in reversed(program.steps):
        if wanted & set(one.writes):
            kept.append(one)
            wanted |= set(one.reads)
    return Program(kept[::-1], program.avals)


def label(where: str) -> str:
    """The layer that a primitive belongs to, and in which direction: "layer3", "layer3 gradient", or ""."""
    found = re.findall(r"(layer\d+|output\d+|conv\d+)", where)
    return f"{found[-1]}{' gradient' if 'transpose(' in where else ''}" if found else ""


def flops(step: Step, program: Program, *, padded: bool) -> float:
    """Operations of a convolution or a matrix product, 2 for a multiplication and an addition."""

    def up(n: int) -> int:
        return -(-n // TILE) * TILE if padded else n

    if step.name == "conv_general_dilated":
        spec = step.params["dimension_numbers"]
        kernel, out = program.avals[step.reads[1]].shape, program.avals[step.writes[0]].shape
        into, made = kernel[spec.rhs_spec[1]], kernel[spec.rhs_spec[0]]
        taps = math.prod(kernel[axis] for axis in spec.rhs_spec[2:])
        places = math.prod(out) // out[spec.out_spec[1]]
        return 2.0 * taps * up(into) * up(made) * places
    if step.name == "dot_general":
        (contracted, _), _ = step.params["dimension_numbers"]
        shape = program.avals[step.reads[0]].shape
        return 2.0 * math.prod(shape[axis] for axis in contracted) * math.prod(program.avals[step.writes[0]].shape)
    return 0.0


def kernels_of(program: Program) -> list[dict]:
    """All kernels: those of `KERNELS`, and a pass for every value that one of them reads and that has to be made.

    What is computed value by value, or from the channels of one pixel, is done again by whoever needs it: only results
    of kernels, arguments, and sums over pixels are read from memory.
    """
    maker = {value: one for one in program.steps for value in one.writes}
    read_by: dict[int, list[Step]] = defaultdict(list)
    for one in program.steps:
        for value in one.reads:
            read_by[value].append(one)
    known: dict[int, tuple[frozenset[int], bool]] = {}

    def sources(value: int) -> tuple[frozenset[int], bool]:
        """What is read from memory to make a value, and whether channels are summed on the way."""
        if value not in known:
            one, read, is_summed = maker[value], set(), is_channel_sum(maker[value], program)
            for own in one.reads:
                if is_stored(own, maker, program):
                    read.add(own)
                else:
                    further, summed = sources(own)
                    read |= further
                    is_summed |= summed
            known[value] = frozenset(read), is_summed
        return known[value]

    wanted = [viewed(value, maker) for one in program.steps if one.name in KERNELS for value in one.reads]
    wanted += [value for one in program.steps if is_sum(one, program) for value in one.writes]
    wanted += [value for one in program.steps for value in one.writes if not read_by[value]]
    found = [
        {**_bytes_of(program, one.reads, one.writes), "layer": label(one.where) or "composition", "kind": one.name,
         "type": _type(one, program), "flops": flops(one, program, padded=False),
         "padded_flops": flops(one, program, padded=True), "second_read": 0}
        for one in program.steps if one.name in KERNELS
    ]  # fmt: skip
    passes: dict[frozenset[int], list[int]] = defaultdict(list)
    for value in dict.fromkeys(wanted):
        if value in maker and maker[value].name not in KERNELS:
            passes[sources(value)[0]].append(value)
    for read, made in passes.items():
        after = [label(one.where) for value in made for one in read_by[value]]
        before = [label(maker[own].where) for own in read if own in maker]
        size = sum(map(program.bytes, read))
        found.append({
            **_bytes_of(program, read, made), "layer": next((one for one in (*after, *before) if one), "composition"),
            "kind": "pass", "type": "", "flops": 0.0, "padded_flops": 0.0,
            "second_read": size if any(sources(value)[1] for value in made) else 0,
        })  # fmt: skip
    return found


def viewed(value: int, maker: dict[int, Step]) -> int:
    """The value of which another is only a view."""
    while (one := maker.get(value)) is not None and one.name in VIEWS:
        value = one.reads[0]
    return value


def is_stored(value: int, maker: dict[int, Step], program: Program) -> bool:
    """Whether a value is in memory for others to read: an argument, or the result of a kernel or of a sum."""
    one = maker.get(value)
    return one is None or one.name in KERNELS or is_sum(one, program)


def is_channel_sum(one: Step, program: Program) -> bool:
    """Whether a primitive sums over the last axis of a map, as the norm of a pixel does."""
    return one.name == "reduce_sum" and one.params["axes"] == (len(program.avals[one.reads[0]].shape) - 1,)


def is_sum(one: Step, program: Program) -> bool:
    """Whether a primitive is another sum, for example that of a loss over all pixels."""
    return one.name.startswith(("reduce_", "arg")) and not is_channel_sum(one, program)


def _type(one: Step, program: Program) -> str:
    """float32 if one of the factors is."""
    return "float32" if any(program.avals[value].dtype == np.float32 for value in one.reads) else "bfloat16"


def _bytes_of(program: Program, read: Iterable[int], written: Iterable[int]) -> dict[str, Any]:
    read, written = list(read), list(written)
    types = sorted({str(program.avals[value].dtype) for value in (*read, *written) if program.bytes(value) > 2**20})
    return {"read": sum(map(program.bytes, read)), "written": sum(map(program.bytes, written)), "types": types}


def milliseconds(kernel: dict, *, peaks: dict[str, float], bandwidth: float) -> dict[str, float]:
    """How long a kernel takes at least, for operations and for bytes."""
    computing = kernel["padded_flops"] / peaks[kernel["type"]] if kernel["type"] else 0.0
    moving = (kernel["read"] + kernel["written"]) / bandwidth
    return {"computing": 1e3 * computing, "moving": 1e3 * moving, "floor": 1e3 * max(computing, moving)}


def by_layer(kernels: list[dict], **device: Any) -> list[dict]:
    """A row a layer and direction: its kernels, its passes, and their floor."""
    rows: dict[str, dict] = {}
    for one in kernels:
        row = rows.setdefault(one["layer"], Counter())
        took = milliseconds(one, **device)
        of = "kernel" if one["kind"] != "pass" else "pass"
        row.update({
            of: 1, f"{of}_ms": took["floor"], "gflop": one["flops"] / 1e9,
            "megabytes": (one["read"] + one["written"]) / 1e6,
            "second_read_ms": 1e3 * one["second_read"] / device["bandwidth"],
            "padding_ms": 1e3 * (one["padded_flops"] - one["flops"]) / device["peaks"].get(one["type"], math.inf),
        })  # fmt: skip
    return [{"layer": name, **{key: round(value, 4) for key, value in row.items()}} for name, row in rows.items()]


def total_of(rows: list[dict], kernels: list[dict]) -> dict:
    """The whole step, and what of it belongs to the feature network and to the composition of the codes."""
    keys = ("kernel_ms", "pass_ms", "second_read_ms", "padding_ms", "gflop", "megabytes")
    total = {key: round(sum(row.get(key, 0) for row in rows), 3) for key in keys}
    total["floor_ms"] = round(total["kernel_ms"] + total["pass_ms"], 3)
    for name, begin in (("feature_network", "conv"), ("composition", "composition")):
        own = [row for row in rows if row["layer"].startswith(begin)]
        total[f"{name}_ms"] = round(sum(row.get("kernel_ms", 0) + row.get("pass_ms", 0) for row in own), 3)
    total["kernels"] = sum(one["kind"] != "pass" for one in kernels)
    total["passes"] = sum(one["kind"] == "pass" for one in kernels)
    return total


def main() -> None:
    """Count, print and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", default="256:20:8:16:bf16", help="resolution:codes:layer:batch:precision")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--measured", type=float, help="milliseconds of a step, to set beside")
    peak = PEAKS["bfloat16"] / 1e12
    parser.add_argument("--bf16-peak", type=float, default=peak, help="TFLOP/s; half of it for TF32")
    parser.add_argument("--bandwidth", type=float, default=BANDWIDTH / 1e12, help="TB/s")
    arguments = parser.parse_args()
    case = parse(arguments.case)
    device = {
        "peaks": {"bfloat16": arguments.bf16_peak * 1e12, "float32": arguments.bf16_peak * 0.5e12},
        "bandwidth": arguments.bandwidth * 1e12,
    }
    kernels = kernels_of(trace(case))
    rows = by_layer(kernels, **device)
    print(f"{case.title}\n")
    print("| layer | kernels | GFLOP | MB | kernels ms | passes ms | second read ms |\n|---|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['layer']} | {row.get('kernel', 0)}+{row.get('pass', 0)} | {row['gflop']:.1f} | "
            f"{row['megabytes']:.0f} | {row.get('kernel_ms', 0):.3f} | {row.get('pass_ms', 0):.3f} | "
            f"{row['second_read_ms']:.3f} |"
        )
    total = total_of(rows, kernels)
    print(f"\n{json.dumps(total, indent=1)}")
    if arguments.measured:
        print(f"measured {arguments.measured} ms: {arguments.measured / total['floor_ms']:.2f} times the floor")
    figures = {**device["peaks"], "bandwidth": device["bandwidth"]}
    about = {"case": dataclasses.asdict(case), "device_figures": figures, "measured_ms": arguments.measured}
    save(arguments.out, {**record("roofline"), **about, "total": total, "layers": rows})


if __name__ == "__main__":
    main()
