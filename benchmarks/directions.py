"""Whether directions in latent space that labelled inversions tell do what they are called, in generated pictures.

    python benchmarks/directions.py --data cats64_train.zip --prior cats64 --limit 256 --runs runs/directions \
        --out benchmarks/results/directions-cats64.json

Attributes are computed, so that an edit can be measured: "bright" (mean luma), "warm" (mean of red less that of blue)
and "contrast" (standard deviation of luma), each 1 where a picture has more of it than the median picture. The
pictures are inverted by what the prior's encoder answers, without any search;
`jaxprior.evaluation.direction_of_run` finds a direction for each attribute; then codes of --samples generated
pictures, which no direction has seen, are moved along it by --amount, forwards and backwards. For every direction the
table has the change of every attribute, forwards less backwards, halved, in standard deviations of that attribute over
the generated pictures; so the columns say what else a direction changes. Controls: random directions, and directions
from shuffled labels, a few of each; of their changes the table has the root mean square over them.

Prints tables; writes the tables of labels and directions into --runs, JSON, tables (.md) and a page of pictures (.png).
Asserts nothing.
"""

import argparse
import warnings
from pathlib import Path

import jax
import numpy as np
from measuring import plainly, record, save

import jaxprior as jp
from jaxprior.data import images, sheets
from jaxprior.data.pixels import luma
from jaxprior.errors import JaxpriorWarning
from jaxprior.evaluation import Cell, RunFolder, direction_of_run, run_cell
from jaxprior.evaluation.directions import codes_of_rows
from jaxprior.evaluation.edits import inverted as rows_of
from jaxprior.operators import Identity
from jaxprior.restoration.directions import find_direction
from jaxprior.restoration.presets import make_method


SHOWN = 6
"""Generated pictures on the page."""

CONTROLS = 4
"""Random directions, and directions from shuffled labels."""

ATTRIBUTES = {
    "bright": lambda x: luma(x).mean(axis=(1, 2, 3)),
    "warm": lambda x: (x[..., 0] - x[..., 2]).mean(axis=(1, 2)),
    "contrast": lambda x: luma(x).std(axis=(1, 2, 3)),
}
"""Of pictures [b, h, w, 3] in [-1, 1]: [b]."""


def inverted(options: argparse.Namespace, prior: jp.Prior) -> tuple[RunFolder, np.ndarray, list[str]]:
    """The run of the encoder's answers, and its pictures with their names."""
    sources = images.list_images([options.data])[: options.limit]
    table = {"codes": {"kind": "feature", "layer": prior.encoder.layer}, "solve": {"init": "encoder", "steps": 0}}
    method, folder = make_method(table, Identity(), prior=prior), RunFolder(options.runs / "inversions")
    run_cell(Cell(task=Identity(), method=method), sources, folder, prior=prior, perceptual="none")
    pixels = np.stack([images.fit(images.load_image(source), prior.resolution) for source in sources])
    return folder, images.to_float(pixels), [source.inside for source in sources]


