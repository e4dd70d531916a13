"""SRGAN: a network that enlarges photographs of any size (Ledig et al., CVPR 2017)."""

from jaxprior.protocols import Family


FAMILY = Family(
    title="SRGAN, a network that enlarges photographs",
    paper="Ledig et al., Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network, "
    "CVPR 2017",
    architectures={"srgan": {"restorer": "jaxprior.models.srgan.stored:build_restorer"}},
    restores="jaxprior.models.srgan.config:restores",
)
