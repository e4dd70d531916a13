"""`jaxprior reconstruct`, `inpaint`, `colorize`, `superres`, `denoise`, `deblur`: one task over pictures, into a run
folder."""

from pathlib import Path
from typing import Any

import typer

from jaxprior.cli import options as opt
from jaxprior.cli.console import RunProgress, mistakes, print_summary, say, say_error
from jaxprior.cli.method import resolve
from jaxprior.cli.shares import resolve_share
from jaxprior.cli.signature import spelled_out
from jaxprior.cli.stops import STOPPED, go_on, this_command
from jaxprior.errors import JaxpriorError


SOME_FAILED = 1
TASK_SPELLING = {"blur": "--blur SIGMA", "kernel": "--kernel FILE"}
ORIGINALS = opt.ObservedOptions(clean=True)


@spelled_out
def reconstruct(images: opt.Images, out: opt.Out, *, method: opt.MethodOptions, run: opt.RunOptions) -> None:
    """Find latent codes whose generated image equals each picture.

    The same command resumes an interrupted run. Results, tables and an offline report are in RUN.

    ```
    jaxprior reconstruct photos/ -o runs/photos
    jaxprior reconstruct cats.zip --limit 64 --codes 20 --layer 8 --steps 300 -o runs/cats
    jaxprior reconstruct cat.png --prior my_prior.safetensors --preset mganprior -o runs/cat
    ```
    """
    _restore({"name": "reconstruct"}, images, out, ORIGINALS, method, run)


@spelled_out
def inpaint(
    images: opt.Images,
    out: opt.Out,
    mask: opt.Mask,
    *,
    observed: opt.ObservedOptions,
    method: opt.MethodOptions,
    run: opt.RunOptions,
) -> None:
    """Fill the missing part of each picture with what the prior generates.

    Pictures given are what was observed; what lies under the mask is not looked at. With `--clean` they are
    originals, and the report compares.

    ```
    jaxprior inpaint photos/ --mask scratch.png -o runs/repaired
    jaxprior inpaint cats.zip --mask center:0.25 --clean --limit 64 -o runs/center
    jaxprior inpaint damaged/ --mask block:0.25 --reference originals/ -o runs/block
    ```
    """
    _restore({"name": "inpaint", "mask": mask}, images, out, observed, method, run)


@spelled_out
def colorize(
    images: opt.Images,
    out: opt.Out,
    *,
    observed: opt.ObservedOptions,
    method: opt.MethodOptions,
    run: opt.RunOptions,
) -> None:
    """Give grey pictures the colours of what the prior generates; the brightness of every pixel stays.

    Pictures given are grey; of coloured ones only the brightness is looked at. With `--clean` they are originals, and
    the report compares.

    ```
    jaxprior colorize grey/ -o runs/coloured
    jaxprior colorize cats.zip --clean --limit 64 -o runs/colorize
    ```
    """
    _restore({"name": "colorize"}, images, out, observed, method, run)


@spelled_out
def superres(
    images: opt.Images,
    out: opt.Out,
    factor: opt.Factor = 4,
    kernel: opt.ShrinkingKernel = opt.Shrinking.bilinear,
    *,
    observed: opt.ObservedOptions,
    method: opt.MethodOptions,
    run: opt.RunOptions,
) -> None:
    """Find a large picture of the prior that shrinks to each small one.

    Pictures given are small: with a prior of 64 pixels and a factor of 4 they are fitted to 16x16. With `--clean` they
    are originals, shrunk first, and the report compares.

    ```
    jaxprior superres thumbnails/ --factor 4 -o runs/large
    jaxprior superres cats.zip --factor 8 --kernel box --clean --limit 64 -o runs/superres
    ```
    """
    _restore({"name": "superres", "factor": factor, "kernel": str(kernel)}, images, out, observed, method, run)


