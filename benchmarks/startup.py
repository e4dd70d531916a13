"""Where the first minutes go: a profile by stage of the commands that a newcomer tries, cold and warm.

    python benchmarks/startup.py --out benchmarks/results/startup.json
    python benchmarks/startup.py --commands inpaint --caches warm

Every command runs in a process of its own, "cold" with an empty folder of compiled programs and "warm" with that of the
run before; the picture is scikit-image's cat, the prior the bundled one. Every moment of a process belongs to one
stage: the import of a module, the compilation of a program (tracing, lowering, compiling, or reading it from the cache
of compiled programs), what the program says that it does at the time (`jaxprior.system.activity`), or the rest of the
command's own work. Beside wall time stands processor time, which depends less on what else the machine does. Prints a
table; the fastest of `--repeats` runs by wall time counts.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any


MEASURED = "JAXPRIOR_STARTUP_PROFILE"
"""Environment variable of the measured processes: where they write their profile."""
CAT = "cat.png"
COMMANDS = {
    "help": ["inpaint", "--help"],
    "refused": ["inpaint", "nothing.png", "--mask", "center:0.25", "-o", "RUN"],
    "inpaint": ["inpaint", CAT, "--mask", "center:0.25", "-o", "RUN"],
    "reconstruct": ["reconstruct", CAT, "-o", "RUN"],
    "demo": ["demo", "-o", "RUN"],
}
OWN = "the command's own work"
COMPILING = "compiling: "
IMPORTS = "importing modules"


class Stages:
    """A stack of stages of the main thread: every moment counts for the innermost one.

    Fields:
        seconds: by stage, of wall time and of the processor time that all threads took meanwhile.
    """

    def __init__(self):
        self.seconds: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._stack = [OWN]
        self._since = _clocks()

    def note(self, last: tuple[str, float] | None = None) -> None:
        """Count what has passed since the last note for the innermost stage.

        Arguments:
            last: another stage, and how many seconds at the end belonged to it: JAX reports compilations afterwards.
        """
        now = _clocks()
        passed = [after - before for after, before in zip(now, self._since, strict=True)]
        share = 0.0 if last is None else min(last[1] / max(passed[0], 1e-9), 1.0)
        for i, seconds in enumerate(passed):
            self.seconds[self._stack[-1]][i] += (1 - share) * seconds
            if last is not None:
                self.seconds[last[0]][i] += share * seconds
        self._since = now

    def enter(self, stage: str) -> None:
        """Begin a stage inside of the present one."""
        self.note()
        self._stack.append(stage)

    def leave(self) -> None:
        """End the innermost stage."""
        self.note()
        self._stack.pop()


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def watch_imports(stages: Stages) -> None:
    """Let imports of modules be a stage, wherever they stand; those inside of each other count once."""
    import builtins
    import importlib

    depth = 0

    def watched(load: Any) -> Any:
        def watching(*arguments: Any, **settings: Any) -> Any:
            nonlocal depth
            if depth:
                return load(*arguments, **settings)
            depth += 1
            stages.enter(IMPORTS)
            try:
                return load(*arguments, **settings)
            finally:
                stages.leave()
                depth -= 1

        return watching

    builtins.__import__ = watched(builtins.__import__)
    importlib.import_module = watched(importlib.import_module)


def watch_activities(stages: Stages) -> None:
    """Let what the program says that it does be stages; the command line's display hears of all of it."""
    from jaxprior.runs.display import Display

    begun, ended = Display.begun, Display.ended

    def begin(self: Display, work: Any) -> None:
        stages.enter(work.text)
        begun(self, work)

    def end(self: Display, work: Any) -> None:
        ended(self, work)
        stages.leave()

    Display.begun, Display.ended = begin, end


def watch_compilations(stages: Stages, programs: dict[str, list]) -> None:
    """Let compilations of the main thread be stages, once JAX is there; `programs` gets [count, seconds] of each."""
    import threading

    import jax.monitoring

    main, kinds = threading.main_thread(), {
        "jaxpr_trace_duration": "tracing",
        "jaxpr_to_mlir_module_duration": "lowering",
        "backend_compile_duration": "compiling or reading the program",
    }  # fmt: skip

    def hear(event: str, seconds: float, **details: Any) -> None:
        kind = kinds.get(event.rsplit("/", 1)[-1])
        if kind is None:
            return
        found = programs.setdefault(f"{details.get('fun_name', '?')}", [0, 0.0, 0.0])
        elsewhere = threading.current_thread() is not main
        found[0] += kind.startswith("compiling")
        found[2 if elsewhere else 1] += seconds
        if not elsewhere:
            stages.note((COMPILING + kind, seconds))

    jax.monitoring.register_event_duration_secs_listener(hear)


