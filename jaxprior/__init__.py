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
from jaxprior.editing import edit as edit
from jaxprior.editing import interpolate as interpolate
from jaxprior.editing import render as render
from jaxprior.errors import JaxpriorError as JaxpriorError
from jaxprior.features import FeatureNetwork as FeatureNetwork
from jaxprior.features import load_features as load_features
from jaxprior.images import load_images as load_images
from jaxprior.images import to_uint8 as to_uint8
from jaxprior.inversion.attention import CBAM as CBAM
from jaxprior.inversion.attention import SelfAttention as SelfAttention
from jaxprior.inversion.latents import MultiCode as MultiCode
from jaxprior.inversion.latents import SingleCode as SingleCode
from jaxprior.inversion.objective import Objective as Objective
from jaxprior.inversion.solvers import Solve as Solve
from jaxprior.masks import parse_mask as parse_mask
from jaxprior.operators import Colorize as Colorize
from jaxprior.operators import Compose as Compose
from jaxprior.operators import Deblur as Deblur
from jaxprior.operators import Denoise as Denoise
from jaxprior.operators import Identity as Identity
from jaxprior.operators import Inpaint as Inpaint
from jaxprior.operators import Operator as Operator
from jaxprior.operators import SuperResolve as SuperResolve
from jaxprior.presets import Method as Method
from jaxprior.presets import preset as preset
from jaxprior.priors import Critic as Critic
from jaxprior.priors import Prior as Prior
from jaxprior.priors import list_priors as list_priors
from jaxprior.priors import load_prior as load_prior
from jaxprior.priors import untrained as untrained
from jaxprior.restoration import Result as Result
from jaxprior.restoration import invert as invert
from jaxprior.restoration import restore as restore


__version__ = "0.1.0"
