"""`jaxprior volume`: the results of a run over slices as one volume, with cuts across it."""

from pathlib import Path
from typing import Annotated

import typer

from jaxprior.cli.console import say
from jaxprior.cli.edit import Run


def volume(
    run: Run,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="The volume: .npy, or .tif with a page a slice.", metavar="FILE")
    ],
    reference: Annotated[
        Path | None,
        typer.Option(
            help="The original: the file of a volume, or a folder or zip archive of its slices. By default the "
            "originals that the run has.",
            metavar="FILE|DIR",
        ),
    ] = None,
    pores: Annotated[
        str,
        typer.Option(
            help="Which voxels are pores, for the porosity: those of the low values (dark), or the high ones (white).",
            metavar="low|high",
        ),
    ] = "low",
) -> None:
    """Lay the results of a run over slices on each other, and show cuts across them.

    Slices are taken in the order of their names. Beside FILE a report shows the three cuts through the middle; with an
    original it compares: PSNR, porosity, and the pores that the cuts across the slices lost and added.

    ```
    jaxprior reconstruct slices/ --prior runs/rock -o runs/slices
    jaxprior volume runs/slices -o rock.npy
    jaxprior volume runs/denoised -o rock.tif --reference original.tif --pores high
    ```

    Read more in docs/volumes.md.
    """
    from jaxprior.evaluation.stacking import PORES, stack_run, write_stack
    from jaxprior.runs.runfolder import RunFolder

    folder = RunFolder(run)
    stack = stack_run(folder, reference=reference)
    report, figures = write_stack(stack, out, pores=pores, title=f"volume of {run}")
    sides = "x".join(map(str, stack.volume.shape))
    say(f"{sides} voxels, porosity {figures['porosity']:.4f} (voxels of {PORES[pores]} values are pores)")
    if "psnr" in figures:
        say(
            f"original: porosity {figures['porosity_original']:.4f}; PSNR {figures['psnr']:.2f} dB; in the cuts across "
            f"the slices {figures['lost']:.0f} of {figures['pores']:.0f} pores lost, {figures['added']:.0f} added"
        )
    say(f"\nvolume: {out}\nreport: {report}")