@spelled_out
def denoise(
    images: opt.Images,
    out: opt.Out,
    sigma: opt.Sigma = 0.2,
    mask: opt.NoiseMask = None,
    *,
    observed: opt.ObservedOptions,
    method: opt.MethodOptions,
    run: opt.RunOptions,
) -> None:
    """Find the picture of the prior that lies under each one's noise.

    Pictures given are noisy. With `--mask` only the pixels under it are: these are not looked at, and the others are
    kept. With `--clean` the pictures are originals: noise is added first, and the report compares.

    ```
    jaxprior denoise noisy/ -o runs/denoised
    jaxprior denoise cats.zip --sigma 0.3 --clean --limit 64 -o runs/denoise
    jaxprior denoise cats.zip --mask pixels:0.5 --clean -o runs/sparse
    ```
    """
    _restore({"name": "denoise", "sigma": sigma, "mask": mask}, images, out, observed, method, run)


@spelled_out
def deblur(
    images: opt.Images,
    out: opt.Out,
    blur: opt.Blur = None,
    kernel: opt.BlurKernel = None,
    *,
    observed: opt.ObservedOptions,
    method: opt.MethodOptions,
    run: opt.RunOptions,
) -> None:
    """Find a sharp picture of the prior that blurs to each one; the blur is known.

    Pictures given are blurred. With `--clean` they are originals, blurred first, and the report compares.

    ```
    jaxprior deblur blurred/ --blur 1.5 -o runs/sharp
    jaxprior deblur cats.zip --kernel motion.png --clean --limit 64 -o runs/motion
    ```
    """
    task = {"name": "deblur", "blur": blur, "kernel": None if kernel is None else str(kernel)}
    _restore(task, images, out, observed, method, run)


def _restore(
    task: dict[str, Any],
    paths: list[Path],
    out: Path,
    observed: opt.ObservedOptions,
    method: opt.MethodOptions,
    options: opt.RunOptions,
) -> None:
    """Run one cell, print its table and end with its exit code. `task` is `evaluation.make_task`'s table, None where an
    option was not given."""
    from jaxprior import evaluation
    from jaxprior.data import images, masks
    from jaxprior.system import runtime
    from jaxprior.weights import priors

    if observed.clean and observed.reference is not None:
        raise JaxpriorError("--clean says that the pictures are the originals, --reference that others are: give one.")
    share = resolve_share(options)
    runtime.enable_compilation_cache()
    sources = images.list_images(paths, limit=options.limit)
    prior = priors.load_prior(options.prior)
    given = {setting: value for setting, value in task.items() if value is not None}
    with mistakes():
        operator, mask = evaluation.make_task(given, prior.resolution, names=TASK_SPELLING)
    if mask is not None and mask.kind == "file":
        say(f"mask {mask.name}: {masks.missing_percent(mask.draw(prior.resolution))} of the picture lies under it")
    cell = evaluation.Cell(
        task=operator,
        method=resolve(method, operator, prior),
        mask=mask,
        clean=observed.clean,
        reference=None if observed.reference is None else str(observed.reference),
        seed=options.seed,
    )
    folder = evaluation.RunFolder(out, share=share)
    rows = solve(cell, sources, folder, prior=prior, batch_size=options.batch_size, memory=in_bytes(options.memory))
    path = evaluation.write_report([folder])
    print_summary([cell.title], [rows])
    say(f"\nreport: {path}")
    if any(row.status != "ok" for row in rows):
        raise typer.Exit(SOME_FAILED)


def in_bytes(gib: float | None) -> float | None:
    """Of an option in GiB."""
    return None if gib is None else gib * 2**30


def solve(
    cell: Any,
    sources: list[Any],
    folder: Any,
    *,
    prior: Any,
    batch_size: int | None = None,
    memory: float | None = None,
) -> list[Any]:
    """Run a cell with progress shown; a stop ends the program with a sentence on how to go on."""
    from jaxprior import evaluation

    command = this_command()
    with RunProgress(cell.title) as progress, mistakes():
        try:
            return evaluation.run_cell(
                cell, sources, folder, prior=prior, batch_size=batch_size, memory=memory, observer=progress,
                command=command,
            )  # fmt: skip
        except evaluation.Stopped:
            pass
    say_error(f"Stopped with {progress.done} of {progress.total} pictures done; {go_on(command)}")
    raise typer.Exit(STOPPED)
