"""A file's PGGAN generator, and the critic that was trained beside it, in our form."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from jaxprior.errors import WeightsError
from jaxprior.weights.channels import check_image_channels
from weights_convert.averages import is_of_critic
from weights_convert.choosing import Asked, Checkpoint
from weights_convert.pggan import trees
from weights_convert.pggan.finding import check_name, layout_of
from weights_convert.pggan.layout import CriticLayout, Layout, Reading, Refused, Source
from weights_convert.pggan.settings import SETTINGS, check_settings
from weights_convert.pggan.stage import Growth, check_other_levels, cut_critic, cut_generator
from weights_convert.report import Converted
from weights_convert.separation import separate
from weights_convert.states import State


EXAMPLE_NAMES = "layer0.conv.weight, 4x4/Dense/weight and others: `--list`"
OUTPUTS = ("none", "clip", "tanh")
"""What images may go through at the end: nothing, clipping to [-1, 1], or a tanh."""


def recognise(state: Mapping[str, np.ndarray]) -> bool:
    """Whether a state is a PGGAN generator of a known layout, by the names of its tensors; also of a refused one."""
    return layout_of(state) is not None


def _is_read(state: Mapping[str, np.ndarray]) -> bool:
    found = layout_of(state)
    return found is not None and isinstance(found[0], Layout)


def convert(checkpoint: Checkpoint) -> Converted:
    """Bring the generator of a file, and its critic where that is exact, into our form.

    Arguments:
        checkpoint: what a reader found.
    Returns:
        Parameter tree (data types as stored, float64 as float32; where a constant is multiplied in, float32) and
        configuration.
    Raises:
        WeightsError: a layout that is refused, missing, unexpected or misshapen tensors, settings that our network does
            not have, or something that the user asked for and the network has not.
    """
    asked = checkpoint.asked
    if asked.layout is not None:
        check_name(asked.layout)
    if asked.output not in (None, *OUTPUTS):
        raise WeightsError(f"unknown output {asked.output!r}; expected one of {', '.join(OUTPUTS)}")
    readable = _is_read if any(map(_is_read, checkpoint.states.values())) else recognise
    chosen = checkpoint.choose(readable)
    state = checkpoint.states[chosen]
    layout, key = _layout_of(state, asked)
    state.check_tensors()
    source = Source(state, checkpoint.settings.get(chosen, {}), checkpoint.names, asked)
    check_settings(f"network {chosen!r} was built with", source.settings, SETTINGS)
    beside = {**state.settings, **state.around}
    check_settings("beside the network the file says", beside, SETTINGS)
    reading = _with_output(layout.read(source), layout, asked, beside)
    if asked.label is not None and "label" not in reading.options:
        raise WeightsError(f"networks of the layout {layout.name} have no label to fix; leave `--label` out")
    whole = trees.generator(reading.tensors, state, reading.options)
    check_image_channels(whole.config["image_channels"])
    layout.check(source, whole.config)
    growth = layout.growth(source, len(whole.config["widths"]))
    if checkpoint.wanted is None:
        check_other_levels(state, checkpoint.numbers, growth.unused, name=chosen)
    tree, config = cut_generator(whole.tree, whole.config, growth.unused)
    critic = _critic_of(checkpoint, chosen, layout, config, growth)
    left_out = (*_stage_left_out(state, whole.config, growth), *reading.tensors.left_out, *reading.left_out)
    left_out = (*left_out, *checkpoint.left_out, *critic.left_out)
    notes = (*checkpoint.choice(chosen, readable), *_notes_of_stage(whole.config, growth), *reading.notes)
    if layout.without_critic and any(is_of_critic(name) for name in left_out):
        notes = (*notes, f"the critic is left out: {layout.without_critic}")
    said = f"{layout.name} (because it has {state.in_file(key)})"
    return Converted(
        params={"generator": tree} | ({"critic": critic.tree} if critic.tree else {}),
        config=config | ({"critic": dict(critic.reading.options)} if critic.reading and critic.reading.options else {}),
        used=f"generator from {checkpoint.label(chosen)}{critic.used}",
        left_out=left_out,
        extra={
            "layout": said,
            **({"lod": growth.unused} if growth.unused else {}),
            **reading.extra,
            **(critic.reading.extra if critic.reading else {}),
        },
        size=f"{config['resolution']}x{config['resolution']}, {config['image_channels']} channels",
        details=(("layout", said), *_describe(config)),
        notes=(*notes, *(critic.reading.notes if critic.reading else ())),
        state=chosen,
    )


def _layout_of(state: State, asked: Asked) -> tuple[Layout, str]:
    """The layout of the network that was chosen, and the name that decides.

    Raises:
        WeightsError: it is refused, or is not the one that was asked for.
    """
    found = layout_of(state)
    assert found is not None
    layout, key = found
    if isinstance(layout, Refused):
        raise WeightsError(
            f"a network of {layout.project} (it has {state.in_file(key)}), which is not converted: {layout.reason}"
        )
    if asked.layout not in (None, layout.name):
        raise WeightsError(
            f"its layout is {layout.name} (because it has {state.in_file(key)}), and not {asked.layout}; leave "
            "`--layout` out"
        )
    return layout, key


def _with_output(reading: Reading, layout: Layout, asked: Asked, beside: Mapping[str, object]) -> Reading:
    """What the images go through at the end: as was asked for, or as the file says, or nothing.

    Arguments:
        beside: settings beside the network, of which genforce's `final_tanh` counts.
    """
    said = beside.get("final_tanh", False)
    if not isinstance(said, bool):
        raise WeightsError("beside the network the file says final_tanh = another value; expected True or False")
    if said:
        reading = replace(reading, options={**reading.options, "output": "tanh"})
    if asked.output is None and "output" in reading.options:
        return reading
    if asked.output is None:
        return replace(reading, notes=(*reading.notes, *([layout.silent_output] if layout.silent_output else [])))
    options = {key: value for key, value in reading.options.items() if key != "output"}
    own = reading.options.get("output", "none")
    note = f"its images go through {_WORDS[asked.output]}, as was asked for"
    note += f", and not through {_WORDS[str(own)]}, which its file says" if own not in ("none", asked.output) else ""
    return replace(
        reading,
        options=options | ({} if asked.output == "none" else {"output": asked.output}),
        notes=(*reading.notes, note),
    )


_WORDS = {"none": "nothing at the end", "clip": "clipping to [-1, 1] at the end", "tanh": "a tanh at the end"}


@dataclass(frozen=True)
class _Critic:
    """The critic of a file: its tree, {} if there is none, how it was read, and what else the file has."""

    tree: dict
    used: str
    reading: Reading | None
    left_out: tuple[str, ...]


def _critic_of(checkpoint: Checkpoint, chosen: str, layout: Layout, config: dict, growth: Growth) -> _Critic:
    """Look for a critic that fits the generator among the other states of a file."""
    found: tuple[dict, Reading] | None = None
    used, left_out = "", []
    for name, other in checkpoint.states.items():
        if name == chosen:
            continue
        state = _state_of_critic(name, other, layout.critic) if layout.critic and not found else None
        if state is None or layout.critic is None:
            left_out += checkpoint.rest(name)
            continue
        state.check_tensors()
        settings = checkpoint.settings.get(name, {})
        check_settings(f"network {name!r} was built with", settings, SETTINGS)
        source = Source(state, settings, checkpoint.names, checkpoint.asked, config)
        one = _read_critic(source, layout, layout.critic, growth)
        if isinstance(one, str):
            left_out.append(f"{checkpoint.label(name)} ({one})")
            continue
        found = one
        used = f", critic from {checkpoint.label(name)}"
    tree, reading = found or ({}, None)
    return _Critic(tree, used, reading, tuple(left_out))


def _state_of_critic(name: str, state: State, critic: CriticLayout) -> State | None:
    """A critic in a state, without the wrappers around it; None if there is none."""
    parts = separate(name, state, critic.recognise)
    return next(iter(parts.states.values())) if parts is not None and len(parts.states) == 1 else None


def _read_critic(source: Source, layout: Layout, critic: CriticLayout, growth: Growth) -> tuple[dict, Reading] | str:
    """The critic's tree and how it was read, or why it does not fit the generator."""
    reading = critic.read(source)
    if isinstance(reading, str):
        return reading
    whole = trees.critic(reading.tensors, source.state)
    try:
        own = layout.growth(source, len(whole.config["widths"])).unused
    except WeightsError as error:
        return str(error)
    if own != growth.unused:
        return f"its lod is {own}, the generator's {growth.unused}"
    tree, form = cut_critic(whole.tree, whole.config, growth.unused)
    differing = [f"{key} {form[key]}" for key in form if form[key] != source.generator[key]]
    return f"unlike the generator it has {', '.join(differing)}" if differing else (tree, reading)


