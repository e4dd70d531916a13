"""All speed benchmarks in one go, into one file: ten minutes on a GPU.

    python benchmarks/run_all.py --out benchmarks/results/NAME.json [--mganprior CHECKOUT] [--minutes 10]
    python benchmarks/table.py benchmarks/results/NAME.json

Each is a process of its own, gets a share of the minutes, begins with what matters most, and begins no case after its
time is over; a case that has begun is finished. One that fails says why in the file, and the others go on. Where
PyTorch is not installed there is no comparison with it.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
from measuring import ROOT, record, save


PARTS = {
    "compare_torch": 0.3, "throughput": 0.2, "choices": 0.15, "singan_speed": 0.1, "training_speed": 0.1,
    "training": 0.1, "scaling": 0.1, "startup": 0.05,
}  # fmt: skip
"""Share of the minutes. `scaling` and `startup` have a fixed length."""

FIXED = ("scaling", "startup")
BESIDE_TORCH = ("compare_torch", "singan_speed", "training_speed")
ON_CPUS = ("training_speed",)


def run(name: str, options: list[str], out: Path) -> dict:
    """One benchmark; what it wrote, or why it failed."""
    command = [sys.executable, ROOT / "benchmarks" / f"{name}.py", "--out", out, *options]
    began = time.monotonic()
    ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    found = json.loads(out.read_text()) if out.exists() else {}
    if ended.returncode:
        sys.stderr.write(ended.stderr)
        found["failed"] = (ended.stderr.strip().splitlines() or ["no message"])[-1]
    return {**found, "minutes": round((time.monotonic() - began) / 60, 2)}


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--mganprior", type=Path, metavar="CHECKOUT", help="the public code, to measure it as shipped")
    parser.add_argument("--compile", action="store_true", help="PyTorch with torch.compile as well")
    parser.add_argument("--minutes", type=float, default=10.0, help="for all of them")
    parser.add_argument("--only", help="names of benchmarks, separated by commas")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",") if arguments.only else list(PARTS)
    if importlib.util.find_spec("torch") is None:
        print("PyTorch is not installed: no comparison with it", flush=True)
        chosen = [name for name in chosen if name not in BESIDE_TORCH]
    if jax.default_backend() != "cpu":
        chosen = [name for name in chosen if name not in ON_CPUS]
    total, results = sum(PARTS[name] for name in chosen), {}
    with tempfile.TemporaryDirectory() as work:
        for name in chosen:
            options = [] if name in FIXED else ["--minutes", str(arguments.minutes * PARTS[name] / total)]
            if name == "compare_torch":
                options += ["--mganprior", str(arguments.mganprior)] * (arguments.mganprior is not None)
                options += ["--compile"] * arguments.compile
            if name == "training":
                options += ["--preset", "cats32" if jax.default_backend() == "cpu" else "cats64"]
            print(f"\n== {name}", flush=True)
            results[name] = run(name, options, Path(work) / f"{name}.json")
            save(arguments.out, {**record("all"), "parts": results})


if __name__ == "__main__":
    main()
