"""The folder of an official SinGAN training (PyTorch; Shaham et al., ICCV 2019) -> the file of `models.singan`.

    NoiseAmp.pth, Zs.pth, reals.pth     lists with an entry for each scale, coarsest first
    0/netG.pth, 0/netD.pth, 1/...       state dicts of the scales' networks; critics are optional, all or none

`Gs.pth`, which holds pickled modules, is never opened.
"""

import math
from pathlib import Path

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.checkpoint import read_checkpoint, read_file
from weights_convert.picture_folders import entries, image, left_out, number
from weights_convert.report import Converted
from weights_convert.singan_network import read_network, recognise


NETWORK = "singan"
FORMAT = "folder of an official SinGAN training (PyTorch)"
LISTS = ("NoiseAmp.pth", "Zs.pth", "reals.pth")
SLOPE = 0.2  # of the leaky ReLU
USUAL_MIN_SIZES = (25, 18, 20)
"""Short side of the coarsest scale: of the official main program, its super-resolution, its animation."""


def read_folder(folder: Path) -> dict[str, bytes]:
    """The files of a training that are converted, by name ("0/netG.pth").

    Raises:
        WeightsError: one that must be there is missing or unreadable.
    """
    missing = [name for name in (*LISTS, "0/netG.pth") if not (folder / name).is_file()]
    if missing:
        raise WeightsError(
            f"{folder}: not the folder of a finished official SinGAN training: {missing[0]} is missing; expected "
            f"{', '.join(LISTS)} and 0/netG.pth, 1/netG.pth, ..."
        )
    names = list(LISTS)
    scale = 0
    while (folder / f"{scale}/netG.pth").is_file():
        names += [f"{scale}/{net}.pth" for net in ("netG", "netD") if (folder / f"{scale}/{net}.pth").is_file()]
        scale += 1
    return {name: read_file(folder / name) for name in names}


def convert(folder: Path, files: dict[str, bytes]) -> Converted:
    """Bring a training's networks, noises and picture into our form.

    Arguments:
        folder: where it lies, for messages. files: of `read_folder`.
    Returns:
        Parameter tree and configuration, checked against our networks.
    Raises:
        WeightsError: missing, damaged, hostile or misshapen parts; the sentence starts with the folder.
    """
    # Imports JAX, which other conversions do without.
    from jaxprior.models.singan.model import SinGan
    from jaxprior.models.singan.stored import build_singan

    amplitudes, noises, pictures = (entries(folder / name, files[name]) for name in LISTS)
    count = len(pictures)
    if not 0 < len(noises) == len(amplitudes) == count or f"{count - 1}/netG.pth" not in files:
        found = sum(name.endswith("netG.pth") for name in files)
        raise WeightsError(
            f"{folder}: {count} scales in reals.pth, but {len(noises)} in Zs.pth, {len(amplitudes)} in NoiseAmp.pth "
            f"and {found} folders with netG.pth; expected as many of each (was the training interrupted?)"
        )
    amplitudes = [number(folder / LISTS[0], n, value) for n, value in enumerate(amplitudes)]
    pictures = [image(folder / LISTS[2], n, value) for n, value in enumerate(pictures)]
    noises = [image(folder / LISTS[1], n, value) for n, value in enumerate(noises)]
    params: dict = {"image": pictures[-1]}
    generators, critics = (_networks(folder, files, net, count) for net in ("netG", "netD"))
    layers, kernel = len(generators[0][0]["params"]), generators[0][0]["params"]["output"]["kernel"].shape[0]
    margin = layers * (kernel - 1) // 2
    padding = "zero" if _strip(_strip(noises[0], margin), -margin).tobytes() == noises[0].tobytes() else "noise"
    for n in range(count):
        noise = _strip(noises[n], margin) if padding == "zero" else noises[n]
        params[f"scale{n}"] = {"generator": generators[n][0], "noise": noise, "amplitude": amplitudes[n]}
        if critics:
            params[f"scale{n}"]["critic"] = critics[n][0]
    sizes = [list(picture.shape[:2]) for picture in pictures]
    factor, how = _factor(sizes)
    single = bool((noises[0] == noises[0][..., :1]).all())
    config = {
        "widths": [widths[0] for _, widths in generators],
        "least_widths": [widths[-1] for _, widths in generators],
        "layers": layers,
        "kernel": kernel,
        "norm": "batch",
        "critic_norm": "batch" if critics else None,
        "slope": SLOPE,
        "image_channels": pictures[-1].shape[-1],
        "sizes": sizes,
        "factor": factor,
        "resize": "bicubic_u8",
        "padding": padding,
        "coarse_noise_channels": 1 if single else pictures[-1].shape[-1],
    }
    build_singan(params, {"architecture": SinGan.architecture, "config": config}, where=str(folder))
    return Converted(
        params=params,
        config=config,
        used=f"generators{', critics' if critics else ''}, noises and amplitudes of all scales, the picture",
        left_out=left_out(folder, files),
        extra={},
        size=f"{count} scales",
        details=(("sizes", " ".join(f"{h}x{w}" for h, w in sizes)), ("factor", how)),
    )


def _strip(image: np.ndarray, margin: int) -> np.ndarray:
    """Without a border, or (a negative margin) with one of zeros."""
    if margin < 0:
        return np.pad(image, ((-margin, -margin), (-margin, -margin), (0, 0)))
    return image[margin : image.shape[0] - margin, margin : image.shape[1] - margin]


def _networks(folder: Path, files: dict[str, bytes], net: str, count: int) -> list[tuple[dict, list[int]]]:
    """Variables and widths of one player at every scale; none if the folder has none of it."""
    names = [f"{n}/{net}.pth" for n in range(count)]
    there = [name for name in names if name in files]
    if not there:
        return []
    if there != names:
        raise WeightsError(f"{folder}: {next(n for n in names if n not in files)} is missing, but {there[0]} is there")
    networks = []
    for name in names:
        checkpoint = read_checkpoint(folder / name, files[name])
        try:
            divided = checkpoint.with_states_of(recognise)
            if divided is None:
                raise WeightsError("tensor head.conv.weight is missing; expected a network of a SinGAN training")
            networks.append(read_network(divided.states[divided.choose(recognise)]))
        except WeightsError as error:
            raise WeightsError(f"{folder / name}: {error}") from error
    return networks


def _factor(sizes: list[list[int]]) -> tuple[float | None, str]:
    """The factor between scales, which no file holds: every size is ceil(finest size x factor^k).

    A power of a usual smallest side that makes exactly these sizes is what was trained with; scales may be missing at
    the coarse end, so the exponent is tried as well. Else the sizes leave an interval, whose middle is taken.
    """
    steps = len(sizes) - 1
    for smallest in USUAL_MIN_SIZES if steps else ():
        for count in range(steps, steps + 4):
            factor = math.pow(smallest / min(sizes[-1]), 1 / count)
            if sizes == [[math.ceil(side * math.pow(factor, k)) for side in sizes[-1]] for k in range(steps, -1, -1)]:
                return factor, f"{factor:.6f}, {count} steps to a short side of {smallest} pixels"
    low, high = 0.0, 1.0
    for k, size in enumerate(reversed(sizes)):
        for side, finest in zip(size, sizes[-1], strict=True):
            if k:
                low = max(low, ((side - 1) / finest) ** (1 / k))
                high = min(high, (side / finest) ** (1 / k))
    if not steps or low >= high:
        return None, "none: the sizes are not those of one factor, so drawings follow their ratios"
    return (low + high) / 2, f"{(low + high) / 2:.6f}, within {(high - low) / 2:.1e}, from the sizes"