def measured(command: list[str], target: Path) -> None:
    """Run a command in this process, and write its profile."""
    stages, programs = Stages(), {}
    watch_imports(stages)
    from jaxprior import cli

    watch_activities(stages)
    if command[-1] != "--help" and "nothing.png" not in command:
        import jax  # noqa: F401  as the command would do a moment later

        watch_compilations(stages, programs)
    code: Any = 0
    try:
        cli.main(command)
    except SystemExit as end:
        code = end.code
    stages.note()
    most = sorted(programs.items(), key=lambda item: -item[1][1] - item[1][2])
    target.write_text(json.dumps({"code": code, "stages": stages.seconds, "programs": dict(most[:40])}))


def run(command: list[str], cache: Path, folder: Path) -> dict[str, Any]:
    """Measure one command in a process of its own: wall and processor seconds, seconds by stage."""
    profile = folder / "profile.json"
    profile.unlink(missing_ok=True)
    environment = {**os.environ, "JAXPRIOR_CACHE": str(cache), MEASURED: str(profile)}
    out = f"run{len(list(folder.glob('run*'))) + 1}"
    program = [sys.executable, str(Path(__file__).resolve()), *(out if word == "RUN" else word for word in command)]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if not profile.exists():
        raise SystemExit(f"{' '.join(command)} did not run: {done.stderr[-1500:]}")
    found = json.loads(profile.read_text())
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    counted = [sum(both) for both in zip(*found["stages"].values(), strict=True)]
    found["stages"]["starting and ending Python"] = [wall - counted[0], processor - counted[1]]
    stages = sorted(found["stages"].items(), key=lambda item: -item[1][0])
    return {
        "wall": round(wall, 2),
        "processor": round(processor, 2),
        "code": found["code"],
        "stages": {name: [round(seconds, 2) for seconds in both] for name, both in stages if max(both) >= 0.005},
        "programs": {name: [n, *(round(s, 2) for s in seconds)] for name, (n, *seconds) in found["programs"].items()},
    }  # fmt: skip


def shown(name: str, found: dict[str, Any]) -> str:
    """A profile as text."""
    lines = [f"{name}: {found['wall']:.1f} s, {found['processor']:.1f} s of processor time"]
    lines += [f"    {wall:7.2f} {processor:7.2f}  {stage}" for stage, (wall, processor) in found["stages"].items()]
    for program, (count, here, elsewhere) in list(found["programs"].items())[:12]:
        lines.append(f"        {here:6.2f} {elsewhere:6.2f}  {count} x {program}")
    return "\n".join(lines)


def main() -> None:
    """Measure the commands, cold and warm."""
    import skimage.data
    from measuring import record, save

    from jaxprior.data import images

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commands", nargs="+", choices=list(COMMANDS), default=list(COMMANDS))
    parser.add_argument("--caches", nargs="+", choices=("cold", "warm"), default=("cold", "warm"))
    parser.add_argument("--repeats", type=int, default=3, help="runs with a warm cache")
    parser.add_argument("--cache", type=Path, help="keep compiled programs here, in place of a temporary folder")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        images.save_png(folder / CAT, skimage.data.chelsea()[:300, 95:395])
        for name in arguments.commands:
            cache = arguments.cache or folder / f"cache-{name}"
            for kind in arguments.caches:
                repeats = arguments.repeats if kind == "warm" else 1
                found = [run(COMMANDS[name], cache, folder) for _ in range(repeats)]
                results[f"{name}, {kind}"] = best = min(found, key=lambda one: one["wall"])
                print(shown(f"{name}, {kind}", best), flush=True)
    save(arguments.out, {**record("startup"), "results": results})


if __name__ == "__main__":
    if MEASURED in os.environ:
        measured(sys.argv[1:], Path(os.environ[MEASURED]))
    else:
        main()
