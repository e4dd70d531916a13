"""Put a trained encoder beside the bundled prior that it belongs to, in half precision and with a card.

    python benchmarks/bundle_encoder.py runs/encoder cats64

Writes jaxprior/assets/NAME/encoder.safetensors, which `load_prior("NAME")` then loads as `Prior.encoder`. Of a training
that was stopped the card says how long it was. `--source` and `--licence` say what the pictures were. `--card` adds
entries of a JSON file: "defaults", settings of tasks, and "merge", which `benchmarks/merging.py --card` writes.
"""

import argparse
import json
from pathlib import Path

from bundling import save_half, say_size, settle

from jaxprior.weights import loader, storage
from jaxprior.weights.encoders import build_encoder
from jaxprior.weights.priors import load_prior


LIMIT_MB = 8


def main() -> None:
    """Write the asset."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="of `jaxprior train encoder`, or its file")
    parser.add_argument("name", choices=loader.bundled(), help="of the bundled prior")
    parser.add_argument("--source", help="what the pictures are, instead of what the run says")
    parser.add_argument("--card", type=Path, help="JSON file of further entries of the card: defaults, merge")
    parser.add_argument("--licence", help="of the pictures, instead of what the run says")
    arguments = parser.parse_args()
    params, card = storage.load_weights(loader.find(arguments.run, role="encoder"))
    card |= {"name": f"{arguments.name}-encoder"}
    card |= {k: v for k in ("source", "licence") if (v := getattr(arguments, k))}
    card |= {} if arguments.card is None else json.loads(arguments.card.read_text())
    settle(card)
    build_encoder(params, card).check_fits(load_prior(arguments.name))
    path = loader.bundled()[arguments.name].with_name(loader.ENCODER)
    size = save_half(path, params, card)
    say_size(f"{path.parent.name}/{path.name}", size, LIMIT_MB)


if __name__ == "__main__":
    main()
