"""Commands around runs: `report`, `convert`, `doctor`."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from jaxprior.cli import options as opt
from jaxprior.cli.console import print_comparison, print_sets, print_summary, say
from jaxprior.errors import JaxpriorError
from jaxprior.system import program_cache
from jaxprior.system.activity import doing
from jaxprior.system.amounts import duration, plural, size


RECOMMENDED_SPACE = 1 << 30


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="A run, also of a training, or a folder of runs, or a SinGAN's file; and a run to compare it with.",
            metavar="RUN [RUN_B]",
        ),
    ],
    set_features: opt.SetFeatures = None,
) -> None:
    """Rebuild tables and report from a run's journal, at any moment, also while it runs. Or compare two runs.

    Of a training, the page shows what its network makes, losses and settings; of a SinGAN every scale. A file of a
    SinGAN gets its page beside it, and each training of a folder of them its own.

    Of two runs, or two folders of runs, pictures are paired by their content: what RUN_B gains over RUN, with bootstrap
    intervals, and what both made of each picture. The files `comparison-*` appear beside RUN_B.

    ```
    jaxprior report runs/photos
    jaxprior report jaxprior-demo
    jaxprior report runs/default runs/more-steps
    jaxprior report runs/photos --set-features squeezenet
    jaxprior report runs/balloons
    jaxprior report balloons.safetensors
    ```

    Read more in docs/runs.md.
    """
    from jaxprior import evaluation
    from jaxprior.system import runtime
    from jaxprior.weights.outlines import outline_network

    if len(runs) > 2:
        raise JaxpriorError(f"Expected one run, or two to compare, got {len(runs)}: give them two by two.")
    if set_features is not None and (len(runs) == 2 or evaluation.trainings_in(runs[0])):
        raise JaxpriorError("--set-features compares the restored pictures of runs with their originals: give one RUN.")
    if len(runs) == 2:
        for run in runs:
            evaluation.runs_in(run)  # refuses what is none, before JAX is imported
        with doing("comparing the runs"):
            versus = evaluation.compare_runs(*runs)
            path = evaluation.write_comparison(versus, os.path.normpath(runs[1] / ".."))
        print_comparison(versus)
        say(f"\ncomparison: {path}")
        return
    if trainings := evaluation.trainings_in(runs[0]):
        runtime.enable_compilation_cache()
        for training in trainings:
            say(f"report: {evaluation.write_training_report(training)}")
        return
    folders = evaluation.runs_in(runs[0])
    if set_features is not None:
        outline_network(set_features, role="features")  # refuses what is none, before JAX is imported
        runtime.enable_compilation_cache()
        for sentence in evaluation.measure_sets(folders, set_features):
            say(f"note: {sentence}")
    path = evaluation.write_report(folders, None if folders[0].path == runs[0] else runs[0] / "report.html")
    shown = evaluation.snapshots(folders)
    print_summary([run.title for run in shown], [run.rows for run in shown])
    print_sets((run.title, run.record) for run in shown)
    if not any(run.rows for run in shown):
        say("\nNo picture is finished yet.")
    say(f"\nreport: {path}")


def _print_layouts(wanted: bool) -> None:
    if wanted:
        from weights_convert.pggan.table import layout_text

        print(layout_text())
        raise typer.Exit()


def convert(
    source: Annotated[
        Path, typer.Argument(help="PyTorch .pth, official TensorFlow .pkl, Keras .h5, SinGAN folder", metavar="SRC")
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="File to write; an existing one is replaced.", metavar="OUT.safetensors")
    ],
    name: Annotated[str | None, typer.Option(help="Of the network, for its card; by default that of OUT.")] = None,
    licence: Annotated[str, typer.Option(help="Of the weights, for the card.")] = "unknown",
    network: Annotated[str | None, typer.Option(help="Architecture, where the names leave it open.")] = None,
    onto: Annotated[
        Path | None,
        typer.Option(
            help="For LPIPS: the converted AlexNet, VGG or SqueezeNet that its weights belong to.", metavar="FILE"
        ),
    ] = None,
    state: Annotated[
        str | None, typer.Option(help="Which network of several to take; by default the average.", metavar="NAME")
    ] = None,
    layout: Annotated[
        str | None, typer.Option(help="Refuse a PGGAN of another layout than this one of --list.", metavar="NAME")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(help="What a PGGAN's images go through at the end, none, clip or tanh.", metavar="WORD"),
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Label to fix in a PGGAN that was trained with labels.", metavar="LABEL")
    ] = None,
    show_list: Annotated[
        bool,
        typer.Option("--list", help="Show the layouts of PGGAN files and end.", callback=_print_layouts, is_eager=True),
    ] = False,
) -> None:
    """Convert a foreign checkpoint to a safetensors file of ours, without running anything that is in it.

    The network is recognised by its tensors' names, and what was found is printed: generators for `--prior`, the public
    SRGAN's for `superres --restorer`, and the feature networks VGG-16, VGG-19, AlexNet, SqueezeNet and Inception-v3.
    `--list` shows whose PGGANs are read, and which are refused and why.

    Of a generator and its average over the training, the average is taken, whatever the file calls it. Where names do
    not tell, the networks are listed, and `--state` names one.

    Some things a file does not say: `--output` chooses what images go through at the end (by default what the file
    says, or nothing), `--label` which label to fix in a network that was trained with labels.

    ```
    jaxprior convert pggan_church256.pth -o church256.safetensors
    jaxprior convert karras2018iclr-celebahq.pkl -o celebahq.safetensors
    jaxprior convert proggan_bedroom-d8a89ff1.pth --output clip -o bedroom.safetensors
    jaxprior convert training.pt --state netG -o not-averaged.safetensors
    jaxprior convert vgg16-397923af.pth -o vgg16.safetensors
    jaxprior convert alex.pth --onto alexnet.safetensors -o lpips-alex.safetensors
    ```

    Read more in docs/converting.md.
    """
    import weights_convert

    with doing(f"converting {source.name}"):
        found = weights_convert.convert(
            source,
            out,
            network=network,
            name=name,
            licence=licence,
            onto=onto,
            state=state,
            layout=layout,
            output=output,
            label=label,
        )
    say(str(found))


def doctor(
    *,
    clear_cache: Annotated[
        bool, typer.Option("--clear-cache", help="Remove all compiled programs first; they are compiled again.")
    ] = False,
) -> None:
    """Check this installation: versions, devices, cache, decoded pictures, bundled priors, a compiled program, disk.

    Ends with 0 if everything works, else with 1.

    ```
    jaxprior doctor
    jaxprior doctor --clear-cache
    ```

    Read more in docs/performance.md.
    """
    if clear_cache:
        _clear_cache()
    healthy = True
    for name, check in (
        ("versions", _versions),
        ("devices", _devices),
        ("cache", _cache),
        ("pictures", _decoded_pictures),
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
    from jaxprior.system.provenance import versions

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
    from jaxprior.system import runtime

    folder = runtime.cache_folder()
    if folder is None:
        yield "compilation cache is off"
        return
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / ".doctor"
    probe.write_bytes(b"")
    probe.unlink()
    sizes = [path.stat().st_size for path in program_cache.programs_in(folder)]
    yield (
        f"{folder}, {len(sizes)} compiled {plural('program', len(sizes))} in {size(sum(sizes))}; above "
        f"{size(program_cache.LIMIT)} those not used for longest are removed, and --clear-cache removes all"
    )


def _clear_cache() -> None:
    from jaxprior.system import runtime

    folder = runtime.cache_folder()
    count = 0 if folder is None else program_cache.clear(folder)
    say(f"removed {count} compiled {plural('program', count)}")


def _decoded_pictures() -> Iterator[str]:
    from jaxprior.training.decoded_sets import kept_sets, sets_folder

    if (folder := sets_folder()) is None:
        yield "the cache is off: decoded training pictures are kept in memory"
        return
    sets = kept_sets()
    if not sets:
        yield f"{folder}: no decoded training pictures"
        return
    total = size(sum(one.bytes for one in sets))
    yield f"{folder}, {total} of decoded training pictures; remove what is not needed, it can be decoded again:"
    for one in sets:
        count, height, width, _ = one.about["shape"]
        yield (
            f"{one.folder.name}: {size(one.bytes)}, {count} {plural('picture', count)} of {width}x{height} pixels from "
            f"{one.source}, last used {duration(86400 * max(one.days_unused, 0))} ago"
        )


def _priors() -> Iterator[str]:
    from jaxprior.weights.priors import list_priors, load_prior

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
