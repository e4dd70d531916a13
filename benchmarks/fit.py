"""How well pictures fit a prior: make the numbers by which `jaxprior.fit_of` judges, and prove them.

    python benchmarks/fit.py --prior cats64 --data HELD_OUT.zip --others BEDROOMS --others PHOTOS.zip --out NAME.json

The pictures in HELD_OUT are of the prior's own kind and were not trained on. In their order the first 200 say what is
usual, the next 164 give the limits (the 98 % quantile of their distances), and the rest proves them, beside pictures of
other kinds (--others). Every task is judged as it observes pictures: with holes, in grey, small, noisy, blurred. Writes
`fit.safetensors` beside the weights of a bundled prior, and the figures of the proof as JSON; with --prove-only just
these. No picture is inverted.
"""

import argparse
from pathlib import Path

import jax
import numpy as np
from measuring import record, save

import jaxprior as jp
from jaxprior.data import images
from jaxprior.evaluation import make_task
from jaxprior.evaluation.cells import with_mask
from jaxprior.restoration import prior_fit
from jaxprior.restoration.drivers import observe
from jaxprior.weights import loader


USUAL, LIMITS = 200, 164
TASKS = (
    {"name": "reconstruct"},
    {"name": "inpaint", "mask": "center:0.25"},
    {"name": "colorize"},
    {"name": "superres"},
    {"name": "denoise"},
    {"name": "deblur", "blur": 1.5},
)
HOLES = {0.3: ("center:0.7", "pixels:0.26"), 0.5: ("center:0.5", "pixels:0.16"), 0.75: ("center:0.25", "block:0.25")}
"""Masks that leave about so large a share of the critic's map whole; the limits are those of the worse one."""
PROVED = ("center:0.25", "block:0.25", "block:0.07", "pixels:0.2")
KEY = jax.random.key(17)


def load(data: Path, size: int) -> np.ndarray:
    """All pictures [b, size, size, 3] in [-1, 1]."""
    return images.to_float(np.stack([images.fit(images.load_image(one), size) for one in images.list_images([data])]))


def observations(table: dict, photos: np.ndarray, size: int, mask: str | None = None) -> tuple[jax.Array, jp.Operator]:
    """What a task observes of photos, each with a mask of its own if one is named."""
    task, _ = make_task(table, size)
    if mask is not None:
        spec = jp.parse_mask(mask)
        drawn = np.stack([spec.draw(size, jax.random.fold_in(KEY, i)) for i in range(len(photos))])
        task = with_mask(task, drawn)
    elif hasattr(task, "mask") and task.mask is not None:
        task = with_mask(task, np.zeros((size, size), np.float32))
    return observe(task, photos, key=KEY, ids=np.arange(len(photos))), task


def reference_of(prior: jp.Prior, table: dict, photos: np.ndarray) -> tuple[str, prior_fit.FitReference]:
    """The label of a task, and the numbers that its first pictures give."""
    size, usual, rest = prior.resolution, photos[:USUAL], photos[USUAL : USUAL + LIMITS]
    observed, task = observations(table, usual, size)
    known = prior_fit.critic_values(prior, observed, task)[0]
    held_out = {1.0: [prior_fit.critic_values(prior, *observations(table, rest, size))[0]]}
    for share, masks in HOLES.items() if "mask" in table else ():
        held_out[share] = [prior_fit.critic_values(prior, *observations(table, rest, size, mask))[0] for mask in masks]
    return task.label, prior_fit.make_reference(known, held_out)


def proof(prior: jp.Prior, groups: dict[str, np.ndarray]) -> dict:
    """For every task and group of pictures: how many were judged, and how many of these fit poorly."""
    found = {}
    for table in TASKS:
        for mask in PROVED if "mask" in table else (None,):
            title, figures = table["name"] + ("" if mask is None else f" {mask}"), {}
            for name, photos in groups.items():
                words = jp.fit_of(prior, *observations(table, photos, prior.resolution, mask))
                judged = [word for word in words if word is not None]
                figures[name] = {"judged": len(judged), "poor": judged.count("poor")}
            found[title] = figures
            print(f"{title:24s}" + "  ".join(f"{k} {v['poor']}/{v['judged']}" for k, v in figures.items()), flush=True)
    return found


def main() -> None:
    """Make, write and prove."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prior", required=True, help="name of a bundled prior")
    parser.add_argument("--data", type=Path, required=True, help="held-out pictures of its own kind")
    parser.add_argument("--others", type=Path, action="append", default=[], help="pictures of another kind")
    parser.add_argument("--limit", type=int, help="at most so many pictures of each other kind, and of the proof")
    parser.add_argument("--prove-only", action="store_true")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    prior = jp.load_prior(arguments.prior)
    photos = load(arguments.data, prior.resolution)
    if not arguments.prove_only:
        made = dict(reference_of(prior, table, photos) for table in TASKS)
        path = loader.bundled()[arguments.prior].with_name(prior_fit.FILE)
        pictures = f"{USUAL} and {LIMITS} pictures of {arguments.data.name}"
        prior_fit.write_references(path, prior, made, pictures=pictures)
        print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB", flush=True)
    groups = {"own kind": photos[USUAL + LIMITS :][: arguments.limit]}
    groups |= {path.stem: load(path, prior.resolution)[: arguments.limit] for path in arguments.others}
    save(arguments.out, {**record("fit"), "prior": prior.card["name"], "poor": proof(prior, groups)})


if __name__ == "__main__":
    main()
