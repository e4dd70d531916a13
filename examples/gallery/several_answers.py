"""Several answers, and where they differ

A hole has more than one plausible filling. `draws=4` makes four further answers, each of which looks like a picture
of the prior, and `spread` says how far they lie apart at each pixel.
"""

import jax
import numpy as np
from cats import two_cats

import jaxprior as jp


prior = jp.load_prior("cats32")
photo = two_cats(prior.resolution)[:1]
task = jp.Inpaint(jp.parse_mask("center:0.25").draw(prior.resolution))

result = jp.restore(prior, photo, task, key=jax.random.key(0), draws=4)

spread = np.asarray(result.spread)[..., None]  # [b, h, w, 1], in units of [-1, 1]
bright = np.repeat(2 * spread / spread.max() - 1, 3, axis=-1)
shown = np.concatenate([task.observe(photo), *np.asarray(result.draws).swapaxes(0, 1), bright, photo])
jp.show({"given, four answers, where they differ, original": shown}).save("several_answers.png")
print(f"spread in the hole {spread[:, 8:24, 8:24].mean():.3f}, outside {spread[:, :8].mean():.3f}")
