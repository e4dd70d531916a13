"""What benchmarks of restoration share: pictures, tasks said in a word, and the figures of restored pictures.

A task is written as on the command line, with its one setting behind a colon:

    reconstruct   colorize   superres:4   denoise:0.2   deblur:1.5   and masks for inpainting, such as center:0.25

Every picture's mask and noise depend on its own pixels and on nothing else, so that all benchmarks and all methods see
the same damaged pictures, whatever range of pictures they are given.
"""

import argparse
from pathlib import Path
from typing import Any

import jax
import numpy as np

import jaxprior as jp
from jaxprior import evaluation
from jaxprior.data import images
from jaxprior.errors import JaxpriorError, SettingsError
from jaxprior.operators import task_names
from jaxprior.restoration.drivers import observe


MASKS_KEY, NOISE_KEY = 1, 0
"""Seeds of the masks, and of noise and latent codes."""

SETTING = {"superres": ("factor", int), "denoise": ("sigma", float), "deblur": ("blur", float)}
"""The setting behind the colon, and its type."""


def pictures_of(text: str) -> range:
    """Read "300:364", as the option of a command: pictures 300 to 363 in the order of their names."""
    first, last = map(int, text.split(":"))
    return range(first, last)


def tasks_of(text: str, *, steps: bool = False) -> list[str]:
    """Read "reconstruct,center:0.25", as the option of a command: tasks with commas between them.

    Arguments:
        text: of the option.
        steps: whether a task may have a number of steps behind it, "reconstruct@25".

    Raises:
        ArgumentTypeError: a word that is no task, which the command refuses in a sentence.
    """
    words = text.split(",")
    for word in words:
        spec, at, number = word.partition("@") if steps else (word, "", "")
        try:
            make_task(spec, 64, np.zeros(1, np.uint32))
        except JaxpriorError as error:
            tasks = ", ".join(f"{name}:X" if name in SETTING else name for name in task_names() if name != "inpaint")
            raise argparse.ArgumentTypeError(f"{word}: neither a task ({tasks}) nor a mask: {error}") from None
        if at and not number.isdecimal():
            raise argparse.ArgumentTypeError(f"{word}: expected a number of steps behind the @")
    return words


def named(text: str) -> tuple[str, str]:
    """Read "NAME=VALUE", as the option of a command.

    Raises:
        ArgumentTypeError: something else, which the command refuses in a sentence.
    """
    name, separator, value = text.partition("=")
    if not (separator and name and value):
        raise argparse.ArgumentTypeError(f"expected NAME=..., got {text}")
    return name, value


def load(data: Path, size: int, limit: int, *, skip: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Load pictures in the order of their names.

    Arguments:
        data: folder or archive.
        size: side in pixels to which they are fitted.
        limit: number of pictures.
        skip: number of pictures that are left out before them.

    Returns:
        the pictures [b, size, size, 3] in [-1, 1], and their ids [b].
    """
    sources = images.list_images([data], limit=skip + limit)[skip:]
    pixels = [images.fit(images.load_image(source), size) for source in sources]
    return images.to_float(np.stack(pixels)), np.array([images.pixels_id(p) for p in pixels], np.uint32)


def make_masks(spec: str, size: int, ids: np.ndarray) -> np.ndarray:
    """One mask a picture [b, size, size], 1 = missing, seeded by the picture's id."""
    mask, key = jp.parse_mask(spec), jax.random.key(MASKS_KEY)
    return np.stack([mask.draw(size, jax.random.fold_in(key, int(i))) for i in ids])


def make_task(spec: str, size: int, ids: np.ndarray) -> tuple[jp.Operator, np.ndarray | None]:
    """Make the forward operator of a task that is said in a word, and the masks of an inpainting or None.

    Raises:
        JaxpriorError: it is no such word.
    """
    name, _, value = spec.partition(":")
    if name not in task_names():
        masks = make_masks(spec, size, ids)
        return jp.Inpaint(masks), masks
    table: dict[str, Any] = {"name": name}
    if value:
        if name not in SETTING:
            raise SettingsError(f"{name} has no setting behind a colon, got {value}.")
        setting, kind = SETTING[name]
        try:
            table[setting] = kind(value)
        except ValueError:
            raise SettingsError(f"{setting} of {name} must be a number, got {value}.") from None
    return evaluation.make_task(table, size)[0], None


def observations(task: jp.Operator, photos: np.ndarray, ids: np.ndarray) -> jax.Array:
    """What a task observes of clean photos, each with noise of its own."""
    return observe(task, photos, key=jax.random.key(NOISE_KEY), ids=ids)


def figures(raw, merged, photos, masks) -> dict[str, np.ndarray]:
    """PSNR and SSIM per picture: of merged pictures, and with masks of raw ones in the hole."""
    found = {"psnr": jp.metrics.psnr(merged, photos), "ssim": jp.metrics.ssim(merged, photos)}
    if masks is not None:
        found["psnr_hole"] = jp.metrics.psnr(raw, photos, mask=masks)
        found["ssim_hole"] = jp.metrics.ssim(raw, photos, mask=masks)
    return {name: np.asarray(values) for name, values in found.items()}
