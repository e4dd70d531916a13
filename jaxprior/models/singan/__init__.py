"""SinGAN: a pyramid of patch GANs trained on one picture (Shaham et al., ICCV 2019; ConSinGAN: Hinz et al., WACV 2021).

    pyramid      sizes and factors of the scales, and the picture at each of them
    model        a trained pyramid          stored    its file
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

import lazy_loader

from jaxprior.protocols import Family, Trainer


__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

FAMILY = Family(
    title="SinGAN: a pyramid of patch GANs trained on one picture",
    paper="Shaham, Dekel and Michaeli, SinGAN: Learning a Generative Model from a Single Natural Image, ICCV 2019",
    architectures={"singan": {"singan": "jaxprior.models.singan.stored:build_singan"}},
    commands="jaxprior.models.singan.commands:app",
    single_image=Trainer(
        config="jaxprior.models.singan.config:SinganRecipe",
        presets="jaxprior.models.singan.config:PRESETS",
        default="singan",
        plan="jaxprior.models.singan.train:plan",
        text="Train a SinGAN on one picture.",
        use="jaxprior singan sample -o samples",
    ),
    page="jaxprior.models.singan.page:singan_sections",
)
