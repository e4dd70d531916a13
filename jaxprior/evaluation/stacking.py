"""The results of a run over slices as one volume, with cuts across it and how it compares with the original.

    RUN/images/*.png, in the order of their names --stack--> volume [d, h, w] --> cuts [h, w], [d, w], [d, h]

A network that restores slices one by one knows nothing of their neighbours, so what it invents shows in the cuts
perpendicular to the slices (Ong and Yang 2020, section 4.1, figure 12).
"""

import dataclasses
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from jaxprior.data import images
from jaxprior.data.listing import list_images
from jaxprior.data.pixels import to_grey
from jaxprior.data.volume_files import ending_of
from jaxprior.data.volume_units import units_of
from jaxprior.data.volumes import load_volume
from jaxprior.errors import RunError, VolumeError
from jaxprior.metrics.pores import compare_pores
from jaxprior.reporting.page import document, figure_table, framed, side_by_side
from jaxprior.reporting.page_pictures import as_png
from jaxprior.runs.row import FAILED
from jaxprior.runs.runfolder import RunFolder
from jaxprior.settings import check_choice
from jaxprior.system.files import write_atomically


LOW, HIGH = "low", "high"
"""Which voxels are pores: those below the middle of the range, or the others."""

PORES = {LOW: LOW, HIGH: HIGH, "dark": LOW, "white": HIGH}
"""Words for them; dark and white mean the same of grey levels."""

FILES = (".npy", ".tif", ".tiff")
"""Endings of the files that a volume is written to."""

CUTS = ("along the slices [h, w]", "across them [d, w]", "across them [d, h]")
BOX = (360, 360)
"""Width and height in which a cut is shown, in pixels."""


@dataclasses.dataclass(frozen=True)
class Stack:
    """Slices of a run that were laid on each other.

    Fields:
        volume: uint8 [d, h, w].
        names: of the slices, from the first to the last.
        original: uint8 [d, h, w], or None if it is not known.
    """

    volume: np.ndarray
    names: tuple[str, ...]
    original: np.ndarray | None = None


def stack_run(folder: RunFolder, *, reference: str | Path | None = None) -> Stack:
    """Lay the results of a run over slices on each other, in the order of their names.

    Numbers in names count as numbers: slice_2.png comes before slice_10.png. Colours become their luma.

    Arguments:
        folder: a finished run over pictures of one size.
        reference: the original: the file of a volume, or a folder or archive with as many slices, in the order of their
            names; by default the originals that the run has, if it has them.

    Raises:
        RunError: the run is of volumes or of a single picture, is not finished, or a slice failed; or slices of
            different sizes.
        ImageError: a picture cannot be read. VolumeError: the original has another shape.

    Example:
        >>> stack_run(RunFolder("runs/rock")).volume.shape  # needs a finished run # doctest: +SKIP
        (64, 64, 64)
    """
    record = folder.read()
    if "volume" in record["configuration"]:
        raise RunError(f"{folder.path} is a run over volumes, which lie in {folder.path / 'images'} already.")
    if record["images"] == 1:
        raise RunError(f"{folder.path}: it has one picture; a volume wants the slices of a folder, two or more.")
    rows = sorted(folder.rows(), key=lambda row: natural(row.image))
    if len(rows) < record["images"]:
        raise RunError(
            f"{folder.path}: {len(rows)} of {record['images']} slices are done; repeat the run's "
            "command, then this one."
        )
    failed = [row.image for row in rows if row.status == FAILED]
    if failed or not rows:
        which = f"{len(failed)} of {len(rows)} slices failed ({failed[0]})" if failed else "it has no slices"
        raise RunError(f"{folder.path}: {which}, and a volume without them would be wrong; mend them and run it again.")
    volume = _stacked([(row.image, folder.file("images", str(row.file))) for row in rows])
    original = None
    if reference is not None:
        original = _original(Path(reference))
    elif all(folder.file("originals", str(row.file)).is_file() for row in rows):
        original = _stacked([(row.image, folder.file("originals", str(row.file))) for row in rows])
    if original is not None and original.shape != volume.shape:
        got, expected = ("x".join(map(str, one.shape)) for one in (original, volume))
        raise VolumeError(f"{reference}: the original has {got} voxels, and the stack of the run {expected}.")
    return Stack(volume, tuple(row.image for row in rows), original)


def write_stack(stack: Stack, path: str | Path, *, pores: str = LOW, title: str = "volume") -> tuple[Path, dict]:
    """Write a stack's volume, and beside it a report with three cuts and, with an original, the comparison.

    Arguments:
        stack: from `stack_run`.
        path: of the volume, .npy (uint8 [d, h, w]) or .tif (a page a slice). The report is called the same, with
            .html in place of the ending.
        pores: "low" or "high" (or "dark" or "white"), the values of the voxels that are pores, of which porosity tells
            the share.
        title: of the report.

    Returns:
        where the report is, and the figures of `compare_stack` that it shows.

    Raises:
        VolumeError: another ending. SettingsError: another word for pores.
    """
    path = Path(path)
    if path.suffix.lower() not in FILES:
        raise VolumeError(f"{path}: expected a name that ends in {', '.join(FILES)} for the volume.")
    check_choice(pores, PORES, "pores")
    figures = compare_stack(stack, pores=pores)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, _npy(stack.volume) if path.suffix.lower() == ".npy" else _tiff(stack.volume))
    report = path.with_suffix(".html")
    write_atomically(report, _page(stack, figures, title, pores).encode())
    return report, figures


