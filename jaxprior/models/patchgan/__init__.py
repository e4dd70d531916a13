"""Patch-based inpainting: a network that fills holes of photographs of any size at once (Demir and Unal, 2018)."""

from jaxprior.protocols import Family, Trainer


FAMILY = Family(
    title="Patch-based inpainting, a network that fills holes at once",
    paper="Demir and Unal, Patch-Based Image Inpainting with Generative Adversarial Networks, 2018",
    architectures={"patchgan": {"restorer": "jaxprior.models.patchgan.stored:build_restorer"}},
    restores="jaxprior.models.patchgan.config:restores",
    trainers={
        "patchgan": Trainer(
            config="jaxprior.models.patchgan.config:PatchganRecipe",
            presets="jaxprior.models.patchgan.config:PRESETS",
            default="narrow",
            preset_text="Recipe to start from: narrow, for two CPU cores; photos, the same on random crops of "
            "photographs; or full, with all of the critic.",
            plan="jaxprior.models.patchgan.train:plan",
            read="jaxprior.models.patchgan.reading:read",
            use="jaxprior inpaint IMAGES --mask MASK -o OUT --restorer",
            text="""Train a network that fills holes of pictures of any size at once, without a prior.

    It sees a picture whose hole has the mean colour of the rest, and the mask. It learns from the difference to the
    original, and from a critic that rates the filled picture as a whole and patch by patch. `--mask` says what is
    missing, in the words of `jaxprior inpaint`; give it several times for several kinds of holes. The same command
    resumes. RUN holds curves, figures of pictures that it did not learn from (`holes.csv`), sheets (given, filled,
    original) and an always current `model.safetensors`.

    ```
    jaxprior train patchgan --data cats.zip -o runs/filler
    jaxprior train patchgan --data cats.zip --mask center:0.25 --mask block:0.25 -o runs/of-blocks
    jaxprior train patchgan --data photos.zip --preset photos -o runs/of-photographs
    jaxprior train patchgan --data cats.zip --global-weight 0 --patch-weight 0 -o runs/without-a-critic
    ```

    Read more in docs/patch-inpainting.md.
    """,
        )
    },
)
