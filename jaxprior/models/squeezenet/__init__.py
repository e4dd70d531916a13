"""SqueezeNet 1.1 as a feature network, and the LPIPS-style distance on it (Iandola et al., Zhang et al.)."""

from jaxprior.protocols import Family


FAMILY = Family(
    title="SqueezeNet, in whose features images are compared",
    paper="Iandola et al., SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size, 2016; "
    "Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018",
    architectures={
        "squeezenet": {"features": "jaxprior.models.squeezenet.features:build_squeezenet"},
        "lpips-squeeze": {"features": "jaxprior.models.squeezenet.features:build_distance"},
    },
)
