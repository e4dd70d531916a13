"""What can be made of a finished run's latents: pictures moved along a direction, and ways from one to another.

    RUN/latents/*.safetensors + run.json (codes, prior) --edit, interpolate--> RUN/edits, RUN/interpolations

Pictures are the generator's own: known pixels are not put back.
"""

import difflib
import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from jaxprior.data import images
from jaxprior.data.inputs import makes_volumes
from jaxprior.errors import RunError
from jaxprior.evaluation.stored import load_latents
from jaxprior.inversion.codes.attention import CBAM, SelfAttention
from jaxprior.inversion.codes.features import FeatureCode
from jaxprior.inversion.codes.held import HeldCode
from jaxprior.inversion.codes.multi import MultiCode
from jaxprior.inversion.codes.network import NetworkCode, refuse_moving
from jaxprior.inversion.codes.single import SingleCode
from jaxprior.inversion.codes.tuned import TunedCode
from jaxprior.nn.latent import WEIGHTS
from jaxprior.protocols import Codes
from jaxprior.reporting.sheet import enlarge, tile_side
from jaxprior.restoration import drivers
from jaxprior.runs.row import FAILED, Row
from jaxprior.runs.runfolder import RunFolder
from jaxprior.system.activity import doing, steps_of
from jaxprior.system.files import write_atomically, write_json


KINDS = {
    kind.__name__: kind
    for kind in (MultiCode, SingleCode, HeldCode, FeatureCode, NetworkCode, TunedCode, CBAM, SelfAttention)
}
NAMED = 5  # names listed in a message
ON_SHEET = 32  # strips
FRAME_MS = 120
DIRECTION = "direction.json"
"""Says in a folder of edits which direction they are of."""


def edit_run(
    folder: RunFolder,
    prior: Any,
    direction: np.ndarray,
    amounts: Sequence[float],
    *,
    name: str,
    limit: int | None = None,
) -> list[Path]:
    """Move every inversion of a run along a direction.

    Arguments:
        folder: a run with latents.
        prior: the one that the run inverted.
        direction: [latent_dim].
        amounts: how far, in units of the direction.
        name: of the direction; the files go into `RUN/edits/<name>`, in place of those of an earlier command. If
            another direction of this name was there first, the folder has 8 digits of this one's sha256 in its name.
        limit: only the first so many pictures.

    Returns:
        One strip a picture (its inversion, then every amount, left to right), and last the sheet of them.

    Raises:
        RunError: another prior's run, or one without latents; or an amount that is no finite number.

    Example:
        >>> direction = load_direction("smile.npy", prior.latent_dim)  # needs a finished run # doctest: +SKIP
        >>> edit_run(  # needs a finished run # doctest: +SKIP
        ...     RunFolder("runs/cats"), prior, direction, [-2, 2], name="smile"
        ... )
    """
    if not np.isfinite(amounts).all():
        raise RunError(f"An amount (--amount) must be a finite number, got {', '.join(f'{a:g}' for a in amounts)}.")
    record = folder.read()
    check_prior(prior, record)
    _refuse_volumes(folder, prior)
    codes, precision = codes_of(record), record["configuration"]["solve"]["precision"]
    rows = inverted(folder)[:limit]
    place = _place_of(folder, name, direction)
    paths, strips, batch = [], [], min(record["batch"], len(rows))
    for start in steps_of("moving inversions along the direction", len(rows), batch, unit="pictures"):
        chunk = rows[start : start + batch]
        padded = chunk + chunk[:1] * (batch - len(chunk))  # one compiled shape
        latents = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(load_latents(folder, row) for row in padded))
        along = jnp.asarray(direction)
        columns = [
            drivers.render(prior, drivers.edit(latents, along, amount), codes=codes, precision=precision)
            for amount in (0.0, *amounts)
        ]
        tiles = images.to_rgb(images.to_uint8(np.stack(columns, axis=1)))[: len(chunk)]
        for row, strip in zip(chunk, tiles, strict=True):
            paths.append(place / f"{row.file}.png")
            images.save_png(paths[-1], images.grid(strip, columns=len(strip), pad=0))
            strips += [strip] if len(strips) < ON_SHEET else []
    side = tile_side(prior.resolution)
    shown = [enlarge(tile, side) for strip in strips for tile in strip]
    paths.append(place / "sheet.png")
    images.save_png(paths[-1], images.grid(shown, columns=1 + len(amounts), pad=4))
    return paths


def _refuse_volumes(folder: RunFolder, prior: Any) -> None:
    """Say how volumes are moved, whose strips would not be pictures."""
    if makes_volumes(prior.image_shape):
        raise RunError(
            f"{folder.path} inverted volumes, and strips are made of pictures: use `jp.edit`, `jp.interpolate` and "
            "`jp.render` from Python with the latents of the run."
        )


