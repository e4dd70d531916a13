"""3D-GAN: a GAN of volumes, such as shapes of occupied voxels or pieces of a scanned material (Wu et al., 2016)."""

from jaxprior.protocols import Family, Trainer


FAMILY = Family(
    title="3D-GAN, a GAN of volumes",
    paper="Wu et al., Learning a Probabilistic Latent Space of Object Shapes via 3D Generative-Adversarial Modeling, "
    "NeurIPS 2016",
    sizes="jaxprior.models.gan3d.config:sizes",
    architectures={"gan3d": {"prior": "jaxprior.models.gan3d.stored:build_gan3d"}},
    trainers={
        "gan3d": Trainer(
            config="jaxprior.models.gan3d.config:Gan3dRecipe",
            presets="jaxprior.models.gan3d.config:PRESETS",
            default="small",
            preset_text="Recipe to start from: small, shapes of 16^3 voxels for minutes of two CPU cores; rock, random "
            "cubes of 32^3 voxels of a scanned material; or the paper's 64^3, for a GPU.",
            plan="jaxprior.models.gan3d.train:plan",
            inputs="jaxprior.models.gan3d.config:VolumeInputs",
            read="jaxprior.models.gan3d.volumes:read",
            use="jaxprior reconstruct VOLUMES -o RUN --prior",
            text="""Train a 3D-GAN, which makes volumes of voxels and whose RUN then serves as `--prior RUN`.

    Volumes are occupied cells, 0 and 1, or grey ones, in NumPy or TIFF files; they are made as small as the preset
    wants them if their sides are a multiple of it. The same command resumes: killed and resumed equals never killed.
    RUN holds sheets of generated volumes (seen along three axes, and the slice in the middle), curves, a table of how
    near they are to held-out volumes, and an always current `model.safetensors`.

    ```
    jaxprior train gan3d --data chairs.npz -o runs/chairs
    jaxprior train gan3d --data sandstone.tif --preset rock -o runs/sandstone
    jaxprior train gan3d --data shapes/ --resolution 32 --widths 128,64,32 --critic-widths 32,64,128 -o runs/shapes
    ```

    Read more in docs/gan3d.md.
    """,
        )
    },
)
