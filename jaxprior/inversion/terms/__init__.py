"""Terms of the loss of ONE image (`jaxprior.protocols.Term`): pixels, features, critic.

`target` says once what generated images are compared with; `value` is the term of one generated image, a scalar.
"""

from jaxprior.inversion.terms.critic import CRITIC_LOSSES as CRITIC_LOSSES
from jaxprior.inversion.terms.critic import CriticTerm as CriticTerm
from jaxprior.inversion.terms.features import FEATURE_LOSSES as FEATURE_LOSSES
from jaxprior.inversion.terms.features import FeatureTerm as FeatureTerm
from jaxprior.inversion.terms.pixel import PIXEL_LOSSES as PIXEL_LOSSES
from jaxprior.inversion.terms.pixel import PixelTerm as PixelTerm
