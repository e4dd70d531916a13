"""SinGAN: a pyramid of patch GANs trained on one picture (Shaham et al., ICCV 2019).

    config       settings of a training     pyramid   sizes and factors of the scales, and the picture at each of them
    model        a trained pyramid          stored    its file
    drawing      random images, the reconstruction, images of other sizes
    fitting      a reference picture brought to the model's size
    injecting    a picture takes the place of the coarse scales
    manipulating paint, harmonize, edit     colors, blending    what these need besides
    enlarging    super-resolution           animating           random walks of the noise
    statistics   by which statistics the norms normalise when a model is used
    train, group, repaint                   trainings, with planning, scale, state and losses
    viewing, page                           what a report page shows
    commands     the commands of `jaxprior singan`

Everything here that draws and reads also serves other models of one picture, such as a ConSinGAN.

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
