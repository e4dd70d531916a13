"""Terms of the loss of ONE image (`jaxprior.protocols.Term`): pixels, features, critic, and those of the latents.

`target` says once what generated images are compared with; `value` is the term of one generated image, a scalar. Terms
that look at more than the image have `value_of` in its place (`jaxprior.protocols.LatentTerm`).
"""

from jaxprior.inversion.terms.anchor import AnchorTerm as AnchorTerm
from jaxprior.inversion.terms.code_penalty import CodePenaltyTerm as CodePenaltyTerm
from jaxprior.inversion.terms.critic import CRITIC_LOSSES as CRITIC_LOSSES
from jaxprior.inversion.terms.critic import SEEN as SEEN
from jaxprior.inversion.terms.critic import CriticTerm as CriticTerm
from jaxprior.inversion.terms.critic import MergedCriticTerm as MergedCriticTerm
from jaxprior.inversion.terms.features import FEATURE_LOSSES as FEATURE_LOSSES
from jaxprior.inversion.terms.features import FeatureTerm as FeatureTerm
from jaxprior.inversion.terms.in_domain import COMPARED as COMPARED
from jaxprior.inversion.terms.in_domain import InDomainTerm as InDomainTerm
from jaxprior.inversion.terms.pixel import PIXEL_LOSSES as PIXEL_LOSSES
from jaxprior.inversion.terms.pixel import PixelTerm as PixelTerm
