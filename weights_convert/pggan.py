"""Name map of PGGAN (Karras et al. 2018): foreign tensor names and layouts to our parameter tree.

Ours: `generator/layer{k}/kernel` in HWIO, raw weights (the equalised learning rate is applied at run time),
where layer0 is the dense layer, kernel [latent, 4, 4, C_0], and layer{2b} the up-convolution of stage b,
resolution 4*2^b; `output{b}` is its toRGB. The critic's `input{b}`, `layer{2b+1}`, `layer{2b}`
mirror that; its layer0 is the dense layer over the 4x4 map, `output` the last one.

`pggan_names` knows what files call them, `pggan_trees` checks and arranges them, `pggan_stage` cuts a network that
was saved before it had grown to its full size.
"""

from collections.abc import Mapping

import numpy as np

from jaxprior.errors import WeightsError
from jaxprior.weights.channels import check_image_channels
from weights_convert.choosing import Checkpoint
from weights_convert.pggan_names import (
    EXAMPLE_NAMES as EXAMPLE_NAMES,
)
from weights_convert.pggan_names import (
    is_pytorch,
    is_tensorflow,
    is_tensorflow_critic,
    pytorch_generator,
    tensorflow_critic,
    tensorflow_generator,
)
from weights_convert.pggan_stage import check_other_levels, cut_critic, cut_generator, unused_stages
from weights_convert.pggan_trees import critic as critic_tree
from weights_convert.pggan_trees import generator as generator_tree
from weights_convert.report import Converted, printable
from weights_convert.states import State


# What our networks assume; a file that says otherwise holds another network.
_SETTINGS = {
    "use_wscale": True,
    "use_pixelnorm": True,
    "use_leakyrelu": True,
    "normalize_latents": True,
    "label_size": 0,
    "tanh_at_end": False,
    "pixelnorm_epsilon": 1e-8,
}
_SETTINGS_OF_PYTORCH = {**_SETTINGS, "final_tanh": False}
_HARMLESS = ("resolution", "num_channels", "latent_size", "dtype", "fused_scale", "structure", "is_template_graph",
             "fmap_base", "fmap_decay", "fmap_max", "mbstd_group_size", "func", "build_func_name")  # fmt: skip


def recognise(state: Mapping[str, np.ndarray]) -> bool:
    """Whether a state is a PGGAN generator, by the names of its tensors."""
    return is_pytorch(state) or is_tensorflow(state)


def convert(checkpoint: Checkpoint) -> Converted:
    """Bring the generator of a file, and the critic if a TensorFlow file has one, into our form.

    Arguments:
        checkpoint: what a reader found.
    Returns:
        Parameter tree (data types as stored, float64 as float32) and configuration.
    Raises:
        WeightsError: missing, unexpected or misshapen tensors, or settings that our network does not have.
    """
    chosen = checkpoint.choose(recognise)
    state = checkpoint.states[chosen]
    state.check_tensors()
    settings = checkpoint.settings.get(chosen, {})
    _check_settings(f"network {chosen!r} was built with", settings, _SETTINGS)
    _check_settings("beside the network the file says", {**state.settings, **state.around}, _SETTINGS_OF_PYTORCH)
    tensors = (pytorch_generator if is_pytorch(state) else tensorflow_generator)(state)
    whole = generator_tree(tensors, state)
    check_image_channels(whole.config["image_channels"])
    unused = unused_stages(state, len(whole.config["widths"]))
    if checkpoint.wanted is None:
        check_other_levels(state, checkpoint.numbers, unused, name=chosen)
    tree, config = cut_generator(whole.tree, whole.config, unused)
    params = {"generator": tree}
    left_out = [*_stage_left_out(state, whole.config, unused), *tensors.left_out, *_unknown_settings(settings)]
    left_out += checkpoint.left_out
    extra: dict = {"lod": unused} if unused else {}
    notes = (*checkpoint.choice(chosen, recognise), *_note_of_stage(whole.config, unused))
    used = f"generator from {checkpoint.label(chosen)}"
    for name, other in checkpoint.states.items():
        if name == chosen:
            continue
        if "critic" in params or not is_tensorflow_critic(other):
            left_out += checkpoint.rest(name)
            continue
        found = _critic(checkpoint, name, config, unused)
        if isinstance(found, str):
            left_out.append(f"{checkpoint.label(name)} ({found})")
            continue
        params["critic"] = found
        used += f", critic from {checkpoint.label(name)}"
        group = checkpoint.settings.get(name, {}).get("mbstd_group_size")
        if type(group) is int:
            extra["minibatch_stddev_group"] = group
    return Converted(params, config, used, tuple(left_out), extra, *_describe(config), notes=notes, state=chosen)


def _critic(checkpoint: Checkpoint, name: str, config: dict, unused: int) -> dict | str:
    """The critic's tree, or why it does not fit the generator."""
    state = checkpoint.states[name]
    _check_settings(f"network {name!r} was built with", checkpoint.settings.get(name, {}), _SETTINGS)
    whole = critic_tree(tensorflow_critic(state), state)
    try:
        own = unused_stages(state, len(whole.config["widths"]))
    except WeightsError as error:
        return str(error)
    if own != unused:
        return f"its lod is {own}, the generator's {unused}"
    tree, form = cut_critic(whole.tree, whole.config, unused)
    differing = [f"{key} {form[key]}" for key in form if form[key] != config[key]]
    return f"unlike the generator it has {', '.join(differing)}" if differing else tree


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


def _describe(config: dict) -> tuple[str, tuple[tuple[str, str], ...]]:
    size = f"{config['resolution']}x{config['resolution']}, {config['image_channels']} channels"
    fused = config["upsample"] == "fused"
    return size, (
        ("latent", str(config["latent_dim"])),
        ("widths", f"{' '.join(map(str, config['widths']))} (from 4x4 up)"),
        ("upsampling", "fused (transposed convolution)" if fused else "nearest, then convolution"),
    )


def _check_settings(who: str, settings: Mapping[str, object], ours: Mapping[str, object]) -> None:
    for key, expected in ours.items():
        value = settings.get(key, expected)
        value = False if value is None else value
        if type(value) not in (bool, int, float) or value != expected:
            shown = value if type(value) in (bool, int, float) else "another value"
            raise WeightsError(f"{who} {key} = {shown}; expected {expected}")


def _unknown_settings(settings: Mapping[str, object]) -> list[str]:
    """Settings of a TensorFlow network that its official code does not have."""
    return [f"setting {printable(str(key))}" for key in settings if key not in _SETTINGS and key not in _HARMLESS]
