"""Speed of the network that enlarges photographs, beside the same network in PyTorch, and its memory for a large one.

    python benchmarks/restorer_speed.py --torch-python TORCH/bin/python --restorer runs/srgan \
        --out benchmarks/results/restorer-speed-cpu.json [--sizes 480x320,120x80] [--memory-size 4000x3000]

PyTorch runs in a process of its own, by a Python that has it (`peers/srgan_process.py`), with one thread and with as
many as this process has cores, with features in both orders. Both get the same weights. Before anything is timed the
enlarged pictures, and the losses of two training steps, must agree. Then all take turns; a ratio is formed in every
round.

    forward     one picture of so many pixels (width x height of what is given to the network): here as `jaxprior
                superres` does it, in tiles, and as one piece
    training    one step with the square error and Adam on random crops, with the moving average of the weights, of a
                preset without norms (--preset narrow), with random weights
    memory      the most memory that a process of its own had in use that enlarged a random photograph of
                --memory-size, and that of one that enlarged 64x64 pixels alone

Without --torch-python ours is timed alone. Prints; writes JSON. Asserts nothing about speed.
"""

import argparse
import contextlib
import dataclasses
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from measuring import AGREE, hardware, plainly, record, save, spread

import jaxprior as jp
from jaxprior.models.srgan.config import PRESETS
from jaxprior.models.srgan.networks import to_config
from jaxprior.models.srgan.train import init_state, make_mse, make_networks
from jaxprior.nn.rescaling import shrink_bicubic
from jaxprior.restoration.tiled import restored_in_tiles


OURS = "jaxprior"
CHILD = "--enlarge-alone"
"""The word by which this program calls itself as the process whose memory is measured."""
KIB_OF_GIB = 2**20
"""`resource` tells KiB on Linux."""


class Peer:
    """The process with PyTorch.

    Arguments:
        python: which runs it; weights: file for it.
    """

    def __init__(self, python: Path, weights: Path):
        script = Path(__file__).parent / "peers" / "srgan_process.py"
        command, pipe = [str(python), str(script), str(weights)], subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.said = self._answer()

    def ask(self, do: str, **words: Any) -> dict:
        """Send a command, and wait for the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **words}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """Let it end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> dict:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("The process with PyTorch ended; what it said stands above.")
        return json.loads(line)


def arrays_of(params: dict) -> dict[str, np.ndarray]:
    """Parameters by "layer/name"."""
    return {f"{layer}/{name}": np.asarray(value) for layer, held in params.items() for name, value in held.items()}


@contextlib.contextmanager
def peer_of(python: Path | None, config: dict, params: dict, folder: Path) -> Iterator[Peer | None]:
    """The process with PyTorch for a network, or None where there is no Python for it."""
    if python is None:
        yield None
        return
    path = folder / "weights.npz"
    np.savez(path, config=np.array(json.dumps(config)), **arrays_of(params))
    peer = Peer(python, path)
    try:
        yield peer
    finally:
        peer.close()


def kept(folder: Path, name: str, pictures: Any) -> str:
    """A file of pictures for the other process."""
    path = folder / f"{name}.npy"
    np.save(path, np.asarray(pictures, np.float32))
    return str(path)


def in_turns(runners: dict[str, Callable[[], float]], rounds: int) -> dict[str, dict]:
    """Seconds of every runner in every round, in turn, and how many times longer than ours each takes."""
    taken: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(rounds):
        for name, run in runners.items():
            taken[name].append(run())
    first, found = next(iter(runners)), {}
    for name, values in taken.items():
        ratios = [value / ours for value, ours in zip(values, taken[first], strict=True)]
        found[name] = {"seconds": spread(values), "ratio": spread(ratios, 2)}
        print(f"  {name:<36} {statistics.median(values):8.3f} s   x {statistics.median(ratios):.2f}", flush=True)
    return found


def seconds_of(call: Callable[[], Any], times: int) -> float:
    """Seconds of a call, waited for."""
    began = time.perf_counter()
    for _ in range(times):
        jax.block_until_ready(call())
    return (time.perf_counter() - began) / times


def check(title: str, apart: float) -> None:
    """End if what is to be timed does not compute the same."""
    if not apart <= AGREE["fp32"]:
        raise SystemExit(f"{title}: the results differ by {apart:.1e}, so nothing is timed.")


