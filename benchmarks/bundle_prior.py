"""Make a bundled prior of a training run: copy its weights under a name, add default settings and a model card.

    python benchmarks/bundle_prior.py RUN cats32 --defaults defaults.json
    python benchmarks/bundle_prior.py RUN lsgan-cats64 --no-bank --colours 256

`defaults.json` maps tasks ("reconstruct", "inpaint") to {"codes": {...}, "objective": {...}, "solve": {...}}, as
measured with `benchmarks/settings.py` and `benchmarks/inversion_quality.py`. `--entries` adds tables such as
{"subject": "cat faces"} and what `benchmarks/merging.py --card` writes. Writes jaxprior/assets/NAME/
{model.safetensors, bank.safetensors, README.md, samples.png}. With RUN the asset's own folder only its defaults change.
With the training pictures (--data) the distances are measured anew: a run that was stopped knows those of its last
whole phase, and its card then says how long it was. Without --defaults the settings are those for priors of its size,
and with --no-bank searches begin as those of any trained run do.

    python benchmarks/bundle_prior.py --bank cats32

makes the bank of a prior that is bundled already, jaxprior/assets/NAME/bank.safetensors: thumbnails of samples from
which inversions choose their start. It belongs to the weights, and changes with them only.
"""

import argparse
import json
import shutil
from pathlib import Path

import jax
from bundling import ASSETS, recipe_lines, say_size, settle
from PIL import Image

from jaxprior.inversion.solvers import Solve
from jaxprior.nn.latent import draw_codes
from jaxprior.restoration import banks
from jaxprior.system.runtime import enable_compilation_cache
from jaxprior.training.evaluators import CODES, SlicedWasserstein
from jaxprior.training.pictures import load_pictures
from jaxprior.weights import storage
from jaxprior.weights.priors import build_prior, load_prior


LIMIT_MB = 16


def model_card(card: dict) -> str:
    """The card as a page to read."""
    training, config = card["training"], card["config"]
    size, widths = f"{config['resolution']}x{config['resolution']}", ", ".join(map(str, config["widths"]))
    hardware = f"{training['device']}, {card['hardware']}" if "hardware" in card else training["device"]
    minutes = training["seconds"] / 60
    levels = " | ".join(training["swd"])
    defaults: list[str] = []
    if "defaults" in card:
        defaults = ["Default settings:", "", "```json", json.dumps(card["defaults"], indent=2), "```", ""]
    lines = [
        f"# {card['name']}",
        "",
        f"A {card['architecture'].upper()} generator and its critic for {size} pixels; widths {widths}, latent codes "
        f"of {config['latent_dim']} numbers. Half precision.",
        "",
        "![64 samples, not chosen](samples.png)",
        "",
        f"- Pictures: {card['source']}. Licence: {card['licence']}.",
        f"- Shown: {training['images_shown']:,} pictures in {minutes:.0f} minutes of wall time on {hardware}.",
        f"- Samples: {card['samples']}" if "samples" in card else "",
        "- Sliced Wasserstein distance x 1000 of 1024 samples to 1024 training pictures, and between two halves of the "
        "training pictures:",
        "",
        f"| | {levels} |",
        "|---|" + "---|" * len(training["swd"]),
        "| samples | " + " | ".join(f"{v:.1f}" for v in training["swd"].values()) + " |",
        "| real | " + " | ".join(f"{v:.1f}" for v in training["swd_real"].values()) + " |",
        "",
        *defaults,
        *recipe_lines(card),
    ]
    return "\n".join(lines)


def distances(params: dict, card: dict, data: Path) -> dict:
    """Sliced Wasserstein distances of samples to training pictures, as a card holds them."""
    prior = build_prior(params, card)
    evaluator = SlicedWasserstein(
        sample=lambda state, moment, codes: prior.generate(codes),
        codes=draw_codes(jax.random.key(1), (CODES, prior.latent_dim), distribution=prior.code_distribution),
        pictures=load_pictures(data, resolution=prior.resolution),
        seed=0,
    )
    return evaluator.summary(evaluator.measure(None, None))


def copy_samples(path: Path, folder: Path, *, colours: int | None = None) -> None:
    """Copy a picture of samples into an asset's folder.

    Arguments:
        path: of the PNG file; folder: of the asset.
        colours: how many of them are kept, which makes the file smaller; None keeps the picture as it is.
    """
    if colours is None:
        shutil.copy(path, folder / "samples.png")
        return
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(colours).save(folder / "samples.png", optimize=True)


def bundle_bank(folder: Path) -> None:
    """Make the bank of an asset's weights, unless it is there."""
    prior, path, size = load_prior(folder / "model.safetensors"), folder / banks.FILE, Solve().bank_size
    if banks.read_thumbnails(path, prior, (size, *banks.thumbnail_shape(prior.image_shape))) is not None:
        return
    enable_compilation_cache()
    banks.write_thumbnails(path, prior, banks.make_thumbnails(prior, size))
    print(f"{folder.name}: a bank of {size} samples, {path.stat().st_size / 1e6:.1f} MB")


def main() -> None:
    """Write the asset."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("name", nargs="?")
    parser.add_argument("--bank", metavar="NAME", help="make only the bank of this bundled prior")
    parser.add_argument("--defaults", type=Path)
    parser.add_argument("--hardware", help="what the device name does not tell")
    parser.add_argument("--samples", help="what the samples look like, in a sentence")
    parser.add_argument("--source", help="what the pictures are, instead of what the run says")
    parser.add_argument("--licence", help="of the pictures, instead of what the run says")
    parser.add_argument("--entries", type=Path, nargs="*", default=[], help="JSON tables of what else the card says")
    parser.add_argument("--data", type=Path, help="the training pictures, to measure distances anew")
    parser.add_argument("--colours", type=int, metavar="N", help="of the picture of samples (default: all)")
    parser.add_argument("--no-bank", action="store_true", help="bring no bank along")
    arguments = parser.parse_args()
    if arguments.bank is not None:
        return bundle_bank(ASSETS / arguments.bank)
    if None in (arguments.run, arguments.name):
        parser.error("give RUN and NAME, or --bank NAME")
    params, card = storage.load_weights(arguments.run / "model.safetensors")
    card["name"] = arguments.name
    if arguments.defaults is not None:
        card["defaults"] = json.loads(arguments.defaults.read_text())
    settle(card)
    card |= {k: v for k in ("hardware", "samples", "source", "licence") if (v := getattr(arguments, k))}
    for path in arguments.entries:
        card |= json.loads(path.read_text())
    if arguments.data is not None:
        card["training"] = {**card["training"], **distances(params, card, arguments.data)}
    folder = ASSETS / arguments.name
    folder.mkdir(parents=True, exist_ok=True)
    storage.save_weights(folder / "model.safetensors", params, card)
    (folder / "README.md").write_text(model_card(storage.read_card(folder / "model.safetensors")))
    if arguments.run.resolve() != folder:
        copy_samples(arguments.run / "samples.png", folder, colours=arguments.colours)
    if not arguments.no_bank:
        bundle_bank(folder)
    say_size(folder.name, (folder / "model.safetensors").stat().st_size / 1e6, LIMIT_MB)


if __name__ == "__main__":
    main()
