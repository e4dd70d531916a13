"""Tables for README and documents from the speed benchmarks' JSON.

    python benchmarks/table.py benchmarks/results/NAME.json [--part compare_torch]

NAME.json is of one benchmark or of `run_all.py`. Prints Markdown; every number is the file's.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from jaxprior.restoration.benchmarking import Case, images_per_hour


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [titles, ["---"] * len(titles), *rows])


def of_comparison(found: dict) -> str:
    """jaxprior beside others: seconds a step, and how many times faster jaxprior is, with its range."""
    names = list(dict.fromkeys(name for result in found["results"] for name in result["runners"]))
    rows = []
    for result in found["results"]:
        case, runners = Case(**result["case"]), result["runners"]
        cells = [case.title]
        for name in names:
            cells.append(_beside(runners[name]) if name in runners else "")
        rows.append([*cells, f"{images_per_hour(case, runners['jaxprior']['seconds']['median']):.3g}"])
    return table(["", *names, "images/hour"], rows)


def _beside(runner: dict) -> str:
    seconds, ratio = runner["seconds"], runner["ratio"]
    text = f"{seconds['median']:.3g} s"
    if ratio["fastest"] == ratio["slowest"] == 1:
        return text
    return f"{text}, {ratio['median']:.2g} x ({ratio['fastest']:.2g} to {ratio['slowest']:.2g})"


def of_throughput(found: dict) -> str:
    """Cases of jaxprior alone."""
    rows = []
    for one in found["results"]:
        if "failed" in one:
            rows.append([one["title"], one["failed"], "", "", "", "", ""])
            continue
        rows.append([
            one["title"], f"{one['seconds']:.3g} s", f"{one['images_per_hour']:.3g}", f"{one['flops'] / 1e12:.3g}",
            f"{one['share_of_peak']:.0%}", f"{one['bytes'] / 2**30:.2f} GiB", f"{one['first']:.1f} s",
        ])  # fmt: skip
    return table(["", "a step", "images/hour", "TFLOP/s", "of peak", "memory", "first step"], rows)


def of_choices(found: dict) -> str:
    """Ways to compute a step."""
    rows = [
        [one["way"], f"{one['seconds']['median']:.3g} s", _ratio(one["ratio"]), f"{one['bytes'] / 2**30:.2f} GiB"]
        for one in found["results"]
    ]
    return table([Case(**found["case"]).title, "a step", "ratio", "memory"], rows)


def _ratio(ratio: dict) -> str:
    return f"{ratio['median']:.2f} ({ratio['fastest']:.2f} to {ratio['slowest']:.2f})"


def of_step_profile(found: dict) -> str:
    """The stages of a step, one table a case: milliseconds, what is counted, and the share of the machine's limit."""
    limits = found["limits"]
    text = (
        f"Limits: {limits['flops'] / 1e9:.0f} GFLOP/s ({limits['flops_of_one'] / 1e9:.0f} on one core), "
        f"{limits['bandwidth'] / 1e9:.0f} GB/s ({limits['bandwidth_of_one'] / 1e9:.0f} on one core; "
        f"{limits['cached'] / 1e9:.0f} from a cache)"
    )
    for result in found["results"]:
        stages = result["stages"]
        kinds = [kind for kind in KINDS if any(kind in stage["kinds"] for stage in stages)]
        whole: dict = {key: sum(stage[key] for stage in stages) for key in ("flops", "bytes", "limit")}
        whole["kinds"] = {kind: sum(stage["kinds"].get(kind, 0.0) for stage in stages) for kind in kinds}
        rows = [
            _stage(f"{stage['part']} {stage['side'] or ''}", stage["direction"], stage, kinds)
            for stage in stages
            if sum(stage["kinds"].values()) > 0.005 * result["traced"]
        ]
        rows.append(_stage("all", "", whole, kinds))
        titles = ["stage", "", "ms", *kinds, "GFLOP", "GB", "of the limit"]
        text += f"\n\n{result['case']}: {_spread(result['seconds'])} a step\n\n{table(titles, rows)}"
    return text


