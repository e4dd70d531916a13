"""Put a trained restorer into the package, in half precision, with a card that names every photograph and its author.

    python benchmarks/bundle_restorer.py runs/superres srgan_x4_photos --data photos.zip --sources SOURCES.md \
        --summary "..." --figures figures.md

`--data` are the photographs that it was trained on. `--sources` is a page with a table | picture | package | licence |,
which must have a row for each of them; those rows go into the card and its page, and a photograph under the GPL ends
the command. Of a training that was stopped the card says how long it was. Writes
jaxprior/assets/restorers/NAME/{model.safetensors, README.md}; samples of a training are pieces of photographs, whose
authors must be named beside them, and are not copied.
"""

import argparse
import json
import re
from pathlib import Path

from bundling import ASSETS, save_half, say_size, settle
from measuring import plainly

from jaxprior.data import images
from jaxprior.errors import WeightsError
from jaxprior.weights import loader, storage
from jaxprior.weights.restorers import load_restorer


LIMIT_MB = 4
ROW = re.compile(r"\| ([^|]+\.\w+) \| ([^|]+) \| ([^|]+) \|")


def sources_of(data: Path, page: Path) -> list[dict[str, str]]:
    """Name, package and licence of each photograph of an archive or folder, from a table of all of them.

    Raises:
        WeightsError: a photograph has no row, or must not be in a training whose weights are shipped.
    """
    rows = {found[1]: found for line in page.read_text().splitlines() if (found := ROW.match(line))}
    found = []
    for name in (Path(source.name).name for source in images.list_images([data])):
        if name not in rows:
            raise WeightsError(f"{page}: it says nothing of {name}; every photograph of a bundled network is named.")
        _, package, licence = (text.strip() for text in rows[name].groups())
        if licence.startswith("GPL"):
            raise WeightsError(f"{name} is under the {licence}; train without it.")
        found.append({"picture": name, "package": package, "licence": licence})
    return found


def page_of(card: dict, *, summary: str, figures: str, size: float) -> str:
    """The card as a page to read.

    Arguments:
        card: of the network; summary: what it does, in a sentence or two; figures: tables of what was measured.
        size: of the file, in MB.
    """
    training = card["training"]
    lines = [
        f"# {card['name']}",
        "",
        summary,
        "",
        f"Network: {card['architecture']}, half precision, {size:.1f} MB. It saw {training['images_shown']:,} random "
        f"crops in {training['seconds'] / 60:.0f} minutes on {card.get('hardware', training['device'])}.",
        "",
        *([figures, ""] if figures else []),
        "```json",
        json.dumps({"network": card["config"], "recipe": training["recipe"]}),
        "```",
        "",
        f"The {len(card['photographs'])} photographs that it was trained on; they come with packages of Debian as "
        "backgrounds of desktops, and were scaled to at most 1024 pixels a side:",
        "",
        "| photograph | package | licence, author |",
        "|---|---|---|",
        *(f"| {one['picture']} | {one['package']} | {one['licence']} |" for one in card["photographs"]),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Write the asset."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="of a training, or its file")
    parser.add_argument("name", help="under which `load_restorer` finds it")
    parser.add_argument("--data", type=Path, required=True, help="the photographs of the training: folder or zip")
    parser.add_argument("--sources", type=Path, required=True, help="page with a row for each photograph")
    parser.add_argument("--summary", required=True, help="what it does, in a sentence or two")
    parser.add_argument("--figures", type=Path, help="page of tables that were measured")
    parser.add_argument("--hardware", help="what the device name does not tell")
    arguments = parser.parse_args()
    params, card = storage.load_weights(loader.find(arguments.run, role="restorer"))
    photographs = sources_of(arguments.data, arguments.sources)
    licences = sorted({one["licence"].split(",")[0].split(" as ")[0] for one in photographs})
    card |= {"name": arguments.name, "photographs": photographs}
    card |= {"licence": f"of the photographs: {', '.join(licences)}"}
    card |= {"source": f"{len(photographs)} photographs of desktop backgrounds, see `photographs`"}
    card |= {} if arguments.hardware is None else {"hardware": arguments.hardware}
    settle(card)
    folder = ASSETS / "restorers" / arguments.name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / loader.RUN_WEIGHTS
    size = save_half(path, params, card)
    load_restorer(path)  # what does not load is not bundled
    figures = "" if arguments.figures is None else arguments.figures.read_text()
    (folder / "README.md").write_text(
        page_of(storage.read_card(path), summary=arguments.summary, figures=figures, size=size)
    )
    say_size(folder.name, size, LIMIT_MB)


if __name__ == "__main__":
    plainly(main)
