"""Six tasks, one function

A task is a forward operator A, which says how the picture was damaged. `restore` damages originals by it and finds
the picture of the prior that explains what is left; `invert` takes pictures that are damaged already.
"""

import jax
import numpy as np
from cats import two_cats

import jaxprior as jp


prior = jp.load_prior("cats32")
photos = two_cats(prior.resolution)[:1]
tasks = {
    "reconstruct": jp.Identity(),
    "inpaint": jp.Inpaint(jp.parse_mask("block:0.2").draw(prior.resolution, key=jax.random.key(1))),
    "colorize": jp.Colorize(),
    "superres": jp.SuperResolve(4),
    "denoise": jp.Denoise(0.2),
    "deblur": jp.Deblur.gaussian(1.5),
}

given, restored = [], []
for name, task in tasks.items():
    observed = task.observe(photos, key=jax.random.split(jax.random.key(2), 1))
    result = jp.invert(prior, observed, task, key=jax.random.key(0), solve=jp.Solve(steps=20, optimizer="lbfgs"))
    given.append(np.asarray(jp.show(np.asarray(observed)).resize((132, 132))))
    restored.append(np.asarray(jp.show(np.asarray(result.merged)).resize((132, 132))))
    print(f"{name:12}{float(jp.metrics.psnr(result.merged, photos)[0]):6.2f} dB")
jp.show({"given": np.stack(given), "restored": np.stack(restored)}).save("every_task.png")
