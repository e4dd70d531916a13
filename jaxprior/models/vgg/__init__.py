"""VGG-16 and VGG-19 as feature networks (Simonyan and Zisserman, ICLR 2015)."""

from jaxprior.protocols import Family


FAMILY = Family(
    title="VGG, in whose features images are compared",
    paper="Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015",
    architectures={
        "vgg16": {"features": "jaxprior.models.vgg.features:build_vgg"},
        "vgg19": {"features": "jaxprior.models.vgg.features:build_vgg"},
    },
)
