"""Choose a prior's default settings by measurement: hole and whole PSNR along the trace, for several codes and layers.

    python benchmarks/settings.py --data PICTURES.zip --prior RUN --skip 64 --limit 64

The pictures must not be the ones on which quality is reported (`--skip` leaves those out). Every row is one setting;
the columns are medians over the pictures for several budgets, because more steps usually help what is known and hurt
the hole. In the hole, the paired median gain over mean fill stands in brackets.
"""

import argparse
import itertools
from pathlib import Path

import jax
import numpy as np
from restoring import load, make_task
from simple_methods import mean_fill

import jaxprior as jp


def main() -> None:
    """Run the sweep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--prior")
    parser.add_argument("--limit", type=int, default=32)
    parser.add_argument("--skip", type=int, default=0, help="pictures left out at the start")
    parser.add_argument("--layers", default="2,4,6")
    parser.add_argument("--codes", default="10,20")
    parser.add_argument("--weights", default="free,softmax")
    parser.add_argument("--rates", default="0.05")
    parser.add_argument("--features", default="0", help="weights of the critic's features")
    parser.add_argument("--steps", default="50,100,200", help="budgets; each is a run of its own")
    parser.add_argument("--schedule", default="constant")
    parser.add_argument("--tasks", default="reconstruct,center:0.25")
    arguments = parser.parse_args()
    prior = jp.load_prior(arguments.prior)
    everything = load(arguments.data, prior.resolution, arguments.skip + arguments.limit)
    photos, ids = (x[arguments.skip :] for x in everything)
    for spec in arguments.tasks.split(","):
        task, masks = make_task(spec, prior.resolution, ids)
        if masks is not None:
            base = np.asarray(jp.metrics.psnr(mean_fill(photos, masks), photos, mask=masks))
            print(f"{spec}: mean fill {np.median(base):.2f} dB in the hole", flush=True)
        choices = (arguments.layers, arguments.codes, arguments.weights, arguments.rates, arguments.features)
        for layer, codes, weights, rate, weight in itertools.product(*(choice.split(",") for choice in choices)):
            cells = []
            for steps in map(int, arguments.steps.split(",")):
                result = jp.restore(
                    prior,
                    photos,
                    task,
                    key=jax.random.key(0),
                    ids=ids,
                    codes=jp.MultiCode(num_codes=int(codes), layer=int(layer), weights=weights),
                    objective=jp.Objective(
                        features=prior.critic if float(weight) else None, feature_weight=float(weight)
                    ),
                    solve=jp.Solve(steps=steps, learning_rate=float(rate), schedule=arguments.schedule),
                )
                values = np.asarray(jp.metrics.psnr(result.images, photos, mask=masks))
                gain = "" if masks is None else f" ({np.median(values - base):+.2f})"
                cells.append(f"{steps}: {np.median(values):.2f}{gain}")
            setting = f"layer {layer} codes {codes} {weights} rate {rate} features {weight}"
            print(f"  {setting:48s} " + "  ".join(cells), flush=True)


if __name__ == "__main__":
    main()
