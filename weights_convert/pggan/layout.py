"""What a layout of PGGAN files is: how it is recognised, what its tensors are called, and how its networks differ.

Every file of `weights_convert.pggan.layouts` describes one project's layouts in `LAYOUTS`, and is found because it lies
there: a further layout is a further file. What our network cannot compute exactly is `Refused`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from weights_convert.choosing import Asked
from weights_convert.pggan.layers import Tensors
from weights_convert.pggan.stage import Growth, growth_by_lod
from weights_convert.states import State


Names = Mapping[str, np.ndarray]
"""Tensors by the names that a file gives them, without the prefixes before them."""


@dataclass(frozen=True)
class Source:
    """One network of a file, and what is known of it beside its tensors.

    Fields:
        state: its tensors. settings: that the file has of this very network.
        names: see `Checkpoint`.
        asked: what the user says of it.
        generator: the card's `config` of the generator that a critic was trained beside; empty for a generator.
    """

    state: State
    settings: Mapping[str, object] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    asked: Asked = Asked()
    generator: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """What a layout makes of one network.

    Fields:
        tensors: under our names.
        options: settings of our network that differ from its usual ones; they go into the card's `config`, those of a
            critic into its table "critic".
        extra: further keys of the card.
        notes: sentences for the card and the report.
        left_out: what else of the network is not kept.
    """

    tensors: Tensors
    options: Mapping[str, object] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class CriticLayout:
    """How the critics of a layout are read.

    Fields:
        recognise: whether tensors are those of a critic, by their names.
        read: brings its tensors under our names; in place of that, the reason why it is left out.
    """

    recognise: Callable[[Names], bool]
    read: Callable[[Source], Reading | str]


@dataclass(frozen=True)
class Layout:
    """A layout that is read.

    Fields:
        name: for `--layout`. project: whose files these are.
        sign: the tensor that it is recognised by, for the table.
        recognise: the name of the tensor that decides, or None if the tensors are of another layout.
        read: brings a generator's tensors under our names.
        growth: how far a generator of that many stages had grown.
        check: refuses settings in the file that contradict the generator's sizes, which are those of the card's
            `config`.
        critic: how its critics are read, or None.
        without_critic: why they are left out, where there is a reason beyond their not being in the files.
        silent_output: what the project's code does with images at the end, without a trace in its files.
        remarks: for the table: what is special about it.
    """

    name: str
    project: str
    sign: str
    recognise: Callable[[Names], str | None]
    read: Callable[[Source], Reading]
    growth: Callable[[Source, int], Growth] = lambda source, stages: growth_by_lod(source.state, stages)
    check: Callable[[Source, Mapping[str, Any]], None] = lambda source, config: None
    critic: CriticLayout | None = None
    without_critic: str = ""
    silent_output: str = ""
    remarks: str = ""


@dataclass(frozen=True)
class Refused:
    """A layout that is known and not read, because our network cannot compute what its network computes.

    Fields:
        name, project, sign, recognise: see `Layout`. reason: the end of a sentence that says what differs.
    """

    name: str
    project: str
    sign: str
    recognise: Callable[[Names], str | None]
    reason: str


def by_key(*keys: str) -> Callable[[Names], str | None]:
    """Recognise by names that must all be there; the first one decides.

    Arguments:
        keys: names of tensors.
    """
    return lambda names: keys[0] if all(key in names for key in keys) else None
