"""Digital rock (Ong and Yang, 2020, section 4.1, Table 3): a volume from its slices, each made by a generator.

    python benchmarks/rock.py --volume berea.zip --work runs/rock --out benchmarks/results/rock-berea.json \
        [--latents 128,16] [--arms "GE 128;median filter"] [--minutes 30]

The volume is a segmented micro-CT scan, pores and grains, as a multi-page TIFF in a zip archive: Berea sandstone of
Imperial College, 400x400x400. Squares of 64 pixels of its upper planes are what the networks see; a cube of 64^3 far
below is held out. The cube's slices across its third axis are reconstructed one by one, stacked, and looked at in cuts
along another axis, where nothing kept neighbouring slices together:

    GE N            the search in the code of an autoencoder, with a PGGAN whose latent codes have N numbers
    InvertGAN N     the same search with pixels
    multi-code      the default inversion of this project, with the first of the PGGANs
    ConvAE          the autoencoder's own answer, from 128 numbers
    PCA N           the nearest sum of N principal components
    median filter   each slice after a 5x5 median, which invents nothing and loses what is small

Figures: mean squared error and PSNR in [0, 1]; porosity, and how far it is from the true one; the two-point correlation
across the slices, as the mean error over distances up to 16 voxels; and in the perpendicular cuts the pores that are
lost (no pixel of them is a pore in the answer) and added (no pixel is one in the original), as shares of all.

Trainings and searches go on where they were ended (--minutes, Ctrl-C) by the same command. Prints the table; writes
JSON, the table (.md) and cuts of all arms (.png). Asserts nothing.
"""

import argparse
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from generative_encoder import chosen
from measuring import plainly, record, save
from pieces import TimeOverError, end_of, ended_at, is_complete, trained
from rock_slices import make_slices, median_filtered, principal_components, read_slices

import jaxprior as jp
from jaxprior.data import images
from jaxprior.evaluation import Cell, RunFolder, Stopped, make_task, run_cell
from jaxprior.metrics.pores import compare_pores
from jaxprior.metrics.porous import two_point_correlation
from jaxprior.restoration.presets import make_method


WIDTHS = "64,64,48,32,16"
CODE = 128
RATE = 2e-4
"""Learning rate of the autoencoder: at the trainer's own, 1e-3, its tanh is driven to grains everywhere and stays."""
REACH = 16
"""Distances of the two-point correlation, in voxels."""


def generator(options: argparse.Namespace, latent: int, end: float) -> Path:
    """The run of a PGGAN of grey slices whose latent codes have so many numbers; it is trained if it is not there."""
    thousands = ["--start-resolution", 8, "--train-kimg", options.kimg, "--fade-kimg", options.kimg]
    words = ["pggan", "--preset", "fast", "--resolution", 64, "--channels", 1, "--widths", WIDTHS, "--batch-size", 32]
    words += [*thousands, "--final-kimg", 4 * options.kimg, "--latent-dim", latent, "--data", options.work / "train"]
    return trained(options.work / f"pggan-{latent}", words, end=end)


def autoencoder(options: argparse.Namespace, prior: Path, latent: int, end: float) -> Path:
    """The run of the autoencoder for a generator; it is trained if it is not there."""
    words = ["convae", "--prior", prior, "--code", CODE, "--width", 16, "--lr", RATE, "--data", options.work / "train"]
    return trained(options.work / f"convae-{latent}", [*words, "--steps", options.training_steps], end=end)


def searched(options: argparse.Namespace, name: str, latent: int, table: Callable[[], dict], end: float) -> np.ndarray:
    """The cube as an arm's inversions make it: [64, 64, 64] in [0, 1].

    Arguments:
        name: of the arm; latent: of its generator.
        table: makes the method's table, see `jaxprior.restoration.presets.make_method`.
        end: as of `pieces.trained`.
    """
    sources = images.list_images([options.work / "cube"])
    names = [source.name for source in sources]
    folder = RunFolder(options.work / "cells" / name.lower().replace(" ", "-"))
    if not is_complete(folder, names):
        prior = jp.load_prior(generator(options, latent, end))
        operator, mask = make_task({"name": "reconstruct"}, prior.image_shape)
        method = make_method(table(), operator, prior=prior)
        run_cell(Cell(task=operator, mask=mask, method=method), sources, folder, prior=prior, perceptual="none")
    files = {row.image: str(row.file) for row in folder.rows()}
    return read_slices([folder.file("raw", files[each]) for each in names])


def arms(options: argparse.Namespace, cube: np.ndarray, end: float) -> dict[str, Callable[[], np.ndarray]]:
    """The arms by name: functions that return the cube as they make it."""
    first, steps = options.latents[0], {"solve": {"steps": options.steps}}
    found: dict[str, Callable[[], np.ndarray]] = {}

    def encoder(latent: int) -> str:
        return str(autoencoder(options, generator(options, latent, end), latent, end))

    @cache
    def components() -> dict[int, np.ndarray]:
        train = read_slices(sorted((options.work / "train").iterdir()))
        return principal_components(train, cube, options.latents)

    for n in options.latents:
        ge = lambda n=n: {"preset": "generative_encoder", "encoder": encoder(n), **steps}  # noqa: E731
        found[f"GE {n}"] = lambda n=n, ge=ge: searched(options, f"GE {n}", n, ge, end)
        pixels = lambda: {"preset": "invertgan", **steps}  # noqa: E731
        found[f"InvertGAN {n}"] = lambda n=n, pixels=pixels: searched(options, f"InvertGAN {n}", n, pixels, end)
        found[f"PCA {n}"] = lambda n=n: components()[n]
    found["ConvAE"] = lambda: searched(options, "ConvAE", first, lambda: {"answer": encoder(first)}, end)
    found["multi-code"] = lambda: searched(options, "multi-code", first, dict, end)
    found["median filter"] = lambda: median_filtered(cube)
    return found


