"""One thing changed at a time under a finished run: the run is refused by name, or what the change touches is computed
anew under another key. A result that was stored for something else is never given out.

The run lies in a small world of its own, which is restored before every change: five pictures with originals, a mask
file, and a random prior with a critic. The program runs in this process.
"""

import contextlib
import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import jax
import numpy as np
from PIL import Image
from program import Outcome, inside, journal_rows

from jaxprior.data import images
from jaxprior.models.pggan.networks import from_config
from jaxprior.restoration import drivers
from jaxprior.weights.storage import load_weights, save_weights
from jaxprior.weights.tree import flatten, unflatten
from reliability_parts.findings import Findings


PICTURES, SIDE, LEAST = 5, 16, 50
BASE = {
    "--mask": "mask.png", "--reference": "originals", "--prior": "prior.safetensors", "--batch-size": 2, "--codes": 2,
    "--layer": 4, "--steps": 3, "--optimizer": "adam", "--lr": 0.05, "--attention": "dot", "--features": "critic",
    "--feature-weight": 0.1, "--seed": 0, "-o": "run",
}  # fmt: skip
OPTIONS = [
    {"--codes": 3}, {"--layer": 3}, {"--steps": 4}, {"--optimizer": "sgd"}, {"--optimizer": "lbfgs"}, {"--lr": 0.051},
    {"--attention": "scaled-dot"}, {"--attention": "cbam"}, {"--attention": "none"}, {"--attention-where": "each"},
    {"--features": "none", "--feature-weight": None}, {"--feature-weight": 0.2}, {"--seed": 1}, {"--init": "bank"},
    {"--starts": 2}, {"--schedule": "cosine"}, {"--schedule": "ramp"}, {"--keep": "last"}, {"--keep": "held-out"},
    {"--target-psnr": 90}, {"--target-psnr": 90, "--passes": 2}, {"--precision": "bf16"}, {"--precision": "tf32"},
    {"--weights": "softmax"}, {"--alpha": "first"}, {"--alpha": "gaussian"}, {"--preset": "mganprior"},
    {"--mask": "center:0.25"}, {"--mask": "block:0.25"}, {"--mask": "pixels:0.25"}, {"--reference": None},
    {"--reference": None, "--clean": True}, {"--reference": "others"},
]  # fmt: skip
WEIGHTS, PIXELS, REFERENCES, MASKS = 8, 6, 3, 4
HARMLESS = [{}, {"--batch-size": 3}, {"--limit": 3}]


@dataclasses.dataclass(frozen=True)
class Mutation:
    """A change.

    Fields:
        name: for people.
        options: changed options of the command; None leaves one out.
        change: makes it in the world's folder.
        touched: pictures that it can reach; all where it is None.
        numerics: raised by so much.
    """

    name: str
    options: dict = dataclasses.field(default_factory=dict)
    change: Callable[[Path], None] = lambda world: None
    touched: frozenset[str] | None = None
    numerics: int = 0


def run(data: Path, work: Path) -> Findings:
    """All mutations, and the controls: nothing changed, or nothing that decides a result."""
    found = Findings()
    every = mutations()
    verdicts = World(work).judge(every)
    stale = [name for name, verdict in verdicts.items() if verdict.startswith("stale")]
    for name in stale:
        print(f"          {name}: {verdicts[name]}")
    found.check("mutations", len(every), f"at least {LEAST}", len(every) >= LEAST)
    found.check("stale hits", stale, "none", not stale)
    for verdict in ("refused", "computed anew"):
        found.figure(verdict, sum(each == verdict for each in verdicts.values()))
    again = World(work / "controls").controls()
    found.check("rows computed again where nothing changed", again, "0", again == 0)
    return found


def mutations() -> list[Mutation]:
    """One change each: of options, weights, samples of pictures and originals, pixels of the mask, the numerics."""
    found = [Mutation(" ".join(f"{name} {value}" for name, value in options.items()), options) for options in OPTIONS]
    found += [Mutation(f"weight {i}", change=lambda world, i=i: _change_weight(world, i)) for i in range(WEIGHTS)]
    for folder, count in (("pictures", PIXELS), ("originals", REFERENCES)):
        for i in range(count):
            name = f"p{i % PICTURES}.png"
            change = lambda world, i=i, file=f"{folder}/{name}": _change_sample(world / file, i, 1)  # noqa: E731
            found.append(Mutation(f"sample {i} in {folder}/{name}", change=change, touched=frozenset([name])))
    for i in range(MASKS):
        found.append(Mutation(f"mask pixel {i}", change=lambda world, i=i: _change_mask(world / "mask.png", i)))
    return [*found, Mutation("numerics version", numerics=1)]


