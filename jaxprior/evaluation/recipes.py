"""Recipes: priors x data sets x tasks x methods, written in TOML.

    title = "Attention at the composing layer"
    seed = 0                                    # of masks, noise and latent codes; 0 if it is not there
    set_features = "inception"                  # network in which results and originals are compared as sets
    perceptual = "lpips-alex"                   # of the perceptual distance, or "none"; by default what is there
    measures = ["mse", "ms-ssim"]               # figures beside the usual ones; none if it is not there
    error_every = 25                            # iterations between two errors to the original; none if it is not there

    [[prior]]                                   # none: the best bundled one
    source = "cats32"                           # bundled or installed name, .safetensors file or training RUN
    name = "cats"                               # in reports; the card's if it is not there

    [[prior]]                                   # a network that answers at once, on pictures of their own size; its
    restorer = "runs/srgan"                     # cells are those of the tasks that it does, whatever the methods

    [[data]]                                    # none: whoever runs the recipe says which pictures
    path = "cats64_dev.zip"                     # folder, zip archive or picture; or builtin = "chelsea"
    name = "dev"
    limit = 100                                 # the first ones, or with
    seed = 1                                    # a random choice

    [[task]]                                    # `jaxprior.evaluation.make_task` says what there is
    name = "inpaint"
    mask = "block:0.25"

    [[method]]                                  # `jaxprior.restoration.presets.make_method` says what there is
    name = "CBAM"
    preset = "thesis"
    codes = { attention = "cbam" }
    solve = { steps = 1000 }

    [[method]]                                  # beside inversions, at the prior's size
    name = "SRGAN"
    restorer = "runs/srgan"

Files are looked for beside the recipe. All cells of a data set have the same pictures; they are originals, degraded
first and compared afterwards.
"""

import dataclasses
import difflib
import importlib.resources
import itertools
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxprior.checks import file_path
from jaxprior.errors import SettingsError
from jaxprior.evaluation.datasets import BUILTIN, DataSet
from jaxprior.settings import as_table, at, check_choice, check_names, check_seed, is_none, typed
from jaxprior.system.files import read_text


KINDS = ("prior", "data", "task", "method")
NETWORKS = ("perceptual", "set_features")
"""Settings that name a feature network in which results are compared."""
METHOD_NETWORKS = ("encoder", "refine", "answer", "restorer")
"""Settings of methods that can name a file or the run of a training."""
FILES = ("mask", "kernel")
"""Settings of tasks that can name a file."""


@dataclasses.dataclass(frozen=True)
class PriorChoice:
    """A prior to load, or a restorer in its place.

    Fields:
        source: for `load_prior`, None for the best bundled one.
        name: in reports, None for the card's.
        restorer: for `load_restorer`, in place of a prior: pictures keep their size, and methods say nothing of it.
    """

    source: str | None = None
    name: str | None = None
    restorer: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """A grid that nothing has been loaded for yet. Made by `load_recipe` or `parse_recipe`.

    Fields:
        title: one line.
        priors, data: what the cells work with.
        tasks: tables for `make_task`, as the recipe says them: `files_beside` finds their files.
        methods: name -> table for `jaxprior.restoration.presets.make_method`.
        seed: of all chance.
        perceptual: network in which results are compared with the originals, or None; see `run_cell`.
        set_features: network in which all results of a cell are compared with all originals, or None; see
            `jaxprior.evaluation.sets`.
        measures: words by which further figures are asked for, see `jaxprior.metrics.Metric.asked_as`.
        error_every: iterations from one comparison of iterates with the originals to the next, or None for none; see
            `jaxprior.evaluation.followed`.
        where: what messages call the recipe.
        folder: where the files of tasks are looked for.
    """

    title: str
    priors: tuple[PriorChoice, ...] = (PriorChoice(),)
    data: tuple[DataSet, ...] = ()
    tasks: tuple[dict, ...]
    methods: dict[str, dict]
    seed: int = 0
    perceptual: str | None = None
    set_features: str | None = None
    measures: tuple[str, ...] = ()
    error_every: int | None = None
    where: str = "recipe"
    folder: Path = Path()

    @property
    def names_priors(self) -> bool:
        """Whether somebody chose the priors; otherwise the best bundled one is taken."""
        return any(choice.source is not None or choice.restorer is not None for choice in self.priors)