def main() -> None:
    """Invert, find directions, move generated pictures and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="pictures: folder or zip")
    parser.add_argument("--prior", default="cats64", help="name, file or run of a prior with an encoder (cats64)")
    parser.add_argument("--limit", type=int, default=256, metavar="N", help="pictures that are inverted (256)")
    parser.add_argument("--samples", type=int, default=128, metavar="N", help="generated pictures that are moved (128)")
    parser.add_argument("--amount", type=float, default=4.0, help="in units of the codes, the same for all (4)")
    parser.add_argument("--runs", type=Path, required=True, metavar="DIR", help="where inversions and tables lie")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    options = parser.parse_args()
    prior = jp.load_prior(options.prior)
    folder, photos, names = inverted(options, prior)
    labels = {name: of(photos) > np.median(of(photos)) for name, of in ATTRIBUTES.items()}
    rows = [",".join([name, *(str(int(labels[one][i])) for one in labels)]) for i, name in enumerate(names)]
    table = options.runs / "labels.csv"
    table.write_text("\n".join([",".join(["name", *labels]), *rows]) + "\n")
    found = {name: direction_of_run(folder, table, attribute=name).direction for name in ATTRIBUTES}
    chance = np.random.default_rng(0)
    codes = np.asarray(jax.random.normal(jax.random.key(1), (options.samples, prior.latent_dim)))
    steps = {name: [one.vector] for name, one in found.items()}
    random = chance.normal(size=(CONTROLS, prior.latent_dim))
    steps["random"] = list(random / np.linalg.norm(random, axis=1, keepdims=True))
    steps["shuffled labels"] = shuffled(folder, chance)
    results: dict = {"directions": {}, "changes": {}}
    for name, one in found.items():
        np.save(options.runs / f"{name}.npy", one.vector)
        told = {field: getattr(one, field) for field in ("accuracy", "larger", "ranking", "apart", "strength")}
        results["directions"][name] = {field: round(float(value), 4) for field, value in told.items()}
    before = generated(prior, codes)
    deviation = {name: of(before).std() for name, of in ATTRIBUTES.items()}
    page = []
    for name, several in steps.items():
        changes = {one: [] for one in ATTRIBUTES}
        for i, step in enumerate(several):
            ahead, back = (generated(prior, codes + side * options.amount * step) for side in (1, -1))
            for one, of in ATTRIBUTES.items():
                changes[one].append((of(ahead) - of(back)) / 2 / deviation[one])
            for k in range(SHOWN if i == 0 else 0):
                triple = np.concatenate([images.to_uint8(some[k]) for some in (back, before, ahead)], axis=1)
                page.append((name if k == 0 else "", triple))
        results["changes"][name] = {one: summary(np.stack(each)) for one, each in changes.items()}
    text = tables(results)
    stated = {"prior": options.prior, "data": options.data.name, "pictures": len(names), "samples": options.samples,
              "amount": options.amount}  # fmt: skip
    save(options.out, {**record("directions"), **stated, "results": results})
    options.out.with_suffix(".md").write_text(text)
    images.save_png(options.out.with_suffix(".png"), sheets.captioned_grid(page, columns=SHOWN))
    print(text)


def summary(changes: np.ndarray) -> dict[str, float]:
    """Changes of an attribute along some directions [k, samples]: of one the mean, of several its root mean square."""
    means = changes.mean(axis=1)
    if len(changes) > 1:
        return {"root mean square": round(float(np.sqrt(np.mean(means**2))), 3)}
    return {"mean": round(float(means[0]), 3), "up": round(float((changes[0] > 0).mean()), 3)}


def shuffled(folder: RunFolder, chance: np.random.Generator) -> list[np.ndarray]:
    """Directions that labels tell which say nothing of the pictures."""
    codes = codes_of_rows(folder, rows_of(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", JaxpriorWarning)  # that they say nothing
        return [find_direction(codes, chance.permutation(len(codes)) % 2).vector for _ in range(CONTROLS)]


def generated(prior: jp.Prior, codes: np.ndarray) -> np.ndarray:
    """Pictures of codes [b, h, w, 3], a few at a time, clipped."""
    some = [np.asarray(prior.generate(codes[i : i + 32].astype(np.float32))) for i in range(0, len(codes), 32)]
    return np.clip(np.concatenate(some), -1, 1)


def tables(results: dict) -> str:
    """The results as markdown."""
    titles = ["attribute", "right on held-out pictures", "larger class", "pairs in order", "means apart"]
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for name, row in results["directions"].items():
        cells = (f"{row['accuracy']:.1%}", f"{row['larger']:.1%}", f"{row['ranking']:.1%}", f"{row['apart']:.2f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", f"| moved along | {' | '.join(ATTRIBUTES)} |", "|---" * (1 + len(ATTRIBUTES)) + "|"]
    for name, row in results["changes"].items():
        cells = []
        for change in (row[one] for one in ATTRIBUTES):
            several = change.get("root mean square")
            cells.append(f"{change['mean']:+.2f} (up in {change['up']:.0%})" if several is None else f"± {several:.2f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    plainly(main)
