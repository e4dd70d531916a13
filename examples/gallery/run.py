"""Run the examples of the gallery, and keep their pictures and what they print for the documentation.

    python examples/gallery/run.py [NAME ...]       all of them by default

Each runs in a process of its own and in an empty folder. `docs/gallery/` then has NAME.png and NAME.txt.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image


HERE = Path(__file__).resolve().parent
KEPT = HERE.parents[1] / "docs" / "gallery"
EXAMPLES = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in ("cats", "run"))
"""The names of all examples; the two others are no examples themselves."""
LARGEST = 900
"""Pixels of a kept picture's longer side; larger ones are shrunk."""


def keep(name: str, folder: Path) -> float:
    """Run an example in a folder and keep what it made; the seconds that it took."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(HERE / f"{name}.py")], cwd=folder, capture_output=True, text=True, env=dict(os.environ)
    )
    if done.returncode:
        sys.exit(f"{name}: {done.stderr}")
    picture = Image.open(folder / f"{name}.png").convert("RGB")
    if max(picture.size) > LARGEST:
        picture.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    picture.quantize(256).save(KEPT / f"{name}.png", optimize=True)
    (KEPT / f"{name}.txt").write_text(done.stdout)
    return time.monotonic() - began


if __name__ == "__main__":
    KEPT.mkdir(exist_ok=True)
    for name in sys.argv[1:] or EXAMPLES:
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name}: {keep(name, Path(folder)):.0f} s", flush=True)
