"""`jaxprior singan edit`."""

from jaxprior.cli.signature import spelled_out
from jaxprior.models.singan.commands import shared
from jaxprior.models.singan.commands.shared import InjectionOptions, MaskOptions


@spelled_out
def edit(run: shared.Run, reference: shared.Reference, *, area: MaskOptions, injection: InjectionOptions) -> None:
    """Make regions of a picture that were moved, copied or covered melt into it.

    DIR gets `start_scale=n.png` for every start scale, `start_scale=n_masked.png` with the reference outside the mask
    (widened by 20 pixels, softened by 5), and `sheet.png` with all of them: look which one you like best.

    ```
    jaxprior singan edit runs/stone edited.png --mask edited_mask.png -o edited
    jaxprior singan edit runs/stone edited.png --mask edited_mask.png -o edited --start-scale 4 --count 8
    jaxprior singan edit runs/stone edited.png --mask edited_mask.png -o edited --mask-radius 3 --mask-blur 2
    ```
    """
    from jaxprior.models import singan

    mask = singan.load_mask(area.mask)
    shared.manipulate(
        run, reference, injection,
        lambda model, pixels, key, scales: singan.edit(
            model, pixels, mask, key=key, start_scales=scales, **area.changes()
        ),
    )  # fmt: skip
