"""Patch-based inpainting: a network that fills holes of photographs of any size at once (Demir and Unal, 2018)."""

from jaxprior.protocols import Family


FAMILY = Family(
    title="Patch-based inpainting, a network that fills holes at once",
    paper="Demir and Unal, Patch-Based Image Inpainting with Generative Adversarial Networks, 2018",
    architectures={"patchgan": {"restorer": "jaxprior.models.patchgan.stored:build_restorer"}},
    restores="jaxprior.models.patchgan.config:restores",
)
