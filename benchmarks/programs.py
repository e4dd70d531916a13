"""How many programs each usual command has compiled, cold and warm: their number, the seconds, the longest by name.

    python benchmarks/programs.py --out benchmarks/results/programs.json
    python benchmarks/programs.py --commands train singan --caches cold

JAX traces a function, lowers it to a program, and has XLA compile the program or reads it from the folder of compiled
programs. Every JAX operation outside of a compiled function is a program of its own. Every command runs in a process
of its own, "cold" with an empty folder of compiled programs and "warm" with that of the cold run; they are few steps
long, so that counting takes minutes. Programs that threads compile beside the work are counted too, and their seconds
stand apart. Prints a table.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


COUNTED = "JAXPRIOR_PROGRAMS"
"""Environment variable of the measured processes: where they write what they counted."""
CAT, PICTURES = "cat.png", "pictures"
SHOWN = 10
"""So many programs are named."""
TRAINING = ["--data", PICTURES, "-o", "RUN"]
COMMANDS = {
    "inpaint": [["inpaint", CAT, "--mask", "center:0.25", "-o", "RUN"]],
    "reconstruct": [["reconstruct", CAT, "--steps", "3", "-o", "RUN"]],
    "colorize": [["colorize", CAT, "-o", "RUN"]],
    "report": [["reconstruct", CAT, "--steps", "3", "-o", "RUN"], ["report", "RUN"]],
    "evaluate": [["evaluate", "quick", "--limit", "1", "--dry-run"]],
    "train": [
        ["train", "pggan", "--preset", "cats32", "--train-kimg", "0.1", "--fade-kimg", "0.1", "--final-kimg", "0.1"]
        + TRAINING
    ],
    "train, finished": [
        ["train", "pggan", "--preset", "cats32", "--train-kimg", "0.1", "--fade-kimg", "0.1", "--final-kimg", "0.1"]
        + TRAINING
    ]
    * 2,
    "lsgan": [["train", "lsgan", "--resolution", "32", "--widths", "96,64,32", "--steps", "20", *TRAINING]],
    "autoencoder": [
        ["train", "autoencoder", "--resolution", "32", "--mask", "center:0.25", "--steps", "20", *TRAINING]
    ],
    "singan": [["singan", "train", CAT, "--max-size", "64", "--steps", "3", "-o", "RUN"]],
    "consingan": [["singan", "train", CAT, "--preset", "consingan", "--max-size", "64", "--steps", "3", "-o", "RUN"]],
    "priors": [["priors"]],
    "demo": [["demo", "-o", "RUN"]],
}
"""Name -> the command lines; the last one is counted, and those before it make what it needs."""


@dataclass
class Counts:
    """What was counted of one program, or of all.

    Fields:
        traced, compiled, read: how often it was traced, compiled, and read from the folder of compiled programs.
        tracing, lowering, compiling, reading: the seconds of each in the main thread.
        beside: seconds of all of these in other threads.
    """

    traced: int = 0
    compiled: int = 0
    read: int = 0
    tracing: float = 0.0
    lowering: float = 0.0
    compiling: float = 0.0
    reading: float = 0.0
    beside: float = 0.0

    @property
    def seconds(self) -> float:
        """All of them."""
        return self.tracing + self.lowering + self.compiling + self.reading + self.beside

    def add(self, kind: str, seconds: float, *, beside: bool) -> None:
        """Count one report of JAX."""
        if kind in COUNTER:
            setattr(self, COUNTER[kind], getattr(self, COUNTER[kind]) + 1)
        where = "beside" if beside else kind
        setattr(self, where, getattr(self, where) + seconds)


COUNTER = {"tracing": "traced", "compiling": "compiled", "reading": "read"}
KINDS = {
    "jaxpr_trace_duration": "tracing",
    "jaxpr_to_mlir_module_duration": "lowering",
    "backend_compile_duration": "compiling",
}


@dataclass
class Listener:
    """Hears what JAX reports of programs.

    Fields:
        programs: by name.
    """

    programs: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))

    def __post_init__(self):
        import jax.monitoring

        self._read = threading.local()
        jax.monitoring.register_event_listener(self._hear_event)
        jax.monitoring.register_event_duration_secs_listener(self._hear)

    def _hear_event(self, event: str, **_details: Any) -> None:
        if event.endswith("/cache_hits"):
            self._read.newest = True  # what is reported next in this thread was read and not compiled

    def _hear(self, event: str, seconds: float, **details: Any) -> None:
        kind = KINDS.get(event.rsplit("/", 1)[-1])
        if kind is None:
            return
        if kind == "compiling" and getattr(self._read, "newest", False):
            kind, self._read.newest = "reading", False
        beside = threading.current_thread() is not threading.main_thread()
        name = str(details.get("fun_name", "?")).removeprefix("jit(").removesuffix(")")
        self.programs[name].add(kind, seconds, beside=beside)


def counted(command: list[str], target: Path) -> None:
    """Run a command in this process, and write what was counted."""
    from jaxprior import cli

    heard, code = Listener(), 0
    try:
        cli.main(command)
    except SystemExit as end:
        code = end.code
    target.write_text(json.dumps({"code": code, "programs": {n: asdict(c) for n, c in heard.programs.items()}}))


def run(command: list[str], cache: Path, folder: Path, out: str) -> dict[str, Any]:
    """Run one command in a process of its own.

    Returns:
        wall seconds, counts of all programs together ("all"), and those of the longest by name ("longest").
    """
    target = folder / "counts.json"
    target.unlink(missing_ok=True)
    environment = {**os.environ, "JAXPRIOR_CACHE": str(cache), COUNTED: str(target)}
    program = [sys.executable, str(Path(__file__).resolve()), *(out if word == "RUN" else word for word in command)]
    began = time.perf_counter()
    done = subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - began
    if not target.exists():
        raise SystemExit(f"{' '.join(command)} did not run: {done.stderr[-1500:]}")
    found = json.loads(target.read_text())
    if found["code"] not in (0, None):
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr[-1500:]}")
    programs = {name: Counts(**counts) for name, counts in found["programs"].items()}
    whole = {name: sum(getattr(one, name) for one in programs.values()) for name in asdict(Counts())}
    longest = sorted(programs.items(), key=lambda item: -item[1].seconds)[:SHOWN]
    often = sorted(programs.items(), key=lambda item: -item[1].compiled - item[1].read)[:SHOWN]
    return {
        "wall": round(wall, 2),
        "all": _rounded(whole),
        "longest": {name: _rounded(asdict(one)) for name, one in longest},
        "most often": {name: one.compiled + one.read for name, one in often},
    }


def _rounded(counts: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in counts.items()}


def shown(name: str, found: dict[str, Any]) -> str:
    """The counts of a command as text."""
    one = found["all"]
    lines = [
        f"{name}: {found['wall']:.1f} s; {one['traced']} traced in {one['tracing']:.1f} s, lowered in "
        f"{one['lowering']:.1f} s, {one['compiled']} compiled in {one['compiling']:.1f} s, {one['read']} read in "
        f"{one['reading']:.1f} s, {one['beside']:.1f} s in threads beside"
    ]
    for program, counts in found["longest"].items():
        seconds = Counts(**counts).seconds
        lines.append(f"    {seconds:6.2f} s  {counts['compiled']} compiled, {counts['read']} read  {program}")
    lines.append("    most often: " + ", ".join(f"{n} x {name}" for name, n in found["most often"].items()))
    return "\n".join(lines)


def prepare(folder: Path) -> None:
    """Write the pictures of the commands: a cat, and squares of it to train on."""
    import skimage.data

    from jaxprior.data import images

    cat = skimage.data.chelsea()
    images.save_png(folder / CAT, cat[:300, 95:395])
    for number in range(40):
        left, top = 8 * (number % 20), 40 * (number // 20)
        images.save_png(folder / PICTURES / f"{number:02d}.png", cat[top : top + 200, left : left + 200])


def main() -> None:
    """Count the programs of the commands, cold and warm."""
    from measuring import record, save

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commands", nargs="+", choices=list(COMMANDS), default=list(COMMANDS))
    parser.add_argument("--caches", nargs="+", choices=("cold", "warm"), default=("cold", "warm"))
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        (folder / PICTURES).mkdir()
        prepare(folder)
        for name in arguments.commands:
            *before, command = COMMANDS[name]
            for kind in arguments.caches:
                cache, out = folder / f"cache-{name}", f"{name}-{kind}"
                for line in before:
                    run(line, cache, folder, out)
                results[f"{name}, {kind}"] = found = run(command, cache, folder, out)
                print(shown(f"{name}, {kind}", found), flush=True)
    save(arguments.out, {**record("programs"), "results": results})


if __name__ == "__main__":
    if COUNTED in os.environ:
        counted(sys.argv[1:], Path(os.environ[COUNTED]))
    else:
        main()
