"""Going on with exported weights, with and without a warm-up of the learning rate: losses and distances over the steps.

    python benchmarks/going_on.py --data cats.zip --prior cats32 --out benchmarks/results/NAME.json [--steps 600]

The same pictures, codes and random keys for every warm-up. The sliced Wasserstein distance is that of the training's
own evaluator, of the moving average ("average") and of the weights themselves ("weights"); at step 0 both are the
prior's. Beside the JSON a figure of the same name is drawn.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
from measuring import record, save

from jaxprior.models.pggan.config import PRESETS
from jaxprior.models.pggan.continued import settled
from jaxprior.models.pggan.train import plan
from jaxprior.training import pictures
from jaxprior.training.evaluators import SlicedWasserstein
from jaxprior.training.phases import Moment, Phase
from jaxprior.training.session import Plan
from jaxprior.training.settings import PictureInputs


WARM_UPS = (300, 0)


def distances(planned: Plan, state: dict, phase: Phase, step: int) -> dict[str, float]:
    """The mean distances of the average and of the weights themselves."""
    moment = Moment(
        phase=phase.name, phase_number=0, index=step, step=step, total_steps=phase.steps, images=0, total_images=0,
        images_per_second=0.0, unit=phase.unit, metrics={},
    )  # fmt: skip
    of_weights = planned.evaluator.measure({**state, "average": state["generator"]}, moment)
    of_average = planned.evaluator.measure(state, moment)
    return {
        "average": of_average["swd_mean"], "weights": of_weights["swd_mean"], "real": of_average["real_mean"],
    }  # fmt: skip


def draw(results: dict, path: Path) -> None:
    """Losses of the critic and distances of both, over the steps."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(15, 4), layout="constrained")
    panels = ("critic_loss", "generator_loss")
    for warm_up, found in results.items():
        for axis, name in zip(axes, panels, strict=False):
            values = [row[name] for row in found["losses"]]
            axis.plot(np.convolve(values, np.ones(10) / 10, "valid"), lw=0.8, label=f"warm-up {warm_up}")
            axis.set(title=f"{name}, means of 10 steps", xlabel="steps")
        for name, style in (("weights", "--"), ("average", "-")):
            rows = found["distances"]
            points = [row["step"] for row in rows], [row[name] for row in rows]
            axes[2].plot(*points, style, marker="o", ms=3, label=f"warm-up {warm_up}, {name}")
    axes[2].set(title="sliced Wasserstein distance x 1000", xlabel="steps")
    for axis in axes:
        axis.legend(fontsize=8)
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def main() -> None:
    """Train once for every warm-up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="pictures: a folder or a zip archive")
    parser.add_argument("--prior", default="cats32")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--every", type=int, default=100, help="steps between two distances")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--codes", type=int, default=512, help="pictures that a distance is measured on")
    parser.add_argument("--lr", type=float, help="a constant rate instead of the recipe's")
    parser.add_argument("--limit", type=int, help="use the first so many pictures")
    parser.add_argument("--warm-ups", default=",".join(map(str, WARM_UPS)))
    arguments = parser.parse_args()
    given: dict[str, Any] = {"start_from": arguments.prior, "batch_size": arguments.batch_size}
    if arguments.lr is not None:
        given |= {"learning_rate": arguments.lr, "final_learning_rate": arguments.lr}
    recipe = settled(PRESETS["fast"], given, preset_named=False).changed(given)
    data = pictures.read(PictureInputs(data=arguments.data), recipe, limit=arguments.limit)
    about = {
        "prior": arguments.prior, "pictures": len(data.pictures), "batch_size": arguments.batch_size,
        "codes": arguments.codes,
    }  # fmt: skip
    results: dict[str, dict] = {}
    for warm_up in map(int, arguments.warm_ups.split(",")):
        planned = plan(replace(recipe, warmup_steps=warm_up), data.pictures)
        assert isinstance(planned.evaluator, SlicedWasserstein)
        codes = planned.evaluator.codes[: arguments.codes]
        planned = replace(planned, evaluator=replace(planned.evaluator, codes=codes))
        phase, key = planned.phases[0], jax.random.key(recipe.seed)
        state = phase.begin(planned.init(key))
        found = results[str(warm_up)] = {"losses": [], "distances": []}
        for step in range(arguments.steps + 1):
            if step % arguments.every == 0:
                found["distances"].append({"step": step, **distances(planned, state, phase, step)})
                print(f"warm-up {warm_up}: {found['distances'][-1]}", flush=True)
                save(arguments.out, {**record("going_on"), **about, "settings": planned.settings, "results": results})
            if step < arguments.steps:
                state, seen = phase.step(step, state, phase.batch(step), jax.random.fold_in(key, step))
                found["losses"].append({name: round(float(value), 4) for name, value in seen.items()})
        draw(results, arguments.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
