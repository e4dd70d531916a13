"""Reading volumes: three-dimensional pictures of voxels, such as occupied cells of a shape or the grey of a scan.

A volume is an array [d, h, w] in a file, and [d, h, w, 1] with values in [-1, 1] for networks, as a picture is
[h, w, c]. What the numbers of a file mean is found by looking at them, see `jaxprior.data.volume_units`.
"""

import dataclasses
import glob
import os
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxprior.checks import described, file_path, whole_number
from jaxprior.data.places import path_of_entry
from jaxprior.data.sources import PathLike, error_words, printable
from jaxprior.data.volume_files import ENDINGS, arrays_of, check_count, ending_of, read_array
from jaxprior.data.volume_units import BINARY, BYTES, UNIT, Units, units_of
from jaxprior.data.walking import is_wanted, walk
from jaxprior.errors import ArgumentError, VolumeError


__all__ = [
    "BINARY",
    "BYTES",
    "UNIT",
    "Units",
    "VolumeSource",
    "list_volumes",
    "load_volume",
    "load_volumes",
    "units_of",
]


@dataclasses.dataclass(frozen=True)
class VolumeSource:
    """A volume that was found but not yet read: a file, an array of a file, or one volume of an array of many.

    Fields:
        name: what reports and errors call it, for example "chairs/a.npy" or "chairs.npz:chairs[3]".
        stem: the name of the file without folder and ending, with array and number where the file has several.
        path: the file, or the zip archive that contains it.
        inside: its path inside the folder or archive in which it was found, by which masks and originals are found.
        member: the entry of the zip archive, or None.
        array: the array of an .npz file, or "".
        index: the place in an array [n, d, h, w], or None.
        shape: (d, h, w) that is expected, which a raw file needs, or None.
        dtype: the type of the numbers of a raw file.
    """

    name: str
    stem: str
    path: Path
    inside: str = ""
    member: str | None = None
    array: str = ""
    index: int | None = None
    shape: tuple[int, ...] | None = None
    dtype: str = "uint8"

    @property
    def location(self) -> tuple[str, str]:
        """The real path of the file, and what of it is meant."""
        number = "" if self.index is None else f"[{self.index}]"
        return os.path.realpath(self.path), f"{self.member or ''}:{self.array}{number}"

    @property
    def file_name(self) -> str:
        """What error messages call the file."""
        return _file_name(self.path, self.member)

    def open(self) -> Any:
        """Open the file."""
        return _opened(self.path, self.member)

    def read(self) -> np.ndarray:
        """Read the volume.

        Returns:
            float32 [d, h, w] in the units of the file.

        Raises:
            VolumeError: it cannot be read, is no volume, is empty, has another shape than expected, or has values
                that are not finite.
        """
        array = read_array(
            self.open, self.file_name, member=self.array, index=self.index, shape=self.shape, dtype=self.dtype
        )
        return _checked(array, self.name, self.shape)


def load_volume(
    path: PathLike, *, shape: Sequence[int] | None = None, dtype: str = "uint8", array: str | None = None
) -> np.ndarray:
    """Read one volume.

    Arguments:
        path: a file .npy, .npy.gz, .npz, a TIFF file with a page a slice, or raw numbers (.raw).
        shape: (d, h, w). A raw file needs it; of other files another shape is refused.
        dtype: the type of the numbers of a raw file, as NumPy writes it, for example "uint8" or ">u2".
        array: the name of the array in an .npz file of several.

    Returns:
        float32 [d, h, w] in the units of the file; `units_of` says which these are. A channel axis of 1 is left out.

    Raises:
        VolumeError: the file cannot be read, holds several volumes or something else, is empty, too large or not
            finite. Files that need Python's pickle are refused.

    Example:
        >>> volume = load_volume("chair.npy")  # needs the file # doctest: +SKIP
        >>> volume.shape  # needs a file of a volume # doctest: +SKIP
        (32, 32, 32)
    """
    path = file_path("path", path, "a volume")
    shape = _shape(shape)
    if array is not None and ending_of(path.name) != ".npz":
        raise VolumeError(f"{path}: only an .npz file has named arrays; leave `array` out.")
    sources = list(_of_file(path, None, array, shape, dtype))
    if len(sources) != 1:
        several = ", ".join(source.array for source in sources[:4] if source.array)
        which = f"{len(sources)} volumes"
        if several and all(source.index is None for source in sources):
            raise VolumeError(f"{path}: it has {which}; name one of its arrays with `array=`: {several}.")
        raise VolumeError(f"{path}: it has {which}; expected one, `load_volumes` reads all of them.")
    return sources[0].read()


