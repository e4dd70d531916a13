"""Compare two methods fairly

A gain of a few pictures may be chance. Both methods restore the same pictures, and the difference is looked at
picture by picture, with an interval. Here samples of the prior stand for photographs; take your own, and more of
them.
"""

import jax
import numpy as np

import jaxprior as jp


prior = jp.load_prior("cats32")
photos = np.asarray(prior.generate(jax.random.normal(jax.random.key(9), (16, prior.latent_dim))))
task = jp.Inpaint(jp.parse_mask("center:0.25").draw(prior.resolution))

psnr, rows = {}, {"given": np.asarray(task.observe(photos))}
for name, codes in {"one code": jp.SingleCode(), "ten codes": jp.MultiCode(num_codes=10, layer=2)}.items():
    result = jp.restore(
        prior,
        photos,
        task,
        key=jax.random.key(0),
        codes=codes,
        solve=jp.Solve(steps=20, optimizer="lbfgs", init="bank"),
    )
    rows[name], psnr[name] = (
        np.asarray(result.merged),
        np.asarray(jp.metrics.psnr(result.merged, photos, mask=task.mask)),
    )

gain = psnr["one code"] - psnr["ten codes"]
chance = np.random.default_rng(0)
medians = np.median(chance.choice(gain, (2000, len(gain))), axis=1)
low, high = np.percentile(medians, [2.5, 97.5])
jp.show({**rows, "original": photos}).save("measure_a_method.png")
wins = 100 * (gain > 0).mean()
print(f"one code over ten: {np.median(gain):+.2f} dB ({low:+.2f} to {high:+.2f}), better on {wins:.0f} %")
