"""`jaxprior bench`: how fast inversions are on this machine."""

from typing import Annotated, Any, cast

import typer

from jaxprior.cli.console import mistakes, print_table, say
from jaxprior.errors import JaxpriorError
from jaxprior.system.activity import doing
from jaxprior.system.provenance import device_name


LAYER = 6
"""Composing layer where none is given."""


def bench(
    resolution: Annotated[
        int | None, typer.Option(help="Of the official PGGAN: 8, 16, ... 1024 pixels.", metavar="PIXELS")
    ] = None,
    codes: Annotated[int, typer.Option(help="Latent codes an image.", metavar="N", min=1)] = 20,
    layer: Annotated[
        int | None, typer.Option(help="Composing layer; by default 6, or the last of a small one.", metavar="L", min=1)
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Pictures at once.", metavar="B", min=1)] = None,
    precision: Annotated[str | None, typer.Option(help="fp32, tf32 or bf16.", metavar="PRECISION")] = None,
    steps: Annotated[int | None, typer.Option(help="In each of three rounds.", metavar="K", min=1)] = None,
) -> None:
    """Measure the throughput of inversions with random networks of the official sizes and a VGG-16 distance.

    Without options two usual cases are measured on the first device, which takes a minute or two. Images an hour are
    counted for 3000 iterations, as the public mGANprior code does them; "of peak" compares with a large matrix product
    in the same precision. Comparisons with other libraries are in the repository's `benchmarks/`.

    ```
    jaxprior bench
    jaxprior bench --resolution 256 --codes 20 --layer 8
    jaxprior bench --resolution 64 --batch-size 64 --precision bf16
    ```

    Read more in docs/performance.md.
    """
    from jaxprior.models.pggan.config import feature_widths

    if resolution is not None:
        with mistakes():
            feature_widths(resolution)
    import jax  # after what can be refused without it

    from jaxprior.restoration import benchmarking
    from jaxprior.system import runtime
    from jaxprior.system.devices import CPU, default_platform

    runtime.enable_compilation_cache()
    on_cpu = default_platform() == CPU
    rows = []
    for size in [resolution] if resolution else [64, 256]:
        for kind in [precision] if precision else ["fp32"] if on_cpu else ["tf32", "bf16"]:
            batch = batch_size or (1 if on_cpu else 16)
            with mistakes():
                last = benchmarking.last_layer(size)
            case = benchmarking.Case(
                resolution=size,
                num_codes=codes,
                layer=layer or min(LAYER, last),
                batch=batch,
                precision=cast(benchmarking.Precision, kind),  # another word is refused where it is used
            )
            say(f"measuring {case.title} ...")
            rows.append(_measure(case, steps or (2 if on_cpu else 25)))
    say(f"\n{device_name()}, jax {jax.__version__}, random weights\n")
    print_table(TITLES, rows, words=1)


TITLES = ("case", "a step", "spread", "images/hour", "GFLOP/s", "of peak", "memory", "first step")


def _measure(case: Any, steps: int) -> tuple[str, ...]:
    """A row of the table."""
    from jaxprior.restoration import benchmarking

    try:
        with doing("making random networks"):
            problem = benchmarking.make_problem(case)
        found = benchmarking.measure(benchmarking.Runner(problem), steps=steps, rounds=3)
    except ValueError as error:
        raise JaxpriorError(f"{error}.") from None
    rate = benchmarking.operations(problem) / found.seconds
    return (
        case.title,
        f"{found.seconds:.3g} s",
        f"{found.fastest:.3g} to {found.slowest:.3g} s",
        f"{benchmarking.images_per_hour(case, found.seconds):.3g}",
        f"{rate / 1e9:.0f}",
        f"{rate / benchmarking.matmul_peak(case.precision):.0%}",
        f"{(found.bytes or 0) / 2**30:.2f} GiB",
        f"{found.first:.1f} s",
    )
