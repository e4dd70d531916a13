"""Put a trained refiner or model of one picture into the package, in half precision, with a card and a page of it.

    python benchmarks/bundle_network.py refiner runs/refiner lsgan-cats64-refiner --title "..." --summary "..." \
        --source "..." --licence "..."
    python benchmarks/bundle_network.py singan runs/galaxies galaxies --author "..." ...

What the network learnt from, its licence and, of a single picture, its author are named in the card and on the page.
Of a training that was stopped the card says how long it was. Writes jaxprior/assets/SHELF/NAME/{model.safetensors,
README.md}, and samples.png where --samples names a picture of them.
"""

import argparse
from pathlib import Path

from bundle_prior import copy_samples
from bundling import ASSETS, recipe_lines, save_half, say_size, settle
from measuring import plainly

from jaxprior.weights import loader, storage


ROLES = ("refiner", "singan")
LIMIT_MB = 2


def page_of(card: dict, *, summary: str, figures: str, size: float, samples: bool) -> str:
    """The card as a page to read.

    Arguments:
        card: of the network; summary: what it does, in a sentence or two; figures: tables of what was measured.
        size: of the file, in MB; samples: whether there is a picture of some.
    """
    training, ended = card["training"], ""
    if (stopped := training.get("stopped")) is not None:
        ended = f", stopped after {stopped['steps']:,} of {stopped['of']:,} steps"
    lines = [
        f"# {card['name']}",
        "",
        summary,
        "",
        *(["![Samples, not chosen](samples.png)", ""] if samples else []),
        f"- Network: {card['title']}; half precision, {size:.1f} MB.",
        f"- Trained on: {card['source']}.",
        *([f"- Author: {card['author']}."] if "author" in card else []),
        f"- Licence: {card['licence']}.",
        f"- Training: {training['seconds'] / 60:.0f} minutes on {card.get('hardware', training['device'])}{ended}.",
        "",
        *([figures, ""] if figures else []),
        *recipe_lines(card),
    ]
    return "\n".join(lines)


def main() -> None:
    """Write the asset."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("role", choices=ROLES)
    parser.add_argument("run", type=Path, help="of a training, or its file")
    parser.add_argument("name", help="by which it is found")
    parser.add_argument("--title", required=True, help="what it is, in a few words")
    parser.add_argument("--summary", required=True, help="what it does, in a sentence or two")
    parser.add_argument("--source", required=True, help="what it learnt from")
    parser.add_argument("--licence", required=True, help="of that")
    parser.add_argument("--author", help="of that")
    parser.add_argument("--hardware", help="what the device name does not tell")
    parser.add_argument("--figures", type=Path, help="page of tables that were measured")
    parser.add_argument("--samples", type=Path, help="picture of samples")
    arguments = parser.parse_args()
    params, card = storage.load_weights(loader.find(arguments.run, role=arguments.role))
    said = ("name", "title", "source", "licence", "author", "hardware")
    card |= {word: value for word in said if (value := getattr(arguments, word)) is not None}
    settle(card)
    if "stopped" in card["training"]:
        card["training"].pop("quality", None)  # of what the last report showed, which other weights made
    folder = ASSETS / loader.SHELVES[arguments.role] / arguments.name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / loader.RUN_WEIGHTS
    size = save_half(path, params, card)
    loader.load(path, role=arguments.role)  # what does not load is not bundled
    if arguments.samples is not None:
        copy_samples(arguments.samples, folder, colours=256)
    figures = "" if arguments.figures is None else arguments.figures.read_text()
    page = page_of(
        storage.read_card(path), summary=arguments.summary, figures=figures, size=size,
        samples=(folder / "samples.png").is_file(),
    )  # fmt: skip
    (folder / "README.md").write_text(page)
    say_size(folder.name, size, LIMIT_MB)


if __name__ == "__main__":
    plainly(main)
