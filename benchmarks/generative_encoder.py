"""Table 2 and Figure 9 of the Generative Encoder (Ong and Yang, 2020), with the controls that the paper lacks.

    python benchmarks/generative_encoder.py --train-data cats64_train.zip --data cats64_dev.zip --pictures 0:32 \
        --networks runs/ge-networks --runs runs/ge-cells --out benchmarks/results/generative-encoder-cats32.json \
        [--tasks inpaint,deblur] [--arms "GE;InvertGAN;ConvAE"] [--minutes 30]

The arms stand in `generative_encoder_arms.py`; --arms chooses some by their names or the beginnings of them. First the
autoencoders are trained that an arm needs (one for each task, and the AEGAN), on pictures that are not those of --data;
then each arm restores the pictures, in a run folder of its own. All of it can be ended at any time (--minutes, Ctrl-C)
and gone on with by the same command, which leaves out what is there; a longer comparison is thus done in pieces.

Of every arm the table has what the paper's has: mean squared error in [-1, 1], SSIM with its standard deviation over
the pictures, and the Frechet distance in a feature network that is named; and besides the PSNR of the hole, and seconds
of a picture. Error and SSIM are of the network's own output, without known pixels put back; the Frechet distance of an
inpainting is that of merged pictures. Each arm is compared picture by picture with GE, or with another one (--against):
median of the difference in PSNR and SSIM, a bootstrap interval of 95 %, and on how many pictures it is better. The
figure (.png) has the error to the truth over the iterations: medians and quartiles. The paper's row "InvertGAN" is
"InvertGAN, blind" here. --steps is for a rehearsal: so many iterations of every search that has any.

Prints tables; writes JSON, tables (.md), figure, and in --runs a report with all pictures. Asserts nothing.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from generative_encoder_arms import ARMS, TASKS, Networks, add_network_options
from measuring import plainly, record, save
from paired import compared, said
from pieces import TimeOverError, end_of, ended_at, is_complete
from restoring import pictures_of

from jaxprior.data import images
from jaxprior.errors import ImageError
from jaxprior.evaluation import RunFolder, Stopped, measure_sets, run_cell, write_report
from jaxprior.evaluation.cells import configuration
from jaxprior.restoration.drivers import NUMERICS_VERSION
from jaxprior.runs.traces import load_errors
from jaxprior.weights import registry


FIGURES = ("mse", "psnr", "ssim", "psnr_hole", "ssim_hole", "seconds")
GAINS = ("psnr", "ssim", "psnr_hole")
TO_RANGE = 4
"""From a mean squared error in [0, 1], in which metrics are, to one in [-1, 1]."""


def folder_of(options: argparse.Namespace, task: str, name: str) -> RunFolder:
    """Where an arm's results of a task lie."""
    return RunFolder(options.runs / f"{task}_{name.lower().replace(', ', '-').replace(' ', '-')}")


def restore(options: argparse.Namespace, networks: Networks, sources: Sequence, task: str, name: str) -> None:
    """Let an arm restore the pictures that it has not restored yet; its networks are trained first.

    Raises:
        Stopped, TimeOverError: it was ended before. RunError: its folder holds results of other networks or settings.
    """
    folder, arm = folder_of(options, task, name), ARMS[name]
    complete = is_complete(folder, [source.name for source in sources])
    settings = {"error_every": options.error_every, "steps": options.steps}
    cell, prior = networks.cell(task, arm, train=not complete, **settings)
    folder.check_configuration(configuration(cell, prior, numerics_version=NUMERICS_VERSION))
    if complete:
        return
    began = time.monotonic()
    labels = {"prior": str(prior.card["name"]), "data": options.data.stem, "task": TASKS[task], "method": name}
    if not arm.aegan:  # one heading in the report: the AEGAN stands beside the others, as in the paper
        labels["prior"] = str(networks.prior.card["name"])
    run_cell(cell, sources, folder, prior=prior, perceptual="none", labels=labels)
    each = (time.monotonic() - began) / len(sources)
    print(f"{task}, {name}: {len(sources)} pictures, {each:.2f} s each, compiling included", flush=True)


