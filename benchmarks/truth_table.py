"""The truth table of a feature (Ong and Yang, 2020, section 5.5, Table 4): is the true digit read in restored pictures?

    python benchmarks/truth_table.py --mnist mnist10k/ --work runs/truth-table --digits 0:1000 \
        --out benchmarks/results/truth-table-mnist.json [--task "inpaint center:0.25"] [--minutes 30]

The paper asks which of two methods keeps a feature that a picture has, spectacles there, and counts by eye. Here the
feature is which digit it is, and a classifier counts, the judge. Everything is made of a folder of MNIST files, 1000 of
whose digits are held out:

    judge      a small convolutional network that reads digits; the table says how well it reads held-out ones
    generator  an LSGAN of grey pictures of 32 pixels, `jaxprior train lsgan`
    ConvAE     the encoder of the Generative Encoder, `jaxprior train convae` on real and generated digits, for the task
    GE         the search in the encoder's code, and InvertGAN the same search with pixels; both know the task

A digit counts if the judge reads it rightly in the original. Of those the table says in how many each method's picture
shows it still (T) or not (F), and McNemar's exact test whether the methods differ: p is the probability of digits that
only one of them keeps being divided as unevenly as they are, if each were as likely to be kept by either.

The paper takes pictures that its networks were trained on; --trained does that. Held-out ones are harder and fairer.
All of it goes on where it was ended (--minutes, Ctrl-C) by the same command. Prints the table; writes JSON, the table
(.md) and a sheet of digits that only one method keeps (.png). Asserts nothing.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from digits import EPOCHS, SIDE, label_of, make_pictures, read_digits, train_judge
from measuring import plainly, record, save
from pieces import TimeOverError, end_of, ended_at, is_complete, trained
from restoring import pictures_of
from scipy.stats import binomtest

import jaxprior as jp
from jaxprior.data import images
from jaxprior.errors import ImageError
from jaxprior.evaluation import Cell, RunFolder, Stopped, make_task, run_cell
from jaxprior.operators import task_table
from jaxprior.restoration.presets import make_method


METHODS = ("InvertGAN", "GE")
HELD_OUT = 1000
SHOWN = 8
"""Digits of each kind on the sheet."""


def networks(options: argparse.Namespace, end: float) -> tuple[jp.Prior, Path]:
    """The generator and the run of the autoencoder; both are trained if they are not there.

    Raises:
        TimeOverError: one of them is not finished.
    """
    data = ["--data", options.work / "train", "--no-mirror"]
    widths = ["--resolution", SIDE, "--channels", 1, "--widths", "96,64,32", "--critic-widths", "32,64,96"]
    words = ["lsgan", *widths, "--latent-dim", 64, "--steps", options.generator_steps]
    generator = trained(options.work / "lsgan", [*words, *data], end=end)
    words = ["convae", "--prior", generator, "--width", 16, "--code", 64, "--steps", options.training_steps]
    words += [] if options.task == "reconstruct" else ["--task", options.task]
    name = f"convae-{options.task.replace(' ', '-').replace(':', '-')}"
    return jp.load_prior(generator), trained(options.work / name, [*words, *data], end=end)


def restore(options: argparse.Namespace, sources: Sequence, prior: jp.Prior, encoder: Path) -> None:
    """Let both methods restore the digits that they have not restored yet."""
    names = [source.name for source in sources]
    for name in METHODS:
        folder = folder_of(options, name)
        if is_complete(folder, names):
            continue
        table = {"preset": "generative_encoder", "encoder": str(encoder)} if name == "GE" else {"preset": "invertgan"}
        if options.steps is not None:
            table["solve"] = {"steps": options.steps}
        operator, mask = make_task(task_table(options.task), prior.image_shape)
        cell = Cell(task=operator, mask=mask, method=make_method(table, operator, prior=prior))
        began = time.monotonic()
        run_cell(cell, sources, folder, prior=prior, perceptual="none")
        print(f"{name}: {(time.monotonic() - began) / len(names):.2f} s a digit", flush=True)


def folder_of(options: argparse.Namespace, name: str) -> RunFolder:
    """Where the results of a method lie."""
    task = options.task.replace(" ", "-").replace(":", "-")
    return RunFolder(options.work / f"{task}_{'trained_' * options.trained}{name.lower()}")


def restored(folder: RunFolder, names: Sequence[str]) -> list[Path]:
    """The files of what a method's generator made, in the order of the pictures' names."""
    files = {row.image: row.file for row in folder.rows()}
    return [folder.file("raw", str(files[name])) for name in names]


def truth_table(read: dict[str, np.ndarray], labels: np.ndarray, seen: np.ndarray) -> dict:
    """Count in how many digits each method's picture shows the true one.

    Arguments:
        read: of each of `METHODS`, the digits that the judge reads in its pictures [n].
        labels: the true digits [n]; seen: what the judge reads in the originals [n].

    Returns:
        counts, shares and McNemar's exact p, two-sided.
    """
    counts = seen == labels
    kept = {name: read[name][counts] == labels[counts] for name in METHODS}
    invert, ge = (kept[name] for name in METHODS)
    only_invert, only_ge = int((invert & ~ge).sum()), int((ge & ~invert).sum())
    differ = only_invert + only_ge
    return {
        "digits": int(counts.sum()), "left_out": int((~counts).sum()),
        "both": int((invert & ge).sum()), "only_invertgan": only_invert, "only_ge": only_ge,
        "neither": int((~invert & ~ge).sum()),
        "kept": {name: round(float(values.mean()), 4) if len(values) else None for name, values in kept.items()},
        "mcnemar_p": binomtest(only_ge, differ).pvalue if differ else 1.0,
    }  # fmt: skip


def markdown(found: dict, options: argparse.Namespace) -> str:
    """The table as the paper has it, and what it is of."""
    which = "digits that the networks were trained on" if options.trained else "held-out digits"
    kept = ", ".join(f"{name} {share:.1%}" for name, share in found["kept"].items() if share is not None)
    return (
        f"{options.task}, {found['digits']} {which}; the judge reads {found['judge_accuracy']:.2%} of held-out "
        f"originals rightly, and {found['left_out']} that it does not read are left out.\n\n"
        "| | InvertGAN, F | InvertGAN, T |\n|---|---:|---:|\n"
        f"| GE, F | {found['neither']} | {found['only_invertgan']} |\n"
        f"| GE, T | {found['only_ge']} | {found['both']} |\n\n"
        f"Kept by {kept}. McNemar's exact p: {found['mcnemar_p']:.2g}.\n"
    )


def sheet(kinds: dict[str, np.ndarray], files: dict[str, list[Path]], path: Path) -> None:
    """Digits that only one method keeps: originals, and below them what the methods made.

    Arguments:
        kinds: for each method the indices of digits that it alone keeps.
        files: pictures by "original" and by method.
        path: of the PNG file.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        len(files), 2 * SHOWN, figsize=(2 * SHOWN * 0.8, len(files) * 0.95), squeeze=False, layout="constrained"
    )
    chosen = [list(kinds[name][:SHOWN]) + [None] * (SHOWN - len(kinds[name][:SHOWN])) for name in METHODS]
    for row, (name, paths) in enumerate(files.items()):
        for column, index in enumerate([one for some in chosen for one in some]):
            axis = axes[row, column]
            axis.set_axis_off()
            if index is not None:
                axis.imshow(images.load_image(paths[index]))
            if column % SHOWN == 0:
                axis.set_title(name, fontsize=7, loc="left")
    figure.suptitle("left: only InvertGAN keeps the digit; right: only GE does", fontsize=9)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Train, restore, read and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", type=Path, required=True, metavar="DIR", help="images-idx3 and labels-idx1 of MNIST")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="where pictures, networks and runs lie")
    parser.add_argument("--digits", type=pictures_of, default=range(1000), metavar="FIRST:END", help="by name (0:1000)")
    parser.add_argument("--task", default="reconstruct", metavar="TASK", help='in words: "inpaint center:0.25"')
    parser.add_argument("--trained", action="store_true", help="digits that the networks were trained on")
    parser.add_argument("--generator-steps", type=int, default=4000, metavar="K", help="of the LSGAN (4000)")
    parser.add_argument("--training-steps", type=int, default=1500, metavar="K", help="of the ConvAE (1500)")
    parser.add_argument("--epochs", type=int, default=EPOCHS, metavar="N", help=f"of the judge ({EPOCHS})")
    parser.add_argument("--steps", type=int, metavar="K", help="iterations of the searches, for a rehearsal")
    parser.add_argument("--minutes", type=float, metavar="M", help="after which everything is saved and ended")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    options = parser.parse_args()
    end = end_of(options.minutes)
    make_pictures(options.mnist, options.work, held_out=HELD_OUT)
    listed = images.list_images([options.work / ("train" if options.trained else "held-out")])
    if options.digits.stop > len(listed):
        raise ImageError(f"--digits: there are {len(listed)} digits, and number {options.digits.stop - 1} is wanted.")
    sources = listed[options.digits.start : options.digits.stop]
    names = [source.name for source in sources]
    try:
        with ended_at(end) as guard:
            judge = train_judge(
                options.work / "train", options.work / "judge.safetensors", epochs=options.epochs,
                until=lambda: guard.requested,
            )  # fmt: skip
            if judge is None:
                raise TimeOverError
            restore(options, sources, *networks(options, end))
    except (Stopped, TimeOverError):
        print("Ended before everything was done; the same command goes on.", flush=True)
        return
    held_out = sorted((options.work / "held-out").iterdir())
    accuracy = float(np.mean(read_digits(judge, held_out) == [label_of(path.name) for path in held_out]))
    folder = options.work / ("train" if options.trained else "held-out")
    files = {"original": [folder / Path(name).name for name in names]}
    files |= {name: restored(folder_of(options, name), names) for name in METHODS}
    read = {name: read_digits(judge, paths) for name, paths in files.items()}
    labels = np.array(list(map(label_of, names)))
    found = {"judge_accuracy": round(accuracy, 4), **truth_table(read, labels, read["original"])}
    kept = {name: (read[name] == labels) & (read["original"] == labels) for name in METHODS}
    alone = {
        name: np.flatnonzero(kept[name] & ~kept[other])
        for name, other in zip(METHODS, reversed(METHODS), strict=True)
    }
    stated = {"task": options.task, "trained": options.trained, "from": options.digits.start,
              "to": options.digits.stop, "generator_steps": options.generator_steps,
              "training_steps": options.training_steps}  # fmt: skip
    save(options.out, {**record("truth_table"), **stated, **found})
    text = markdown(found, options)
    options.out.with_suffix(".md").write_text(text)
    print(text)
    sheet(alone, files, options.out.with_suffix(".png"))


if __name__ == "__main__":
    plainly(main)
