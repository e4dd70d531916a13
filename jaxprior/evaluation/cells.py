"""A cell: one prior, one task, one method, one seed. What it resolves to stands in run.json and in every key.

The task is a forward operator, ours or a user's own. An operator with a field `mask` (1 = missing) can be given a
`MaskSpec` beside it, from which every picture gets its own.

A result's key is the sha256 of all that decides it: the weights, the picture's decoded pixels, its mask, the
resolved configuration and the version of the numerics. Batch shape and device are provenance, not key.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxprior.checks import whole_number
from jaxprior.data.inputs import makes_volumes
from jaxprior.data.volume_masks import AnyMask
from jaxprior.errors import RunError
from jaxprior.inversion.starts.encoder import EncoderStart
from jaxprior.lazy_jax import is_imported, jax
from jaxprior.operators import Operator
from jaxprior.restoration.draws import own_inversion
from jaxprior.restoration.merge_rule import fills_holes
from jaxprior.restoration.presets import encoder_start
from jaxprior.restoration.sizes import SIZES, Size, keeps_size
from jaxprior.settings import check_choice, check_seed
from jaxprior.weights.storage import weights_digest


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """What to do with every picture of a run.

    Arguments:
        task: the forward operator; its arrays serve all pictures.
        method: `jaxprior.restoration.drivers.Method`: codes, objective, solve, refiner, start, merge and draws.
        mask: what is missing, from `jaxprior.data.masks.parse_mask`; it replaces the operator's field `mask`.
        clean: the pictures are originals: degraded first, and compared afterwards.
        reference: folder, file or archive with the originals of observed pictures, matched by their paths inside it
            (see `jaxprior.data.matching`).
        seed: of all chance: masks, noise and latent codes.
        origin: where settings of the method come from that nobody gave and nobody measured on the prior, in words; from
            `jaxprior.restoration.presets.origin_of_method`. It decides nothing.
        measures: words by which figures beside the usual ones are asked for, see `jaxprior.metrics.Metric.asked_as`.
            They decide no result.
        error_every: so many iterations lie between two comparisons of iterates with the originals, or None for none
            (see `jaxprior.evaluation.followed`). They decide no result.
        size: "fit": of pictures that are not square the centre square, at the prior's size; or "native": pictures keep
            their size, for tasks that fill holes or give colours.

    Raises:
        RunError: a mask for an operator that has none, a task that does not keep sizes, or errors of several passes.
        SettingsError: a seed that is too large, or negative, or another size.
        ArgumentError: `error_every` is no whole number from 1.

    Example:
        >>> Cell(task=SuperResolve(4), method=preset("default", prior=prior)).title
        'superres x4 bilinear'
    """

    task: Operator
    method: Any
    mask: AnyMask | None = None
    clean: bool = True
    reference: str | None = None
    seed: int = 0
    size: Size = "fit"
    origin: str | None = None
    measures: tuple[str, ...] = ()
    error_every: int | None = None

    def __post_init__(self):
        check_seed(self.seed)
        if self.error_every is not None:
            whole_number("error_every", self.error_every, least=1)
            if self.method is not None and self.method.solve.passes > 1:
                raise RunError(
                    f"Errors to the originals are followed in a single pass, and this method has "
                    f"{self.method.solve.passes}: take 1, or leave error_every (--error-every) out."
                )
        check_choice(self.size, SIZES, "size")
        if self.keeps_size and not keeps_size(self.task):
            raise RunError(
                f"The task {self.task.label} answers in the size of its prior's images: take the size fit, or a task "
                "that fills holes or gives colours."
            )
        if self.keeps_size and self.mask is None and has_mask(self.task):
            raise RunError(
                f"Where pictures keep their size, {self.task.label} takes each picture's mask from a specification: "
                "give `mask`, from `parse_mask`."
            )
        if self.mask is not None and not has_mask(self.task):
            raise RunError(f"The task {self.task.label} has no mask: leave {self.mask.name} out, or take another task.")

    @property
    def keeps_size(self) -> bool:
        """Whether pictures keep their size."""
        return self.size == "native"

    @property
    def is_answered(self) -> bool:
        """Whether a restorer answers at once, so that whole pictures of any size come back; see `RestorerCell`."""
        return False

    @property
    def title(self) -> str:
        """Short name for tables: "reconstruct" or "inpaint center:0.25"."""
        return self.task.label if self.mask is None else f"{self.task.label} {self.mask.label}"


def has_mask(task: Operator) -> bool:
    """Whether an operator has a field `mask`, in whose place every picture can get a mask of its own."""
    return dataclasses.is_dataclass(task) and "mask" in {field.name for field in dataclasses.fields(task)}


def with_mask(task: Operator, mask: np.ndarray) -> Operator:
    """The same operator with another mask, [h, w] or [b, h, w]."""
    changed: Any = task  # `Operator` itself is no dataclass, and each of its kinds is
    return dataclasses.replace(changed, mask=mask)


def configuration(cell: Cell, prior: Any, *, numerics_version: int) -> dict:
    """Return the resolved settings of a cell as plain JSON values: no defaults are left to be guessed.

    Arguments:
        cell: what to do.
        prior: a `jaxprior.Prior`, of which name, sha256 and shape of the images are taken.
        numerics_version: of the engine; results of different versions are never mixed.
    """
    operator, volumes = describe(cell.task), makes_volumes(prior.image_shape)
    if cell.mask is not None:
        operator.pop("mask")  # a placeholder; `mask` says what every picture gets
    return {
        "task": cell.task.name,
        "operator": operator,
        **mask_settings(cell.mask),
        "prior": {"name": prior.card.get("name"), "sha256": prior.sha256},
        "resolution": prior.image_shape[0] if volumes else prior.resolution,
        **({} if prior.image_shape[-1] == 3 else {"image_channels": prior.image_shape[-1]}),
        **({"volume": list(prior.image_shape[:-1])} if volumes else {}),
        **({"size": "native"} if cell.keeps_size else {"fit": _how_pictures_are_fitted(cell, volumes=volumes)}),
        "codes": describe(cell.method.codes),
        "objective": describe(cell.method.objective),
        "solve": describe(cell.method.solve),
        **({} if cell.method.refine is None else {"refine": describe(cell.method.refine)}),
        **_start_used(cell, prior),
        **({"merge": "paste" if volumes else cell.method.merge} if fills_holes(cell.task) else {}),
        **_how_draws_are_made(cell, prior),
        **({"code_distribution": prior.code_distribution} if _draws_other_codes(cell, prior) else {}),
        "seed": cell.seed,
        "clean": cell.clean,
        "reference": cell.reference,
        "numerics_version": numerics_version,
    }


def size_of_masks(image_shape: tuple[int, ...]) -> Any:
    """What the masks of a prior's images are drawn at: the side of square pictures, or (d, h, w) of volumes."""
    return image_shape[:-1] if makes_volumes(image_shape) else image_shape[0]


