"""ConSinGAN: one generator that grows over the scales of a single picture (Hinz et al., WACV 2021).

    networks     the growing generator       model        a trained one, and drawing from it
    stored       its file                    train        its training, with stage and state
    augmenting   its picture, changed at random, for trainings that harmonize or edit; starting: images of such pictures
    finetuning   such a training, continued on one picture

`load_singan`, `draw`, `reconstruct`, `harmonize` and `edit` of `jaxprior.models.singan` load a ConSinGAN and use it.
"""

from jaxprior.protocols import Family, Trainer


FAMILY = Family(
    title="ConSinGAN: one generator that grows over the scales of one picture",
    paper="Hinz, Fisher, Wang and Wermter, Improved Techniques for Training Single-Image GANs, WACV 2021",
    architectures={"consingan": {"singan": "jaxprior.models.consingan.stored:build_consingan"}},
    single_image=Trainer(
        config="jaxprior.models.consingan.config:ConsinganRecipe",
        presets="jaxprior.models.consingan.config:PRESETS",
        default="consingan",
        plan="jaxprior.models.consingan.train:plan",
        text="Train a ConSinGAN on one picture.",
        use="jaxprior singan sample -o samples",
        use_of="jaxprior.models.consingan.config:use_of",
        finetuned="jaxprior.models.consingan.finetuning:finetuned",
    ),
    page="jaxprior.models.singan.page:singan_sections",
    uses=("singan",),
)
