"""How often the right prior comes first, and what own samples say of bundled priors (docs/which-prior.md).

    python benchmarks/which_prior.py --bundle [NAME ...]

measures how well short inversions explain the own samples of these bundled priors, or of all: jaxprior/assets/NAME/
explained.json, which belongs to the weights and to the settings of `jaxprior.restoration.which_prior.explaining`.

    python benchmarks/which_prior.py --data cats64_dev.zip --skip 256 --limit 64 --others churches DIR ... --out FILE

ranks held-out pictures of the bundled priors' kind, whole and with a hole, and pictures of other kinds. There is only
one kind of which priors are bundled, so others are made of them: a generator whose kernels are turned upside down makes
the same pictures upside down. It is a real prior of another kind, whose colours and textures are those of the first.
"""

import argparse
from functools import partial
from pathlib import Path

import jax
import numpy as np
from measuring import record, save

import jaxprior as jp
from jaxprior.data import images
from jaxprior.restoration.which_prior import explaining, own_samples
from jaxprior.restoration.which_prior.ranked import FARTHEST
from jaxprior.runs.display import Display
from jaxprior.weights import loader, storage
from jaxprior.weights.priors import build_prior


NAMES = ("cats32", "cats64")
TURNED = "upside down "
HOLE = "center:0.25"


def bundle(names: list[str]) -> None:
    """Write what is known of bundled priors' own samples beside their weights; of all of them if none is named."""
    for name, path in loader.bundled().items():
        if names and name not in names:
            continue
        prior, place = jp.load_prior(name), path.with_name(own_samples.FILE)
        keep = partial(own_samples.write, place, prior)
        known = own_samples.measure(prior, own_samples.draw_samples(prior), known=None, keep=keep)
        print(f"{name}: median {known.quantiles['50']:.2f} dB")


def turned(name: str) -> jp.Prior:
    """A bundled prior that makes its pictures upside down: the rows of all kernels in the opposite order."""
    params, card = storage.load_weights(loader.find(name, role="prior"))

    def turn(path: tuple, kernel: np.ndarray) -> np.ndarray:
        rows = 1 if path[0].key == "layer0" else 0
        return np.ascontiguousarray(np.flip(kernel, rows)) if kernel.ndim == 4 else kernel

    parts = {"generator": jax.tree_util.tree_map_with_path(turn, params["generator"])}
    card = {**card, "name": TURNED + name, "sha256": storage.weights_digest(parts)}
    return build_prior(parts, card)


def load(data: Path, skip: int = 0, limit: int | None = None) -> list[np.ndarray]:
    """Pictures of any size, uint8."""
    sources = images.list_images([data])[skip:]
    return [images.load_image(source) for source in sources[:limit]]


def wins(ranking: jp.PriorRanking) -> dict[str, float]:
    """In how many of the pictures the prior of the right kind is less behind than one of the other kind."""
    found = {}
    for right in NAMES:
        for other in NAMES:
            pairs = [{one.prior: one.behind for one in photo.priors} for photo in ranking.photos]
            found[f"{right} before {TURNED}{other}"] = sum(pair[right] < pair[TURNED + other] for pair in pairs)
    found["a cat prior first of four"] = sum(not photo.priors[0].prior.startswith(TURNED) for photo in ranking.photos)
    return found


def behind(ranking: jp.PriorRanking) -> dict[str, dict]:
    """How far pictures are behind each prior's own samples, and how many are called explained."""
    found = {}
    for name in dict.fromkeys(one.prior for photo in ranking.photos for one in photo.priors):
        some = [next(one for one in photo.priors if one.prior == name) for photo in ranking.photos]
        values = [one.behind for one in some]
        found[name] = {
            "median PSNR": round(float(np.median([one.psnr for one in some])), 2),
            "behind": [round(value, 3) for value in values],
            "quartiles and 95 %": [round(float(np.percentile(values, q)), 2) for q in (25, 50, 75, 95)],
            "explained": sum(one.explains for one in some),
            "better than, median": round(float(np.median([one.share_below for one in some])), 2),
        }
    return found


def main() -> None:
    """Bundle, or prove."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", nargs="*", metavar="NAME", help="write explained.json of bundled priors")
    parser.add_argument("--data", type=Path, help="held-out pictures of the bundled priors' kind")
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--others", nargs=2, action="append", default=[], metavar=("WORD", "DIR"))
    parser.add_argument("--most", type=int, default=40, help="pictures of every other kind")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with Display("which prior"):
        if arguments.bundle is not None:
            return bundle(arguments.bundle)
        four = [*map(jp.load_prior, NAMES), *map(turned, NAMES)]
        cats, count = load(arguments.data, arguments.skip, arguments.limit), arguments.limit
        figures = {"farthest": FARTHEST, "settings": explaining.settings_of(four[0]), "cats": count}
        for title, mask in (("whole", None), (HOLE, jp.parse_mask(HOLE))):
            ranking = jp.rank_priors(cats, four, mask=mask)
            figures[title] = {"wins": wins(ranking), "cats": behind(ranking)}
            print(title, figures[title]["wins"], flush=True)
        for word, place in arguments.others:
            pictures = load(Path(place))[-arguments.most :]
            figures[word] = {"pictures": len(pictures), **behind(jp.rank_priors(pictures, four[:2]))}
        save(arguments.out, {**record("which prior"), **figures})


if __name__ == "__main__":
    main()
