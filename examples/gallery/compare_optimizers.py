"""Which optimiser gets there first

The trace of a result has the loss before every step. A step of either optimiser looks at the loss and its gradient
once, so that the curves can be compared.
"""

import jax
import matplotlib
import numpy as np
from cats import two_cats

import jaxprior as jp


matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


prior = jp.load_prior("cats32")
photos = two_cats(prior.resolution)

figure, axes = plt.subplots(figsize=(6, 4))
for name, solve in {
    "Adam": jp.Solve(steps=100, optimizer="adam"),
    "L-BFGS": jp.Solve(steps=100, optimizer="lbfgs"),
}.items():
    result = jp.restore(prior, photos, key=jax.random.key(0), codes=jp.MultiCode(num_codes=5, layer=2), solve=solve)
    axes.plot(np.asarray(result.trace).mean(axis=0), label=name)
    print(f"{name:8}{float(jp.metrics.psnr(result.images, photos).mean()):6.2f} dB")
axes.set(xlabel="steps", ylabel="mean loss", yscale="log", title="Reconstruction with five codes")
axes.legend()
figure.savefig("compare_optimizers.png", dpi=100)
