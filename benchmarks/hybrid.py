"""Learned, optimised and hybrid inversion beside each other: the comparison of mGANprior, and the arms of this house.

    python benchmarks/hybrid.py --data cats64_dev.zip --prior cats64 --pictures 0:64 --pictures 200:264 \
        --tasks reconstruct,center:0.25,block:0.25 --out benchmarks/results/hybrid-cats64.json [--arms "multi-code;..."]

The arms stand in `hybrid_arms.py`; --arms chooses some by their names or the beginnings of them, and --arm adds one:

    --arm 'features, gentle={"codes": {"kind": "feature", "layer": 4}, "solve": {"init": "encoder", "steps": 20}}'

Of every arm the table has medians over the pictures: PSNR and SSIM in the hole of the merged picture, which is what a
user sees, and of the generator's own output; the perceptual distance, if a feature network is installed; gradient
evaluations, and seconds of a picture: wall time, and that of the processor, which other programs on the machine disturb
less. Each arm is compared picture by picture with one of them, biharmonic interpolation unless --against names another:
median of the difference, a bootstrap interval of 95 %, and on how many pictures it is better. What is compared is the
PSNR of what a user gets, in the hole where there is one, and the perceptual distance there.

What was computed is kept picture by picture in the .rows.jsonl file beside --out, so that a long comparison can be done
in pieces, ended at any time (--minutes), and gone on with by the same command. The table (.md), the figure (.png) and
the JSON are made of all arms that are complete.
"""

import argparse
from pathlib import Path

import numpy as np
from answers import Answers, add_options
from hybrid_arms import ARMS, Arm, ArmMaker, NotPossible, add_arm_options, chosen_arms, named_arm
from measuring import plainly, record, save
from paired import compared, said
from quality import HEADLINES, headline
from restoring import pictures_of, tasks_of


BASE = "biharmonic"
LISTED = {
    "psnr_hole_merged": "hole PSNR", "ssim_hole_merged": "hole SSIM", "perceptual_hole": "hole perceptual",
    "psnr_merged": "PSNR", "ssim_merged": "SSIM", "perceptual": "perceptual",
    "psnr_hole": "output: hole PSNR", "psnr_known": "output: known PSNR", "psnr": "output: PSNR",
    "ssim": "output: SSIM",
}  # fmt: skip
"""Figures of the table, of merged pictures and of the generator's output; those that a task lacks are left out."""


def results_of(
    options: argparse.Namespace, answers: Answers, arms: ArmMaker, chosen: dict[str, Arm], against: str
) -> dict:
    """Run what is lacking; the rows of all arms that are complete, {pictures: {task: {arm: row}}}."""
    found: dict = {}
    for spec in options.tasks:
        for name, arm in {**ARMS, **chosen}.items():
            try:
                method, evaluations = arms.method(name, arm, spec)
            except NotPossible as why:
                if name in chosen:
                    print(f"{spec}, {name}: left out: {why}", flush=True)
                continue
            for pictures in options.pictures:  # of arms that were not chosen only what is complete already
                figures = answers.figures(spec, method, pictures, compute=name in chosen)
                if figures is not None:
                    title = f"{pictures.start}:{pictures.stop}"
                    found.setdefault(title, {}).setdefault(spec, {})[name] = (evaluations, figures)
    return {title: {spec: summary(arms, against) for spec, arms in tasks.items()} for title, tasks in found.items()}


def summary(arms: dict[str, tuple[int, dict[str, np.ndarray]]], against: str = BASE) -> dict:
    """Medians of every arm, and what it gains over the one that all are compared with, if that is there."""
    rows, base = {}, arms.get(against, (0, {}))[1]
    for name, (evaluations, figures) in arms.items():
        row: dict = {"evaluations": evaluations}
        row |= {figure: round(float(np.median(values)), 4) for figure, values in figures.items()}
        for figure in dict.fromkeys((headline(figures), "psnr_hole")):
            if figure in figures and figure in base:
                row[f"gain_{figure}"] = compared(figures[figure], base[figure])
        seen = "perceptual_hole" if "psnr_hole" in figures else "perceptual"
        if seen in figures and seen in base:
            below = 1 - figures[seen] / np.maximum(base[seen], 1e-9)
            row["perceptual_below"] = compared(below, np.zeros_like(below))
        rows[name] = row
    return rows


def gain_of(row: dict) -> dict | None:
    """What an arm gains in PSNR over the one that all are compared with, if that is there."""
    return next((row[f"gain_{figure}"] for figure in HEADLINES if f"gain_{figure}" in row), None)


