"""Trainings on 1 to 4 forced CPU devices, run as a program of its own: prints what they did as one line of JSON.

XLA is told the number of devices before it starts, so a test cannot do this in its own process.
"""

import json
import math
import re
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.models.autoencoder import train as autoencoder
from jaxprior.models.autoencoder.config import AutoencoderRecipe
from jaxprior.models.dcgan import train as dcgan
from jaxprior.models.dcgan.config import LsganRecipe
from jaxprior.models.pggan import train as pggan
from jaxprior.models.pggan.config import PgganRecipe
from jaxprior.models.pggan.stage import make_step
from jaxprior.system import runtime
from jaxprior.training import foresight, loop, session
from jaxprior.training.data_parallel import DataParallel
from jaxprior.training.metrics_file import read_metrics
from jaxprior.training.pictures import Pictures


STEPS = 3
GROWING = PgganRecipe(
    resolution=8, start_resolution=8, widths=(6, 6), latent_dim=6, batch_size=8, batch_limit=(),
    train_kimg=0.008 * STEPS,
)  # fmt: skip
RECIPES: dict[str, tuple[Any, Any]] = {
    "wgan-gp": (pggan.plan, GROWING),
    "lazy R1": (pggan.plan, GROWING.changed({"loss": "nonsaturating"})),
    "lsgan": (
        dcgan.plan,
        LsganRecipe(resolution=16, widths=(6, 6), critic_widths=(6, 6), latent_dim=6, batch_size=8, steps=30),
    ),
    "autoencoder": (
        autoencoder.plan,
        AutoencoderRecipe(resolution=16, widths=(6, 6), batch_size=8, steps=30, mask="center:0.25", held_out=4),
    ),
}
PACE = loop.Pace(log_every=1, checkpoint_seconds=0, snapshot_seconds=1e9)
COLLECTIVE = re.compile(
    r"= (.*?) (all-gather|all-reduce|all-to-all|collective-permute|reduce-scatter|collective-broadcast)(?:-start)?\("
)


class Killed(Exception):
    """Raised in the middle of a training, which cannot save anything any more."""


