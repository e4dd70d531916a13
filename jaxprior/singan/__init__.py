"""SinGAN: a pyramid of patch GANs trained on one picture (Shaham et al., ICCV 2019; ConSinGAN: Hinz et al., WACV 2021).

    pyramid      sizes and factors of the scales, and the picture at each of them
    resizing     the resizes between scales, as matrices
    model        a trained pyramid          stored    its file
    growing      a trained ConSinGAN        growing_stored    its file
    drawing      random images, the reconstruction, other sizes

    model = load_singan("balloons.safetensors")
    images = draw(model, jax.random.key(0), count=4, start_scale=2)
"""

from jaxprior.singan.drawing import draw, reconstruct, synthesize
from jaxprior.singan.growing import ConSinGan
from jaxprior.singan.model import Scale, SinGan
from jaxprior.singan.pyramid import Plan, build_pyramid, plan_scales
from jaxprior.singan.resizing import RESIZES, resize
from jaxprior.singan.stored import load_singan, save_singan


__all__ = [
    "RESIZES", "ConSinGan", "Plan", "Scale", "SinGan", "build_pyramid", "draw", "load_singan", "plan_scales",
    "reconstruct", "resize", "save_singan", "synthesize",
]  # fmt: skip
