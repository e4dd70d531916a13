"""Commands around runs: `report`, `convert`, `priors`, `doctor`."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from jaxprior.cli.console import print_summary, say
from jaxprior.errors import JaxpriorError


RECOMMENDED_SPACE = 1 << 30


def report(
    run: Annotated[Path, typer.Argument(help="A run folder, or a folder of run folders.", metavar="RUN")],
) -> None:
    """Rebuild tables and report from a run's journal, at any moment, also while it runs.

    ```
    jaxprior report runs/photos
    jaxprior report jaxprior-demo
    ```
    """
    from jaxprior import evaluation

    runs = evaluation.runs_in(run)
    several = run / "report.html" if len(runs) > 1 else None
    path = evaluation.write_report(runs, several)
    print_summary(
        [folder.read()["title"] for folder in runs],
        [list(folder.journal.latest().values()) for folder in runs],
    )
    say(f"\nreport: {path}")


def convert(
    source: Annotated[Path, typer.Argument(help="PyTorch .pth, official TensorFlow .pkl, ...", metavar="SRC")],
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write.", metavar="OUT.safetensors")],
    name: Annotated[str | None, typer.Option(help="Of the prior, for its card; by default that of OUT.")] = None,
    licence: Annotated[str, typer.Option(help="Of the weights, for the card.")] = "unknown",
) -> None:
    """Convert a foreign checkpoint to a prior's safetensors file, without running anything that is in it.

    The network is recognised by its tensors' names, and what was found is printed.

    ```
    jaxprior convert pggan_church256.pth -o church256.safetensors
    jaxprior convert karras2018iclr-celebahq.pkl -o celebahq.safetensors
    ```
    """
    import weights_convert

    say(str(weights_convert.convert(source, out, name=name, licence=licence)))


def priors() -> None:
    """List the bundled priors and what their cards say.

    ```
    jaxprior priors
    ```
    """
    from rich.console import Console
    from rich.table import Table

    from jaxprior.evaluation.tables import flat
    from jaxprior.priors import list_priors

    cards = list_priors()
    if not cards:
        raise JaxpriorError(
            "This installation has no bundled prior: train one with `jaxprior train pggan`, or convert "
            "one with `jaxprior convert`."
        )
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("prior", "pixels", "latent", "layers", "trained on", "licence", "sha256"):
        table.add_column(name, overflow="fold")
    for card in cards:
        config = card["config"]
        table.add_row(
            card["name"],
            str(config["resolution"]),
            str(config["latent_dim"]),
            str(2 * len(config["widths"])),
            str(card.get("source", "")),
            str(card.get("licence", "")),
            card["sha256"][:12],
        )
    console = Console()
    (console if console.is_terminal else Console(width=160)).print(table)
    for card in cards:
        for task, settings in card.get("defaults", {}).items():
            say(f"{card['name']}, {task}: " + ", ".join(f"{name} {value}" for name, value in flat(settings)))


def doctor() -> None:
    """Check this installation: versions, devices, cache, bundled priors, a compiled program, disk.

    Ends with 0 if everything works, else with 1.

    ```
    jaxprior doctor
    ```
    """
    healthy = True
    for name, check in (
        ("versions", _versions),
        ("devices", _devices),
        ("cache", _cache),
        ("priors", _priors),
        ("compile", _compile),
        ("disk", _disk),
    ):
        try:
            for line in check():
                say(f"ok       {name:<9} {line}")
        except Exception as error:  # a check that breaks is a finding, whatever breaks it
            healthy = False
            say(f"PROBLEM  {name:<9} {' '.join(str(error).split())[:500] or type(error).__name__}")
    say("Everything works." if healthy else "Something does not work; see the lines marked PROBLEM.")
    if not healthy:
        raise typer.Exit(1)


def _versions() -> Iterator[str]:
    import jaxprior
    from jaxprior.files import versions

    found = {**versions(), "jaxprior": jaxprior.__version__}
    missing = [name for name, version in found.items() if version == "not installed"]
    if missing:
        raise JaxpriorError(f"not installed: {', '.join(missing)}; reinstall with `pip install jaxprior`")
    yield ", ".join(f"{name} {version}" for name, version in found.items())


def _devices() -> Iterator[str]:
    import jax

    for device in jax.devices():
        memory = (device.memory_stats() or {}).get("bytes_limit")
        yield f"{device.platform} {device.id}: {device.device_kind}" + (f", {memory / 2**30:.1f} GiB" if memory else "")


def _cache() -> Iterator[str]:
    from jaxprior import runtime

    folder = runtime.cache_folder()
    if folder is None:
        yield "compilation cache is off"
        return
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / ".doctor"
    probe.write_bytes(b"")
    probe.unlink()
    used = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    yield f"{folder}, {used / 2**20:.0f} MiB of compiled programs"


def _priors() -> Iterator[str]:
    from jaxprior.priors import list_priors, load_prior

    cards = list_priors()
    if not cards:
        yield "none is bundled with this installation"
    for card in cards:
        prior = load_prior(card["name"])  # checks names, shapes, finiteness and sha256
        yield f"{card['name']}: {prior.resolution} pixels, sha256 {prior.card['sha256'][:12]} verified"


def _compile() -> Iterator[str]:
    import time

    import jax
    import jax.numpy as jnp

    def loss(kernel):
        image = jnp.ones((1, 8, 8, 3))
        return (
            jax.lax.conv_general_dilated(image, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")) ** 2
        ).sum()

    begun = time.perf_counter()
    gradient = jax.jit(jax.grad(loss))(jnp.full((3, 3, 3, 4), 0.1)).block_until_ready()
    if not bool(jnp.isfinite(gradient).all()) or abs(float(gradient[1, 1, 0, 0]) - 290.4) > 0.1:
        raise JaxpriorError(f"a convolution's gradient is wrong: {float(gradient[1, 1, 0, 0])}")
    yield f"a convolution and its gradient, {time.perf_counter() - begun:.1f} s"


def _disk() -> Iterator[str]:
    free = shutil.disk_usage(".").free
    if free < RECOMMENDED_SPACE:
        raise JaxpriorError(f"only {free / 2**20:.0f} MiB are free here; 1 GiB or more is advisable")
    yield f"{free / 2**30:.1f} GiB free in this folder"
