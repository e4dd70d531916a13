"""MNIST digits as pictures, and a classifier that reads them: an independent judge of what a restored picture shows."""

import gzip
import struct
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from safetensors.numpy import load_file, save_file

from jaxprior.data import images
from jaxprior.errors import ImageError


SIDE = 32
"""Of the pictures in pixels: the digits' 28 with a black border."""

EPOCHS, BATCH, RATE = 18, 100, 1e-3
"""Of the judge; the rate falls to nothing by a cosine."""
SHIFT = 2
"""Pixels by which digits are moved at random while the judge learns."""


def read_idx(path: Path) -> np.ndarray:
    """Read a file of MNIST's format, gzip-compressed or not.

    Returns:
        uint8, [n, 28, 28] of pictures and [n] of labels.

    Raises:
        ImageError: it is no such file, or it ends too early.
    """
    content = path.read_bytes()
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise ImageError(f"{path}: expected unsigned bytes in MNIST's IDX format, got another file.")
    dimensions = content[3]
    shape = struct.unpack(f">{dimensions}I", content[4 : 4 + 4 * dimensions])
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions)
    if values.size != int(np.prod(shape)):
        raise ImageError(f"{path}: expected {shape} values, got {values.size}: the file is damaged.")
    return values.reshape(shape)


def make_pictures(mnist: Path, folder: Path, *, held_out: int) -> None:
    """Write the digits of a folder of IDX files as PNG files, unless they are there.

    Arguments:
        mnist: holds one file *images-idx3* and one *labels-idx1*.
        folder: gets "train" and "held-out", whose files are named by number and digit: 00317-4.png.
        held_out: so many digits, chosen at random, are held out.
    """
    pixels, labels = (read_idx(_only(mnist, kind)) for kind in ("images-idx3", "labels-idx1"))
    order = np.random.default_rng(0).permutation(len(pixels))
    border = (SIDE - pixels.shape[1]) // 2
    for name, chosen in (("held-out", order[:held_out]), ("train", order[held_out:])):
        place = folder / name
        if place.is_dir() and len(list(place.iterdir())) == len(chosen):
            continue
        place.mkdir(parents=True, exist_ok=True)
        for i in chosen:
            picture = np.pad(pixels[i], border)
            images.save_png(place / f"{i:05d}-{labels[i]}.png", np.repeat(picture[..., None], 3, axis=2))


def _only(folder: Path, kind: str) -> Path:
    found = sorted(folder.glob(f"*{kind}*"))
    if len(found) != 1:
        raise ImageError(f"{folder}: expected one file *{kind}* of MNIST, found {len(found)}.")
    return found[0]


def label_of(name: str) -> int:
    """The digit of a picture of `make_pictures`, by its name."""
    return int(Path(name).stem.rpartition("-")[2][0])


def load(paths: list[Path]) -> np.ndarray:
    """Pictures [n, 32, 32, 1] in [-1, 1]."""
    return images.to_float(np.stack([images.to_grey(images.load_image(path)) for path in paths]))


class Judge(nn.Module):
    """A small convolutional network: pictures [b, 32, 32, 1] in [-1, 1] -> logits [b, 10]."""

    @nn.compact
    def __call__(self, pictures: jax.Array, *, train: bool = False) -> jax.Array:
        """The logits; with `train` half of the last features are dropped."""
        x = pictures
        for width in (32, 64):
            x = nn.max_pool(nn.relu(nn.Conv(width, (3, 3))(x)), (2, 2), (2, 2))
        x = nn.relu(nn.Dense(128)(x.reshape(len(x), -1)))
        return nn.Dense(10)(nn.Dropout(0.5, deterministic=not train)(x))


def train_judge(train: Path, file: Path, *, epochs: int = EPOCHS, until: Any = lambda: False) -> dict | None:
    """Train the judge on a folder of `make_pictures`; every epoch is kept, and gone on with.

    Arguments:
        train: the folder.
        file: .safetensors file of its state.
        epochs: how long.
        until: says whether to stop between two epochs.

    Returns:
        the parameters, or None if it was stopped before it was finished.
    """
    paths = sorted(train.iterdir())
    size = min(BATCH, len(paths))
    network = Judge()
    optimizer = optax.adam(optax.cosine_decay_schedule(RATE, epochs * (len(paths) // size)))
    params = network.init(jax.random.key(0), jnp.zeros((1, SIDE, SIDE, 1)))["params"]
    state = {"params": params, "moments": optimizer.init(params)}
    done = 0
    if file.is_file():
        stored = load_file(file)
        done = int(stored.pop("epochs"))
        leaves, structure = jax.tree.flatten(state)
        state = jax.tree.unflatten(structure, [jnp.asarray(stored[str(i)]) for i in range(len(leaves))])
    if done >= epochs:
        return state["params"]
    pictures, labels = load(paths), np.array([label_of(path.name) for path in paths])

    @jax.jit
    def step(state, some, digits, key):
        shift_key, drop_key = jax.random.split(key)
        shifts = jax.random.randint(shift_key, (len(some), 2), -SHIFT, SHIFT + 1)
        moved = jax.vmap(lambda picture, shift: jnp.roll(picture, shift, (0, 1)))(some, shifts)

        def loss(params):
            logits = network.apply({"params": params}, moved, train=True, rngs={"dropout": drop_key})
            return optax.softmax_cross_entropy_with_integer_labels(logits, digits).mean()

        value, slopes = jax.value_and_grad(loss)(state["params"])
        updates, moments = optimizer.update(slopes, state["moments"], state["params"])
        return {"params": optax.apply_updates(state["params"], updates), "moments": moments}, value

    for epoch in range(done, epochs):
        if until():
            return None
        order = np.random.default_rng(epoch).permutation(len(pictures))
        value = jnp.nan
        for first in range(0, len(order) - size + 1, size):
            some = order[first : first + size]
            key = jax.random.fold_in(jax.random.key(epoch), first)
            state, value = step(state, pictures[some], labels[some], key)
        leaves = {str(i): np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(state))}
        save_file({**leaves, "epochs": np.array(epoch + 1)}, file)
        print(f"judge: epoch {epoch + 1} of {epochs}, loss {float(value):.4f}", flush=True)
    return state["params"]


@jax.jit
def _logits(params, pictures):
    return Judge().apply({"params": params}, pictures)


def read_digits(params: dict, paths: list[Path]) -> np.ndarray:
    """The digits that the judge reads in pictures, int [n]."""
    found = [np.asarray(_logits(params, load(paths[i : i + 500]))).argmax(axis=1) for i in range(0, len(paths), 500)]
    return np.concatenate(found)
