"""Deep image prior: an untrained network, whose weights are found for each picture (Ulyanov et al., CVPR 2018)."""

from jaxprior.protocols import Family


FAMILY = Family(
    title="deep image prior, an untrained network whose weights are found for each picture",
    paper="Ulyanov et al., Deep Image Prior, CVPR 2018, arXiv 1711.10925",
    sizes="jaxprior.models.dip.config:sizes",
    architectures={"dip": {"prior": "jaxprior.models.dip.stored:build_dip"}},
)