def load_recipe(source: str | Path) -> Recipe:
    """Read a recipe.

    Arguments:
        source: name of a ready one ("quick"; see `list_recipes`), or a TOML file.

    Raises:
        SettingsError: there is no such recipe, it is not TOML, or something in it is unknown; the sentence says where.

    Example:
        >>> load_recipe("quick").data[0].builtin
        'chelsea'
    """
    path = _ready().get(str(source)) or file_path("source", source, "a recipe, or the name of one")
    try:
        table = tomllib.loads(read_text(path))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise SettingsError(_no_such(str(source))) from None
    except ValueError as error:  # not TOML, or not UTF-8
        raise SettingsError(f"{source}: not a recipe in TOML ({error}).") from None
    return parse_recipe(table, folder=path.parent, where=str(source))


def list_recipes() -> dict[str, str]:
    """Names and titles of the ready recipes.

    Example:
        >>> "quick" in list_recipes()
        True
    """
    return {name: load_recipe(name).title for name in _ready()}


def parse_recipe(table: Mapping[str, Any], *, folder: Path = Path(), where: str = "recipe") -> Recipe:
    """Make a recipe of what TOML says; see the module's text.

    Arguments:
        table: title, seed, and lists of tables: prior, data, task, method.
        folder: where files are looked for.
        where: what messages call it.

    Raises:
        SettingsError: naming the place.

    Example:
        >>> parse_recipe({"data": [{"builtin": "chelsea"}], "task": [{"name": "reconstruct"}]}).methods
        {'default': {}}
    """
    with at(where):
        check_names(table, ("title", "seed", "measures", "error_every", *NETWORKS, *KINDS))
        title = typed(table.get("title", Path(where).stem), str, "title")
        seed = _whole(table, "seed", least=0) or 0
        check_seed(seed)
        networks = {name: typed(table[name], str, name) for name in NETWORKS if name in table}
        measures = table.get("measures", [])
        if not isinstance(measures, list):
            raise SettingsError(f'measures: expected a list, e.g. ["mse"], got {measures!r}.')
        measures = tuple(typed(word, str, "measures") for word in measures)
        error_every = _whole(table, "error_every", least=1)
    parts = {kind: _tables(table, kind, where) for kind in KINDS}
    if not parts["task"]:
        raise SettingsError(f'{where}: it has no [[task]], e.g. name = "reconstruct".')
    return Recipe(
        title=title,
        priors=tuple(_prior(*part, folder) for part in parts["prior"]) or (PriorChoice(),),
        data=_unlike(_data_set(*part, folder) for part in parts["data"]),
        tasks=tuple(entry for _, entry in parts["task"]),
        methods=_methods(parts["method"], folder),
        seed=seed,
        measures=measures,
        error_every=error_every,
        **files_beside(networks, folder, *NETWORKS),
        where=where,
        folder=folder,
    )


def adapt(
    recipe: Recipe,
    *,
    data: Sequence[str | Path] = (),
    priors: Sequence[str] = (),
    limit: int | None = None,
    steps: int | None = None,
    features: str | None = None,
    precision: str | None = None,
    perceptual: str | None = None,
    set_features: str | None = None,
    measures: Sequence[str] = (),
    error_every: int | None = None,
) -> Recipe:
    """Return a recipe for other pictures or priors, or a smaller one to rehearse it.

    Arguments:
        data: folders, zip archives or pictures in place of the recipe's data sets.
        priors: sources in place of its priors.
        limit: at most so many pictures of every data set.
        steps: gradient steps of every method, but of those that take an autoencoder's answer.
        features: perceptual distance of every such method, e.g. "none" where a network is not installed.
        precision: arithmetic of the network in every such method, "fp32", "tf32" or "bf16".
        perceptual: network in which results are compared with the originals, or "none"; see `run_cell`.
        set_features: network in which they are compared as sets.
        measures: words by which figures are asked for beside those that the recipe asks for.
        error_every: iterations from one comparison of iterates with the originals to the next.

    Example:
        >>> adapt(load_recipe("quick"), steps=3).methods["default"]["solve"]["steps"]
        3
    """
    sets = _unlike(DataSet(name=Path(path).resolve().stem, path=Path(path)) for path in data) or recipe.data
    if limit is not None:
        sets = tuple(dataclasses.replace(one, limit=min(limit, one.limit or limit)) for one in sets)
    methods = recipe.methods
    changes = (("solve", "steps", steps), ("solve", "precision", precision), ("objective", "features", features))
    for part, name, value in changes:
        if value is not None:
            methods = {
                m: table if _answers_at_once(table) else {**table, part: {**table.get(part, {}), name: value}}
                for m, table in methods.items()
            }
    chosen = tuple(PriorChoice(str(source)) for source in priors) or recipe.priors
    networks = {"perceptual": perceptual, "set_features": set_features}
    settings = {**networks, "error_every": error_every}
    given: dict[str, Any] = {name: value for name, value in settings.items() if value is not None}
    asked = tuple(dict.fromkeys([*recipe.measures, *measures]))
    return dataclasses.replace(recipe, data=sets, priors=chosen, methods=methods, measures=asked, **given)