def figures(answer: np.ndarray, cube: np.ndarray) -> dict[str, float]:
    """What the answer of an arm is worth: cubes [64, 64, 64] in [0, 1], whose third axis counts the slices."""
    error = float(np.mean((answer - cube) ** 2))
    pores, true = answer < 0.5, cube < 0.5
    correlations = [two_point_correlation(one[None], axis=2, longest=REACH) for one in (pores, true)]
    cuts = [compare_pores(true[:, i], pores[:, i]) for i in range(cube.shape[1])]
    counts = {name: sum(getattr(cut, name) for cut in cuts) for name in ("lost", "added", "pores")}
    return {
        "mse": error,
        "psnr": 10 * np.log10(1 / error) if error else float("inf"),
        "porosity": float(pores.mean()),
        "porosity_error": abs(float(pores.mean() - true.mean())),
        "correlation_error": float(np.abs(correlations[0] - correlations[1]).mean()),
        "lost": counts["lost"] / counts["pores"],
        "added": counts["added"] / counts["pores"],
    }


def table(results: dict, porosity: float) -> str:
    """The figures as markdown."""
    lines = [
        f"A cube of 64^3 voxels, porosity {porosity:.4f}; lost and added pores are shares of all pores of the cuts.",
        "",
        "| arm | MSE [0, 1] | PSNR | porosity | its error | error of the two-point correlation | lost | added |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, row in results.items():
        lines.append(
            f"| {name} | {row['mse']:.5f} | {row['psnr']:.2f} | {row['porosity']:.4f} | {row['porosity_error']:.4f} | "
            f"{row['correlation_error']:.5f} | {row['lost']:.1%} | {row['added']:.1%} |"
        )
    return "\n".join(lines) + "\n"


def picture(cubes: dict[str, np.ndarray], path: Path) -> None:
    """A slice that was reconstructed, and a cut across all slices, of every arm."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, len(cubes), figsize=(1.5 * len(cubes), 3.4), squeeze=False, layout="constrained")
    for column, (name, cube) in enumerate(cubes.items()):
        for row, cut in enumerate((cube[:, :, cube.shape[2] // 2], cube[:, cube.shape[1] // 2])):
            axes[row, column].imshow(cut, cmap="gray", vmin=0, vmax=1)
            axes[row, column].set(xticks=[], yticks=[])
        axes[0, column].set_title(name, fontsize=8)
    axes[0, 0].set_ylabel("a slice", fontsize=8)
    axes[1, 0].set_ylabel("a cut across slices", fontsize=8)
    figure.savefig(path, dpi=110)


def numbers(text: str) -> list[int]:
    """Whole numbers with commas between them, as the option of a command."""
    return [int(word) for word in text.split(",")]


def main(argv: Sequence[str] | None = None) -> None:
    """Train, reconstruct, stack and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--volume", type=Path, required=True, help="multi-page TIFF, or a zip archive of one")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="where slices, networks and runs lie")
    parser.add_argument("--latents", type=numbers, default=[128, 16], metavar="N,N", help="lengths of codes (128,16)")
    parser.add_argument("--arms", metavar="ARM;ARM", help="names of arms or their beginnings; all by default")
    parser.add_argument("--kimg", type=float, default=10, metavar="K", help="thousand slices a stage of a PGGAN (10)")
    parser.add_argument("--training-steps", type=int, default=3000, metavar="K", help="of the autoencoder (3000)")
    parser.add_argument("--steps", type=int, default=400, metavar="K", help="iterations of the searches (400)")
    parser.add_argument("--minutes", type=float, metavar="M", help="after which everything is saved and ended")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    options = parser.parse_args(argv)
    end = end_of(options.minutes)
    cube = make_slices(options.volume, options.work).astype(np.float32) / 255
    made, whole = {"original": cube}, True
    known = arms(options, cube, end)
    try:
        with ended_at(end):
            for name in chosen(options.arms, list(known), separator=";"):
                made[name] = known[name]()
                print(f"{name}: done", flush=True)
    except (Stopped, TimeOverError):
        whole = False
        print("Ended before everything was done; the same command goes on.", flush=True)
    results = {name: figures(answer, cube) for name, answer in made.items() if name != "original"}
    porosity = float((cube < 0.5).mean())
    stated = {"latents": options.latents, "kimg": options.kimg, "training_steps": options.training_steps,
              "steps": options.steps, "porosity": porosity, "complete": whole}  # fmt: skip
    save(options.out, {**record("rock"), **stated, "results": results})
    text = table(results, porosity)
    options.out.with_suffix(".md").write_text(text)
    print(text)
    picture(made, options.out.with_suffix(".png"))


if __name__ == "__main__":
    plainly(main)