def list_volumes(
    paths: PathLike | Iterable[PathLike],
    *,
    shape: Sequence[int] | None = None,
    dtype: str = "uint8",
    limit: int | None = None,
) -> list[VolumeSource]:
    """Find the volumes in files, folders and zip archives, in the order of names. Only headers are read.

    An array [n, d, h, w] is n volumes; [d, h, w, 1], [n, 1, d, h, w] and [n, d, h, w, 1] have a channel axis, which is
    left out. An .npz file has the volumes of all its arrays; "chairs.npz:test" are those of one array.

    Arguments:
        paths: one path or several; patterns such as "chairs/*.npy" are filled in.
        shape: (d, h, w) of raw files, which are only taken from folders where it is given; other volumes must have it.
        dtype: the type of the numbers of raw files.
        limit: the first volumes only.

    Returns:
        the volumes, at least one.

    Raises:
        VolumeError: a path does not exist, an archive is damaged, or nothing is found.

    Example:
        >>> volumes = list_volumes("chairs.npz")  # needs the file # doctest: +SKIP
    """
    if limit is not None:
        whole_number("limit", limit, least=1, error=VolumeError)
    given = [paths] if isinstance(paths, str | os.PathLike) or not isinstance(paths, Iterable) else list(paths)
    for path in given:
        if not isinstance(path, str | os.PathLike) or not str(path):
            raise ArgumentError(f"`paths` must be one path or several, got {described(path)}.")
    found: dict[tuple[str, str], VolumeSource] = {}
    for path in given:
        for source in _found(Path(path), _shape(shape), dtype):
            found.setdefault(source.location, source)
            if limit is not None and len(found) == limit:
                return list(found.values())
    if not found:
        where = ", ".join(map(str, given[:3])) or "an empty list of paths"
        raw = "" if shape is not None else " (raw files need their shape)"
        raise VolumeError(f"{where}: no volumes found; expected files ending in {', '.join(ENDINGS)}{raw}.")
    return list(found.values())


def load_volumes(
    paths: PathLike | Iterable[PathLike],
    *,
    shape: Sequence[int] | None = None,
    dtype: str = "uint8",
    limit: int | None = None,
) -> np.ndarray:
    """Read volumes of one shape into a batch for `restore`, scaled to [-1, 1] by the units of all of them together.

    Arguments:
        paths: as for `list_volumes`.
        shape: (d, h, w), usually `prior.image_shape[:3]`; other volumes are refused. None: that of the first.
        dtype: the type of the numbers of raw files.
        limit: the first volumes only.

    Returns:
        float32 [b, d, h, w, 1] in [-1, 1].

    Raises:
        VolumeError: a volume cannot be read, or has another shape than the first; the sentence names it.

    Example:
        >>> chairs = load_volumes("chairs.npz", limit=16)  # needs the file # doctest: +SKIP
    """
    sources = list_volumes(paths, shape=shape, dtype=dtype, limit=limit)
    volumes: list[np.ndarray] = []
    whole: np.ndarray | None = None
    before: tuple[Path, str | None, str] | None = None
    for source in sources:
        if source.index is None:
            volume = source.read()
        else:
            array = (source.path, source.member, source.array)
            if whole is None or array != before:
                whole = read_array(source.open, source.file_name, member=source.array, many=True)
            volume = _checked(whole[source.index], source.name, source.shape)
            before = array
        if volumes and volume.shape != volumes[0].shape:
            raise VolumeError(
                f"{source.name}: it has the shape {_sides(volume.shape)} and {sources[0].name} "
                f"{_sides(volumes[0].shape)}; expected volumes of one shape."
            )
        volumes.append(volume)
    batch = np.stack(volumes)
    return units_of(batch, "these volumes" if len(volumes) > 1 else sources[0].name).scaled(batch)[..., None]


def _shape(shape: Sequence[int] | None) -> tuple[int, ...] | None:
    if shape is None:
        return None
    sides = tuple(shape) if isinstance(shape, Sequence | np.ndarray) and not isinstance(shape, str) else ()
    if len(sides) != 3 or not all(isinstance(side, int | np.integer) and side >= 1 for side in sides):
        raise ArgumentError(f"`shape` must be three whole numbers (d, h, w), 1 or more each, got {described(shape)}.")
    return tuple(int(side) for side in sides)


def _found(place: Path, shape: tuple[int, ...] | None, dtype: str) -> Iterator[VolumeSource]:
    """The volumes of one path as a user gives it."""
    text = str(place)
    if not os.path.lexists(place) and ".npz:" in text.lower():
        cut = text.lower().rindex(".npz:") + 4
        yield from _of_file(Path(text[:cut]), None, text[cut + 1 :], shape, dtype)
    elif not os.path.lexists(place) and glob.has_magic(text):
        matching = sorted(glob.glob(text, recursive=True))
        if not matching:
            raise VolumeError(f"{place}: no such file or folder, and nothing matches it as a pattern.")
        for path in matching:
            yield from _found(Path(path), shape, dtype)
    elif place.is_dir():
        runs: list[str] = []
        files = sorted(
            (*folder.parts, name)
            for folder, names in walk(place, runs.append)
            for name, _ in names
            if _is_volume(name, shape)
        )
        for parts in files:
            yield from _of_file(place.joinpath(*parts), None, None, shape, dtype, inside="/".join(parts))
    elif not place.exists():
        raise VolumeError(f"{place}: no such file or folder.")
    elif place.suffix.lower() == ".zip":
        for entry in _entries(place):
            if _is_volume(entry, shape):
                yield from _of_file(place, entry, None, shape, dtype)
    else:
        yield from _of_file(place, None, None, shape, dtype)


