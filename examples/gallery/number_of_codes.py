"""How many codes, and where they are put together

One latent code cannot make every picture. mGANprior (Gu et al., CVPR 2020) makes N feature maps at a composing layer
and adds them, each channel with a weight of its own. More codes and later layers come nearer to the picture, but know
less about what a cat looks like.
"""

import jax
import numpy as np
from cats import two_cats

import jaxprior as jp


prior = jp.load_prior("cats32")
photos = two_cats(prior.resolution)[:1]
solve = jp.Solve(steps=30, optimizer="lbfgs")

shown, names = [photos], ["original"]
for layer in (1, 3):
    for codes in (1, 8):
        result = jp.restore(
            prior, photos, key=jax.random.key(0), codes=jp.MultiCode(num_codes=codes, layer=layer), solve=solve
        )
        names.append(f"{codes} at layer {layer}")
        shown.append(np.asarray(result.images))
        print(f"{names[-1]:18}{float(jp.metrics.psnr(result.images, photos).mean()):6.2f} dB")
jp.show({", ".join(names): np.concatenate(shown)}).save("number_of_codes.png")
