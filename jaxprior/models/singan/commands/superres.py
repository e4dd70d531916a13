"""The command `jaxprior singan superres`."""

from pathlib import Path
from typing import Annotated

import typer

from jaxprior.cli.console import mistakes, say
from jaxprior.models.singan.commands import shared
from jaxprior.system.activity import doing
from jaxprior.system.files import make_folder


def superres(
    run: shared.Run,
    picture: Annotated[
        Path | None, typer.Argument(help="Picture to enlarge; by default the model's own.", metavar="PICTURE")
    ] = None,
    *,
    out: shared.Out,
    factor: Annotated[float, typer.Option(help="How many times larger, above 1.", metavar="X")] = 4.0,
    steps: Annotated[
        int | None, typer.Option(help="Uses of the finest network; officially 6 for 4.", metavar="N", min=1)
    ] = None,
    own_statistics: shared.OwnStatistics = False,
    seed: shared.Seed = 0,
) -> None:
    """Enlarge a picture with a SinGAN that was trained on it: `superres.png`, and `bicubic.png` to compare.

    Train for this with `--preset superres`. If colors drift, after a short training, try `--own-statistics`.

    ```
    jaxprior singan train birds.png --preset superres -o runs/birds
    jaxprior singan superres runs/birds -o large
    jaxprior singan superres runs/birds other.png -o large --factor 2
    ```

    Read more in docs/singan.md.
    """
    from jaxprior.data import images

    shared.check_model(run)
    pixels = None if picture is None else images.load_telling(picture)
    import jax  # after what can be refused without it
    import jax.numpy as jnp
    import numpy as np

    from jaxprior.models.singan import super_resolve
    from jaxprior.models.singan.resizing import resize

    model = shared.load_model(run, own_statistics=own_statistics)
    with mistakes(), doing("enlarging the picture"):
        large = np.asarray(super_resolve(model, jax.random.key(seed), image=pixels, factor=factor, steps=steps))
    given = np.asarray(model.image) if pixels is None else images.to_float(pixels)
    height, width = large.shape[:2]
    folder = make_folder(out)
    images.save_png(folder / "superres.png", images.to_uint8(large))
    plain = resize(jnp.asarray(given), (height, width), method="bicubic")
    images.save_png(folder / "bicubic.png", images.to_uint8(plain))
    say(f"{given.shape[1]}x{given.shape[0]} to {width}x{height} pixels: {folder / 'superres.png'}")
