"""`jaxprior reconstruct` and `jaxprior inpaint`: one cell over pictures, into a run folder."""

import dataclasses
import shlex
import sys
from pathlib import Path
from typing import Any

import typer

from jaxprior.cli import options as opt
from jaxprior.cli.console import RunProgress, print_summary, say, say_error
from jaxprior.errors import JaxpriorError


SOME_FAILED, STOPPED = 1, 75


def reconstruct(
    images: opt.Images,
    out: opt.Out,
    limit: opt.Limit = None,
    preset: opt.PresetOption = opt.Preset.default,
    codes: opt.Codes = None,
    layer: opt.Layer = None,
    weights: opt.Weights = None,
    steps: opt.Steps = None,
    optimizer: opt.OptimizerOption = None,
    lr: opt.Rate = None,
    precision: opt.PrecisionOption = None,
    prior: opt.Prior = None,
    batch_size: opt.BatchSize = None,
    seed: opt.Seed = 0,
) -> None:
    """Find latent codes whose generated image equals each picture.

    The same command resumes an interrupted run. Results, tables and an offline report are in RUN.

    ```
    jaxprior reconstruct photos/ -o runs/photos
    jaxprior reconstruct cats.zip --limit 64 --codes 20 --layer 8 --steps 300 -o runs/cats
    jaxprior reconstruct cat.png --prior my_prior.safetensors --preset mganprior -o runs/cat
    ```
    """
    method = MethodFlags(
        preset=preset,
        codes=codes,
        layer=layer,
        weights=weights,
        steps=steps,
        optimizer=optimizer,
        lr=lr,
        precision=precision,
    )
    run(
        "reconstruct",
        images,
        out,
        method,
        limit=limit,
        prior=prior,
        batch_size=batch_size,
        seed=seed,
        clean=True,
    )


def inpaint(
    images: opt.Images,
    out: opt.Out,
    mask: opt.Mask,
    clean: opt.Clean = False,
    reference: opt.Reference = None,
    limit: opt.Limit = None,
    preset: opt.PresetOption = opt.Preset.default,
    codes: opt.Codes = None,
    layer: opt.Layer = None,
    weights: opt.Weights = None,
    steps: opt.Steps = None,
    optimizer: opt.OptimizerOption = None,
    lr: opt.Rate = None,
    precision: opt.PrecisionOption = None,
    prior: opt.Prior = None,
    batch_size: opt.BatchSize = None,
    seed: opt.Seed = 0,
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
    if clean and reference is not None:
        raise JaxpriorError("--clean says that the pictures are the originals, --reference that others are: give one.")
    method = MethodFlags(
        preset=preset,
        codes=codes,
        layer=layer,
        weights=weights,
        steps=steps,
        optimizer=optimizer,
        lr=lr,
        precision=precision,
    )
    run(
        "inpaint",
        images,
        out,
        method,
        mask=mask,
        clean=clean,
        reference=reference,
        limit=limit,
        prior=prior,
        batch_size=batch_size,
        seed=seed,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class MethodFlags:
    """The options about the method as they were given; None where the preset decides."""

    preset: str = "default"
    codes: int | None = None
    layer: int | None = None
    weights: str | None = None
    steps: int | None = None
    optimizer: str | None = None
    lr: float | None = None
    precision: str | None = None

    def resolve(self, task: str, prior: Any) -> Any:
        """Return the preset's method for a task on a prior, changed by what was given.

        Raises: `JaxpriorError` for a layer that the prior does not have, or what the library refuses.
        """
        import numpy as np

        from jaxprior import operators, restoration

        if self.layer is not None and self.layer > prior.num_layers:
            raise JaxpriorError(f"--layer {self.layer}: this prior has layers 1 to {prior.num_layers}.")
        operator = (
            operators.Identity()
            if task == "reconstruct"
            else operators.Inpaint(np.zeros((prior.resolution, prior.resolution), np.float32))
        )
        try:
            method = restoration.preset(str(self.preset), operator, prior=prior)
            return method._replace(
                codes=_changed(method.codes, num_codes=self.codes, layer=self.layer, weights=self.weights),
                solve=_changed(
                    method.solve,
                    steps=self.steps,
                    optimizer=self.optimizer,
                    learning_rate=self.lr,
                    precision=self.precision,
                ),
            )
        except ValueError as error:
            raise JaxpriorError(str(error)) from None


def run(
    task: str,
    paths: list[Path],
    out: Path,
    method: MethodFlags,
    *,
    mask: str | None = None,
    clean: bool = False,
    reference: Path | None = None,
    limit: int | None = None,
    prior: str | None = None,
    batch_size: int | None = None,
    seed: int = 0,
) -> None:
    """Run one cell from the command line's values, print its table and end with its exit code."""
    from jaxprior import evaluation, images, masks, priors, runtime

    runtime.enable_compilation_cache()
    sources = images.list_images(paths, limit=limit)
    spec = None if mask is None else masks.parse_mask(mask)
    loaded = priors.load_prior(prior)
    if spec is not None and spec.kind == "file":
        say(f"mask {spec.name}: {masks.missing_percent(spec.draw(loaded.resolution))} of the picture is missing")
    cell = evaluation.Cell(
        task=task,
        method=method.resolve(task, loaded),
        mask=spec,
        clean=clean,
        reference=None if reference is None else str(reference),
        seed=seed,
    )
    folder = evaluation.RunFolder(out)
    rows = solve(cell, sources, folder, prior=loaded, batch_size=batch_size)
    path = evaluation.write_report([folder])
    print_summary([cell.title], [rows])
    say(f"\nreport: {path}")
    if any(row.status != "ok" for row in rows):
        raise typer.Exit(SOME_FAILED)


def solve(cell: Any, sources: list[Any], folder: Any, *, prior: Any, batch_size: int | None) -> list[Any]:
    """Run a cell with progress shown; a stop ends the program with a sentence on how to go on."""
    from jaxprior import evaluation

    command = shlex.join(["jaxprior", *sys.argv[1:]])
    if batch_size is not None and (folder.path / "run.json").exists() and folder.read()["batch"] != batch_size:
        say_error(
            f"note: the run began with a batch of {folder.read()['batch']}; rows of another batch agree with "
            "them within 0.1 dB, not to the bit."
        )
    with RunProgress(cell.title) as progress:
        try:
            return evaluation.run_cell(
                cell, sources, folder, prior=prior, batch_size=batch_size, observer=progress, command=command
            )
        except evaluation.Stopped:
            pass
    say_error(f"Stopped with {progress.done} of {progress.total} pictures done; the same command goes on: {command}")
    raise typer.Exit(STOPPED)


def _changed(value: Any, **changes: Any) -> Any:
    """Replace the fields of a frozen dataclass that were given."""
    given = {
        name: str(change) if isinstance(change, str) else change
        for name, change in changes.items()
        if change is not None
    }
    return dataclasses.replace(value, **given)
