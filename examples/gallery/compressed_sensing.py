"""A picture from a few random measurements

`Measure` keeps 300 random sums of the 3072 numbers of a picture. Far fewer measurements than pixels are enough where
the picture is one that the prior can make (Bora et al., ICML 2017).
"""

import jax
import numpy as np
from cats import two_cats

import jaxprior as jp


prior = jp.load_prior("cats32")
made = np.asarray(prior.generate(jax.random.normal(jax.random.key(7), (1, prior.latent_dim))))
photos = np.concatenate([made, two_cats(prior.resolution)[:1]])  # a sample of the prior, and a photograph
shown = [photos]
for count in (30, 300):
    task = jp.Measure.gaussian(count, prior.image_shape, seed=0)
    result = jp.restore(
        prior, photos, task, key=jax.random.key(0), codes=jp.SingleCode(), solve=jp.Solve(steps=60, optimizer="lbfgs")
    )
    shown.append(np.asarray(result.images))
    sample, photo = np.asarray(jp.metrics.psnr(result.images, photos))
    print(f"{count:4} measurements: sample of the prior {sample:5.2f} dB, photograph {photo:5.2f} dB")
rows = np.stack(shown, axis=1)  # [pictures, 3, h, w, c]
captions = ("sample of the prior, from 30, from 300", "photograph, from 30, from 300")
jp.show(dict(zip(captions, rows, strict=True))).save("compressed_sensing.png")
