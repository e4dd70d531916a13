"""Inception-v3 as a feature network: that of the Frechet inception distance, and torchvision's."""

from jaxprior.protocols import Family


FAMILY = Family(
    title="Inception-v3, in whose features sets of images are compared",
    paper="Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016; Heusel et al., GANs "
    "Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium, NeurIPS 2017",
    architectures={
        name: {"features": "jaxprior.models.inception.features:build_inception"}
        for name in ("inception", "inception-torchvision")
    },
)
