"""AlexNet as a feature network (Krizhevsky, 2014), the trunk of the LPIPS that papers report."""

from jaxprior.protocols import Family


FAMILY = Family(
    title="AlexNet, in whose features images are compared",
    paper="Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014",
    architectures={"alexnet": {"features": "jaxprior.models.alexnet.features:build_alexnet"}},
)