def _notes_of_stage(whole: dict, growth: Growth) -> tuple[str, ...]:
    """What the card and the terminal say of a network that had not grown to its full size."""
    if not growth.unused:
        return (growth.note,) if growth.note else ()
    full, size = whole["resolution"], whole["resolution"] >> growth.unused
    return (
        f"saved in the middle of its training: {growth.said}, so it makes {size}x{size} pixels; its layers for up "
        f"to {full}x{full}, which had not been trained, are left out",
    )


def _stage_left_out(state: State, whole: dict, growth: Growth) -> tuple[str, ...]:
    unused, stages = growth.unused, len(whole["widths"])
    if not unused:
        return ("lod = 0",) if "lod" in state else ()
    first = stages - unused
    return (f"layer{2 * first} to layer{2 * stages - 1}, output{first} and up ({growth.said})",)


def _describe(config: dict) -> tuple[tuple[str, str], ...]:
    fused = config["upsample"] == "fused"
    output = config.get("output")
    return (
        ("latent", str(config["latent_dim"])),
        ("widths", f"{' '.join(map(str, config['widths']))} (from 4x4 up)"),
        ("upsampling", "fused (transposed convolution)" if fused else "nearest, then convolution"),
        *([("output", output)] if output else []),
        *([("label", " ".join(f"{number:g}" for number in config["label"]))] if "label" in config else []),
    )