def figures_of(folder: RunFolder, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The figures of some pictures of a run in the order of their names, {name: [b]}."""
    rows = sorted((row for row in folder.rows() if row.image in set(names)), key=lambda row: row.image)
    found = {name: [getattr(row, name) for row in rows] for name in FIGURES}
    values = {name: np.array(some, float) for name, some in found.items() if None not in some}
    return {**values, "mse": TO_RANGE * values["mse"]}


def errors_of(folder: RunFolder, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray] | None:
    """Iterations [k] and the errors to the truth of some pictures [b, k]; None if the run did not follow them."""
    rows = [row for row in folder.rows() if row.image in set(names)]
    found = [one for row in rows if (one := load_errors(folder, str(row.file))) is not None]
    return (found[0][0], np.stack([errors for _, errors in found])) if found else None


def summary(options: argparse.Namespace, names: Sequence[str]) -> dict:
    """Of all arms that are complete, {task: {arm: row}}."""
    results: dict = {}
    for task in TASKS:
        found = {name: folder_of(options, task, name) for name in ARMS}
        figures = {name: figures_of(run, names) for name, run in found.items() if is_complete(run, names)}
        base = figures.get(options.against, {})
        for name, values in figures.items():
            row: dict = {"pictures": len(values["mse"])}
            for figure, of_pictures in values.items():
                row[figure] = round(float(of_pictures.mean()), 5)
                row[f"{figure}_sd"] = round(float(of_pictures.std(ddof=min(1, len(of_pictures) - 1))), 5)
                row[f"{figure}_median"] = round(float(np.median(of_pictures)), 5)
            gained = [figure for figure in GAINS if figure in values and figure in base and name != options.against]
            row |= {f"gain_{figure}": compared(values[figure], base[figure]) for figure in gained}
            read = found[name].read()
            row |= {"sets": read["sets"]} if "sets" in read else {}
            if (errors := errors_of(found[name], names)) is not None:
                low, middle, high = np.quantile(errors[1], (0.25, 0.5, 0.75), axis=0).round(6)
                row["errors"] = {"step": errors[0].tolist(), "median": middle.tolist(), "low": low.tolist(),
                                 "high": high.tolist(), "mean": errors[1].mean(axis=0).round(6).tolist()}  # fmt: skip
            results.setdefault(task, {})[name] = row
    return results


def table(results: dict, against: str) -> str:
    """The results as markdown, a table for each task."""
    parts = []
    for task, rows in results.items():
        hole = any("psnr_hole" in row for row in rows.values())
        network = next((row["sets"]["title"] for row in rows.values() if "sets" in row), None)
        titles = ["arm", "MSE [-1, 1]", "PSNR", "SSIM ± SD", *["hole PSNR"] * hole]
        titles += [*[network] * (network is not None), "s a picture", f"PSNR over {against} [95 %], wins"]
        titles += [f"SSIM over {against} [95 %], wins", *[f"hole PSNR over {against} [95 %], wins"] * hole]
        pictures = next(iter(rows.values()))["pictures"]
        lines = [f"{TASKS[task]}, {pictures} pictures", "", f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
        for name, row in rows.items():
            cells = [name, f"{row['mse']:.5f}", f"{row['psnr']:.2f}", f"{row['ssim']:.4f} ± {row['ssim_sd']:.3f}"]
            if hole:
                cells.append(f"{row['psnr_hole']:.2f}")
            if network is not None:
                cells.append(f"{row['sets']['frechet']:.3f}" if "sets" in row else "")
            cells.append(f"{row['seconds_median']:.2f}")
            for figure, digits in (("psnr", 2), ("ssim", 3), *[("psnr_hole", 2)] * hole):
                gain = row.get(f"gain_{figure}")
                cells.append("" if gain is None else said(gain, digits=digits))
            lines.append(f"| {' | '.join(cells)} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def plot(results: dict, path: Path) -> None:
    """The error to the truth over the iterations, as the paper's Figure 9: a panel for each task."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(results), figsize=(5 * len(results), 4), squeeze=False, layout="constrained")
    for axis, (task, rows) in zip(axes.flat, results.items(), strict=True):
        followed = {name: row["errors"] for name, row in rows.items() if "errors" in row}
        last = max((one["step"][-1] for one in followed.values()), default=0)
        for name, one in followed.items():
            colour = f"C{list(ARMS).index(name)}"
            if len(one["step"]) == 1:
                axis.axhline(one["median"][0], color=colour, ls="--", lw=1, label=name)
                continue
            axis.fill_between(one["step"], one["low"], one["high"], color=colour, alpha=0.15, lw=0)
            axis.plot(one["step"], one["median"], color=colour, lw=1.3, label=name)
        axis.set(title=TASKS[task], xlabel="iterations", yscale="log", xlim=(0, max(last, 1)))
        axis.grid(alpha=0.3, which="both")
    axes[0, 0].set_ylabel("mean squared error to the truth, [-1, 1]\nmedian and quartiles")
    axes[0, -1].legend(fontsize=7)
    figure.savefig(path, dpi=100)


def chosen(names: str | None, known: Sequence[str], *, separator: str) -> list[str]:
    """Those of the known names that were asked for by themselves or their beginnings, in the known order."""
    if names is None:
        return list(known)
    wanted = [name.strip() for name in names.split(separator)]
    for name in wanted:
        if not any(one.startswith(name) for one in known):
            raise SystemExit(f"none begins with {name}; there are {'; '.join(known)}.")
    exact = [name for name in wanted if name in known]
    begun = tuple(name for name in wanted if name not in known)
    return [one for one in known if one in exact or (begun and one.startswith(begun))]


def main() -> None:
    """Train, restore and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_network_options(parser)
    parser.add_argument("--data", type=Path, required=True, help="held-out pictures: folder or zip")
    parser.add_argument("--pictures", type=pictures_of, default=range(32), metavar="FIRST:END", help="by name (0:32)")
    parser.add_argument("--tasks", metavar="TASK,TASK", help=f"of {', '.join(TASKS)}; all by default")
    parser.add_argument("--arms", metavar="ARM;ARM", help="names of arms or their beginnings; all by default")
    parser.add_argument("--against", default="GE", choices=ARMS, help="what all arms are compared with (GE)")
    parser.add_argument("--features", default="squeezenet", help="network of the Frechet distance, or none")
    parser.add_argument("--error-every", type=int, default=25, metavar="N", help="iterations between two errors (25)")
    parser.add_argument("--steps", type=int, metavar="K", help="iterations of every search, for a rehearsal")
    parser.add_argument("--minutes", type=float, metavar="M", help="after which everything is saved and ended")
    parser.add_argument("--runs", type=Path, required=True, metavar="DIR", help="where the results lie")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    options = parser.parse_args()
    end = end_of(options.minutes)
    listed = images.list_images([options.data])
    if options.pictures.stop > len(listed):
        raise ImageError(f"{options.data}: it has {len(listed)} pictures, --pictures asks for {options.pictures.stop}.")
    sources = listed[options.pictures.start : options.pictures.stop]
    names, whole = [source.name for source in sources], True
    try:
        with ended_at(end):
            networks = Networks(options, end)
            for task in chosen(options.tasks, list(TASKS), separator=","):
                for name in chosen(options.arms, list(ARMS), separator=";"):
                    restore(options, networks, sources, task, name)
    except (Stopped, TimeOverError):
        whole = False
        print("Ended before everything was done; the same command goes on.", flush=True)
    done = [run for task in TASKS for name in ARMS if is_complete(run := folder_of(options, task, name), names)]
    if options.features != "none" and options.features in registry.installed():
        for sentence in measure_sets([run for run in done if "sets" not in run.read()], options.features):
            print(sentence, flush=True)
    results = summary(options, names)
    stated = {"prior": options.prior, "data": options.data.name, "trained_on": options.train_data.name,
              "pictures": f"{options.pictures.start}:{options.pictures.stop}", "against": options.against,
              "training_steps": options.training_steps, "complete": whole}  # fmt: skip
    save(options.out, {**record("generative_encoder"), **stated, "results": results})
    text = table(results, options.against)
    options.out.with_suffix(".md").write_text(text)
    print(text)
    if done:
        plot(results, options.out.with_suffix(".png"))
        print(f"Pictures and curves: {write_report(done, options.runs / 'report.html')}")


if __name__ == "__main__":
    plainly(main)
