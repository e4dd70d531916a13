"""What a 3D-GAN is trained on: many small volumes, or random cubes of a few large ones.

Volumes are kept as uint8, 0 for -1 and 255 for 1, as pictures are. A batch is a function of its number.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from jaxprior.data.volumes import load_volumes
from jaxprior.errors import VolumeError
from jaxprior.models.gan3d.config import Gan3dRecipe, VolumeInputs
from jaxprior.system.amounts import plural
from jaxprior.training.pictures import Pictures, TrainingData, count_trained, draw_batch


HELD_SHARE = 5
"""One of so many parts of a large volume, the last one along its first axis, is held out."""

PLACES, JUDGED, KNOWN = 7, 8, 9
"""Distinguish random places of cubes that are trained on, held out, and compared with, of the same seed."""

COMPARED = 512
"""Volumes that are trained on and that generated ones are compared with, at most."""


@dataclass(frozen=True)
class TrainingVolumes(Pictures):
    """Volumes to be trained on, [n, d, h, w, 1]: cubes of the training's side, or larger ones."""

    def parted(self, recipe: Gan3dRecipe) -> tuple[Callable, np.ndarray, np.ndarray]:
        """What is trained on, and what is held out.

        Returns:
            (volumes drawn before, volumes a step, seed) -> function from a batch's number to uint8 [b, r, r, r, 1];
            some of the volumes that are trained on; those that are held out; both uint8.

        Raises:
            ImageError: fewer than four volumes. VolumeError: they are too small for cubes of both kinds.
        """
        volumes = np.asarray(self.pixels)
        if not recipe.crops:
            count = count_trained(self, recipe.held_out)
            trained, held = volumes[:count], volumes[count:]
            return partial(partial, draw_batch, trained), trained[:COMPARED], held
        cut, side = volumes.shape[1] - volumes.shape[1] // HELD_SHARE, recipe.resolution
        trained, held = volumes[:, :cut], volumes[:, cut:]
        if side > min(held.shape[1:4]):
            raise VolumeError(
                f"cubes of {side} voxels a side are cut out of a part that is trained on and out of the last fifth, "
                f"which is held out and has {'x'.join(map(str, held.shape[1:4]))} voxels: take larger volumes, or a "
                "smaller --resolution."
            )
        some = cubes(trained, 0, min(recipe.held_out, COMPARED), side=side, seed=recipe.seed, kind=KNOWN)
        judged = cubes(held, 0, recipe.held_out, side=side, seed=recipe.seed, kind=JUDGED)
        return partial(partial, _draw_cubes, trained, side), some, judged


def _draw_cubes(volumes: np.ndarray, side: int, start: int, size: int, seed: int, index: int) -> np.ndarray:
    return cubes(volumes, start + index * size, size, side=side, seed=seed)


def cubes(
    volumes: np.ndarray, position: int, count: int, *, side: int, seed: int, kind: int = PLACES
) -> np.ndarray:
    """Cut cubes at random places: numbers position ... position + count - 1 of an endless stream.

    Arguments:
        volumes: [n, d, h, w, 1]; all places of all of them are equally likely.
        position, count: which of the stream.
        side: of a cube, in voxels.
        seed, kind: choose the stream.

    Returns:
        [count, side, side, side, 1].
    """

    def one(number: int) -> np.ndarray:
        chance = np.random.default_rng([seed, kind, number])
        places = (len(volumes), *(along - side + 1 for along in volumes.shape[1:4]))
        n, *corner = (int(chance.integers(count)) for count in places)
        return volumes[(n, *(slice(c, c + side) for c in corner))]

    return np.stack([one(number) for number in range(position, position + count)])


def read(inputs: VolumeInputs, settings: Gan3dRecipe, *, limit: int | None = None) -> TrainingData:
    """Read volumes for a training, in a random order that is always the same.

    Arguments:
        inputs: where they are. settings: of the training. limit: use only the first so many volumes.

    Raises:
        VolumeError: nothing usable is found, volumes differ in size, or their size does not fit the training.
    """
    volumes, side, notes = load_volumes(inputs.data, limit=limit), settings.resolution, []
    sizes = "x".join(map(str, volumes.shape[1:4]))
    if settings.crops:
        if min(volumes.shape[1:4]) < side:
            raise VolumeError(f"{inputs.data}: volumes of {sizes} voxels have no cubes of {side} voxels a side.")
        notes.append(f"cubes of {side}x{side}x{side} voxels are cut out at random places")
    else:
        if volumes.shape[1:4] != (side,) * 3:
            notes.append(f"volumes of {sizes} voxels were made {side}x{side}x{side}")
        volumes = _fitted(volumes, side, where=str(inputs.data))
        volumes = volumes[np.random.default_rng(0).permutation(len(volumes))]
        sizes = f"{side}x{side}x{side}"
    kept = np.rint((volumes + 1) * np.float32(127.5)).astype(np.uint8)
    return TrainingData(
        pictures=TrainingVolumes(kept),
        kind=plural("volume", len(kept)),
        size=f"{sizes} voxels",
        source=str(inputs.data),
        notes=tuple(notes),
    )


def _fitted(volumes: np.ndarray, side: int, *, where: str) -> np.ndarray:
    """Volumes of a whole multiple of the side, as cubes of that side.

    Occupied cells stay occupied where one of the voxels in them is; grey ones become the mean.
    """
    shape = volumes.shape[1:4]
    factor = shape[0] // side
    if factor < 1 or shape != (factor * side,) * 3:
        raise VolumeError(
            f"{where}: volumes of {'x'.join(map(str, shape))} voxels; expected cubes of {side} voxels a side, or of a "
            "whole multiple of it. Cut or pad them to such a cube, choose another --resolution, or train on random "
            "cubes of them with --crops."
        )
    if factor == 1:
        return volumes
    is_binary = bool(((volumes == -1) | (volumes == 1)).all())
    blocks = volumes.reshape(-1, side, factor, side, factor, side, factor, 1)
    return blocks.max(axis=(2, 4, 6)) if is_binary else blocks.mean(axis=(2, 4, 6))
