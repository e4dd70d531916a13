"""LPIPS, a distance of images with weights that were fitted to people's judgements (Zhang et al., CVPR 2018)."""

from jaxprior.protocols import Family


FAMILY = Family(
    title="LPIPS, the distance of images that people see",
    paper="Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018",
    architectures={
        name: {"features": "jaxprior.models.lpips.features:build_distance"}
        for name in ("lpips-alex", "lpips-vgg", "lpips-squeeze")
    },
    uses=("alexnet", "squeezenet", "vgg"),
)