def _is_volume(name: str, shape: tuple[int, ...] | None) -> bool:
    return bool(ending := ending_of(name)) and (ending != ".raw" or shape is not None)


def _entries(archive: Path) -> list[str]:
    """The files in a zip archive, without those of operating systems."""
    try:
        with zipfile.ZipFile(archive) as opened:
            names = [name for name in opened.namelist() if not name.endswith("/")]
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise VolumeError(f"{archive}: it is not a readable zip archive ({error_words(error)}).") from error
    return sorted(name for name in names if all(map(is_wanted, path_of_entry(name).split("/"))))


def _of_file(
    path: Path, entry: str | None, array: str | None, shape: tuple[int, ...] | None, dtype: str, *, inside: str = ""
) -> Iterator[VolumeSource]:
    """The volumes of one file, by its headers."""
    name = _file_name(path, entry)
    file = Path(path_of_entry(entry)) if entry else path
    inside = inside or (path_of_entry(entry) if entry else path.name)
    ending = ending_of(file.name)
    if not ending:
        raise VolumeError(
            f"{name}: it is no file of a volume by its ending; expected {', '.join(ENDINGS)} (call a file of numbers "
            "without a header .raw)."
        )
    stem = file.name[: len(file.name) - len(ending)]
    base = VolumeSource(name, stem, path, inside, entry, shape=shape, dtype=dtype)
    try:
        arrays = arrays_of(lambda: _opened(path, entry), name)
    except VolumeError:
        if array is not None:
            raise
        arrays = {"": ()}  # one damaged file must not end a run: reading this one will say what is wrong with it
    if array is not None:
        if array not in arrays:
            raise VolumeError(f"{name}: it has no array {array!r}; it has {', '.join(sorted(arrays)[:8])}.")
        arrays = {array: arrays[array]}
    for member, found in sorted(arrays.items()):
        several = member and (len(arrays) > 1 or array is not None)
        called = f"{name}:{printable(member)}" if several else name
        own = base
        if several:
            own = dataclasses.replace(base, stem=f"{stem}-{_word(member)}", inside=f"{inside}/{printable(member)}")
        own = dataclasses.replace(own, name=called, array=member)
        count = _number_of_volumes(found)
        if count is None:
            yield own
            continue
        digits = len(str(count - 1))
        for index in range(count):
            number = f"{index:0{digits}d}"
            stem, place = f"{own.stem}-{number}", f"{own.inside}/{number}"
            yield dataclasses.replace(own, name=f"{called}[{index}]", stem=stem, inside=place, index=index)


def _number_of_volumes(shape: tuple[int, ...]) -> int | None:
    """How many volumes an array holds; None if it is one, or none at all, which reading it will say."""
    if len(shape) == 5 or (len(shape) == 4 and shape[-1] != 1):
        return shape[0]
    return None


def _word(member: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in member)


def _file_name(path: Path, entry: str | None) -> str:
    return printable(f"{path.as_posix()}/{entry}" if entry else path.as_posix())


def _opened(path: Path, entry: str | None) -> Any:
    if path.exists() and not path.is_file() and not path.is_dir():
        raise VolumeError("it is a device or pipe; expected the file of a volume.")
    if entry is None:
        return open(path, "rb")
    with zipfile.ZipFile(path) as archive:
        return archive.open(entry)


def _checked(array: np.ndarray, name: str, shape: tuple[int, ...] | None) -> np.ndarray:
    """One volume as float32 [d, h, w]."""
    if array.ndim == 4 and 1 in (array.shape[0], array.shape[-1]):
        array = array[0] if array.shape[0] == 1 else array[..., 0]
    if array.ndim != 3:
        what = "a picture" if array.ndim == 2 else f"an array of {array.ndim} axes"
        raise VolumeError(f"{name}: it is {what}, {list(array.shape)}; expected a volume [d, h, w].")
    if array.size == 0:
        raise VolumeError(f"{name}: it is empty, {list(array.shape)}.")
    check_count(array.size, array.shape)
    if shape is not None and array.shape != shape:
        raise VolumeError(
            f"{name}: it has the shape {_sides(array.shape)}; expected {_sides(shape)}. Cut or resample it "
            "first."
        )
    volume = array.astype(np.float32)
    if not np.isfinite(volume).all():
        bad = int(np.size(volume) - np.isfinite(volume).sum())
        raise VolumeError(f"{name}: {bad} of its {volume.size} voxels are not finite; fill them first.")
    return volume


def _sides(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
