"""The reader of traces in `benchmarks/kernel_profile.py`: a GPU's kernels are counted once and get their layer."""

import gzip
import importlib
import json
from pathlib import Path

import pytest


ROOT = Path(__file__).parents[2]
PROGRAM = """
  %fusion.7 = bf16[16,32,32,512]{3,2,1,0} fusion(%a), kind=kLoop, metadata={op_name="jit(step)/jvp(layer7)/mul"}
  %conv.1 = (bf16[4,8]{1,0}, u8[0]{0}) custom-call(%a, %b), custom_call_target="__cudnn$convForward", \
metadata={op_name="jit(step)/transpose(jvp(layer6))/conv"}
"""


@pytest.fixture
def profile(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("kernel_profile")


def event(pid: int, tid: int, name: str, dur: float, operation: str) -> dict:
    return {"ph": "X", "pid": pid, "tid": tid, "name": name, "ts": 0, "dur": dur, "args": {"hlo_op": operation}}


def test_kernels_of_a_gpu_are_counted_once_and_belong_to_layers(tmp_path, profile):
    named = [
        {"ph": "M", "pid": 1, "name": "process_name", "args": {"name": "/device:GPU:0"}},
        {"ph": "M", "pid": 2, "name": "process_name", "args": {"name": "/host:CPU"}},
        {"ph": "M", "pid": 1, "tid": 5, "name": "thread_name", "args": {"name": "Stream #5(Compute)"}},
        {"ph": "M", "pid": 1, "tid": 9, "name": "thread_name", "args": {"name": "XLA Ops"}},
    ]
    timed = [
        *[event(1, 5, "loop_fusion_7", 100.0, "fusion.7")] * 2, *[event(1, 5, "sm90_fprop", 300.0, "conv.1")] * 2,
        event(1, 9, "fusion.7", 200.0, "fusion.7"), event(2, 1, "fusion.7", 50.0, "fusion.7"),
    ]  # fmt: skip
    place = tmp_path / "plugins/profile/now/machine.trace.json.gz"
    place.parent.mkdir(parents=True)
    with gzip.open(place, "wt") as file:
        json.dump({"traceEvents": named + timed}, file)
    found = profile.of_device(profile.events(tmp_path))
    table = profile.table_of(found, profile.described(PROGRAM), steps=2)
    assert [(row["layer"], row["kind"], row["calls"], row["ms"]) for row in table] == [
        ("layer6 gradient", "convolution", 1, 0.3), ("layer7", "fusion", 1, 0.1),
    ]  # fmt: skip
    assert table[1]["result_bytes"] == 16 * 32 * 32 * 512 * 2
    assert profile.summed(table, "kind") == {"convolution": 0.3, "fusion": 0.1}


def test_without_a_gpu_the_operations_of_the_cpu_are_counted(profile):
    on_cpu = {"process": "/host:CPU", "thread": "worker", "name": "dot.3", "dur": 5.0, "operation": "dot.3"}
    assert profile.of_device([on_cpu, {**on_cpu, "operation": ""}]) == [on_cpu]
