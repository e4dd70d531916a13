"""SinGAN: a pyramid of patch GANs trained on one picture (Shaham et al., ICCV 2019; ConSinGAN: Hinz et al., WACV 2021).

    pyramid      sizes and factors of the scales, and the picture at each of them
    resizing     the resizes between scales, as matrices
    model        a trained pyramid          stored    its file
    growing      a trained ConSinGAN        growing_stored    its file
    drawing      random images, the reconstruction, other sizes
    fitting      a reference picture at the model's size
    injecting    a picture in place of the coarse scales
    manipulating paint, harmonize, edit     colors, blending    what they need besides
    enlarging    super-resolution           animating           random walks
    statistics   of the norms, when it is used

    model = load_singan("balloons.safetensors")
    images = draw(model, jax.random.key(0), count=4, start_scale=2)
    frames = animate(model, jax.random.key(0), frames=100)
"""

from jaxprior.singan.animating import animate
from jaxprior.singan.blending import blend, load_mask, soft_mask
from jaxprior.singan.colors import color_centers, snap_to
from jaxprior.singan.drawing import draw, draw_scales, reconstruct, synthesize
from jaxprior.singan.enlarging import super_resolve
from jaxprior.singan.fitting import fit_mask, fit_reference
from jaxprior.singan.growing import ConSinGan
from jaxprior.singan.injecting import inject
from jaxprior.singan.manipulating import Manipulated, edit, harmonize, paint
from jaxprior.singan.model import Scale, SinGan
from jaxprior.singan.pyramid import RULES, Plan, build_pyramid, plan_scales
from jaxprior.singan.resizing import RESIZES, resize
from jaxprior.singan.statistics import with_own_statistics
from jaxprior.singan.stored import load_singan, save_singan


__all__ = [
    "RESIZES", "RULES", "ConSinGan", "Manipulated", "Plan", "Scale", "SinGan", "animate", "blend", "build_pyramid",
    "color_centers", "draw", "draw_scales", "edit", "fit_mask", "fit_reference", "harmonize", "inject", "load_mask",
    "load_singan", "paint", "plan_scales", "reconstruct", "resize", "save_singan", "snap_to", "soft_mask",
    "super_resolve", "synthesize", "with_own_statistics",
]  # fmt: skip
