"""From one picture to another

The latents of two pictures are mixed, and every mixture is rendered. In between are pictures of the prior, not two
pictures laid over each other.
"""

import jax
import numpy as np

import jaxprior as jp


prior, codes = jp.load_prior("cats32"), jp.MultiCode(num_codes=8, layer=2)
photos = prior.generate(jax.random.normal(jax.random.key(4), (2, prior.latent_dim)))
result = jp.restore(prior, photos, key=jax.random.key(0), codes=codes, solve=jp.Solve(steps=25, optimizer="lbfgs"))

first, second = (jax.tree.map(lambda leaf, i=i: leaf[i], result.latents) for i in (0, 1))
way = jp.render(prior, jp.interpolate(first, second, np.linspace(0, 1, 8)), codes=codes)

jp.show(np.asarray(way)).save("interpolate_two_pictures.png")
print(f"ends {np.abs(np.asarray(way[0] - result.images[0])).max():.4f} away from the inversions")
