"""The label that is held fixed in a generator that was trained with labels: from the words or numbers of the user.

pytorch_GAN_zoo's networks get, behind the random code, one number for every value of every attribute: 1 for the value
that is wanted, 0 for the others. Which they are stands in `attribKeysOrder` of the file's `config`:
{"Gender": {"order": 0, "values": ["M", "W"]}, "Nationality": {"order": 1, "values": [...]}}.
"""

import math
from collections.abc import Mapping

from jaxprior.errors import WeightsError
from weights_convert.report import printable


Attributes = dict[str, list[str]]
"""Attributes in the order of the label's numbers, each with its values in that order."""


def attributes_of(said: object, size: int) -> Attributes | None:
    """The attributes of a label.

    Arguments:
        said: `attribKeysOrder` of a file. size: how many numbers a label has.
    Returns:
        None where the file does not say them in a way that accounts for all the numbers.
    """
    if not isinstance(said, Mapping):
        return None
    found: list[tuple[int, str, list[str]]] = []
    for name, one in said.items():
        order, values = (one.get("order"), one.get("values")) if isinstance(one, Mapping) else (None, None)
        if type(order) is not int or not isinstance(values, (list, tuple)):
            return None
        found.append((order, str(name), [str(value) for value in values]))
    found.sort(key=lambda one: one[0])
    fits = [order for order, _, _ in found] == list(range(len(found)))
    fits = fits and sum(len(values) for _, _, values in found) == size
    return {name: values for _, name, values in found} if fits and found else None


def label_of(asked: str | None, attributes: Attributes | None, size: int) -> tuple[float, ...]:
    """The numbers of a label.

    Arguments:
        asked: what the user said: numbers, or a value for every attribute, "W,french" or "Gender=W,Nationality=french";
            None for nothing. attributes: of the labels, where they are known. size: how many numbers a label has.
    Raises:
        WeightsError: nothing was said, or it does not fit; the sentence says what to choose from.
    """
    if asked is None:
        raise WeightsError(
            f"it was trained with labels of {size} numbers, so that its images depend on one; fix it with "
            f"`--label` (`label=` in Python): {_choices(attributes, size)}"
        )
    parts = [part.strip() for part in asked.split(",")]
    numbers = _numbers(parts)
    if numbers is not None and len(numbers) == size:
        return numbers
    chosen = _chosen(parts, attributes or {})
    if chosen is None:
        raise WeightsError(f"`--label` {printable(asked)!r} does not fit; expected {_choices(attributes, size)}")
    return tuple(1.0 if value == one else 0.0 for one, values in chosen for value in values)


def _chosen(parts: list[str], attributes: Attributes) -> list[tuple[str, list[str]]] | None:
    """The value that is wanted of each attribute, beside all its values; None if the words do not say one of each."""
    chosen: dict[str, str] = {}
    for part in parts:
        name, separator, value = part.partition("=")
        value = value.strip() if separator else part
        fitting = [
            one for one, values in attributes.items() if value in values and (not separator or one == name.strip())
        ]
        if len(fitting) != 1 or fitting[0] in chosen:
            return None
        chosen[fitting[0]] = value
    return [(chosen[name], values) for name, values in attributes.items()] if len(chosen) == len(attributes) else None


def _numbers(parts: list[str]) -> tuple[float, ...] | None:
    try:
        numbers = tuple(float(part) for part in parts)
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def _choices(attributes: Attributes | None, size: int) -> str:
    """What a label can be, for messages."""
    numbers = f"{size} numbers with commas between them"
    if not attributes:
        return f"{numbers} (the file does not say what they mean)"
    lists = "; ".join(
        f"{printable(name)} of {', '.join(printable(value) for value in values[:60])}"
        f"{', ...' if len(values) > 60 else ''}"
        for name, values in list(attributes.items())[:10]
    )
    return f"a value for each attribute ({lists}), or {numbers}"
