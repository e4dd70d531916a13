"""SqueezeNet 1.1 as a feature network (Iandola et al., 2016)."""

from jaxprior.protocols import Family


FAMILY = Family(
    title="SqueezeNet, in whose features images are compared",
    paper="Iandola et al., SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size, 2016",
    architectures={"squeezenet": {"features": "jaxprior.models.squeezenet.features:build_squeezenet"}},
)