def pictures(recipe: Any, count: int = 16) -> Pictures:
    """Noise."""
    shape = (count, recipe.resolution, recipe.resolution, 3)
    return Pictures(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


def losses(name: str, count: int) -> list[dict[str, float]]:
    """What the first steps of a training measured on so many devices."""
    make, recipe = RECIPES[name]
    plan, rows = make(recipe, pictures(recipe)), []
    with tempfile.TemporaryDirectory() as folder:
        try:
            loop.run(
                plan.phases,
                plan.init(jax.random.key(0)),
                folder=Path(folder),
                key=jax.random.key(1),
                placement=DataParallel(jax.devices()[:count]),
                pace=loop.Pace(log_every=1, checkpoint_seconds=1e9, snapshot_seconds=1e9),
                on_log=lambda moment: rows.append(moment.metrics),
                should_stop=lambda: len(rows) >= STEPS - 1,
            )
        except loop.Interrupted:
            pass
    return rows


def communication(batch: int, count: int) -> list[tuple[str, int]]:
    """What goes between devices in a step of a PGGAN: operations with the number of values in their largest result."""
    spread = DataParallel(jax.devices()[:count]).spread(batch)
    state = spread.state(pggan.init_state(GROWING, jax.random.key(0)))
    shown = spread.batch(pictures(GROWING, batch).pixels)
    step: Any = make_step(GROWING, 1, 0, 0)
    program = step.lower(0, state, shown, jax.random.key(0)).compile().as_text()

    def largest(result: str) -> int:
        shapes = re.findall(r"\w\d+\[([\d,]*)\]", result)
        return max(math.prod(int(n) for n in shape.split(",") if n) for shape in shapes)

    return [(operation, largest(result)) for result, operation in COLLECTIVE.findall(program)]


def resumed(first: int, then: int) -> dict[str, Any]:
    """A training that is killed after two steps on so many devices, and goes on with as many as `then` says."""
    make, recipe = RECIPES["autoencoder"]
    plan, rows = make(recipe.changed({"steps": 10}), pictures(recipe)), []

    def killed(moment: loop.Moment) -> None:
        if moment.step == 3:
            raise Killed

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            session.run(plan, folder, source="noise", devices=jax.devices()[:first], pace=PACE, on_log=killed)
        except Killed:
            pass
        begun = json.loads((folder / "run.json").read_text())
        session.run(
            plan, folder, source="noise", devices=jax.devices()[:then], pace=PACE,
            on_log=lambda moment: rows.append(moment.step),
        )  # fmt: skip
        ended = json.loads((folder / "run.json").read_text())
        return {
            "steps": rows,
            "losses": [float(row["loss"]) for row in read_metrics(folder / "metrics.csv")],
            "devices": [begun["device"], ended["device"]],
            "same": begun["configuration"] == ended["configuration"],
        }


def compiled(count: int) -> list[tuple[str, bool]]:
    """What a PGGAN of two stages compiles on so many devices: programs, and whether a thread did it ahead."""
    recipe = GROWING.changed({"resolution": 16, "widths": (6, 6, 6), "train_kimg": 0.016, "fade_kimg": 0.016})
    plan, found = pggan.plan(recipe, pictures(recipe)), []

    def hear(event: str, _seconds: float, **details: Any) -> None:
        if event.endswith("backend_compile_duration"):
            found.append((details.get("fun_name"), threading.current_thread() is not threading.main_thread()))

    runtime.forget_programs()
    jax.monitoring.register_event_duration_secs_listener(hear)
    with tempfile.TemporaryDirectory() as folder:
        session.run(plan, folder, source="noise", devices=jax.devices()[:count], pace=PACE)
    jax.monitoring.unregister_event_duration_listener(hear)
    return [(name, ahead) for name, ahead in found if name in ("jit(step)", "jit(draw_images)")]


def foreseen(count: int) -> dict[str, Any]:
    """What is said beforehand of a step on each of so many devices."""
    plan = pggan.plan(GROWING, pictures(GROWING))
    found = foresight.foresee(plan, placement=DataParallel(jax.devices()[:count]))
    return {"bytes": found.bytes, "seconds": found.seconds}


def uneven() -> dict[str, Any]:
    """A batch of six on four devices: how many are used, and what is said."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        (spread,) = DataParallel(jax.devices()[:4]).spreads([6])
    alone = DataParallel(jax.devices()[:4]).spread(1)
    return {
        "used": len(spread.devices),
        "said": [str(one.message) for one in said],
        "alone": len(alone.devices),
        "rows": [len(shard.data) for shard in spread.batch(np.zeros((6, 2))).addressable_shards],
    }


def members() -> dict[str, Any]:
    """Four networks trained side by side on four devices, each on a picture of its own."""
    spread = DataParallel(jax.devices()[:4], by_member=True).spread(4)
    state, shown = spread.state({"w": jnp.arange(4.0)}), spread.batch(np.ones((4, 2), np.float32))
    step = jax.jit(jax.vmap(lambda own, picture: own["w"] + picture.sum()))
    return {
        "rows": [len(shard.data) for shard in state["w"].addressable_shards],
        "communication": COLLECTIVE.findall(str(step.lower(state, shown).compile().as_text())),
        "local": spread.local(step(state, shown)).tolist(),
    }


def main() -> None:
    """Print everything."""
    found = {
        "losses": {name: {count: losses(name, count) for count in (1, 2, 4)} for name in RECIPES},
        "communication": {"8 on 4": communication(8, 4), "8 on 2": communication(8, 2)},
        "resumed": {"2 to 1": resumed(2, 1), "1 to 2": resumed(1, 2)},
        "compiled": compiled(2),
        "foreseen": {count: foreseen(count) for count in (1, 4)},
        "uneven": uneven(),
        "members": members(),
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
