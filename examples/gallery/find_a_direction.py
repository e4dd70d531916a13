"""Find a direction for an attribute

Where some pictures are labelled, a direction in latent space is found along which the label changes (InterFaceGAN).
Here the label is whether a sample of the prior is brighter than most.
"""

import jax
import numpy as np

import jaxprior as jp


prior = jp.load_prior("cats32")
z = jax.random.normal(jax.random.key(0), (300, prior.latent_dim))
brightness = np.asarray(prior.generate(z)).mean(axis=(1, 2, 3))

found = jp.find_direction(z, brightness > np.median(brightness))

start = {"z": z[:6]}
rows = {f"{amount:+}": prior.generate(jp.edit(start, found.vector, amount)["z"]) for amount in (-4, -2, 0, 2, 4)}
jp.show(rows).save("find_a_direction.png")
print(f"read rightly on held-out samples: {100 * found.accuracy:.0f} %")
for amount, pictures in rows.items():
    print(f"moved by {amount:>3}: mean brightness {float(np.mean(pictures)):+.3f}")
