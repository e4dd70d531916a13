"""How long a user waits: the import, the help, the first picture with a cold and with a warm compilation cache.

    python benchmarks/startup.py --out benchmarks/results/NAME.json

Every figure is the wall time of a process of its own. The picture is scikit-image's cat, the prior the bundled one.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import skimage.data
from measuring import record, save, spread

from jaxprior.data import images


REPEATS = 5


def wall(command: list, cache: Path, repeats: int = REPEATS) -> dict[str, float]:
    """Seconds of a process: median, fastest and slowest."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        environment = {**os.environ, "JAXPRIOR_CACHE": str(cache)}
        subprocess.run(command, env=environment, capture_output=True, check=True)
        seconds.append(time.perf_counter() - began)
    return spread(seconds, 2)


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    program, results = [sys.executable, "-c", "from jaxprior.cli import main; main()"], {}
    with tempfile.TemporaryDirectory() as work:
        picture, cache = Path(work) / "cat.png", Path(work) / "cache"
        images.save_png(picture, skimage.data.chelsea()[:300, 95:395])
        runs = iter(range(100))

        def reconstruct(cache: Path, repeats: int) -> dict[str, float]:
            times = [
                wall([*program, "reconstruct", picture, "-o", Path(work) / f"run{next(runs)}"], cache, 1)["median"]
                for _ in range(repeats)
            ]
            return spread(times, 2)

        plans = {
            "python -c pass": lambda: wall([sys.executable, "-c", "pass"], cache),
            "import jaxprior": lambda: wall([sys.executable, "-c", "import jaxprior"], cache),
            "import jaxprior; jaxprior.restore": lambda: wall(
                [sys.executable, "-c", "import jaxprior; jaxprior.restore"], cache
            ),
            "jaxprior --help": lambda: wall([*program, "--help"], cache),
            "reconstruct one picture, cold cache": lambda: reconstruct(cache, 1),
            "reconstruct one picture, warm cache": lambda: reconstruct(cache, 3),
        }
        for name, plan in plans.items():
            results[name] = plan()
            print(f"{name:<40} {results[name]['median']:6.2f} s", flush=True)
    save(arguments.out, {**record("startup"), "results": results})


if __name__ == "__main__":
    main()