def _stage(name: str, direction: str, stage: dict, kinds: Sequence[str]) -> list[str]:
    seconds = sum(stage["kinds"].values())
    each = [f"{1e3 * stage['kinds'].get(kind, 0.0):.1f}" for kind in kinds]
    counted = [f"{stage['flops'] / 1e9:.1f}", f"{stage['bytes'] / 1e9:.2f}", f"{stage['limit'] / seconds:.0%}"]
    return [name.strip(), direction, f"{1e3 * seconds:.1f}", *each, *counted]


def _spread(seconds: dict) -> str:
    return f"{seconds['median']:.3g} s ({seconds['fastest']:.3g} to {seconds['slowest']:.3g})"


def of_training(found: dict) -> str:
    """Phases of a training."""
    rows = [
        [one["phase"], str(one["batch"]), f"{one['images_per_second']['median']:.1f}", f"{one['seconds'] / 60:.1f} min"]
        for one in found["results"]
    ]
    return table([f"{found['recipe']} phase", "batch", "images/s", "the recipe's pictures take"], rows)


def of_scaling(found: dict) -> str:
    """How cost grows."""
    rows = []
    for name, one in found["results"].items():
        if name == "devices":
            rows.append([name, ", ".join(f"{n}: {seconds:.2f} s" for n, seconds in one.items()), ""])
        else:
            shown = ", ".join(f"{x}: {y:.2f} s" for x, y in zip(one["x"], one["seconds"], strict=True))
            rows.append([name, shown, f"{one['share_explained']:.1%}"])
    return table(["", "time", "explained by a line"], rows)


def of_startup(found: dict) -> str:
    """What a user waits for."""
    rows = [
        [name, f"{one['median']:.2f} s ({one['fastest']:.2f} to {one['slowest']:.2f})"]
        for name, one in found["results"].items()
    ]
    return table(["", "wall time"], rows)


def of_singan(found: dict) -> str:
    """Training steps of SinGAN's scales."""
    return _of_steps(found, lambda result: "{}, {} channels".format(*result["case"].split(":")))


def of_training_speed(found: dict) -> str:
    """Training steps of PGGANs' last stages, of an LSGAN and of an autoencoder."""
    return _of_steps(found, lambda result: f"{result['case'].replace(':', ', ')}, batch {result['batch']}")


def of_programs(found: dict) -> str:
    """Programs of usual commands, with nothing compiled before and with everything."""
    rows = []
    for name, one in found["results"].items():
        counts = one["all"]
        often = ", ".join(f"{count} {program}" for program, count in list(one["most often"].items())[:3])
        rows.append([name, *(str(counts[kind]) for kind in ("traced", "compiled", "read")), often])
    return table(["", "traced", "compiled", "read", "most often"], rows)


def _of_steps(found: dict, title: Callable[[dict], str]) -> str:
    names = list(dict.fromkeys(name for result in found["results"] for name in result["runners"]))
    rows = []
    for result in found["results"]:
        runners = result["runners"]
        rows.append([title(result), *(_beside(runners[n]) if n in runners else "" for n in names)])
    return table(["a step", *names], rows)


KINDS = ("products", "input transform", "output transform", "convolution", "bias, activation, norm", "rest")
"""The columns of `of_step_profile`, see `step_profile.py`."""

TABLES: dict[str, Callable[[dict], str]] = {
    "compare_torch": of_comparison,
    "throughput": of_throughput,
    "choices": of_choices,
    "step_profile": of_step_profile,
    "singan_speed": of_singan,
    "training_speed": of_training_speed,
    "training": of_training,
    "scaling": of_scaling,
    "startup": of_startup,
    "programs": of_programs,
}


def main() -> None:
    """Print the tables of a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--part", choices=TABLES, help="of a file of `run_all.py`; all by default")
    arguments = parser.parse_args()
    found = json.loads(arguments.file.read_text())
    parts = found.get("parts", {found["benchmark"]: found})
    device, versions = found["device"], ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    print(f"{device}, {found['hardware']['processor']}, {versions}, commit {found['commit']}")
    for name, part in parts.items():
        if arguments.part in (None, name):
            print(f"\n{TABLES[name](part) if part.get('results') else name + ': ' + part.get('failed', 'no result')}")


if __name__ == "__main__":
    main()
