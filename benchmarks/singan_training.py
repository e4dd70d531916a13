"""How many minutes the training of a SinGAN takes on this device, scale by scale, beside PyTorch.

    python benchmarks/singan_training.py --out benchmarks/results/NAME.json [--picture PHOTO] [--size 250] [--steps 9]

jaxprior trains for real, with its samples, figures and checkpoints; the JSON is written after every scale. PyTorch's
steps of the same networks, losses and sizes are timed for a moment each, and multiplied; samples and figures are not
counted there. Where PyTorch is not installed that is left out.
"""

import argparse
import importlib.util
import tempfile
import time
from pathlib import Path

import jax
import numpy as np
from measuring import record, save

from jaxprior.models.singan import ScalePlan
from jaxprior.models.singan.config import SinganRecipe
from jaxprior.models.singan.planning import scales_of
from jaxprior.models.singan.state import init_state
from jaxprior.models.singan.train import plan
from jaxprior.training import session
from jaxprior.training.clock import TrainingClock
from jaxprior.training.loop import Interrupted, Pace
from jaxprior.training.phases import Moment
from jaxprior.training.pictures import Pictures


TIMED = 2.0
"""Seconds for which PyTorch's steps of a scale are timed."""


def photograph(path: Path | None) -> np.ndarray:
    """The pixels [h, w, 3] of a photograph, by default of one that scikit-image brings."""
    if path is None:
        from skimage import data

        return np.asarray(data.astronaut())
    from PIL import Image

    return np.asarray(Image.open(path).convert("RGB"))


def torch_seconds(recipe: SinganRecipe, size: tuple[int, int], width: int) -> float:
    """Seconds of a step in PyTorch of a scale of this size."""
    from peers.singan import SinganStep

    alone = SinganRecipe(width=width, width_max=max(width, 32), width_growth_every=None)
    scales = ScalePlan("singan", (size,), (1.0,), 0.75, 1.0)
    state = init_state(alone, scales, jax.random.key(0))
    picture = np.random.default_rng(0).uniform(-1, 1, (1, *size, 3)).astype(np.float32)
    peer = SinganStep(alone, state["scale0"], picture, np.zeros_like(picture))
    peer.advance(3)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < TIMED:
        peer.advance(5)
        count += 5
    return (time.perf_counter() - began) / count


def main() -> None:
    """Train, then time PyTorch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--picture", type=Path, metavar="PHOTO")
    parser.add_argument("--size", type=int, default=250, help="pixels of the longer side at the last scale")
    parser.add_argument("--steps", type=int, default=2000, help="at every scale")
    parser.add_argument("--minutes", type=float, help="end the training after so many")
    parser.add_argument("--weights", type=Path, metavar="RUN", help="keep the run in this folder")
    arguments = parser.parse_args()
    recipe = SinganRecipe(max_size=arguments.size, steps=arguments.steps)
    pixels = photograph(arguments.picture)
    scales = scales_of(recipe, *pixels.shape[:2])
    about = {"size": arguments.size, "steps": arguments.steps, "sizes": scales.sizes, "of": len(scales.sizes)}
    done: list[dict] = []
    began = time.monotonic()

    def write(**more: object) -> None:
        passed = {"minutes": clock.seconds / 60, "compiling_minutes": clock.compiling / 60}
        save(arguments.out, {**record("singan_training"), **about, **passed, "scales": done, **more})

    def on_log(moment: Moment) -> None:
        if moment.index == arguments.steps:
            done.append({"phase": moment.phase, "seconds": clock.seconds, "compiling": clock.compiling})
            told = f"{clock.seconds:.1f} s of training, {clock.compiling:.1f} s of compiling"
            print(f"{moment.phase}: {told}", flush=True)
            write()

    with tempfile.TemporaryDirectory() as folder, TrainingClock() as clock:
        limit = None if arguments.minutes is None else began + 60 * arguments.minutes
        try:
            session.run(
                plan(recipe, Pictures(pixels[None])), arguments.weights or folder, source="a photograph",
                pace=Pace(snapshot_seconds=1e9), on_log=on_log,
                should_stop=lambda: limit is not None and time.monotonic() > limit,
            )  # fmt: skip
        except Interrupted:
            print("the time is over", flush=True)
        write()
    if importlib.util.find_spec("torch") is None:
        print("PyTorch is not installed: no comparison with it")
        return
    beside: list[dict] = []
    for number, size in enumerate(scales.sizes[: len(done)]):
        seconds = torch_seconds(recipe, size, recipe.width_at(number))
        beside.append({"size": size, "seconds": seconds})
        minutes = sum(one["seconds"] for one in beside) * arguments.steps / 60
        print(f"PyTorch, {size[0]}x{size[1]}: {1e3 * seconds:.2f} ms a step", flush=True)
        write(torch=beside, torch_minutes=minutes)


if __name__ == "__main__":
    main()