def table(results: dict, against: str = BASE) -> str:
    """The results as markdown, a table for each range of pictures and task.

    Arguments:
        results: from `results_of`; against: the arm that all others are compared with.
    """
    parts = []
    for pictures, tasks in results.items():
        for spec, rows in tasks.items():
            listed = {name: title for name, title in LISTED.items() if any(name in row for row in rows.values())}
            titles = ["arm", *listed.values(), "evaluations", "s a picture", "processor s"]
            compared_here = any(gain_of(row) for row in rows.values())
            perceptual_here = any("perceptual_below" in row for row in rows.values())
            hole = "hole " if "psnr_hole" in listed else ""
            titles += [f"{hole}PSNR over {against} [95 %], wins"] * compared_here
            titles += [f"{hole}perceptual below {against} [95 %], wins"] * perceptual_here
            lines = [f"{spec}, pictures {pictures}", "", f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
            for name, row in rows.items():
                cells = [name, *(_number(figure, row.get(figure)) for figure in listed)]
                cells += [str(row["evaluations"]), f"{row['seconds']:.2f}", f"{row['processor_seconds']:.2f}"]
                another = name != against
                cells += [_said(gain_of(row) if another else None)] * compared_here
                cells += [_said(row.get("perceptual_below") if another else None)] * perceptual_here
                lines.append(f"| {' | '.join(cells)} |")
            parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _number(figure: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if figure.startswith("psnr") else f"{value:.3f}"


def _said(found: dict | None) -> str:
    return "" if found is None else said(found)


def plot(results: dict, path: Path, against: str = BASE) -> None:
    """The gain over the arm that all are compared with and its interval, or where that is not there the PSNR.

    Arguments:
        results, against: as for `table`; path: of the PNG file.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels = {
        f"{spec}, pictures {pictures}": rows for pictures, tasks in results.items() for spec, rows in tasks.items()
    }
    across, down = max(len(tasks) for tasks in results.values()), len(results)
    heights = [1.2 + 0.28 * max(len(rows) for rows in tasks.values()) for tasks in results.values()]
    figure, axes = pyplot.subplots(
        down, across, figsize=(6.5 * across, sum(heights)), squeeze=False, layout="constrained",
        gridspec_kw={"height_ratios": heights},
    )  # fmt: skip
    for axis, (title, rows) in zip(axes.flat, panels.items(), strict=False):
        gained = any(gain_of(row) for row in rows.values())
        names = [name for name, row in rows.items() if not gained or gain_of(row)]
        for place, name in enumerate(reversed(names)):
            row = rows[name]
            if gain := gain_of(row):
                axis.plot(gain["interval"], [place, place], color="tab:blue", lw=1.5)
                axis.plot(gain["gain"], place, "o", color="tab:blue")
            else:
                axis.plot(row["psnr"], place, "o", color="tab:blue")
        labels = [f"{name} ({rows[name]['evaluations']})" for name in reversed(names)]
        axis.set_yticks(range(len(names)), labels, fontsize=8)
        axis.set(title=title, xlabel=f"PSNR over {against}, dB (95 %)" if gained else "PSNR, dB (medians)")
        axis.axvline(0, color="gray", lw=0.8) if gained else None
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=100)


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    add_arm_options(parser)
    parser.add_argument("--pictures", type=pictures_of, action="append", metavar="FIRST:END", help="may be repeated")
    parser.add_argument("--tasks", type=tasks_of, default="reconstruct,center:0.25,block:0.25", metavar="TASK,TASK")
    parser.add_argument("--arms", help="names of arms or their beginnings, with semicolons; all by default")
    parser.add_argument("--against", default=BASE, metavar="ARM", help=f"what all arms are compared with ({BASE})")
    options = parser.parse_args()
    options.pictures = options.pictures or [range(64)]
    arms = ArmMaker(options)
    answers, card = Answers(options, arms.prior.resolution), arms.prior.card
    chosen = {BASE: ARMS[BASE], **chosen_arms(options.arms, options.arm)}
    against = named_arm(options.against, {**ARMS, **chosen})
    results = results_of(options, answers, arms, {against: {**ARMS, **chosen}[against], **chosen}, against)
    found = {"prior": card["name"], "sha256": card["sha256"], "data": options.data.name, "encoder": arms.encoder_sha256,
             "perceptual": answers.compared_in, "against": against, "results": results}  # fmt: skip
    save(options.out, {**record("hybrid"), **found})
    text = table(results, against)
    options.out.with_suffix(".md").write_text(text)
    print(text)
    if results:
        plot(results, options.out.with_suffix(".png"), against)


if __name__ == "__main__":
    plainly(main)