def interpolate_run(folder: RunFolder, prior: Any, first: str, second: str, *, frames: int = 9) -> Path:
    """Go from one inversion of a run to another in equal steps of their latents.

    Arguments:
        folder: a run with latents.
        prior: the one that the run inverted.
        first, second: names of pictures, see `find`.
        frames: pictures, both ends included, 2 or more.

    Returns:
        `RUN/interpolations/<first>--<second>`, which holds `frame000.png` ..., `strip.png` and `animation.webp`
        (there and back).

    Raises:
        RunError: an unknown name, fewer than two frames, another prior's run, or one without latents.
    """
    if frames < 2:
        raise RunError(f"An interpolation has 2 frames or more, not {frames}.")
    record = folder.read()
    check_prior(prior, record)
    _refuse_volumes(folder, prior)
    ends = [find(folder, name) for name in (first, second)]
    begin, end = (load_latents(folder, row) for row in ends)
    latents = drivers.interpolate(begin, end, np.linspace(0, 1, frames).tolist())
    precision = record["configuration"]["solve"]["precision"]
    with doing(f"drawing {frames} frames"):
        rendered = np.asarray(drivers.render(prior, latents, codes=codes_of(record), precision=precision))
    pictures = images.to_rgb(images.to_uint8(rendered))
    place = _emptied(folder.path / "interpolations" / "--".join(str(row.file) for row in ends))
    for number, picture in enumerate(pictures):
        images.save_png(place / f"frame{number:03d}.png", picture)
    images.save_png(place / "strip.png", images.grid(pictures, columns=frames, pad=0))
    side = tile_side(prior.resolution)
    write_atomically(place / "animation.webp", _animation([enlarge(picture, side) for picture in pictures]))
    return place


def codes_of(record: dict) -> Codes:
    """Return the codes that a run optimised, from its run.json.

    Raises:
        RunError: they are a user's own, which a file cannot bring back.
    """

    def build(stated: Any) -> Any:
        if not isinstance(stated, dict):
            return stated
        if stated.get("type") not in KINDS:
            raise RunError(
                f"The run optimised {stated.get('type')}, which is not one of {', '.join(KINDS)}: "
                "render its latents with `jaxprior.restoration.drivers.render`."
            )
        return KINDS[stated["type"]](**{name: build(value) for name, value in stated.items() if name != "type"})

    return build(record["configuration"]["codes"])


def check_prior(prior: Any, record: dict) -> None:
    """Refuse another prior than the run's, where its latents mean nothing, and an untrained network.

    Raises:
        RunError: the weights' sha256 differ, or the latents are the weights of a network.
    """
    if prior.code_distribution == WEIGHTS:
        refuse_moving(str(prior.card.get("name")))
    stated, found = record["configuration"]["prior"], prior.sha256
    if stated["sha256"] != found:
        raise RunError(
            f"The run inverted the prior {stated['name']} (sha256 {stated['sha256'][:12]}), and this is "
            f"{prior.card.get('name')} ({found[:12]}): give the run's own with --prior."
        )


def inverted(folder: RunFolder) -> list[Row]:
    """Return the rows of a run whose latents are there, sorted by picture.

    Raises:
        RunError: there are none.
    """
    rows = [row for row in folder.rows() if row.status != FAILED and row.file is not None]
    rows = [row for row in rows if folder.file("latents", row.file).is_file()]
    if "prior" not in folder.read()["configuration"]:
        raise RunError(f"{folder.path} was restored at once by a network, so that it has no latents.")
    if not rows:
        raise RunError(f"{folder.path} holds no latents: no picture of this run is finished, or they were deleted.")
    return rows


def find(folder: RunFolder, name: str) -> Row:
    """Return the row of a picture by its whole name, its file name, that without suffix, or its files' name.

    Raises:
        RunError: no picture or several have this name.
    """
    rows, known = inverted(folder), {}
    for row in rows:
        path = Path(row.image)
        for alias in {row.image, path.name, path.stem, row.file}:
            known.setdefault(alias, []).append(row)
    found = known.get(name, [])
    if len({row.key or row.image for row in found}) == 1:  # several names of one result are as good as one
        return found[0]
    if found:
        raise RunError(f"{name} is the name of several pictures: {', '.join(row.file for row in found[:NAMED])}.")
    nearest = difflib.get_close_matches(name, known, n=1)
    some = ", ".join(Path(row.image).name for row in rows[:NAMED]) + (", ..." if len(rows) > NAMED else "")
    hint = f"Did you mean {nearest[0]}?" if nearest else f"It has {some}."
    raise RunError(f"{folder.path} has no inversion of {name}. {hint}")


def _place_of(folder: RunFolder, name: str, direction: np.ndarray) -> Path:
    """The folder for pictures that are moved along a direction; no other direction has it."""
    digest = hashlib.sha256(np.ascontiguousarray(direction, np.float32).tobytes()).hexdigest()
    place = folder.path / "edits" / name
    if _direction_in(place) not in (None, digest):
        place = place.with_name(f"{name}-{digest[:8]}")
    write_json(_emptied(place) / DIRECTION, {"name": name, "sha256": digest})
    return place


def _direction_in(place: Path) -> str | None:
    """The sha256 of the direction whose pictures lie in a folder; None where it is not known."""
    try:
        return json.loads((place / DIRECTION).read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _emptied(folder: Path) -> Path:
    """The folder, without pictures of an earlier command, which would lie between those of this one."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.png"):
        file.unlink()
    return folder


def _animation(frames: list[np.ndarray]) -> bytes:
    """Animated WebP, there and back, without loss."""
    pictures = [Image.fromarray(frame) for frame in (*frames, *frames[-2:0:-1])]
    data = io.BytesIO()
    pictures[0].save(
        data, format="WEBP", save_all=True, append_images=pictures[1:], duration=FRAME_MS, loop=0, lossless=True
    )
    return data.getvalue()