def forward(
    restorer: Any, width: int, height: int, peer: Peer | None, folder: Path, *, rounds: int, times: int
) -> dict:
    """Enlarging one picture, as one piece and in tiles."""
    photo = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    x = jp.images.to_float(photo)[None]
    x = np.asarray(jax.image.resize(jax.image.resize(x, (1, height // 4, width // 4, 3), "linear"), x.shape, "cubic"))
    x = np.clip(x, -1, 1).astype(np.float32)
    photo = jp.images.to_uint8(x[0])
    runners = {
        f"{OURS}, in tiles": lambda: seconds_of(lambda: list(restored_in_tiles(restorer, [(photo, None)])), times),
        f"{OURS}, as one piece": lambda: seconds_of(lambda: whole(restorer, x), times),
    }
    whole = jax.jit(lambda restorer, x: restorer.answer(x))
    agree = {}
    if peer is not None:
        given, ours = kept(folder, "pictures", x), np.asarray(whole(restorer, x))
        for name, way in ways().items():
            result = str(folder / "result.npy")
            peer.ask("forward", pictures=given, result=result, times=1, **way)
            agree[name] = float(np.abs(np.load(result) - ours).max())
            check(name, agree[name])
            runners[name] = partial(_asked, peer, "forward", pictures=given, times=times, **way)
    for run in list(runners.values())[:2]:
        run()  # compiled
    print(f"forward, {width}x{height} to {width * restorer.factor}x{height * restorer.factor}:", flush=True)
    return {"verified": agree, "runners": in_turns(runners, rounds)}


def ways() -> dict[str, dict]:
    """How PyTorch computes, by names for tables: the words of a command."""
    return {
        f"PyTorch{', channels last' * last}, {threads} thread{'s' * (threads > 1)}": {"last": last, "threads": threads}
        for threads in sorted({1, hardware()["cores"]})
        for last in (False, True)
    }


def _asked(peer: Peer, do: str, **words: Any) -> float:
    return peer.ask(do, **words)["seconds"]


def training(preset: str, python: Path | None, folder: Path, *, rounds: int, times: int, batch: int | None) -> dict:
    """One step with the square error."""
    recipe = dataclasses.replace(PRESETS[preset], precision="fp32", adversarial_steps=0)
    if recipe.norm != "none":
        raise SystemExit(f"--preset {preset}: it trains with batch norms, which this comparison does not have.")
    recipe = recipe if batch is None else dataclasses.replace(recipe, batch_size=batch)
    generator, _ = make_networks(recipe)
    state = init_state(recipe, jax.random.key(0))
    chance = np.random.default_rng(0)
    large = chance.uniform(-1, 1, (recipe.batch_size, recipe.crop, recipe.crop, 3)).astype(np.float32)
    small = np.asarray(shrink_bicubic(jax.numpy.asarray(large), recipe.factor))
    step = jax.jit(make_mse(recipe, generator), donate_argnums=1)
    params = jax.tree.map(np.asarray, state["generator"]["params"])
    with peer_of(python, to_config(generator), params, folder) as peer:
        held = {"state": state, "index": 0}

        def advance(count: int) -> list[float]:
            losses = []
            for _ in range(count):
                held["state"], told = step(held["index"], held["state"], small, large)
                held["index"] += 1
                losses.append(float(told["mse_loss"]))
            return losses

        ours, agree = advance(2), {}
        runners: dict[str, Callable[[], float]] = {OURS: lambda: seconds_of(lambda: advance(times), 1) / times}
        if peer is not None:
            words = {"small": kept(folder, "small", small), "large": kept(folder, "large", large)}
            words |= {"rate": recipe.learning_rate, "betas": [recipe.beta1, recipe.beta2]}
            for name, way in ways().items():
                theirs = peer.ask("train", **words, times=2, **way)["losses"]
                agree[name] = float(np.max(np.abs(np.array(theirs) / np.array(ours) - 1)))
                check(name, agree[name])
                runners[name] = partial(_asked, peer, "train", **words, times=times, **way)
        print(f"training step, preset {preset}, {recipe.batch_size} crops of {recipe.crop} pixels:", flush=True)
        stated = {"preset": preset, "batch": recipe.batch_size, "crop": recipe.crop}
        return {**stated, "verified": agree, "runners": in_turns(runners, rounds)}


def enlarge_alone(source: str, size: str) -> None:
    """What the process does whose memory is measured."""
    width, height = size_of(size)
    photo = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    began = time.perf_counter()
    made = jp.apply_restorer(source, photo)
    said = {"seconds": round(time.perf_counter() - began, 1), "result": list(made.shape)}
    print(json.dumps({**said, "kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


def memory(source: str, size: str) -> dict:
    """The most memory that processes had in use which enlarged a photograph of a size, and a very small one."""
    found = {}
    for one in (size, "64x64"):
        command = [sys.executable, __file__, CHILD, source, one]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        said = json.loads(done.stdout.splitlines()[-1])
        found[one] = {"gib": round(said["kib"] / KIB_OF_GIB, 3), "seconds": said["seconds"], "result": said["result"]}
        print(f"memory, {one}: {found[one]['gib']:.2f} GiB, {said['seconds']:.1f} s with compiling", flush=True)
    return found


def size_of(text: str) -> tuple[int, int]:
    """Read "480x320", width and height."""
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT, got {text}")
    return int(width), int(height)


def main() -> None:
    """Time and measure."""
    if sys.argv[1:2] == [CHILD]:
        enlarge_alone(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--restorer", required=True, metavar="RUN|FILE|NAME", help="of `jaxprior train srgan`")
    parser.add_argument("--torch-python", type=Path, metavar="FILE", help="a Python that has PyTorch")
    parser.add_argument("--sizes", default="480x320,120x80", help="of the pictures given to the network")
    parser.add_argument("--memory-size", default="4000x3000", metavar="WxH|none", help="of the large photograph")
    parser.add_argument("--preset", default="narrow", choices=PRESETS, help="of the training step (narrow)")
    parser.add_argument("--batch-size", type=int, metavar="B", help="crops of a step, by default the preset's")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--times", type=int, default=2, help="calls or steps in a turn (2)")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    options = parser.parse_args()
    restorer, results = jp.load_restorer(options.restorer), {}
    turns = {"rounds": options.rounds, "times": options.times}
    stated = {"restorer": dict(restorer.card["config"]), "sha256": restorer.sha256, **turns}

    def keep() -> None:
        save(options.out, {**record("restorer_speed"), **stated, "results": results})

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        config, params = dict(restorer.card["config"]), restorer.params
        with peer_of(options.torch_python, config, params, folder) as peer:
            stated |= {} if peer is None else peer.said
            for width, height in map(size_of, options.sizes.split(",")):
                found = forward(restorer, width, height, peer, folder, **turns)
                results.setdefault("forward", {})[f"{width}x{height}"] = found
                keep()
        results["training"] = training(
            options.preset, options.torch_python, folder, batch=options.batch_size, **turns
        )
        keep()
    if options.memory_size != "none":
        results["memory"] = memory(options.restorer, options.memory_size)
        keep()


if __name__ == "__main__":
    plainly(main)
