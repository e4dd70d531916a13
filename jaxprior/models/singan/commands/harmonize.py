"""`jaxprior singan harmonize`."""

from jaxprior.cli.signature import spelled_out
from jaxprior.models.singan.commands import shared
from jaxprior.models.singan.commands.shared import InjectionOptions, MaskOptions


@spelled_out
def harmonize(run: shared.Run, reference: shared.Reference, *, area: MaskOptions, injection: InjectionOptions) -> None:
    """Give what was pasted into a picture the look of that picture.

    DIR gets `start_scale=n.png` for every start scale, `start_scale=n_masked.png` with the reference outside the mask
    (widened by 7 pixels, softened by 5), and `sheet.png` with all of them: look which one you like best.

    ```
    jaxprior singan harmonize runs/starry pasted.png --mask pasted_mask.png -o harmonized
    jaxprior singan harmonize runs/starry pasted.png --mask pasted_mask.png -o harmonized --start-scale 4 --count 8
    jaxprior singan harmonize runs/starry pasted.png --mask pasted_mask.png -o harmonized --mask-radius 3 --mask-blur 2
    ```
    """
    from jaxprior.models import singan

    mask = singan.load_mask(area.mask)
    shared.manipulate(
        run, reference, injection,
        lambda model, pixels, key, scales: singan.harmonize(
            model, pixels, mask, key=key, start_scales=scales, **area.changes()
        ),
    )  # fmt: skip
