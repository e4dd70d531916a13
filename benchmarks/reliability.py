"""Long fault experiments on the command line and the library, from outside: what is promised, and whether it was kept.

    python benchmarks/reliability.py all --data PICTURES.zip --out benchmarks/results/reliability.json

The parts, which also run alone (`python benchmarks/reliability.py disk --data ...`):

    kills       a run killed at 20 random moments, and one whose steps are slow, stopped and killed
    pictures    a folder of 500 damaged, foreign, hostile and odd files; memory that bombs take
    isolation   one NaN in a batch: the other pictures to the bit
    batches     the same pictures in batches of 1, 7 and 16
    devices     1, 2 and 8 devices; shards; two processes; no collective operation
    mutations   one thing changed at a time: nothing stale is ever reused
    disk        a disk that fills up at 20 sizes, a read-only one; two writers
    memory      of runs over 100 and 2000 pictures

PICTURES.zip is any set of 256 or more photographs, e.g. the cats that the bundled prior knows. Each part prints its
figures beside their targets, "met" or "missed", and asserts nothing. In --out the results of other parts are kept if
hardware and versions are the same; each says its commit. About 25 minutes on two cores; on Linux, and mounting needs
root.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from measuring import ROOT, record, save
from quality import earlier


sys.path.insert(0, str(ROOT / "tests"))  # files that tests damage, and the program from outside

from reliability_parts import batches, devices, disk, isolation, kills, memory, mutations, pictures  # noqa: E402


PARTS = {
    "kills": kills.run,
    "pictures": pictures.run,
    "isolation": isolation.run,
    "batches": batches.run,
    "devices": devices.run,
    "mutations": mutations.run,
    "disk": disk.run,
    "memory": memory.run,
}


def main() -> None:
    """Run one part or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=[*PARTS, "all"])
    parser.add_argument("--data", type=Path, required=True, help="256 or more photographs: folder or zip")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    about = {**record("reliability"), "data": arguments.data.name}
    commit = about.pop("commit")
    results = earlier(arguments.out, about)
    for name in PARTS if arguments.part == "all" else [arguments.part]:
        print(f"{name}:", flush=True)
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix=f"jaxprior-{name}-") as work:
            os.environ["JAXPRIOR_CACHE"] = str(Path(work) / "cache")
            found = PARTS[name](arguments.data.resolve(), Path(work))
        results[name] = found.record() | {"seconds": round(time.perf_counter() - begun, 1), "commit": commit}
        save(arguments.out, {**about, "results": results})
    missed = [check for part in results.values() for check in part["checks"] if not check["met"]]
    print(f"{len(missed)} of {sum(len(part['checks']) for part in results.values())} targets missed")


if __name__ == "__main__":
    main()
