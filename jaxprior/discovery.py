"""Finding what belongs to a kind of thing: operators, families of networks, starts, metrics.

A thing of this package is found because its file or folder lies in the folder of its kind. A thing of another package
is found through an entry point of the group that is named like the folder, for example in its pyproject.toml:

    [project.entry-points."jaxprior.operators"]
    exposure = "my_package.exposure:Exposure"

So adding one is adding a file or a folder, or an entry point; no list has to be changed.
"""

import ast
import functools
import importlib
import importlib.metadata
import importlib.util
import pkgutil
import types
import warnings
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

from jaxprior.errors import JaxpriorWarning, SettingsError
from jaxprior.protocols import Family, Metric


METRICS = "jaxprior.metrics"
"""The folder of the metrics, and the group of entry points by which other packages bring theirs."""
TAKEN = frozenset(
    "image id status reason figures loss steps seconds device batch written file key notes fit crc".split()
    + "prior data task method".split()
)
"""Names that no metric can have: those of the fields of the journal, and of the other columns of tables."""
FAMILIES = "jaxprior.models"
"""The folder of the families of networks, and the group of entry points by which other packages bring theirs."""


def names(group: str) -> list[str]:
    """Names of all things of a kind, without importing any: modules of the folder, then entry points, sorted each.

    Arguments:
        group: dotted name of the folder, for example "jaxprior.operators"; it is the entry points' group too.

    Example:
        >>> "pggan" in names("jaxprior.models")
        True
    """
    ours = own(group)
    return [*ours, *(name for name in sorted(_entry_points(group)) if name not in ours)]


def own(group: str) -> list[str]:
    """Names of the things of a kind that this package brings itself: modules of the folder, sorted.

    Arguments:
        group: see `names`.
    """
    return sorted(_modules(group))


def load(group: str, name: str) -> Any:
    """Import one thing: the module of that name in the folder, or what the entry point of that name refers to.

    Arguments:
        group: see `names`; name: one of them.

    Raises:
        SettingsError: there is none, or the entry point of another package cannot be imported.
    """
    if name in _modules(group):
        return importlib.import_module(f"{group}.{name}")
    if name not in _entry_points(group):
        raise SettingsError(f"{name}: nothing of that name in {group}; expected one of {', '.join(names(group))}.")
    entry = _entry_points(group)[name]
    try:
        return entry.load()
    except Exception as error:  # another package's code can fail in any way
        raise SettingsError(
            f"{name}: the entry point {entry.value!r} of the group {group} cannot be imported ({error}); "
            "mend or uninstall the package that brings it."
        ) from error


def summary(group: str, name: str) -> str:
    """The first line of the docstring of the module in which a thing lies, read without running the module."""
    entry = _entry_points(group).get(name)
    module = f"{group}.{name}" if name in _modules(group) else entry.module if entry else ""
    try:
        spec = _locate(module) if module else None
        source = spec.loader.get_source(module) if spec and spec.loader else None  # type: ignore[attr-defined]
        text = ast.get_docstring(ast.parse(source or "")) or ""
    except (ImportError, AttributeError, SyntaxError, ValueError):
        text = ""
    return text.partition("\n")[0]


def _locate(module: str) -> ModuleSpec | None:
    """Where a module lies, without importing the packages around it as `importlib.util.find_spec` does."""
    top, *parts = module.split(".")
    spec, name = importlib.util.find_spec(top), top
    for part in parts:
        if spec is None:
            return None
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, spec.submodule_search_locations)
    return spec


def families(left_out: Callable[[str, SettingsError], None] | None = None) -> dict[str, Family]:
    """What every family of networks says of itself, by the family's name; no family's networks are imported.

    A family of another package that cannot be imported, or is no `Family`, is left out: the others stay usable.

    Arguments:
        left_out: called with the name of each family that is left out, and the error that says why.

    Example:
        >>> families()["dcgan"].title[:5]
        'DCGAN'
    """
    found = {}
    for name in names(FAMILIES):
        try:
            said = family(name)
        except SettingsError as error:
            if left_out is not None:
                left_out(name, error)
            continue
        if said is not None:
            found[name] = said
    return found


def family_of(architecture: str | None) -> Family | None:
    """The family that has the networks which a card calls by this word, its "architecture"; None if there is none."""
    return next((family for family in families().values() if architecture in list(family.architectures)), None)