def _answers_at_once(table: Mapping) -> bool:
    """Whether the result of a method is the answer of a network, so that nothing is inverted."""
    return not (is_none(table.get("answer")) and is_none(table.get("restorer")))


def require_data(recipe: Recipe) -> None:
    """Refuse a recipe without pictures.

    Raises:
        SettingsError: it has no data set.
    """
    if not recipe.data:
        raise SettingsError(f"{recipe.where}: it names no pictures: say which with --data, or write [[data]].")


def files_beside(table: dict, folder: Path, *names: str) -> dict:
    """Return a table with those of the named settings that name a file beside the recipe pointing to it."""
    beside = {name: folder / table[name] for name in names if isinstance(table.get(name), str)}
    return table | {name: str(path) for name, path in beside.items() if path.exists()}


Part = tuple[str, dict]
"""A table of a recipe and the place where it stands."""


def _tables(table: Mapping, kind: str, where: str) -> list[Part]:
    entries, place = table.get(kind, []), f"{where}: [[{kind}]]"
    if not isinstance(entries, list):
        raise SettingsError(f"{place}: expected a list of tables, each under [[{kind}]], got {entries!r}.")
    return [(f"{place} {i}", as_table(entry, f"{place} {i}")) for i, entry in enumerate(entries, 1)]


def _prior(place: str, table: dict, folder: Path) -> PriorChoice:
    with at(place):
        check_names(table, ("source", "name", "restorer"))
        values = {name: typed(value, str, name) for name, value in table.items()}
        if "source" in values and "restorer" in values:
            raise SettingsError("a restorer takes the place of a prior: give source or restorer, one of the two.")
    return PriorChoice(**files_beside(values, folder, "source", "restorer"))


def _data_set(place: str, table: dict, folder: Path) -> DataSet:
    kinds = {"path": str, "builtin": str, "name": str}
    with at(place):
        check_names(table, (*kinds, "limit", "seed"))
        values = {name: typed(table[name], kind, name) for name, kind in kinds.items() if name in table}
        if ("path" in values) == ("builtin" in values):
            raise SettingsError(f'give path or builtin, one of the two; built in is "{BUILTIN[0]}".')
        if "builtin" in values:
            check_choice(values["builtin"], BUILTIN, "builtin")
        limit, seed = _whole(table, "limit", least=1), _whole(table, "seed", least=0)
    path = folder / Path(values["path"]).expanduser() if "path" in values else None
    name = values.get("name") or values.get("builtin") or (path or folder).resolve().stem
    return DataSet(name=name, path=path, builtin=values.get("builtin"), limit=limit, seed=seed)


def _methods(parts: list[Part], folder: Path) -> dict[str, dict]:
    methods = {}
    for place, entry in parts or [("", {})]:
        name = entry.pop("name", entry.get("preset", "default"))
        with at(place):
            typed(name, str, "name")
            if name in methods:
                raise SettingsError(f"another method is called {name!r}: give this one another name.")
        objective = entry.get("objective")
        if isinstance(objective, dict):
            entry["objective"] = files_beside(objective, folder, "features")
        methods[name] = files_beside(entry, folder, *METHOD_NETWORKS)
    return methods


def _whole(table: Mapping, name: str, *, least: int) -> int | None:
    if name not in table:
        return None
    value = typed(table[name], int, name)
    if value < least:
        raise SettingsError(f"{name}: expected {least} or more, got {value}.")
    return value


def _unlike(sets: Iterable[DataSet]) -> tuple[DataSet, ...]:
    sets = list(sets)
    names = numbered(one.name for one in sets)
    return tuple(dataclasses.replace(one, name=name) for one, name in zip(sets, names, strict=True))


def numbered(names: Iterable[str]) -> list[str]:
    """Make names differ, also where case does not count: the second "test" becomes "test-2".

    Example:
        >>> numbered(["test", "dev", "test"])
        ['test', 'dev', 'test-2']
    """
    used, result = set(), []
    for name in names:
        candidates = (name if n == 1 else f"{name}-{n}" for n in itertools.count(1))
        free = next(candidate for candidate in candidates if candidate.casefold() not in used)
        used.add(free.casefold())
        result.append(free)
    return result


def _ready() -> dict[str, Path]:
    folder = Path(str(importlib.resources.files("jaxprior") / "recipes"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def _no_such(source: str) -> str:
    ready = list(_ready())
    nearest = difflib.get_close_matches(Path(source).stem, ready, n=1)
    hint = f" Did you mean {nearest[0]}?" if nearest else ""
    return f"{source}: neither a recipe's file nor a ready recipe ({', '.join(ready)}).{hint}"
