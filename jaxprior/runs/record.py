"""The record of a run, `run.json`: what the run was made with. A folder holds results of one configuration only."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxprior.errors import RunError
from jaxprior.runs.kinds import what_it_is
from jaxprior.system.files import read_text


def read_record(folder: Path) -> dict:
    """Read the `run.json` of a run folder.

    Raises:
        RunError: the folder holds no run, or its record is damaged.
    """
    path = Path(folder) / "run.json"
    try:
        record = json.loads(read_text(path))
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(f"{folder} holds no run: it {what_it_is(folder)}.") from None
    except ValueError as error:
        raise damaged(path, str(error)) from None
    if not isinstance(record, dict):
        raise damaged(path, "it holds no table")
    return record


def network_of(configuration: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the settings of a run say of the network that restored its pictures, a prior or a restorer: its "name"."""
    return configuration.get("restorer") or configuration["prior"]


def network_words(configuration: Mapping[str, Any]) -> str:
    """The network of a run in words.

    Example:
        >>> network_words({"prior": {"name": "cats64"}, "resolution": 64})
        'Prior cats64, 64x64 pixels'
    """
    name = network_of(configuration)["name"]
    if "restorer" in configuration:
        return f"Restorer {name}, pictures of their own size"
    if "volume" in configuration:
        return f"Prior {name}, {'x'.join(map(str, configuration['volume']))} voxels"
    return f"Prior {name}, {configuration['resolution']}x{configuration['resolution']} pixels"


def damaged(path: Path, reason: str) -> RunError:
    """Return the error which says that the record of a run cannot be used, and why."""
    return RunError(f"{path} is damaged ({reason}); delete it and repeat the run's command.")


def check_configuration(folder: Path, configuration: dict) -> None:
    """Refuse to continue a run with other settings than it was begun with.

    Arguments:
        folder: the run folder; where it has no record yet, everything is accepted.
        configuration: the settings now, as nested tables of plain JSON values.

    Raises:
        RunError: the settings differ; the sentence names the first one that does.
    """
    if not (Path(folder) / "run.json").exists():
        return
    now = json.loads(json.dumps(configuration))
    difference = first_difference(read_record(folder).get("configuration", {}), now)
    if difference is not None:
        name, before, here = difference
        raise RunError(
            f"{folder} was made with {name} = {_show(before)}, this command has {name} = {_show(here)}: "
            "give another folder with -o, or the same settings to go on."
        )


def first_difference(before: dict, now: dict, prefix: str = "") -> tuple[str, object, object] | None:
    """Find the first setting in which two configurations differ.

    Arguments:
        before, now: nested tables of settings.
        prefix: written before every name; the function uses it when it calls itself for an inner table.

    Returns:
        (name, old value, new value), where the name of a setting in an inner table has dots, or None if all are equal.
    """
    for name in [*before, *(name for name in now if name not in before)]:
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            inner = first_difference(old, new, f"{prefix}{name}.")
            if inner is not None:
                return inner
        elif old != new:
            return prefix + name, old, new
    return None


def _show(value: object) -> str:
    """Write a value for an error message, shortened to 60 characters."""
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