def imported(name: str) -> Any:
    """Import what an import string "module:name" names.

    Raises:
        SettingsError: there is no such module, nothing of that name in it, or the module fails as it is imported.

    Example:
        >>> imported("jaxprior.errors:JaxpriorError").__name__
        'JaxpriorError'
    """
    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except Exception as error:  # the module of another package can fail in any way
        raise SettingsError(f"{name}: cannot be imported ({error}).") from error


def family(name: str) -> Family | None:
    """What a family of networks says of itself, or None for a folder that says nothing.

    Arguments:
        name: one of `names(FAMILIES)`. A folder has it as `FAMILY`; an entry point refers to it.

    Raises:
        SettingsError: the entry point of another package cannot be imported, or is something else.

    Example:
        >>> list(family("dcgan").trainers)
        ['lsgan']
    """
    found = load(FAMILIES, name)
    if isinstance(found, types.ModuleType):
        found = getattr(found, "FAMILY", None)
    if found is not None and not isinstance(found, Family):
        raise SettingsError(f"{name}: an entry point of the group jaxprior.models must be a Family, got {found!r}.")
    return found


@functools.cache
def _modules(group: str) -> frozenset[str]:
    """Modules and packages that lie in the folder of a group; those that begin with an underscore are helpers."""
    spec = importlib.util.find_spec(group)
    places = spec.submodule_search_locations if spec else None
    return frozenset(m.name for m in pkgutil.iter_modules(places or []) if not m.name.startswith("_"))


@functools.cache
def _entry_points(group: str) -> dict[str, importlib.metadata.EntryPoint]:
    """Entry points of other packages, by name. One whose name is taken already is left out, with a warning."""
    found: dict[str, importlib.metadata.EntryPoint] = {}
    every = importlib.metadata.entry_points(group=group)
    for entry in sorted(every, key=lambda entry: (entry.name, entry.value)):
        first = found.setdefault(entry.name, entry)
        owner = "jaxprior itself" if entry.name in _modules(group) else first.value
        if owner != entry.value:  # a package that is found twice names the same
            warnings.warn(
                f"{entry.value} is left out: as an entry point of {group} it is called {entry.name!r}, and {owner} "
                "has that name already. One of the two has to be renamed.",
                JaxpriorWarning,
                stacklevel=2,
            )
    return {name: entry for name, entry in found.items() if name not in _modules(group)}


@functools.cache
def own_metrics() -> tuple[Metric, ...]:
    """Return the metrics of this package, in their order."""
    return tuple(sorted((metric for name in own(METRICS) for metric in _metrics_of(name)), key=_place))


@functools.cache
def installed_metrics() -> tuple[Metric, ...]:
    """Return all metrics: those of this package, then those of others, each in their order.

    Raises:
        SettingsError: an entry point cannot be imported or refers to something else, two metrics have one name, or one
            has a name that is `TAKEN`.

    Example:
        >>> [metric.name for metric in installed_metrics()][:2]
        ['psnr', 'ssim']
    """
    foreign = [name for name in names(METRICS) if name not in own(METRICS)]
    found = (*own_metrics(), *sorted((metric for name in foreign for metric in _metrics_of(name)), key=_place))
    seen = set()
    for metric in found:
        if metric.name in seen:
            raise SettingsError(f"{metric.name}: two installed metrics have this name; rename one or uninstall it.")
        if metric.name in TAKEN:
            raise SettingsError(
                f"{metric.name}: a metric cannot have the name of a field of the journal or of a column of the tables; "
                "rename the metric."
            )
        seen.add(metric.name)
    return found


def _place(one: Metric) -> tuple[int, str]:
    return one.order, one.name


def _metrics_of(name: str) -> list[Metric]:
    """The metrics of a module of this folder, or of an entry point."""
    found = load(METRICS, name)
    if name in own(METRICS):
        return [value for value in vars(found).values() if isinstance(value, Metric)]
    several = list(found) if isinstance(found, list | tuple) else [found]
    for one in several:
        if not isinstance(one, Metric):
            raise SettingsError(f"{name}: expected a jaxprior.metrics.Metric or a list of them, got {one!r}.")
    return several
