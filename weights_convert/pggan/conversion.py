"""A file's PGGAN generator, and the critic that was trained beside it, in our form."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from jaxprior.errors import WeightsError
from jaxprior.weights.channels import check_image_channels
from weights_convert.choosing import Checkpoint
from weights_convert.pggan import trees
from weights_convert.pggan.finding import layout_of
from weights_convert.pggan.layout import CriticLayout, Layout, Source
from weights_convert.pggan.settings import SETTINGS, SETTINGS_OF_PYTORCH, check_settings
from weights_convert.pggan.stage import check_other_levels, cut_critic, cut_generator
from weights_convert.report import Converted
from weights_convert.states import State


EXAMPLE_NAMES = "layer0.conv.weight (PyTorch), layer0.weight (genforce), 4x4/Dense/weight (TensorFlow)"


def recognise(state: Mapping[str, np.ndarray]) -> bool:
    """Whether a state is a PGGAN generator, by the names of its tensors."""
    return layout_of(state) is not None


def convert(checkpoint: Checkpoint) -> Converted:
    """Bring the generator of a file, and its critic where that is exact, into our form.

    Arguments:
        checkpoint: what a reader found.
    Returns:
        Parameter tree (data types as stored, float64 as float32; where a constant is multiplied in, float32) and
        configuration.
    Raises:
        WeightsError: missing, unexpected or misshapen tensors, or settings that our network does not have.
    """
    chosen = checkpoint.choose(recognise)
    state = checkpoint.states[chosen]
    state.check_tensors()
    found = layout_of(state)
    assert found is not None
    layout, key = found
    source = Source(state, checkpoint.settings.get(chosen, {}))
    check_settings(f"network {chosen!r} was built with", source.settings, SETTINGS)
    check_settings("beside the network the file says", {**state.settings, **state.around}, SETTINGS_OF_PYTORCH)
    reading = layout.read(source)
    whole = trees.generator(reading.tensors, state, reading.options)
    check_image_channels(whole.config["image_channels"])
    unused = layout.unused(source, len(whole.config["widths"]))
    if checkpoint.wanted is None:
        check_other_levels(state, checkpoint.numbers, unused, name=chosen)
    tree, config = cut_generator(whole.tree, whole.config, unused)
    critic = _critic_of(checkpoint, chosen, layout, config, unused)
    left_out = [*_stage_left_out(state, whole.config, unused), *reading.tensors.left_out, *reading.left_out]
    return Converted(
        params={"generator": tree} | ({"critic": critic.tree} if critic.tree else {}),
        config=config,
        used=f"generator from {checkpoint.label(chosen)}{critic.used}",
        left_out=(*left_out, *checkpoint.left_out, *critic.left_out),
        extra={
            "layout": f"{layout.name} (because it has {state.in_file(key)})",
            **({"lod": unused} if unused else {}),
            **reading.extra,
            **critic.extra,
        },
        size=f"{config['resolution']}x{config['resolution']}, {config['image_channels']} channels",
        details=(("layout", f"{layout.name} (because it has {state.in_file(key)})"), *_describe(config)),
        notes=(*checkpoint.choice(chosen, recognise), *_note_of_stage(whole.config, unused), *reading.notes),
        state=chosen,
    )


@dataclass(frozen=True)
class _Critic:
    """The critic of a file: its tree, {} if there is none; what the card says of it; and what else the file has."""

    tree: dict
    used: str
    extra: Mapping[str, object]
    left_out: tuple[str, ...]


def _critic_of(checkpoint: Checkpoint, chosen: str, layout: Layout, config: dict, unused: int) -> _Critic:
    """Look for a critic that fits the generator among the other states of a file."""
    tree: dict = {}
    used, extra, left_out = "", {}, []
    for name, other in checkpoint.states.items():
        if name == chosen:
            continue
        if tree or layout.critic is None or not layout.critic.recognise(other):
            left_out += checkpoint.rest(name)
            continue
        source = Source(other, checkpoint.settings.get(name, {}), generator=config)
        check_settings(f"network {name!r} was built with", source.settings, SETTINGS)
        found = _read_critic(source, layout, layout.critic, unused)
        if isinstance(found, str):
            left_out.append(f"{checkpoint.label(name)} ({found})")
            continue
        tree, extra = found
        used = f", critic from {checkpoint.label(name)}"
    return _Critic(tree, used, extra, tuple(left_out))


def _read_critic(
    source: Source, layout: Layout, critic: CriticLayout, unused: int
) -> tuple[dict, Mapping[str, object]] | str:
    """The critic's tree and what the card says of it, or why it does not fit the generator."""
    reading = critic.read(source)
    if isinstance(reading, str):
        return reading
    whole = trees.critic(reading.tensors, source.state)
    try:
        own = layout.unused(source, len(whole.config["widths"]))
    except WeightsError as error:
        return str(error)
    if own != unused:
        return f"its lod is {own}, the generator's {unused}"
    tree, form = cut_critic(whole.tree, whole.config, unused)
    differing = [f"{key} {form[key]}" for key in form if form[key] != source.generator[key]]
    return f"unlike the generator it has {', '.join(differing)}" if differing else (tree, reading.extra)


def _note_of_stage(whole: dict, unused: int) -> tuple[str, ...]:
    """What the card and the terminal say of a network that had not grown to its full size."""
    if not unused:
        return ()
    full, size = whole["resolution"], whole["resolution"] >> unused
    return (
        f"saved in the middle of its training: lod = {unused}, so it makes {size}x{size} pixels; its layers for up "
        f"to {full}x{full}, which had not been trained, are left out",
    )


def _stage_left_out(state: State, whole: dict, unused: int) -> list[str]:
    if not unused:
        return ["lod = 0"] if "lod" in state else []
    stages = len(whole["widths"])
    return [f"layer{2 * (stages - unused)} to layer{2 * stages - 1}, output{stages - unused} and up (lod = {unused})"]


def _describe(config: dict) -> tuple[tuple[str, str], ...]:
    fused = config["upsample"] == "fused"
    return (
        ("latent", str(config["latent_dim"])),
        ("widths", f"{' '.join(map(str, config['widths']))} (from 4x4 up)"),
        ("upsampling", "fused (transposed convolution)" if fused else "nearest, then convolution"),
    )