def compare_stack(stack: Stack, *, pores: str = LOW) -> dict[str, float]:
    """Figures of a stack; those that compare are there only if the original is known.

    Arguments:
        stack: from `stack_run`; pores: see `write_stack`.

    Returns:
        "porosity" (the share of pore voxels, 0 to 1); of the original "porosity_original" and, on [0, 1], "psnr" in dB
        and "mse"; and "pores", "lost" and "added": pores of the original in all cuts across the slices [d, w], those
        that the stack lost, and those that it added (see `jaxprior.metrics.pores`).
    """
    found = _pores(stack.volume, pores)
    figures = {"porosity": float(found.mean())}
    if stack.original is None:
        return figures
    original = _pores(stack.original, pores)
    error = float(np.mean((stack.volume / 255 - stack.original / 255) ** 2))
    figures |= {"porosity_original": float(original.mean()), "mse": error}
    figures["psnr"] = float(-10 * np.log10(error)) if error > 0 else float("inf")
    cuts = [compare_pores(original[:, row], found[:, row]) for row in range(found.shape[1])]
    for name in ("pores", "lost", "added"):
        figures[name] = sum(getattr(cut, name) for cut in cuts)
    return figures


def natural(name: str) -> list[Any]:
    """A key by which names are sorted so that numbers in them count as numbers.

    Example:
        >>> sorted(["s10.png", "s2.png"], key=natural)
        ['s2.png', 's10.png']
    """
    return [(1, int(part), part) if part.isdecimal() else (0, 0, part) for part in re.split(r"(\d+)", name)]


def _stacked(files: Sequence[tuple[str, Any]]) -> np.ndarray:
    """Pictures as slices, uint8 [d, h, w]: (name, file or source) of each."""
    slices: list[np.ndarray] = []
    for name, source in files:
        one = to_grey(images.load_image(source))[..., 0]
        if slices and one.shape != slices[0].shape:
            (height, width), (first, wide) = one.shape, slices[0].shape
            raise RunError(f"{name} is {width}x{height} and the first slice {wide}x{first}: expected one size.")
        slices.append(one)
    return np.stack(slices)


def _original(path: Path) -> np.ndarray:
    """An original volume, uint8 [d, h, w]: of a file, or of a folder or archive of slices."""
    if path.is_file() and ending_of(path.name):
        volume = load_volume(path)
        units = units_of(volume, str(path))
        return np.rint(volume * (255 / units.top)).astype(np.uint8)
    sources = sorted(list_images([path]), key=lambda source: natural(source.name))
    return _stacked([(source.name, source) for source in sources])


def _pores(volume: np.ndarray, pores: str) -> np.ndarray:
    return volume < 128 if PORES[pores] == LOW else volume >= 128


def _npy(volume: np.ndarray) -> bytes:
    data = io.BytesIO()
    np.save(data, volume)
    return data.getvalue()


def _tiff(volume: np.ndarray) -> bytes:
    data, pages = io.BytesIO(), [Image.fromarray(page) for page in volume]
    pages[0].save(data, format="TIFF", save_all=True, append_images=pages[1:], compression="tiff_deflate")
    return data.getvalue()


def middle_cuts(volume: np.ndarray) -> list[np.ndarray]:
    """The three cuts through the middle of a volume [d, h, w], as `CUTS` names them."""
    depth, height, width = volume.shape
    return [volume[depth // 2], volume[:, height // 2], volume[:, :, width // 2]]


def _page(stack: Stack, figures: dict[str, float], title: str, pores: str) -> str:
    """The report: figures, and the three cuts of the stack, of its original, and of their difference."""
    volumes = {"stack": stack.volume}
    if stack.original is not None:
        apart = np.abs(stack.volume.astype(np.int16) - stack.original).astype(np.uint8)
        volumes |= {"original": stack.original, "difference": apart}
    said = {
        "porosity": f"porosity (share of voxels of {PORES[pores]} values)",
        "porosity_original": "porosity of the original", "psnr": "PSNR, dB", "mse": "MSE on [0, 1]",
        "pores": "pores of the original in the cuts [d, w]",
        "lost": "of these lost", "added": "pores added there",
    }  # fmt: skip
    lines = [[text, _shown(name, figures[name])] for name, text in said.items() if name in figures]
    parts = [f"<p>{len(stack.volume)} slices, {stack.names[0]} to {stack.names[-1]}.</p>"]
    parts += [figure_table(["figure", "value"], lines)]
    for number, caption in enumerate(CUTS):
        shown = [
            framed(as_png(middle_cuts(volume)[number][..., None]), f"{name}, {caption}", box=BOX, caption=name)
            for name, volume in volumes.items()
        ]
        parts += [f"<h2>Cut {caption}</h2>", side_by_side(shown)]
    return document(title, parts)


def _shown(name: str, value: float) -> str:
    if name in ("pores", "lost", "added"):
        return f"{value:.0f}"
    return f"{value:.2f}" if name == "psnr" else f"{value:.4f}"