class World:
    """The small world in a folder, and a finished run in it."""

    def __init__(self, work: Path):
        self.folder, self.saved = work / "world", work / "saved"
        self.folder.mkdir(parents=True)
        _write_prior(self.folder / "prior.safetensors")
        for kind, first in (("pictures", 0), ("originals", 0), ("others", 100)):
            (self.folder / kind).mkdir()
            for i in range(PICTURES):
                images.save_png(self.folder / kind / f"p{i}.png", _noise(first + i))
        hole = np.zeros((SIDE, SIDE, 3), np.uint8)
        hole[4:10, 5:12] = 255
        images.save_png(self.folder / "mask.png", hole)
        outcome = self.command({})
        if outcome.code:
            raise RuntimeError(f"the run to be changed did not succeed: {outcome.err}")
        self.rows = journal_rows(self.folder / "run")
        shutil.copytree(self.folder, self.saved)

    def command(self, options: dict) -> Outcome:
        """The base command with other options."""
        flags = []
        for name, value in (BASE | options).items():
            if value is not None:
                flags += [name] if value is True else [name, self._place(name, value)]
        return inside("inpaint", self.folder / "pictures", *flags)

    def judge(self, changes: list[Mutation]) -> dict[str, str]:
        """Make every change in a fresh copy of the world: "refused", "computed anew" or "stale: ..."."""
        verdicts = {}
        for change in changes:
            shutil.rmtree(self.folder)
            shutil.copytree(self.saved, self.folder)
            change.change(self.folder)
            with _numerics_raised(change.numerics):
                outcome = self.command(change.options)
            verdicts[change.name] = self._verdict(change, outcome)
        return verdicts

    def controls(self) -> int:
        """How many rows are added by commands that change nothing that decides a result."""
        for options in HARMLESS:
            outcome = self.command(options)
            if outcome.code:
                raise RuntimeError(f"a control with {options} did not succeed: {outcome.err}")
        for picture in (self.folder / "pictures").iterdir():  # the same pixels in another file
            pixels = images.load_image(picture)
            Image.fromarray(pixels).save(picture, "PNG", compress_level=0)
        self.command({})
        return len(journal_rows(self.folder / "run")) - len(self.rows)

    def _verdict(self, change: Mutation, outcome: Outcome) -> str:
        added = journal_rows(self.folder / "run")[len(self.rows) :]
        if outcome.code == 2 and outcome.one_sentence and not added:
            return "refused"
        if outcome.code:
            return f"stale: ended with {outcome.code}: {outcome.err[-300:]}"
        touched = change.touched or {Path(row.image).name for row in self.rows}
        old = {row.key for row in self.rows}
        if {Path(row.image).name for row in added} != touched or len(added) != len(touched):
            return f"stale: {len(added)} rows were computed, {len(touched)} wanted"
        return "stale: a key came back" if old & {row.key for row in added} else "computed anew"

    def _place(self, name: str, value: object) -> object:
        """Files and folders of the world by their whole path."""
        inside_world = name == "-o" or (isinstance(value, str) and (self.folder / value).exists())
        return self.folder / str(value) if inside_world else value


def _numerics_raised(by: int) -> contextlib.AbstractContextManager:
    return mock.patch.object(drivers, "NUMERICS_VERSION", drivers.NUMERICS_VERSION + by)


def _noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)


def _write_prior(path: Path) -> None:
    config = {"resolution": SIDE, "latent_dim": 8, "widths": [4, 4, 4], "image_channels": 3, "upsample": "nearest"}
    card = {"name": "tiny", "architecture": "pggan", "config": config, "source": "random weights", "licence": "none"}
    generator, critic = from_config(config)
    keys = jax.random.split(jax.random.key(0))
    params = {"generator": generator.init_params(keys[0]), "critic": critic.init_params(keys[1])}
    save_weights(path, params, card)


def _change_weight(world: Path, i: int) -> None:
    """One weight of one tensor to the next number, in a file whose sha256 is right."""
    params, card = load_weights(world / "prior.safetensors")
    flat = {name: np.array(leaf) for name, leaf in flatten(params).items()}
    names = sorted(flat)
    chosen = flat[names[i * (len(names) - 1) // (WEIGHTS - 1)]].reshape(-1)
    chosen[i % chosen.size] = np.nextafter(chosen[i % chosen.size], np.float32(9), dtype=np.float32)
    save_weights(world / "prior.safetensors", unflatten(flat), card)


def _change_sample(path: Path, i: int, by: int) -> None:
    pixels = images.load_image(path).copy()
    pixels[(7 * i) % SIDE, (11 * i + 3) % SIDE, i % 3] += by
    images.save_png(path, pixels)


def _change_mask(path: Path, i: int) -> None:
    pixels = images.load_image(path).copy()
    pixels[4 + i, 5 + i] = 255 - pixels[4 + i, 5 + i]
    images.save_png(path, pixels)
