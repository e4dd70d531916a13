"""Small files in place of those that the commands of the documents name, made up by what the names say."""

import io
import zipfile
from pathlib import Path

import numpy as np
from foreign_features import random_heads, squeezenet_layers, squeezenet_tree, write_heads
from PIL import Image
from skimage.data import chelsea
from tiny_prior import write_tiny_prior

import weights_convert
from jaxprior.data import images
from jaxprior.weights.storage import save_weights


SIDE = 64
"""Pixels of a side of the photographs and of their masks."""

VOXELS = 16
"""Voxels of a side of the volumes."""

DIGITS = ("two", "seven", "nine")

RECIPE = """
[[prior]]
source = "tiny.safetensors"
[[data]]
name = "cat"
builtin = "chelsea"
[[task]]
name = "reconstruct"
[[method]]
codes = { num_codes = 2, layer = 4 }
solve = { steps = 1, starts = 1 }
"""


def photo(number: int, side: int = SIDE) -> np.ndarray:
    """A part of the photograph of a cat, uint8 [side, side, 3]."""
    top, step = 5 * number, 160 // side
    return np.ascontiguousarray(chelsea()[top : top + step * side : step, 120 : 120 + step * side : step])


def mask() -> np.ndarray:
    """A white square on black, uint8 [side, side, 3]."""
    drawn = np.zeros((SIDE, SIDE, 3), np.uint8)
    drawn[14:22, 16:24] = 255
    return drawn


def boxes() -> np.ndarray:
    """Eight volumes of 0 and 1, [8, d, h, w]."""
    made = np.zeros((8, VOXELS, VOXELS, VOXELS), np.uint8)
    for number, box in enumerate(made):
        box[2 + number % 3 : 10 + number % 3, 4:12, 2:12] = 1
    return made


def half() -> np.ndarray:
    """The mask of the first half of a volume."""
    missing = np.zeros((VOXELS, VOXELS, VOXELS), bool)
    missing[: VOXELS // 2] = True
    return missing


def picture_folder(path: Path, *, side: int = SIDE, count: int = 8) -> None:
    path.mkdir(parents=True)
    for number in range(count):
        images.save_png(path / f"{number}.png", photo(number, side))


def mask_folder(path: Path) -> None:
    path.mkdir()
    for number in range(8):
        images.save_png(path / f"{number}.png", mask())


def labelled_folder(path: Path) -> None:
    for number, name in enumerate(DIGITS):
        picture_folder(path / name, side=16 + number)


def table_of_faces(path: Path) -> None:
    """A row for each picture of a folder."""
    rows = [f"{number}.png,{number % 2},{number // 2 % 2}" for number in range(24)]
    path.write_text("\n".join(["image,smiling,hat", *rows]) + "\n")


def volume_folder(path: Path) -> None:
    path.mkdir()
    for number, box in enumerate(boxes()[:2]):
        np.save(path / f"chair{number}.npy", box)


def slice_folder(path: Path) -> None:
    path.mkdir()
    for number, level in enumerate(boxes()[0]):
        images.save_png(path / f"slice{number:03}.png", np.repeat(255 * level[..., None], 3, axis=2))


def stack(path: Path, times: int = 1) -> None:
    """A volume as a TIFF of several pages, as it is or repeated."""
    first, *others = [Image.fromarray(255 * level) for level in np.tile(boxes()[0], (times, 1, 1))]
    first.save(path, save_all=True, append_images=others)


def squeezenet(path: Path) -> None:
    """A SqueezeNet with random weights."""
    card = {"name": "squeezenet", "architecture": "squeezenet", "source": "random", "licence": "none"}
    save_weights(path, {"network": squeezenet_tree(squeezenet_layers())}, card)


def lpips(path: Path) -> None:
    """An LPIPS of random heads on a random SqueezeNet."""
    trunk, heads = path.with_name("trunk.safetensors"), path.with_name("heads.pth")
    squeezenet(trunk)
    weights_convert.convert(write_heads(heads, random_heads()), path, onto=trunk)


SPECIAL = {
    "squeezenet.safetensors": squeezenet,
    "lpips.safetensors": lpips,
    "photos": picture_folder,
    "masks/": mask_folder,
    "tiny/": lambda path: picture_folder(path, side=4),
    "digits/": labelled_folder,
    "faces/": lambda path: picture_folder(path, count=24),
    "faces.csv": table_of_faces,
    "chairs/": volume_folder,
    "slices/": slice_folder,
    "sandstone.tif": lambda path: stack(path, 6),
    "half.npy": lambda path: np.save(path, half()),
    "plan.toml": lambda path: path.write_text(RECIPE),
    "motion.png": lambda path: images.save_png(path, mask()[12:25, 14:27]),
}
"""Files whose names do not say by their endings what is in them."""


def make(path: Path, name: str, *, is_mask: bool) -> None:
    """Make what a command names, if the name is one of a file; nothing if it is there."""
    if path.exists() or name.startswith(("-", "runs/")):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    ending = path.suffix
    if name in SPECIAL:
        SPECIAL[name](path)
    elif name.endswith("/"):
        picture_folder(path)
    elif ending == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(8):
                written = io.BytesIO()
                Image.fromarray(photo(number)).save(written, "png")
                archive.writestr(f"{number}.png", written.getvalue())
    elif ending in (".png", ".jpg"):
        images.save_png(path, mask() if is_mask else photo(0))
    elif ending == ".npz":
        np.savez(path, boxes=boxes())
    elif ending == ".npy":
        np.save(path, boxes()[0])
    elif ending == ".tif":
        stack(path)
    elif ending == ".safetensors":
        write_tiny_prior(path, critic=True)
