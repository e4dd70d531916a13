"""Does a prior know what the picture shows?

`rank_priors` inverts each photograph for a moment with every prior, and says how many dB it is explained worse than
the prior's own samples are. Both priors here know faces of cats: the cat comes nearest, and the cup is a stranger to
them.
"""

from PIL import Image
from skimage.data import astronaut, chelsea, coffee

import jaxprior as jp


ranking = jp.rank_priors([chelsea()[:300, 120:420], astronaut()[:300, 80:380], coffee()], ["cats32", "cats64"])

Image.fromarray(ranking.sheet()).save("which_prior.png")
for name, photo in zip(("cat", "astronaut", "coffee"), ranking.photos, strict=True):
    print(f"{name:10}" + ", ".join(f"{one.prior} {one.shown_behind} dB behind" for one in photo.priors))
