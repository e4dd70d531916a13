"""What all commands that put a trained network into the package do: where it lies, what its card says, and its page."""

import json
from pathlib import Path

import jax
import numpy as np

from jaxprior.weights import storage


ASSETS = Path(__file__).resolve().parents[1] / "jaxprior" / "assets"


def settle(card: dict) -> None:
    """Let the card of a training that was stopped say how long it was.

    The network is used as it is, so that nobody is warned of a training that is not finished.
    """
    if (stopped := card["training"].pop("unfinished", None)) is not None:
        card["training"]["stopped"] = stopped


def save_half(path: Path, params: dict, card: dict) -> float:
    """Write weights in half precision; the size of the file in MB."""
    storage.save_weights(path, jax.tree.map(lambda x: np.asarray(x, np.float16), params), card)
    return path.stat().st_size / 1e6


def recipe_lines(card: dict) -> list[str]:
    """The lines of a page that hold the recipe of the training."""
    return ["Recipe:", "", "```json", json.dumps(card["training"]["recipe"]), "```", ""]


def say_size(name: str, size: float, limit: int) -> None:
    """Print how large a file is, in MB, and whether that is more than it should be."""
    print(f"{name}: {size:.1f} MB" + (f", more than {limit} MB" if size > limit else ""))
