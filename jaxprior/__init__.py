"""jaxprior: restore images with a trained GAN as the prior.

    import jax, jaxprior as jp

    prior = jp.load_prior()
    photos = jp.load_images(["cat.jpg"], size=prior.resolution)
    mask = jp.parse_mask("center:0.25").draw(prior.resolution)
    result = jp.restore(prior, photos, jp.Inpaint(mask), key=jax.random.key(0))
    jp.metrics.psnr(result.images, photos, mask=mask)

Images are float32 [b, h, w, c] in [-1, 1]; masks are 1 where pixels are missing.
"""

from jaxprior import metrics as metrics
from jaxprior.errors import JaxpriorError as JaxpriorError
from jaxprior.images import load_images as load_images
from jaxprior.images import to_uint8 as to_uint8
from jaxprior.inversion.latents import MultiCode as MultiCode
from jaxprior.inversion.objective import Objective as Objective
from jaxprior.inversion.solvers import Solve as Solve
from jaxprior.masks import parse_mask as parse_mask
from jaxprior.operators import Identity as Identity
from jaxprior.operators import Inpaint as Inpaint
from jaxprior.operators import Operator as Operator
from jaxprior.priors import Critic as Critic
from jaxprior.priors import Prior as Prior
from jaxprior.priors import list_priors as list_priors
from jaxprior.priors import load_prior as load_prior
from jaxprior.priors import untrained as untrained
from jaxprior.restoration import Method as Method
from jaxprior.restoration import Result as Result
from jaxprior.restoration import invert as invert
from jaxprior.restoration import preset as preset
from jaxprior.restoration import restore as restore


__version__ = "0.1.0"