def mask_settings(mask: AnyMask | None) -> dict:
    """What the resolved settings of a cell say of its mask."""
    return {
        "mask": None if mask is None else mask.name,
        "mask_sha256": _file_digest(mask),
        **_how_masks_are_read(mask),
    }


def _start_used(cell: Cell, prior: Any) -> dict:
    """Where latents begin, if `solve.init` does not say all of it: an encoder is known by its weights."""
    start = cell.method.start
    if start is None and cell.method.solve.init == "encoder":
        start = encoder_start(prior, cell.method.codes, cell.method.solve)
    if isinstance(start, EncoderStart):
        encoder = prior.encoder if start.encoder is None else start.encoder
        card = getattr(encoder, "card", None)
        used = describe(encoder) if card is None else {name: card.get(name) for name in ("name", "sha256")}
        return {"start": {"type": "EncoderStart", "encoder": used, "further": start.further}}
    return {} if start is None else {"start": describe(start)}


def _how_draws_are_made(cell: Cell, prior: Any) -> dict:
    """The settings of draws, with codes and solve where these are not the method's."""
    method = cell.method
    if method.draws is None:
        return {}
    own = own_inversion(
        method.draws, solve=method.solve, start=method.start, code_distribution=prior.code_distribution
    )
    other = {} if own is None else {"codes": describe(own.codes), "solve": describe(own.solve)}
    return {"draws": {**describe(method.draws), **other}}


def spelled_as(settings: dict, record: dict) -> dict:
    """Return the settings with those paths that a run has in another spelling as the run has them.

    Paths stand in the settings, and thus in the keys, as they were typed when the run began. A mask's file is the same
    if its content is; a folder of masks or originals if its absolute path is. What these hold is in the keys anyway.

    Arguments:
        settings: from `configuration`; record: the run's `run.json`.
    """
    before, changes = record.get("configuration", {}), {}
    if settings["mask_sha256"] is not None and settings["mask_sha256"] == before.get("mask_sha256"):
        changes["mask"] = before.get("mask")
    if settings["mask"] is not None and os.path.abspath(settings["mask"]) == record.get("masks_path"):
        changes["mask"] = before.get("mask")
    if settings["reference"] is not None and os.path.abspath(settings["reference"]) == record.get("reference_path"):
        changes["reference"] = before.get("reference")
    return settings | changes


