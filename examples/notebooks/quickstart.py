# %% [markdown]
# # jaxprior in five minutes
#
# jaxprior restores pictures with a trained network, the *prior*, that makes pictures of one kind. The prior that
# comes along makes faces of cats.
#
# This notebook needs no GPU and downloads nothing. The first result of each kind takes some seconds longer, because
# JAX compiles it.

# %%
import jax
import numpy as np
from skimage.data import chelsea

import jaxprior as jp


prior = jp.load_prior("cats32")
prior

# %% [markdown]
# ## What the prior knows
#
# A *latent code* is a list of random numbers. Each code gives another cat.

# %%
codes = jax.random.normal(jax.random.key(0), (16, prior.latent_dim))
jp.show(prior.generate(codes))

# %% [markdown]
# ## Repair a photograph
#
# The mask says what is missing. The photograph keeps its size, and its known pixels stay as they are.

# %%
photo = chelsea()
rows, columns = np.mgrid[: photo.shape[0], : photo.shape[1]]
mask = (rows - 175) ** 2 + (columns - 290) ** 2 < 40**2

restored = jp.restore_photo(prior, photo, mask, key=jax.random.key(0))
damaged = np.where(mask[..., None], 128, photo).astype(np.uint8)
jp.show(np.stack([damaged, restored.picture, photo]), columns=3)

# %% [markdown]
# ## Measure how good it is
#
# For that one begins with whole pictures. `restore` damages them by a task and restores all of them at once; they
# have the prior's size.

# %%
face = jp.images.to_float(jp.images.fit(photo[:300, 120:420], prior.resolution))
photos = np.stack([face, face[:, ::-1]])
hole = jp.Inpaint(jp.parse_mask("center:0.25").draw(prior.resolution))

result = jp.restore(prior, photos, hole, key=jax.random.key(0))
print("in the hole:", np.asarray(jp.metrics.psnr(result.merged, photos, mask=hole.mask)).round(1), "dB")
result.show(hole.observe(photos), photos)

# %% [markdown]
# ## Search for codes
#
# The answer above came from an encoder, a network that was trained for holes. For any other damage the codes are
# searched: here by 25 steps of L-BFGS, with eight
# codes that are put together at layer 2 of the generator.

# %%
task = jp.SuperResolve(2)
result = jp.restore(
    prior, photos, task, key=jax.random.key(0), codes=jp.MultiCode(num_codes=8, layer=2),
    solve=jp.Solve(steps=25, optimizer="lbfgs"), progress=True,
)  # fmt: skip
result

# %% [markdown]
# ## Where to go next
#
# The gallery of the documentation has more examples, and `jaxprior --help` shows what the command line does: folders
# of pictures, reports, trainings.
