"""Where the search begins

A search finds the nearest valley. It can begin at random codes or at the best of a bank of samples. Or an encoder looks
at the damaged picture and answers at once, which is what the bundled priors do for holes unless asked for more.
"""

import jax
import numpy as np
from cats import two_cats

import jaxprior as jp


prior = jp.load_prior("cats32")
photos = two_cats(prior.resolution)[:1]
task = jp.Inpaint(jp.parse_mask("center:0.25").draw(prior.resolution))
search = {"codes": jp.MultiCode(num_codes=8, layer=2), "solve": jp.Solve(steps=25, optimizer="lbfgs")}
ways = {
    "random": {"start": jp.RandomStart(), **search},
    "bank": {"start": jp.BankStart(), **search},
    "encoder": {},
}

shown = [np.asarray(task.observe(photos))]
for name, way in ways.items():
    result = jp.restore(prior, photos, task, key=jax.random.key(0), **way)
    shown.append(np.asarray(result.merged))
    print(f"{name:9}{float(jp.metrics.psnr(result.merged, photos, mask=task.mask).mean()):6.2f} dB in the hole")
jp.show({", ".join(["given", *ways, "original"]): np.concatenate([*shown, photos])}).save("where_to_begin.png")
