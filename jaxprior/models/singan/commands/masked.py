"""The commands `jaxprior singan harmonize` and `jaxprior singan edit`, which change a picture within a mask."""

from collections.abc import Callable

from jaxprior.cli.signature import spelled_out
from jaxprior.models.singan.commands import shared
from jaxprior.models.singan.commands.shared import InjectionOptions, MaskOptions


TEXT = """{what}

DIR gets `start_scale=n.png` for every start scale, `start_scale=n_masked.png` with the reference outside the mask
(widened by {radius} pixels, softened by 5), and `sheet.png` with all of them: look which one you like best.

```
jaxprior singan {name} runs/{run} {picture}.png --mask {picture}_mask.png -o {out}
jaxprior singan {name} runs/{run} {picture}.png --mask {picture}_mask.png -o {out} --start-scale 4 --count 8
jaxprior singan {name} runs/{run} {picture}.png --mask {picture}_mask.png -o {out} --mask-radius 3 --mask-blur 2
```

RUN may also be a ConSinGAN of `--preset consingan-{name}`: the picture enters it at its coarsest scale, start scale 0.

Read more in docs/singan.md.
"""


def masked_command(name: str, *, what: str, radius: int, run: str, picture: str, out: str) -> Callable:
    """Make the command of a function of `jaxprior.models.singan` that takes a picture and a mask.

    Arguments:
        name: of the command and of the function.
        what: first line of the help text.
        radius: by which the function widens the mask if nothing else is said, in pixels.
        run, picture, out: names in the examples of the help text.
    """

    def command(
        run: shared.Run, reference: shared.Reference, *, area: MaskOptions, injection: InjectionOptions
    ) -> None:
        from jaxprior.data import images
        from jaxprior.models import singan
        from jaxprior.models.singan.blending import check_covers

        shared.check_model(run)
        mask, pixels = area.read(), images.load_telling(reference)
        check_covers(mask, pixels)
        function = getattr(singan, name)
        shared.manipulate(
            run, reference, pixels, injection,
            lambda model, pixels, key, scales: function(
                model, pixels, mask, key=key, start_scales=scales, **area.changes()
            ),
        )  # fmt: skip

    command.__name__ = name
    command.__doc__ = TEXT.format(name=name, what=what, radius=radius, run=run, picture=picture, out=out)
    return spelled_out(command)


harmonize = masked_command(
    "harmonize", what="Give what was pasted into a picture the look of that picture.",
    radius=7, run="starry", picture="pasted", out="harmonized",
)  # fmt: skip
edit = masked_command(
    "edit", what="Make regions of a picture that were moved, copied or covered melt into it.",
    radius=20, run="stone", picture="edited", out="edited",
)  # fmt: skip
