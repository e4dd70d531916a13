"""Forms of the 3-D convolutions of `jaxprior.nn.volumetric` beside XLA's own: all in one process, in turns.

    python benchmarks/volumetric.py [--batch 8] [--turns 5] [--out FILE.json]

Each layer is one of a 3D-GAN of 32^3 voxels. What is timed is the operation, and its gradients in the features and in
the kernel; seconds are those of the processor over all threads, so that other work on the machine hardly counts. The
least of all turns is kept. What takes longer than `SLOW` seconds is timed once. Before that all forms must agree.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from measuring import record, save

from jaxprior.nn import volumetric


FORMS = {
    "doubling": {"xla": volumetric.transposed_direct, "phases": volumetric.transposed_phases,
                 "products": volumetric.transposed_products},
    "halving": {"xla": volumetric.strided_direct, "products": volumetric.strided_products},
}  # fmt: skip
LAYERS = (("doubling", 4, 64, 32), ("doubling", 8, 32, 16), ("doubling", 16, 16, 1), ("halving", 32, 1, 16),
          ("halving", 16, 16, 32), ("halving", 8, 32, 64))  # fmt: skip
"""Operation, voxels of a side, channels in and out."""

SLOW, AGREE = 0.5, 1e-3


def programs(form: Any, x: jax.Array, kernel: jax.Array, g: jax.Array) -> dict[str, tuple[Any, tuple]]:
    """The compiled operation and its two gradients, each with its arguments."""

    def of_features(g, kernel):
        return jax.linear_transpose(lambda x: form(x, kernel), x)(g)[0]

    def of_kernel(g, x):
        return jax.linear_transpose(lambda kernel: form(x, kernel), kernel)(g)[0]

    work = {"forward": (form, (x, kernel)), "features": (of_features, (g, kernel)), "kernel": (of_kernel, (g, x))}
    return {name: (jax.jit(f).lower(*args).compile(), args) for name, (f, args) in work.items()}


def timed(operation: str, side: int, channels: tuple[int, int], *, batch: int, turns: int) -> dict[str, dict]:
    """Least seconds by form and by what is computed."""
    chance = np.random.default_rng(0)
    x, kernel = (
        jnp.asarray(chance.standard_normal(shape), jnp.float32)
        for shape in ((batch, side, side, side, channels[0]), (4, 4, 4, *channels))
    )
    forms = FORMS[operation]
    first = forms["products"](x, kernel)
    g = jnp.asarray(chance.standard_normal(first.shape), jnp.float32)
    made = {(n, part): one for n, form in forms.items() for part, one in programs(form, x, kernel, g).items()}
    agreed: dict[str, np.ndarray] = {}
    took: dict[tuple[str, str], list[float]] = {key: [] for key in made}
    for _ in range(turns):
        for key, (program, args) in made.items():
            if took[key] and min(took[key]) > SLOW:
                continue
            began = time.process_time()
            found = np.asarray(program(*args))
            took[key].append(time.process_time() - began)
            known = agreed.setdefault(key[1], found)
            assert np.abs(found - known).max() <= AGREE * np.abs(known).max(), key
    return {name: {part: min(took[name, part]) for part in ("forward", "features", "kernel")} for name in forms}


def main() -> None:
    """Time every layer, and print milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--out", type=Path)
    words = parser.parse_args()
    results = []
    print("| layer | form | forward | gradient in features | gradient in the kernel |\n|---|---|---|---|---|")
    for operation, side, into, out in LAYERS:
        channels = (into, out)
        found = timed(operation, side, channels, batch=words.batch, turns=words.turns)
        results.append({"operation": operation, "side": side, "channels": channels, "seconds": found})
        for name, seconds in found.items():
            cells = " | ".join(f"{1e3 * value:.1f} ms" for value in seconds.values())
            print(f"| {operation} {side}^3, {channels[0]} to {channels[1]} | {name} | {cells} |", flush=True)
    save(words.out, {**record("volumetric"), "batch": words.batch, "layers": results})


if __name__ == "__main__":
    main()