def check_size(run: Path, settings: dict, record: dict) -> None:
    """Refuse to go on with a run in which pictures have another size.

    Arguments:
        run: its folder; settings: from `configuration`; record: the run's `run.json`.

    Raises:
        RunError: pictures keep their size in one of the two, and are fitted to the prior's in the other.
    """
    before, now = (one.get("size", "fit") for one in (record.get("configuration", {}), settings))
    if before != now:
        raise RunError(
            f"{run} was made with the size {before}, and this command has {now}: give another folder with -o, or say "
            f"--size {before} to go on."
        )


def _how_pictures_are_fitted(cell: Cell, *, volumes: bool) -> str:
    if volumes:
        return "volumes of the prior's size as they are"
    from_files = cell.mask is not None and cell.mask.path is not None
    return f"EXIF-rotated, centre square, antialiased bicubic; masks {'by maximum' if from_files else 'nearest'}"


def _how_masks_are_read(mask: AnyMask | None) -> dict:
    """The settings of a mask in a file that are not what they are by default."""
    means = {} if mask is None or mask.means is None else {"mask_means": mask.means}
    return means | ({"invert_mask": True} if mask is not None and mask.invert else {})


def _file_digest(mask: AnyMask | None) -> str | None:
    """The sha256 of the one file of a mask; the masks of a folder stand in the keys of their pictures only."""
    if mask is None or mask.kind != "file" or mask.path is None:
        return None
    file = mask.path if mask.path.is_file() else Path(str(mask.path).rpartition(":")[0])  # of "masks.npz:half"
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _draws_other_codes(cell: Cell, prior: Any) -> bool:
    """Whether codes are drawn from something else than N(0, 1) that the rest of the configuration does not say."""
    said = getattr(cell.method.codes, "start", None) is not None and cell.method.solve.init == "random"
    return prior.code_distribution != "normal" and not said


def row_key(settings: dict, pixels: np.ndarray, mask: np.ndarray | None, truth: np.ndarray | None) -> str:
    """Return the hex sha256 under which a result is stored; whatever decides the result changes it.

    Arguments:
        settings: from `configuration`.
        pixels: decoded uint8 [h, w, 3].
        mask: float [size, size], or bool of the picture's own size, or None.
        truth: the reference picture's decoded pixels if there is one beside the observed picture.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for array in (pixels, mask, truth):
        digest.update(b"none" if array is None else _array_digest(array))
    return digest.hexdigest()


def describe(value: Any) -> Any:
    """Turn a configuration value into JSON: dataclasses by type and fields, arrays by their sha256, networks' cards by
    name and sha256. Fields that were added later (see `jaxprior.settings.setting`) are left out where they have their
    default, so that results from before are found."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [describe(item) for item in value]
    if isinstance(value, Mapping) and any(hasattr(leaf, "shape") for leaf in _leaves(value)):
        return {"sha256": weights_digest(value)}
    if isinstance(value, Mapping):
        return {str(name): describe(item) for name, item in value.items()}
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return {"shape": list(value.shape), "sha256": _array_digest(np.asarray(value)).hex()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if _said(value, field)}
        if isinstance(fields.get("card"), Mapping):
            fields["card"] = {name: fields["card"].get(name) for name in ("name", "sha256")}
        return {"type": type(value).__name__, **{name: describe(field) for name, field in fields.items()}}
    return getattr(value, "__qualname__", type(value).__qualname__)


def _said(value: Any, field: dataclasses.Field) -> bool:
    """Whether the description of a dataclass names one of its fields."""
    return not field.metadata.get("added_later") or getattr(value, field.name) != field.default


def _leaves(value: Any) -> Iterator[Any]:
    """What nested tables and lists hold, and the leaves of other pytrees in them."""
    if isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(item)
    else:
        yield from jax.tree.leaves(value) if is_imported() else (value,)


def _array_digest(array: np.ndarray) -> bytes:
    array = np.ascontiguousarray(array)
    return hashlib.sha256(f"{array.dtype}{array.shape}".encode() + array.tobytes()).digest()
